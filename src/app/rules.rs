//! What the API server refuses of an App, with words for the person who wrote it.
//!
//! The bounds (`maxItems`, `maxLength`) are what lets the server work out that a rule over pairs of
//! items stays within its budget for CEL when the rule is installed.

use serde_json::{Value, json};

use super::names::LONGEST;
use super::types::AppSpec;

/// Rules for the whole App; of its metadata, a CRD sees the name.
pub(super) fn root() -> Value {
    json!([
        rule(
            &format!("size(self.metadata.name) <= {LONGEST}"),
            &format!(
                "metadata.name must be no longer than {LONGEST} characters: the App's Service, \
                 container and labels bear it"
            ),
        ),
        rule(
            "!self.metadata.name.contains('.')",
            "metadata.name must not contain dots: the App's container bears it",
        ),
        rule(
            "!has(self.spec.ports) || size(self.spec.ports) == 0 \
             || self.metadata.name.matches('^[a-z]')",
            "metadata.name must begin with a letter when the App has ports: its Service bears it",
        ),
    ])
}

/// Settings of `spec`, by the path of the field; `[]` stands for the items of a list. They are laid
/// over what the Rust types say.
pub(super) fn spec() -> Vec<(&'static [&'static str], Value)> {
    let default = AppSpec::default();
    let atomic = json!({"x-kubernetes-list-type": "atomic"});
    let port_number = json!({"minimum": 1, "maximum": 65535});
    let quantities = json!({
        "maxProperties": 64,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "maxLength": 64,
            "x-kubernetes-validations": [rule(
                "type(self) == int || isQuantity(self)",
                "must be a quantity, such as 100m, 0.5 or 64Mi",
            )],
        },
    });
    vec![
        (&[], json!({"required": ["image"]})),
        (&["replicas"], json!({"default": default.replicas})),
        (
            &["imagePullPolicy"],
            json!({
                "default": default.image_pull_policy,
                "enum": ["Always", "IfNotPresent", "Never"],
            }),
        ),
        (&["command"], atomic.clone()),
        (&["args"], atomic.clone()),
        (
            &["envs"],
            json!({
                "maxItems": 300,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "x-kubernetes-validations": [rule(
                    // Longer lists of long names would exceed the budget that a rule has when it is
                    // run; there the list's keys refuse duplicates, in plainer words.
                    "size(self) > 150 || self.all(a, self.exists_one(b, a.name == b.name))",
                    "each environment variable may be set only once: two envs have the same name",
                )],
            }),
        ),
        (
            &["envs", "[]", "name"],
            json!({"minLength": 1, "maxLength": 256}),
        ),
        (&["envFrom"], atomic),
        (
            &["ports"],
            json!({
                "maxItems": 128,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port", "protocol"],
                "x-kubernetes-validations": [
                    rule(
                        "self.all(a, self.exists_one(b, a.port == b.port \
                         && a.protocol == b.protocol))",
                        "each port may be given only once for each protocol: two ports have the \
                         same number and protocol",
                    ),
                    rule(
                        "self.all(a, !has(a.name) \
                         || self.exists_one(b, has(b.name) && a.name == b.name))",
                        "each port needs a name of its own: two ports have the same name",
                    ),
                ],
            }),
        ),
        (&["ports", "[]", "port"], port_number.clone()),
        (&["ports", "[]", "nodePort"], port_number),
        (
            &["ports", "[]", "protocol"],
            json!({"default": "TCP", "enum": ["TCP", "UDP", "SCTP"], "maxLength": 4}),
        ),
        (
            &["ports", "[]", "name"],
            json!({
                "maxLength": LONGEST,
                "x-kubernetes-validations": [rule(
                    "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                    "must consist of lower-case letters, digits and -, and begin and end with a \
                     letter or a digit",
                )],
            }),
        ),
        (
            &["imagePullSecrets"],
            json!({
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            }),
        ),
        (&["resources", "limits"], quantities.clone()),
        (&["resources", "requests"], quantities),
        (
            &["resources", "claims"],
            json!({
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            }),
        ),
        (&["podOverrides"], pod_overrides()),
    ]
}

/// Settings of `status`, as those of `spec`.
pub(super) fn status() -> Vec<(&'static [&'static str], Value)> {
    vec![(
        &["conditions"],
        json!({
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        }),
    )]
}

/// Only the head of a PodTemplateSpec is known here, so that what is written beside it, for
/// instance the fields of a container, does not get lost; the rest is the server's to judge, when
/// the Deployment is applied.
fn pod_overrides() -> Value {
    let strings = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "properties": {
            "metadata": {
                "type": "object",
                "description": "Labels and annotations of the pods.",
                "properties": {"labels": strings, "annotations": strings},
                "x-kubernetes-preserve-unknown-fields": true,
            },
            "spec": {
                "type": "object",
                "description": "A part of a PodSpec: kubectl explain pod.spec tells its fields.",
                "x-kubernetes-preserve-unknown-fields": true,
            },
        },
    })
}

fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}
