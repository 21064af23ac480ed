//! What a namespace uses of what a quota limits.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ResourceQuotaSpec;

use super::super::cluster::Gvr;
use super::super::context::Context;
use crate::sandbox::memory::quota::{self, Usage};

/// Resources that use more than that their objects are there.
const MEASURED: [&str; 3] = ["pods", "services", "persistentvolumeclaims"];

/// Counts what the quota limits, and only that.
pub(super) fn usage(cx: &Context<'_>, namespace: &str, spec: &ResourceQuotaSpec) -> Usage {
    let limited: Vec<&str> = spec
        .hard
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let scopes = quota::scopes(spec);
    let mut usage: Usage = limited
        .iter()
        .filter(|name| {
            let is_measured = MEASURED
                .iter()
                .any(|plural| quota::is_limited("", plural, name));
            is_measured || quota::counted(name).is_some() || !scopes.is_empty()
        })
        .map(|name| ((*name).to_owned(), quota::number(0)))
        .collect();
    for resource in resources(cx, &limited) {
        let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
        for object in cx.cluster.list(&resource, Some(namespace)) {
            if !quota::is_in_scopes(group, plural, &object, &scopes) {
                continue;
            }
            for (name, amount) in quota::usage(group, plural, &object, cx.now) {
                if let Some(sum) = usage.get_mut(&name) {
                    *sum = sum.add(&amount);
                }
            }
        }
    }
    usage
}

/// The resources whose objects use something that is limited.
fn resources(cx: &Context<'_>, limited: &[&str]) -> Vec<Gvr> {
    let counted: BTreeSet<(&str, &str)> = limited
        .iter()
        .filter_map(|name| quota::counted(name))
        .collect();
    let uses = |resource: &Gvr| {
        let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
        counted.contains(&(group, plural))
            || limited
                .iter()
                .any(|name| quota::is_limited(group, plural, name))
    };
    cx.cluster.resources().into_iter().filter(uses).collect()
}
