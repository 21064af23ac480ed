//! Policies of admission, and where they are in force.

use serde_json::Value;

use super::row::{Row, UNSET, cells};
use crate::sandbox::memory::kinds::workloads::read::{entries, items, text, texts};

/// Name, Validations or Mutations, ParamKind, Age.
pub(super) fn policy(row: &Row<'_>, rules: &str) -> Vec<Value> {
    let parameters = row.given("spec.paramKind");
    let parameters =
        parameters.map(|kind| format!("{}/{}", text(kind, "apiVersion"), text(kind, "kind")));
    cells![
        row.name(),
        row.items(rules).len(),
        parameters.as_deref().unwrap_or(UNSET),
        row.age(),
    ]
}

/// Name, PolicyName, ParamRef, Age.
pub(super) fn binding(row: &Row<'_>) -> Vec<Value> {
    let parameters = row.given("spec.paramRef").and_then(parameters);
    cells![
        row.name(),
        row.text("spec.policyName"),
        parameters.as_deref().unwrap_or(UNSET),
        row.age(),
    ]
}

fn parameters(reference: &Value) -> Option<String> {
    match (text(reference, "namespace"), text(reference, "name")) {
        // Whether what is named has a namespace is not known here.
        ("", name) if !name.is_empty() => Some(format!("*/{name}")),
        (namespace, name) if !name.is_empty() => Some(format!("{namespace}/{name}")),
        _ => {
            let selector = reference.get("selector");
            selector.filter(|selector| !selector.is_null()).map(in_go)
        }
    }
}

/// A label selector as Go writes the struct, which is what the real server shows.
fn in_go(selector: &Value) -> String {
    let labels = entries(selector, "matchLabels").into_iter();
    let labels: String = labels
        .map(|(key, value)| format!("{key}: {value},"))
        .collect();
    let expressions = items(selector, "matchExpressions")
        .iter()
        .map(|expression| {
            format!(
                "LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
                text(expression, "key"),
                text(expression, "operator"),
                texts(expression, "values").join(" "),
            )
        });
    let expressions: String = expressions.collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},\
         MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}
