//! What stands in a path after its version.

use crate::discovery::model::Resource;

/// The part of a path after the version, as the API server reads it.
/// Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (`NewRequestInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) resource: &'a str,
    /// The object's name, its subresource, and what that takes
    pub(super) rest: Vec<&'a str>,
}

/// What may follow the name of a namespace and is not the list of a resource in it.
const OF_NAMESPACES: [&str; 2] = ["status", "finalize"];

impl<'a> Place<'a> {
    /// `None` when nothing stands after the version.
    pub(super) fn of(parts: &[&'a str]) -> Option<Self> {
        // The form of watches before ?watch, which servers still know.
        let parts = parts.strip_prefix(&["watch"]).unwrap_or(parts);
        match parts {
            [] => None,
            ["namespaces", namespace, resource, rest @ ..] if !OF_NAMESPACES.contains(resource) => {
                Some(Place {
                    namespace: Some(namespace),
                    resource,
                    rest: rest.to_vec(),
                })
            }
            [resource, rest @ ..] => Some(Place {
                namespace: None,
                resource,
                rest: rest.to_vec(),
            }),
        }
    }

    /// The path of the same place below `resource`; `namespace` is named where one has to be.
    pub(super) fn under(&self, resource: &Resource, namespace: &str, creates: bool) -> String {
        let needs_one = resource.namespaced && (creates || !self.rest.is_empty());
        let mut path = resource.path(self.namespace.or(needs_one.then_some(namespace)));
        for part in &self.rest {
            path.push('/');
            path.push_str(part);
        }
        path
    }
}
