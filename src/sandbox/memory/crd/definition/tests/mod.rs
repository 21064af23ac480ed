use serde_json::{Value, json};

use super::{
    prepare_create, prepare_status_update, prepare_update, set_defaults, settle, validate_create,
    validate_status_update, validate_update,
};
use crate::sandbox::memory::crd::cases::cases;

const NOW: &str = "2026-01-01T00:00:00Z";

/// A definition with something changed in its one version.
fn definition(change: &Value) -> Value {
    let mut version = json!({"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object"}}});
    merge(&mut version, change);
    json!({
        "metadata": {"name": "foos.defs.crd.example"},
        "spec": {"group": "defs.crd.example", "scope": "Namespaced",
            "names": {"plural": "foos", "kind": "Foo"}, "versions": [version]},
    })
}

/// Merges as a merge patch does.
fn merge(value: &mut Value, change: &Value) {
    let Value::Object(fields) = change else {
        value.clone_from(change);
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (name, change) in fields {
        match change {
            Value::Null => {
                value.as_object_mut().unwrap().shift_remove(name);
            }
            change => merge(&mut value[name], change),
        }
    }
}

/// What is wrong with a new definition.
fn wrong(mut definition: Value) -> Vec<String> {
    set_defaults(&mut definition);
    prepare_create(&mut definition);
    let errors = validate_create(&definition).unwrap();
    errors.iter().map(ToString::to_string).collect()
}

/// The same of one with that schema; `@` stands for where the schema is.
fn wrong_schema(schema: &Value) -> Vec<String> {
    let mut definition = definition(&json!({}));
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema.clone();
    let place = "spec.validation.openAPIV3Schema";
    wrong(definition)
        .iter()
        .map(|wrong| wrong.replace(place, "@"))
        .collect()
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

#[test]
fn schemas() {
    for (schema, expected) in cases(include_str!("roots.txt")) {
        assert_eq!(wrong_schema(&parse(schema)), expected, "{schema}");
    }
    for (schema, expected) in cases(include_str!("fields.txt")) {
        let root = json!({"type": "object", "properties": {"spec": parse(schema)}});
        let wrong = wrong_schema(&root);
        let wrong = wrong.iter().map(|w| w.replace("@.properties[spec]", "@"));
        assert_eq!(wrong.collect::<Vec<_>>(), expected, "{schema}");
    }
}

#[test]
fn definitions() {
    for (change, expected) in cases(include_str!("definitions.txt")) {
        let mut definition = definition(&json!({}));
        merge(&mut definition, &parse(change));
        assert_eq!(wrong(definition), expected, "{change}");
    }
    for (change, expected) in cases(include_str!("versions.txt")) {
        assert_eq!(wrong(definition(&parse(change))), expected, "{change}");
    }
}

#[test]
fn conversion_by_webhooks_is_refused() {
    let mut definition = definition(&json!({}));
    definition["spec"]["conversion"] = json!({"strategy": "Webhook"});
    assert_eq!(validate_create(&definition).unwrap_err().code, 501);
}

/// As deep as bodies may be.
#[test]
fn deep_schemas_are_refused() {
    for depth in [100, 250] {
        let mut schema = json!({"type": "string"});
        for _ in 0..depth {
            schema = json!({"type": "object", "properties": {"a": schema}});
        }
        let mut definition = definition(&json!({}));
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema;
        assert!(validate_create(&definition).is_err());
    }
}

fn old() -> Value {
    json!({
        "metadata": {
            "name": "dups.dupd.crd.example", "uid": "u", "resourceVersion": "1",
            "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"
        },
        "spec": {
            "group": "dupd.crd.example",
            "names": {
                "plural": "dups", "singular": "dup", "shortNames": ["dp"], "kind": "Dup",
                "listKind": "DupList", "categories": ["all"]
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}}
                },
                {
                    "name": "v2", "served": true, "storage": false,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"a": {"type": "string"}}}
                    }
                }
            ],
            "conversion": {"strategy": "None"}
        },
        "status": {
            "conditions": [
                {
                    "type": "NamesAccepted", "status": "True",
                    "lastTransitionTime": "2026-11-28T17:13:24Z", "reason": "NoConflicts",
                    "message": "no conflicts found"
                },
                {
                    "type": "Established", "status": "True",
                    "lastTransitionTime": "2026-11-28T17:13:24Z",
                    "reason": "InitialNamesAccepted",
                    "message": "the initial names have been accepted"
                }
            ],
            "acceptedNames": {
                "plural": "dups", "singular": "dup", "shortNames": ["dp"], "kind": "Dup",
                "listKind": "DupList", "categories": ["all"]
            },
            "storedVersions": ["v1"]
        }
    })
}

#[test]
fn changes() {
    for (case, expected) in cases(include_str!("changes.txt")) {
        let (old, mut new) = (old(), old());
        let status = case.strip_prefix("status ");
        merge(&mut new, &parse(status.unwrap_or(case)));
        set_defaults(&mut new);
        let errors = if status.is_some() {
            prepare_status_update(&mut new, &old);
            validate_status_update(&new, &old)
        } else {
            prepare_update(&mut new, &old);
            validate_update(&new, &old).unwrap()
        };
        let wrong: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(wrong, expected, "{case}");
    }
}

fn named(plural: &str, kind: &str, more: &Value) -> Value {
    let mut names = json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind,
        "listKind": format!("{kind}List")});
    merge(&mut names, more);
    json!({"spec": {"group": "a.example", "names": names}, "status": {"conditions": null,
        "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]}})
}

#[test]
fn names_are_taken_once() {
    let first = named("dups", "Dup", &json!({"shortNames": ["dp"]}));
    let first = settle(&first, &[], NOW).unwrap();
    for (names, expected) in cases(include_str!("names.txt")) {
        let settled = settle(&named("others", "Other", &parse(names)), &[&first], NOW).unwrap();
        let words = |at: usize| {
            let condition = &settled["status"]["conditions"][at];
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("reason"), text("message"))
        };
        let accepted = settled["status"]["acceptedNames"].to_string();
        assert_eq!([words(0), words(1), accepted], *expected, "{names}");
        assert_eq!(settle(&settled, &[&first], NOW), None);
    }
}
