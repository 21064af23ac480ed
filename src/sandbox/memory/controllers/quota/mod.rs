//! What is used of ResourceQuotas (`pkg/controller/resourcequota`). That nothing exceeds them is for
//! admission to see to.

mod usage;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaStatus};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;

use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::status::Status;

use super::cluster::What;
use super::context::{Again, Context, Controller, Name};
use super::index::{Index, Kind, Seen};

/// The controller of ResourceQuotas.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    /// By namespace
    all: BTreeMap<String, BTreeSet<String>>,
}

impl Controller for Quotas {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        let (namespace, name) = (seen.namespace(), seen.name());
        if seen.kind == Kind::ResourceQuota {
            let names = self.all.entry(namespace.to_owned()).or_default();
            if seen.gone() {
                names.remove(name);
            } else {
                names.insert(name.to_owned());
                due(Name::new(namespace, name));
            }
            if names.is_empty() {
                self.all.remove(namespace);
            }
        }
        // Of other changes than these nothing depends that is counted.
        let counts = seen.change.what != What::Modified
            || matches!(
                seen.kind,
                Kind::Pod | Kind::Service | Kind::PersistentVolumeClaim
            );
        if counts
            && seen.kind != Kind::Event
            && let Some(names) = self.all.get(namespace)
        {
            names
                .iter()
                .for_each(|name| due(Name::new(namespace, name)));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        // Nothing is admitted while it is counted.
        let cluster = cx.cluster;
        let _still = cluster.hold_quotas();
        let Some(mut quota) = cx
            .cluster
            .typed::<ResourceQuota>(&name.namespace, &name.name)
        else {
            return Ok(None);
        };
        let spec = quota.spec.clone().unwrap_or_default();
        let hard = spec.hard.clone().unwrap_or_default();
        let before = quota.status.clone().unwrap_or_default();
        let counted = usage::usage(cx, &name.namespace, &spec);
        let known = before.used.clone().unwrap_or_default();
        // What cannot be counted here stays as it was.
        let used: BTreeMap<String, Text> = hard
            .keys()
            .filter_map(|resource| {
                let counted = counted.get(resource).map(|amount| Text(amount.canonical()));
                Some((
                    resource.clone(),
                    counted.or_else(|| known.get(resource).cloned())?,
                ))
            })
            .collect();
        if same(&hard, before.hard.as_ref()) && same(&used, before.used.as_ref()) {
            return Ok(None);
        }
        quota.status = Some(ResourceQuotaStatus {
            hard: Some(hard),
            used: Some(used),
        });
        cx.cluster.update_typed("status", &quota)?;
        Ok(None)
    }
}

/// Whether amounts are the same, however they are written.
fn same(one: &BTreeMap<String, Text>, other: Option<&BTreeMap<String, Text>>) -> bool {
    let amounts = |all: &BTreeMap<String, Text>| -> Vec<(String, Option<Quantity>)> {
        all.iter()
            .map(|(name, amount)| (name.clone(), Quantity::parse(&amount.0)))
            .collect()
    };
    other.is_some_and(|other| amounts(one) == amounts(other))
}
