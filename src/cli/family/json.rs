//! A family for programs.

use serde_json::{Map, Value, json};

use super::Family;
use crate::ownership::{Event, Link, Object};

/// `ObjectTree`: `object` with its `children`, and `conditions`, `events` and `skipped` beside it.
pub(super) fn of(family: &Family) -> Value {
    let mut tree = json!({ "kind": "ObjectTree", "object": object(family) });
    let conditions = &family.root["status"]["conditions"];
    tree["conditions"] = match conditions {
        Value::Array(_) => conditions.clone(),
        _ => json!([]),
    };
    tree["events"] = family.events.iter().map(event).collect();
    tree["skipped"] = family.skipped.json();
    if family.tree.too_deep > 0 {
        tree["tooDeep"] = json!(family.tree.too_deep);
    }
    tree
}

/// The root with all that is below it. The tree's own depth is bounded, so that this may nest.
fn object(family: &Family) -> Value {
    let mut open: Vec<(Map<String, Value>, Vec<Value>)> = Vec::new();
    for node in &family.tree.nodes {
        close(&mut open, node.depth);
        open.push((fields(&family.objects[node.object], node.link), Vec::new()));
    }
    close(&mut open, 1);
    match open.pop() {
        Some((mut fields, children)) => {
            fields.insert("children".to_owned(), Value::Array(children));
            Value::Object(fields)
        }
        None => Value::Null,
    }
}

/// Puts what is open from this depth on into what is above it.
fn close(open: &mut Vec<(Map<String, Value>, Vec<Value>)>, depth: usize) {
    while open.len() > depth.max(1) {
        let Some((mut fields, children)) = open.pop() else {
            return;
        };
        fields.insert("children".to_owned(), Value::Array(children));
        if let Some((_, siblings)) = open.last_mut() {
            siblings.push(Value::Object(fields));
        }
    }
}

fn fields(object: &Object, link: Link) -> Map<String, Value> {
    let link = match link {
        Link::Root => "root",
        Link::Owned => "owned",
        Link::Again => "again",
        Link::Cycle => "cycle",
        Link::Invalid => "invalid",
    };
    let all = [
        ("apiVersion", json!(object.kind.api_version())),
        ("kind", json!(object.kind.kind)),
        ("namespace", json!(object.namespace)),
        ("name", json!(object.name)),
        ("uid", json!(object.uid)),
        ("creationTimestamp", json!(object.created)),
        ("deleting", json!(object.deleting)),
        ("ready", json!(object.state.ready)),
        ("status", json!(object.state.status)),
        ("health", json!(object.state.health.word())),
        ("link", json!(link)),
    ];
    let is_said = |field: &(&str, Value)| field.0 != "namespace" || field.1 != "";
    let said = all.into_iter().filter(is_said);
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn event(event: &Event) -> Value {
    json!({
        "lastTime": event.last,
        "type": event.type_,
        "reason": event.reason,
        "object": event.about,
        "objectUid": event.about_uid,
        "message": event.message,
        "count": event.count,
    })
}
