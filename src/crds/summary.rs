//! CRDs as JSON: our own form, small and stable, where the server's is mostly schema.

use serde_json::{Map, Value, json};

use super::backend::{Backend, service_of};
use super::model::{Conversion, Crd, Version};
use super::problems::Problem;
use super::state::State;

/// A CRD as a JSON object, without schemas. What does not apply is left out. Stable:
///
/// - `name`, `group`, `scope`, `kind`, `listKind`, `plural`, `singular`, `shortNames`,
///   `categories`: as asked for in `spec`;
/// - `versions`, preferred first: `name`, `served`, `storage`, `stored` (in
///   `status.storedVersions`), `deprecated`, `deprecationWarning`, `subresources` (`status`,
///   `scale`), `printerColumns` (`name`, `type`, `jsonPath`, `priority`), `selectableFields`
///   (JSON paths);
/// - `storedVersions`: as in `status`;
/// - `established`: whether it is served, `state`: the same in words, with the reason;
/// - `conditions`: as in `status`;
/// - `conversion`: `strategy`, and for a webhook `url`, or `service` (`namespace`, `name`, `port`,
///   `path`);
/// - `managers`: `manager`, `operation`, `subresource`, `time`;
/// - `createdAt`, `deletedAt`, `finalizers`.
pub fn summary(crd: &Crd) -> Value {
    let names = &crd.spec.names;
    let state = State::of(crd);
    let mut out = json!({
        "name": crd.name(),
        "group": crd.spec.group,
        "scope": crd.spec.scope,
        "kind": names.kind,
        "listKind": names.list_kind,
        "plural": names.plural,
        "singular": names.singular,
        "shortNames": names.short_names,
        "categories": names.categories,
        "versions": versions(crd),
        "storedVersions": crd.status.stored_versions,
        "established": crd.is("Established"),
        "state": state.text(),
        "conditions": conditions(crd),
        "conversion": conversion(&crd.spec.conversion),
        "managers": managers(crd),
    });
    if let Some(map) = out.as_object_mut() {
        let metadata = &crd.metadata;
        put(map, "createdAt", metadata.creation_timestamp.as_deref());
        put(map, "deletedAt", metadata.deletion_timestamp.as_deref());
        if !metadata.finalizers.is_empty() {
            map.insert("finalizers".to_owned(), json!(metadata.finalizers));
        }
    }
    out
}

/// Adds `problems` to a summary: `type`, `message`, `advice`.
pub fn add_problems(summary: &mut Value, problems: &[Problem]) {
    summary["problems"] = json!(problems);
}

/// Adds `conversion.ready` to a summary: true, false, or null where it cannot be told; and
/// `conversion.reason` where it is not true.
pub fn add_backend(summary: &mut Value, backend: &Backend) {
    let conversion = &mut summary["conversion"];
    conversion["ready"] = json!(match backend {
        Backend::Ready(_) => Some(true),
        Backend::NotReady(_) => Some(false),
        Backend::Unknown(_) => None,
    });
    if let Backend::NotReady(why) | Backend::Unknown(why) = backend {
        conversion["reason"] = json!(why);
    }
}

fn versions(crd: &Crd) -> Value {
    let stored = |v: &Version| crd.status.stored_versions.contains(&v.name);
    let version = |v: &Version| {
        let mut out = json!({
            "name": v.name,
            "served": v.served,
            "storage": v.storage,
            "stored": stored(v),
            "deprecated": v.deprecated,
            "subresources": v.subresource_names(),
        });
        if let Some(map) = out.as_object_mut() {
            put(map, "deprecationWarning", v.deprecation_warning.as_deref());
            let columns = v.additional_printer_columns.iter().map(|c| {
                json!({
                    "name": c.name,
                    "type": c.type_,
                    "jsonPath": c.json_path,
                    "priority": c.priority,
                })
            });
            put_many(map, "printerColumns", columns.collect());
            let fields = v.selectable_fields.iter().map(|f| json!(f.json_path));
            put_many(map, "selectableFields", fields.collect());
        }
        out
    };
    crd.versions_by_priority()
        .into_iter()
        .map(version)
        .collect()
}

fn conditions(crd: &Crd) -> Value {
    let condition = |c: &super::model::Condition| {
        let mut out = json!({
            "type": c.type_,
            "status": c.status,
            "reason": c.reason,
            "message": c.message,
        });
        if let Some(map) = out.as_object_mut() {
            let time = c.last_transition_time.as_deref();
            put(map, "lastTransitionTime", time);
        }
        out
    };
    crd.status.conditions.iter().map(condition).collect()
}

fn conversion(conversion: &Conversion) -> Value {
    let mut out = Map::new();
    put(&mut out, "strategy", Some(&conversion.strategy));
    let config = conversion.webhook.as_ref().map(|w| &w.client_config);
    put(&mut out, "url", config.and_then(|c| c.url.as_deref()));
    if let Some(service) = service_of(conversion) {
        let mut place = Map::new();
        put(&mut place, "namespace", Some(&service.namespace));
        put(&mut place, "name", Some(&service.name));
        let port = super::backend::port_of(service);
        place.insert("port".to_owned(), json!(port));
        put(&mut place, "path", service.path.as_deref());
        out.insert("service".to_owned(), Value::Object(place));
    }
    Value::Object(out)
}

fn managers(crd: &Crd) -> Value {
    let entry = |m: &super::model::ManagedFields| {
        let mut out = json!({"manager": m.manager, "operation": m.operation});
        if let Some(map) = out.as_object_mut() {
            let sub = Some(m.subresource.as_str()).filter(|s| !s.is_empty());
            put(map, "subresource", sub);
            put(map, "time", m.time.as_deref());
        }
        out
    };
    crd.metadata.managed_fields.iter().map(entry).collect()
}

fn put(map: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        map.insert(key.to_owned(), json!(text));
    }
}

fn put_many(map: &mut Map<String, Value>, key: &str, values: Vec<Value>) {
    if !values.is_empty() {
        map.insert(key.to_owned(), Value::Array(values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;

    #[test]
    fn a_summary_has_what_programs_ask_for() {
        let crd = crd("moves.b.c")
            .version("v1beta1 unserved")
            .version("v1 storage")
            .stored(&["v1beta1", "v1"])
            .established()
            .webhook("ns", "conv")
            .manager("helm")
            .done();
        let mut out = summary(&crd);
        assert_eq!(out["versions"][0]["name"], "v1");
        assert_eq!(out["versions"][1]["stored"], true);
        assert_eq!(out["established"], true);
        assert_eq!(out["conversion"]["service"]["port"], 443);
        assert_eq!(out["managers"][0]["manager"], "helm");
        assert!(out.get("deletedAt").is_none());
        add_backend(&mut out, &Backend::NotReady("gone".into()));
        assert_eq!(out["conversion"]["ready"], false);
        add_backend(&mut out, &Backend::Unknown("forbidden".into()));
        assert_eq!(out["conversion"]["ready"], Value::Null);
    }
}
