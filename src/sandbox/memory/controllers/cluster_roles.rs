//! ClusterRoles whose rules are those of others (`pkg/controller/clusterroleaggregation`).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use serde_json::json;

use crate::sandbox::memory::status::Status;

use super::cluster::Gvr;
use super::context::{Again, Context, Controller, Name, unless_gone};
use super::index::{Index, Kind, Seen};
use super::meta;
use super::selector::{self, Labels};

/// The aggregation of ClusterRoles.
#[derive(Debug, Default)]
pub(super) struct Aggregation {
    /// Those that have a rule of aggregation
    roles: BTreeSet<String>,
    /// The labels of all, to find those that are selected
    labels: BTreeMap<String, Labels>,
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
        if seen.gone() {
            self.labels.remove(seen.name());
        } else {
            let labels = seen.after.labels.clone();
            self.labels.insert(seen.name().to_owned(), labels);
        }
        self.roles.iter().for_each(|name| due(Name::new("", name)));
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(role) = cx.cluster.typed::<ClusterRole>("", &name.name) else {
            return Ok(None);
        };
        let find = |name: &str| cx.cluster.typed::<ClusterRole>("", name);
        let Some(rules) = self.aggregated(&role, find) else {
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

impl Aggregation {
    /// The rules of all that are selected, each once; `None` when it selects none by a rule.
    fn aggregated(
        &self,
        role: &ClusterRole,
        find: impl Fn(&str) -> Option<ClusterRole>,
    ) -> Option<Vec<PolicyRule>> {
        let mut rules: Vec<PolicyRule> = Vec::new();
        let rule = role.aggregation_rule.as_ref()?;
        for selector in rule.cluster_role_selectors.iter().flatten() {
            for (name, labels) in &self.labels {
                if name == meta::name(role) || !selector::matches(selector, labels) {
                    continue;
                }
                for rule in find(name).into_iter().flat_map(|role| role.rules).flatten() {
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
            }
        }
        Some(rules)
    }
}
