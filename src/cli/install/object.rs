//! The objects of an installation: what they are called, and where they are on the server.

use std::fmt;

use serde_json::Value;

/// Every kind that an installation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Crd,
    Namespace,
    ServiceAccount,
    ClusterRole,
    ClusterRoleBinding,
    Role,
    RoleBinding,
    Deployment,
    Lease,
}

impl Kind {
    /// The beginning of its paths, its plural, and its name as kubectl prints it.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        const CORE: &str = "/api/v1";
        const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
        match self {
            Kind::Crd => (
                "/apis/apiextensions.k8s.io/v1",
                "customresourcedefinitions",
                "customresourcedefinition.apiextensions.k8s.io",
            ),
            Kind::Namespace => (CORE, "namespaces", "namespace"),
            Kind::ServiceAccount => (CORE, "serviceaccounts", "serviceaccount"),
            Kind::ClusterRole => (
                RBAC,
                "clusterroles",
                "clusterrole.rbac.authorization.k8s.io",
            ),
            Kind::ClusterRoleBinding => (
                RBAC,
                "clusterrolebindings",
                "clusterrolebinding.rbac.authorization.k8s.io",
            ),
            Kind::Role => (RBAC, "roles", "role.rbac.authorization.k8s.io"),
            Kind::RoleBinding => (
                RBAC,
                "rolebindings",
                "rolebinding.rbac.authorization.k8s.io",
            ),
            Kind::Deployment => ("/apis/apps/v1", "deployments", "deployment.apps"),
            Kind::Lease => (
                "/apis/coordination.k8s.io/v1",
                "leases",
                "lease.coordination.k8s.io",
            ),
        }
    }

    /// The path of all objects of this kind, in all namespaces.
    pub(in crate::cli) fn everywhere(self) -> String {
        let (group, plural, _) = self.words();
        format!("{group}/{plural}")
    }
}

/// One object's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Id {
    pub(in crate::cli) kind: Kind,
    /// `None` for what belongs to the whole cluster
    pub(in crate::cli) namespace: Option<String>,
    pub(in crate::cli) name: String,
}

impl Id {
    /// An object of the whole cluster.
    pub(in crate::cli) fn wide(kind: Kind, name: &str) -> Self {
        Id {
            kind,
            namespace: None,
            name: name.to_owned(),
        }
    }

    /// An object in a namespace.
    pub(in crate::cli) fn within(namespace: &str, kind: Kind, name: &str) -> Self {
        Id {
            kind,
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    /// Its path on the server. The names are checked or come from the server: they need no
    /// percent-encoding.
    pub(in crate::cli) fn path(&self) -> String {
        let (group, plural, _) = self.kind.words();
        let name = &self.name;
        match &self.namespace {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{plural}/{name}"),
            None => format!("{group}/{plural}/{name}"),
        }
    }

    /// As `kubectl -o name` prints it: `deployment.apps/appop`.
    pub(in crate::cli) fn name_line(&self) -> String {
        let (_, _, word) = self.kind.words();
        format!("{word}/{}", self.name)
    }

    /// The line about what became of it; the first two words are kubectl's.
    pub(in crate::cli) fn line(&self, what: &str, remark: &str) -> String {
        let name = self.name_line();
        match &self.namespace {
            Some(namespace) => format!("{name} {what} in namespace {namespace}{remark}\n"),
            None => format!("{name} {what}{remark}\n"),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name_line())?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

/// An object that is to be there.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Object {
    pub(in crate::cli) id: Id,
    /// All that is sent
    pub(in crate::cli) value: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_are_kubernetes_own() {
        let role = Id::within("work", Kind::Role, "appop");
        assert_eq!(
            role.path(),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/work/roles/appop"
        );
        assert_eq!(role.name_line(), "role.rbac.authorization.k8s.io/appop");
        assert_eq!(
            role.to_string(),
            "role.rbac.authorization.k8s.io/appop in namespace work"
        );
        let namespace = Id::wide(Kind::Namespace, "work");
        assert_eq!(namespace.path(), "/api/v1/namespaces/work");
        assert_eq!(namespace.to_string(), "namespace/work");
    }
}
