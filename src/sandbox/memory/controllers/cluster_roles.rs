//! ClusterRoles whose rules are those of others (`pkg/controller/clusterroleaggregation`).

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use serde_json::json;

use crate::sandbox::memory::status::Status;

use super::cluster::Gvr;
use super::context::{Again, Context, Controller, Name, unless_gone};
use super::index::{Index, Kind, Seen};
use super::meta;
use super::ownership::labels_of;
use super::selector;

/// The aggregation of ClusterRoles.
#[derive(Debug, Default)]
pub(super) struct Aggregation {
    /// Those that have a rule of aggregation
    roles: BTreeSet<String>,
}

impl Controller for Aggregation {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind != Kind::ClusterRole {
            return;
        }
        if seen.change.object["aggregationRule"].is_object() && !seen.gone() {
            self.roles.insert(seen.name().to_owned());
        } else {
            self.roles.remove(seen.name());
        }
        self.roles.iter().for_each(|name| due(Name::new("", name)));
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(role) = cx.cluster.typed::<ClusterRole>("", &name.name) else {
            return Ok(None);
        };
        let Some(rules) = aggregated(&role, &cx.cluster.all::<ClusterRole>(None)) else {
            return Ok(None);
        };
        if rules != role.rules.unwrap_or_default() {
            let patch = json!({"rules": rules});
            unless_gone(
                cx.cluster
                    .patch(&Gvr::of::<ClusterRole>(), "", "", &name.name, patch),
            )?;
        }
        Ok(None)
    }
}

/// The rules of all that are selected, each once; `None` when it selects none by a rule.
fn aggregated(role: &ClusterRole, all: &[ClusterRole]) -> Option<Vec<PolicyRule>> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    for selector in role
        .aggregation_rule
        .as_ref()?
        .cluster_role_selectors
        .iter()
        .flatten()
    {
        for other in all {
            if meta::name(other) == meta::name(role)
                || !selector::matches(selector, &labels_of(other))
            {
                continue;
            }
            for rule in other.rules.iter().flatten() {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    Some(rules)
}
