//! A kind of objects, and where its objects are.

use crate::discovery::{Resource, group_version, group_version_path};

/// A kind of objects in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group; `""` for core
    pub group: String,
    /// The version
    pub version: String,
    /// The name in paths, such as `deployments`
    pub plural: String,
    /// Such as `Deployment`
    pub kind: String,
    /// Whether its objects live in a namespace
    pub namespaced: bool,
}

impl Kind {
    /// What discovery says of it.
    pub fn of(resource: &Resource) -> Self {
        Kind {
            group: resource.group.clone(),
            version: resource.version.clone(),
            plural: resource.plural.clone(),
            kind: resource.kind.clone(),
            namespaced: resource.namespaced,
        }
    }

    /// A namespaced kind that is known without asking.
    pub fn known(group: &str, version: &str, plural: &str, kind: &str) -> Self {
        Kind {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            kind: kind.into(),
            namespaced: true,
        }
    }

    /// `apps/v1`, or `v1` for core.
    pub fn api_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    /// `deployments.apps`, or `pods` for core.
    pub fn resource(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `deployment.apps/web`, or `pod/web` for core: as kubectl's `-o name` has it.
    pub fn named(&self, name: &str) -> String {
        let kind = self.kind.to_lowercase();
        match self.group.as_str() {
            "" => format!("{kind}/{name}"),
            group => format!("{kind}.{group}/{name}"),
        }
    }

    /// The path of its list: in `namespace` if one is given and the kind is namespaced.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let base = group_version_path(&self.group, &self.version);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{base}/namespaces/{}/{}", part(namespace), self.plural),
            None => format!("{base}/{}", self.plural),
        }
    }

    /// The path of one of its objects.
    pub fn object_path(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{}", self.path(namespace), part(name))
    }

    /// Whether its definition is a CRD's, as far as the group tells: those of Kubernetes itself have
    /// no dot or end in `.k8s.io`.
    pub fn is_custom(&self) -> bool {
        self.group.contains('.') && !self.group.ends_with(".k8s.io")
    }
}

/// A word as one part of a path or of a query.
pub(super) fn part(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const PART: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_are_those_of_kubectl() {
        let deployment = Kind::known("apps", "v1", "deployments", "Deployment");
        let pod = Kind::known("", "v1", "pods", "Pod");
        assert_eq!(
            deployment.object_path(Some("a"), "b/c"),
            "/apis/apps/v1/namespaces/a/deployments/b%2Fc"
        );
        assert_eq!(pod.path(None), "/api/v1/pods");
        assert_eq!(deployment.named("web"), "deployment.apps/web");
        assert_eq!(pod.named("web"), "pod/web");
        assert_eq!(deployment.resource(), "deployments.apps");
        assert!(!deployment.is_custom());
        assert!(Kind::known("app.example.com", "v1", "apps", "App").is_custom());
        assert!(!Kind::known("discovery.k8s.io", "v1", "e", "E").is_custom());
    }
}
