//! Roles and bindings, read once after each change.

use std::collections::HashMap;

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use serde::de::DeserializeOwned;

use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::store::{Query, ShelfId, Store};
use crate::sandbox::memory::verbs::write::key;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    bindings: Vec<Binding>,
    cluster_roles: HashMap<String, Vec<PolicyRule>>,
    roles: HashMap<String, Vec<PolicyRule>>,
}

#[derive(Debug)]
struct Binding {
    /// Empty for the whole cluster
    namespace: String,
    name: String,
    role: RoleRef,
    subjects: Vec<Subject>,
}

impl Compiled {
    pub(super) fn read(store: &Store, shelves: [ShelfId; 4]) -> Self {
        let [of_cluster, in_namespaces, cluster_roles, roles] = shelves;
        let mut bindings = Vec::new();
        for binding in all::<ClusterRoleBinding>(store, of_cluster) {
            bindings.push(Binding {
                namespace: String::new(),
                name: binding.metadata.name.unwrap_or_default(),
                role: binding.role_ref,
                subjects: binding.subjects.unwrap_or_default(),
            });
        }
        for binding in all::<RoleBinding>(store, in_namespaces) {
            bindings.push(Binding {
                namespace: binding.metadata.namespace.unwrap_or_default(),
                name: binding.metadata.name.unwrap_or_default(),
                role: binding.role_ref,
                subjects: binding.subjects.unwrap_or_default(),
            });
        }
        let cluster_roles = all::<ClusterRole>(store, cluster_roles).map(|role| {
            let name = role.metadata.name.unwrap_or_default();
            (name, role.rules.unwrap_or_default())
        });
        let roles = all::<Role>(store, roles).map(|role| {
            let namespace = role.metadata.namespace.unwrap_or_default();
            let name = role.metadata.name.unwrap_or_default();
            (key(&namespace, &name), role.rules.unwrap_or_default())
        });
        Compiled {
            bindings,
            cluster_roles: cluster_roles.collect(),
            roles: roles.collect(),
        }
    }

    pub(super) fn role(&self, kind: &str, namespace: &str, name: &str) -> Option<&[PolicyRule]> {
        let found = match kind {
            "ClusterRole" => self.cluster_roles.get(name),
            _ => self.roles.get(&key(namespace, name)),
        };
        found.map(Vec::as_slice)
    }

    /// The rules that speak of a user, with the words for where they come from.
    pub(super) fn rules_for<'a>(
        &'a self,
        user: &'a User,
        namespace: &'a str,
    ) -> impl Iterator<Item = (String, &'a PolicyRule)> {
        let here = self.bindings.iter().filter(move |binding| {
            let applies = binding.namespace.is_empty() || binding.namespace == namespace;
            applies && binding.subject(user).is_some()
        });
        here.flat_map(move |binding| {
            let role = &binding.role;
            let rules = self.role(&role.kind, &binding.namespace, &role.name);
            let source = binding.source(user);
            let rules = rules.unwrap_or_default().iter();
            rules.map(move |rule| (source.clone(), rule))
        })
    }
}

impl Binding {
    fn subject(&self, user: &User) -> Option<&Subject> {
        self.subjects
            .iter()
            .find(|subject| match subject.kind.as_str() {
                "User" => user.name == subject.name,
                "Group" => user.groups.contains(&subject.name),
                "ServiceAccount" => {
                    let namespace = subject.namespace.as_deref().unwrap_or(&self.namespace);
                    let parts = user.name.strip_prefix("system:serviceaccount:");
                    parts.and_then(|p| p.split_once(':'))
                        == Some((namespace, subject.name.as_str()))
                }
                _ => false,
            })
    }

    /// As `clusterRoleBindingDescriber` and `roleBindingDescriber` say it.
    fn source(&self, user: &User) -> String {
        let role = &self.role;
        let who = self
            .subject(user)
            .map(|subject| match subject.kind.as_str() {
                "ServiceAccount" => {
                    let namespace = subject.namespace.as_deref().unwrap_or(&self.namespace);
                    format!("{} \"{}/{namespace}\"", subject.kind, subject.name)
                }
                kind => format!("{kind} {:?}", subject.name),
            });
        let who = who.unwrap_or_default();
        match self.namespace.is_empty() {
            true => format!(
                "ClusterRoleBinding {:?} of {} {:?} to {who}",
                self.name, role.kind, role.name
            ),
            false => format!(
                "RoleBinding \"{}/{}\" of {} {:?} to {who}",
                self.name, self.namespace, role.kind, role.name
            ),
        }
    }
}

fn all<T: DeserializeOwned>(store: &Store, shelf: ShelfId) -> impl Iterator<Item = T> {
    let page = store.list(shelf, &Query::everything());
    let items = page.map(|page| page.items).unwrap_or_default();
    items
        .into_iter()
        .filter_map(|stored| serde_json::from_slice(stored.json()).ok())
}
