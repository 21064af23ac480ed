//! ResourceQuotas are kept (`pkg/admission/plugin/resourcequota` in apiserver): what an object uses is
//! charged before it is stored, and nothing is charged beyond what is hard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use serde_json::{Value, json};

use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::quota::{self, Usage};
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::Query;
use crate::sandbox::memory::verbs::write::{Change, Writer};

/// What was charged. Hold it until the object is stored: until then nobody counts or charges.
pub struct Charge<'a> {
    _guard: Option<MutexGuard<'a, ()>>,
}

/// Charges what a write uses to the quotas of its namespace.
///
/// # Errors
/// 403 for what exceeds one, for a pod that does not say what it must, and where it is not known yet
/// what is used.
pub(super) fn charge<'a>(
    writer: &Writer<'a>,
    object: &Value,
    old: Option<&Value>,
) -> Result<Charge<'a>, Status> {
    let api = writer.api;
    let resource = &writer.served.resource;
    let is_free = !resource.namespaced
        || !is_charged(writer, object, old)
        || api.store.count(api.quotas) == 0;
    if is_free {
        return Ok(Charge { _guard: None });
    }
    let guard = api.hold_quotas();
    let query = Query {
        namespace: Some(writer.namespace),
        ..Query::everything()
    };
    let quotas = api.store.list(api.quotas, &query).map(|page| page.items);
    let mut charged = Vec::new();
    for stored in quotas.unwrap_or_default() {
        let Ok(quota) = serde_json::from_slice::<ResourceQuota>(stored.json()) else {
            continue;
        };
        let used = charge_one(writer, &quota, object, old)?;
        charged.extend(used.map(|used| (stored.facts.name.to_string(), used)));
    }
    if !writer.dry_run {
        for (name, used) in charged {
            note(writer, &name, &used)?;
        }
    }
    Ok(Charge {
        _guard: Some(guard),
    })
}

/// Whether such a write can use more than there was.
fn is_charged(writer: &Writer<'_>, object: &Value, old: Option<&Value>) -> bool {
    let resource = &writer.served.resource;
    let names = (resource.group.as_str(), resource.plural.as_str());
    match (names, writer.subresource, old) {
        (("" | "events.k8s.io", "events"), _, _) => false,
        (_, "", None) => true,
        (("", "pods"), "", Some(old)) => {
            quota::is_terminating(object) != quota::is_terminating(old)
        }
        (("", "pods"), "resize", Some(_)) => true,
        (("", "services" | "persistentvolumeclaims"), "", Some(_)) => true,
        _ => false,
    }
}

/// What is used of a quota after the write; `None` where it does not matter to it.
fn charge_one(
    writer: &Writer<'_>,
    quota: &ResourceQuota,
    object: &Value,
    old: Option<&Value>,
) -> Result<Option<BTreeMap<String, Text>>, Status> {
    let resource = &writer.served.resource;
    let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
    let name = quota.metadata.name.as_deref().unwrap_or_default();
    let refuse = |why: &str| Status::forbidden(group, plural, meta(object, "name"), why);
    let scopes = quota.spec.as_ref().map(quota::scopes).unwrap_or_default();
    let status = quota.status.clone().unwrap_or_default();
    let hard = status.hard.unwrap_or_default();
    let mut used = status.used.unwrap_or_default();
    let limited: BTreeSet<&str> = hard
        .keys()
        .map(String::as_str)
        .filter(|name| quota::is_limited(group, plural, name))
        .collect();
    if limited.is_empty() || !quota::is_in_scopes(group, plural, object, &scopes) {
        return Ok(None);
    }
    if plural == "pods"
        && let Some(words) = quota::unspecified(object, &limited)
    {
        return Err(refuse(&format!("failed quota: {name}: {words}")));
    }
    if limited.iter().any(|name| !used.contains_key(*name)) {
        let names: Vec<&str> = limited.into_iter().collect();
        let words = format!(
            "status unknown for quota: {name}, resources: {}",
            names.join(",")
        );
        return Err(refuse(&words));
    }
    let now = Timestamp::now();
    let mut more = quota::usage(group, plural, object, now);
    if let Some(old) = old
        && quota::is_in_scopes(group, plural, old, &scopes)
    {
        more = less(more, &quota::usage(group, plural, old, now));
    }
    more.retain(|name, amount| hard.contains_key(name) && !amount.is_zero());
    if more.is_empty() {
        return Ok(None);
    }
    let amount = |text: Option<&Text>| text.and_then(|text| Quantity::parse(&text.0));
    let (mut requested, mut before, mut most) = (Usage::new(), Usage::new(), Usage::new());
    for (name, more) in &more {
        let (Some(own), Some(limit)) = (amount(used.get(name)), amount(hard.get(name))) else {
            continue;
        };
        let after = own.add(more);
        if after > limit {
            requested.insert(name.clone(), more.clone());
            before.insert(name.clone(), own);
            most.insert(name.clone(), limit);
        } else {
            used.insert(name.clone(), Text(after.canonical()));
        }
    }
    if !requested.is_empty() {
        let words = format!(
            "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
            shown(&requested),
            shown(&before),
            shown(&most)
        );
        return Err(refuse(&words));
    }
    Ok(Some(used))
}

/// What is used more than before; what is used less counts when it is counted anew.
fn less(mut now: Usage, before: &Usage) -> Usage {
    for (name, amount) in &mut now {
        if let Some(before) = before.get(name) {
            let rest = amount.sub(before);
            *amount = match rest.sign() {
                -1 => quota::number(0),
                _ => rest,
            };
        }
    }
    now
}

fn shown(usage: &Usage) -> String {
    let words: Vec<String> = usage
        .iter()
        .map(|(name, amount)| format!("{name}={}", amount.canonical()))
        .collect();
    words.join(",")
}

/// Writes down what is used.
fn note(writer: &Writer<'_>, name: &str, used: &BTreeMap<String, Text>) -> Result<(), Status> {
    let Some(served) = writer.api.registry.find("", "v1", "resourcequotas") else {
        return Ok(());
    };
    let server = User::component("system:apiserver");
    let mut writer = Writer {
        served: &served,
        subresource: "status",
        user: &server,
        manager: "kube-apiserver",
        is_patch: false,
        is_upsert: false,
        warnings: Vec::new(),
        ..*writer
    };
    let noted = writer.update(name, false, |live, _| {
        let mut object = live.cloned().unwrap_or_default();
        object["status"]["used"] = json!(used);
        Ok(Change {
            object,
            is_managed: false,
        })
    });
    match noted {
        Err(status) if status.code != 404 => Err(status),
        // A quota that is gone limits nothing.
        _ => Ok(()),
    }
}
