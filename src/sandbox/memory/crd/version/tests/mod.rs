//! Objects of one definition, with what the real server says of them.

mod shown;

use std::sync::Arc;

use serde_json::{Value, json};

use super::Version;
use crate::sandbox::memory::crd::cases::cases;
use crate::sandbox::memory::crd::definition::{prepare_create, set_defaults, settle};

/// The versions that a definition with these serves.
fn served(plural: &str, kind: &str, versions: &Value) -> Vec<Arc<Version>> {
    let mut definition = json!({
        "metadata": {"name": format!("{plural}.upd.crd.example"), "uid": "u", "generation": 1},
        "spec": {"group": "upd.crd.example", "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind}, "versions": versions},
    });
    set_defaults(&mut definition);
    prepare_create(&mut definition);
    let settled = settle(&definition, &[], "2026-01-01T00:00:00Z").unwrap();
    super::versions(&settled)
}

fn version() -> Arc<Version> {
    let version = json!({
        "name": "v1", "served": true, "storage": true,
        "subresources": {"status": {}, "scale": {
            "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.sel",
        }},
        "schema": {"openAPIV3Schema": schema()},
    });
    served("upds", "Upd", &json!([version])).remove(0)
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "imm": {
                        "type": "string", "maxLength": 20,
                        "x-kubernetes-validations": [
                            {
                                "rule": "self == oldSelf", "message": "is immutable",
                                "reason": "FieldValueForbidden"
                            }
                        ]
                    },
                    "n": {
                        "type": "integer", "minimum": 0, "maximum": 100,
                        "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "may not shrink"}]
                    },
                    "once": {
                        "type": "string", "maxLength": 10,
                        "x-kubernetes-validations": [
                            {
                                "rule": "!oldSelf.hasValue() || oldSelf.value() == self",
                                "optionalOldSelf": true, "message": "once set stays"
                            },
                            {
                                "rule": "oldSelf.hasValue()", "optionalOldSelf": true,
                                "message": "only on update"
                            }
                        ]
                    },
                    "even": {
                        "type": "integer",
                        "x-kubernetes-validations": [
                            {"rule": "self % 2 == 0", "message": "must be even"},
                            {"rule": "self < 50", "reason": "FieldValueInvalid"}
                        ]
                    },
                    "req": {
                        "type": "object", "required": ["a"],
                        "properties": {
                            "a": {"type": "string", "maxLength": 5},
                            "b": {"type": "string", "enum": ["x", "y"]}
                        }
                    },
                    "pat": {"type": "string", "pattern": "^a+$", "maxLength": 8, "minLength": 2},
                    "lmap": {
                        "type": "array", "maxItems": 6, "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["k"],
                        "items": {
                            "type": "object", "required": ["k"],
                            "properties": {
                                "k": {"type": "string", "maxLength": 5},
                                "v": {"type": "integer", "maximum": 10},
                                "w": {"type": "string", "maxLength": 5}
                            },
                            "x-kubernetes-validations": [
                                {
                                    "rule": "!has(oldSelf.v) || self.v >= oldSelf.v",
                                    "message": "v grows"
                                }
                            ]
                        }
                    },
                    "set": {
                        "type": "array", "maxItems": 5, "x-kubernetes-list-type": "set",
                        "items": {"type": "string", "maxLength": 3}
                    },
                    "atom": {
                        "type": "array", "maxItems": 5,
                        "items": {
                            "type": "object",
                            "properties": {"v": {"type": "integer", "maximum": 10}}
                        }
                    },
                    "map": {
                        "type": "object", "maxProperties": 5,
                        "additionalProperties": {
                            "type": "integer", "maximum": 10,
                            "x-kubernetes-validations": [
                                {"rule": "self >= oldSelf", "message": "map grows"},
                                {"rule": "self != 7", "message": "never 7"}
                            ]
                        }
                    },
                    "fp": {
                        "type": "object",
                        "properties": {
                            "x": {"type": "integer"},
                            "y": {"type": "object", "properties": {"z-z": {"type": "integer"}}}
                        },
                        "x-kubernetes-validations": [
                            {
                                "rule": "!has(self.x) || self.x > 3", "fieldPath": ".x",
                                "reason": "FieldValueRequired", "message": "x is small"
                            },
                            {
                                "rule": "!has(self.y) || self.y.z__dash__z > 3",
                                "fieldPath": ".y['z-z']", "reason": "FieldValueDuplicate"
                            }
                        ]
                    },
                    "emb": {
                        "type": "object", "x-kubernetes-embedded-resource": true,
                        "x-kubernetes-preserve-unknown-fields": true
                    },
                    "one": {
                        "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]
                    },
                    "addf": {
                        "type": "object", "properties": {"a": {"type": "integer"}},
                        "x-kubernetes-preserve-unknown-fields": true
                    },
                    "msg": {
                        "type": "string", "maxLength": 5,
                        "x-kubernetes-validations": [
                            {"rule": "self != 'bad'", "messageExpression": "self"},
                            {
                                "rule": "self != 'empty'", "messageExpression": "''",
                                "message": "plain"
                            },
                            {
                                "rule": "self != 'nl'", "messageExpression": "'a\\nb'",
                                "message": "plain2"
                            },
                            {
                                "rule": "self != 'err'", "messageExpression": "[''][1]",
                                "message": "plain3"
                            },
                            {"rule": "self != 'e2'", "messageExpression": "''"},
                            {"rule": "self != 'multi'", "message": " trimmed "}
                        ]
                    },
                    "replicas": {"type": "integer"}
                }
            },
            "status": {
                "type": "object",
                "properties": {
                    "n": {
                        "type": "integer", "maximum": 5,
                        "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]
                    },
                    "replicas": {"type": "integer"}, "sel": {"type": "string", "maxLength": 9},
                    "m": {"type": "string", "maxLength": 3}
                },
                "required": ["n"]
            }
        },
        "x-kubernetes-validations": [
            {
                "rule": "!has(self.spec.replicas) || self.spec.replicas < 1000",
                "message": "too many replicas"
            },
            {"rule": "self.metadata.name != 'forbidden'"}
        ]
    })
}

fn object(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "upd.crd.example/v1", "kind": "Upd",
        "metadata": {"name": name, "namespace": "default", "uid": "u", "resourceVersion": "1",
            "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": spec,
    })
}

/// What is wrong with a change of the spec, or with `status` of the status, as `FIELD: WORDS`,
/// sorted; with warnings.
fn change(old: &Value, subresource: &str, change: &Value) -> (Vec<String>, Vec<String>) {
    let version = version();
    let mut old = old.clone();
    version.take(&mut old).unwrap();
    let mut new = old.clone();
    if subresource == "status" {
        new["status"] = change.clone();
    } else {
        let spec = new["spec"].as_object_mut().unwrap();
        spec.extend(change.as_object().unwrap().clone());
    }
    version.take(&mut new).unwrap();
    version.prepare_update(subresource, &mut new, &old);
    let mut warnings = Vec::new();
    let errors = version.validate_update(subresource, &new, &old, &mut warnings);
    let mut words: Vec<String> = errors.iter().map(ToString::to_string).collect();
    words.sort();
    (words, warnings)
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

fn wrong(mut object: Value) -> Vec<String> {
    let version = version();
    version.take(&mut object).unwrap();
    version.prepare_create(&mut object);
    let errors = version.validate_create(&object);
    let mut words: Vec<String> = errors.iter().map(ToString::to_string).collect();
    words.sort();
    words
}

#[test]
fn new_objects() {
    for (spec, expected) in cases(include_str!("specs.txt")) {
        assert_eq!(wrong(object("a", &parse(spec))), expected, "{spec}");
    }
    for (object, expected) in cases(include_str!("objects.txt")) {
        assert_eq!(wrong(parse(object)), expected, "{object}");
    }
}

#[track_caller]
fn check_changes(old: &Value, table: &str) {
    for (case, mut expected) in cases(table) {
        let (subresource, new) = match case.strip_prefix("status ") {
            Some(new) => ("status", new),
            None => ("", case),
        };
        let (wrong, warnings) = change(old, subresource, &parse(new));
        let warnings = warnings.iter().map(|warning| format!("warning: {warning}"));
        let mut told: Vec<String> = wrong.into_iter().chain(warnings).collect();
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "{case}");
    }
}

#[test]
fn changes() {
    let old = object(
        "b",
        &json!({
            "atom": [{"v": 1}], "emb": {"apiVersion": "v1", "kind": "P"}, "even": 4, "fp": {"x": 5},
            "imm": "x", "lmap": [{"k": "a", "v": 5}, {"k": "b", "v": 6}], "map": {"a": 5},
            "msg": "a", "n": 5, "one": {"a": "x"}, "pat": "aa", "replicas": 1, "req": {"a": "a"},
            "set": ["a"]
        }),
    );
    check_changes(&old, include_str!("changes.txt"));
}

/// What was wrong before, under another schema, may stay so while it is not touched.
#[test]
fn what_is_not_touched() {
    let mut old = object(
        "b",
        &json!({
            "atom": [{"v": 100}, {"v": 1}], "even": 3, "fp": {"x": 1},
            "imm": "xxxxxxxxxxxxxxxxxxxxxxxxx", "lmap": [{"k": "a", "v": 50}, {"k": "b", "v": 60}],
            "map": {"a": 50, "b": 7}, "msg": "bad", "n": 500, "one": {}, "pat": "b", "replicas": 1,
            "req": {"b": "z"}, "set": ["a"]
        }),
    );
    old["status"] = json!({"n": 9, "m": "aaaaa"});
    check_changes(&old, include_str!("untouched.txt"));
}

#[test]
fn deep_objects_are_followed() {
    let mut value = json!(1);
    for _ in 0..250 {
        value = json!({"a": value});
    }
    let mut deep = object("a", &json!({"emb": value, "addf": {"x": value}}));
    version().take(&mut deep).unwrap();
    version().validate_create(&deep);
}
