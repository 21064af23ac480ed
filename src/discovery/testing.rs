//! Small builders of discovery data for tests.

use super::model::{Discovery, Form, Group, Resource, Subresource, Version};

pub(crate) struct Builder(Resource);

/// A namespaced resource with the usual verbs.
pub(crate) fn resource(group: &str, version: &str, plural: &str, kind: &str) -> Builder {
    let verbs = [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ];
    Builder(Resource {
        group: group.into(),
        version: version.into(),
        plural: plural.into(),
        singular: kind.to_lowercase(),
        kind: kind.into(),
        namespaced: true,
        verbs: verbs.map(String::from).to_vec(),
        short_names: Vec::new(),
        categories: Vec::new(),
        subresources: Vec::new(),
        storage_hash: None,
    })
}

impl Builder {
    pub(crate) fn short(mut self, name: &str) -> Self {
        self.0.short_names.push(name.into());
        self
    }

    pub(crate) fn cluster_scoped(mut self) -> Self {
        self.0.namespaced = false;
        self
    }

    pub(crate) fn verbs(mut self, verbs: &[&str]) -> Self {
        self.0.verbs = verbs.iter().map(|v| (*v).to_owned()).collect();
        self
    }

    pub(crate) fn sub(mut self, name: &str, verbs: &[&str]) -> Self {
        self.0.subresources.push(Subresource {
            name: name.into(),
            group: self.0.group.clone(),
            version: self.0.version.clone(),
            kind: self.0.kind.clone(),
            verbs: verbs.iter().map(|v| (*v).to_owned()).collect(),
        });
        self
    }

    pub(crate) fn done(self) -> Resource {
        self.0
    }
}

/// A discovery of these resources; groups and versions in the order in which they come.
pub(crate) fn discovery(resources: Vec<Resource>) -> Discovery {
    let mut groups: Vec<Group> = Vec::new();
    for resource in resources {
        let group = match groups.iter().position(|g| g.name == resource.group) {
            Some(at) => &mut groups[at],
            None => {
                groups.push(Group {
                    name: resource.group.clone(),
                    versions: Vec::new(),
                });
                groups.last_mut().expect("one was just pushed")
            }
        };
        match group
            .versions
            .iter_mut()
            .find(|v| v.version == resource.version)
        {
            Some(version) => version.resources.push(resource),
            None => group.versions.push(Version {
                version: resource.version.clone(),
                stale: false,
                resources: vec![resource],
            }),
        }
    }
    Discovery {
        groups,
        failures: Vec::new(),
        form: Form::Aggregated,
    }
}
