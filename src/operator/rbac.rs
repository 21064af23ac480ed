//! What the operator needs to be allowed, and nothing more.

use k8s_openapi::api::rbac::v1::PolicyRule;

/// For a ClusterRole bound in the whole cluster, or for Roles in the namespaces that are watched.
///
/// `apps/finalizers` is what clusters with the admission plugin OwnerReferencesPermissionEnforcement
/// ask of who sets `blockOwnerDeletion`; a server-side apply that creates needs `create` beside
/// `patch`.
pub fn rules() -> Vec<PolicyRule> {
    vec![
        rule("app.example.com", "apps", &["get", "list", "watch"]),
        rule("app.example.com", "apps/status", &["patch"]),
        rule("app.example.com", "apps/finalizers", &["update"]),
        rule(
            "apps",
            "deployments",
            &["get", "list", "watch", "create", "patch"],
        ),
        rule(
            "",
            "services",
            &["get", "list", "watch", "create", "patch", "delete"],
        ),
        rule("", "pods", &["list", "watch"]),
        rule(
            "autoscaling",
            "horizontalpodautoscalers",
            &["list", "watch"],
        ),
        rule("events.k8s.io", "events", &["create", "patch"]),
    ]
}

/// For a Role in the namespace of the lease of that name; only `--leader-elect` needs it. No rule
/// can name what does not exist yet, so creating is not limited to that name.
pub fn lease_rules(lease: &str) -> Vec<PolicyRule> {
    let own = PolicyRule {
        resource_names: Some(vec![lease.to_owned()]),
        ..rule("coordination.k8s.io", "leases", &["get", "update"])
    };
    vec![rule("coordination.k8s.io", "leases", &["create"]), own]
}

fn rule(group: &str, resource: &str, verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    }
}
