//! CRDs as generators of CRDs write them: many fields, each described at some length.

use serde_json::{Map, Value, json};

/// CRD `number`, of about 12 KB: `thingsNNNN` in one of 20 groups.
pub(crate) fn crd(number: usize) -> Value {
    let description =
        "What this field is for, said at some length, as generated CRDs do. ".repeat(2);
    let mut fields = Map::new();
    for n in 0..60 {
        let field = json!({ "type": "string", "description": description });
        fields.insert(format!("field{n:02}"), field);
    }
    let (plural, kind) = (plural(number), format!("Thing{number:04}"));
    let group = format!("g{:02}.example.com", number % 20);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "plural": plural, "kind": kind, "singular": kind.to_lowercase() },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": fields },
                }}},
            }],
        },
    })
}

/// The name of its resource.
pub(crate) fn plural(number: usize) -> String {
    format!("things{number:04}")
}
