//! The labels of an App's children, and the selectors that find them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::{Value, json};

use super::names;
use super::types::App;

/// On every child and every pod; its value is the App's name. Also the selector of the Deployment
/// and of the Service, as the first App operator had it.
pub const LABEL: &str = "app.example.com/v1";

/// Who made an object, by Kubernetes' recommended labels.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The labels of every child and of the pods.
pub fn labels(app: &App) -> BTreeMap<String, String> {
    let name = names::name(app);
    [
        (LABEL, name),
        ("app.kubernetes.io/name", name),
        ("app.kubernetes.io/instance", name),
        (MANAGED_BY, super::MANAGER),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// The selector of a new Deployment. That of an existing one cannot be changed and is kept.
pub fn selector(app: &App) -> LabelSelector {
    LabelSelector {
        match_labels: Some([(LABEL.to_owned(), names::name(app).to_owned())].into()),
        match_expressions: None,
    }
}

/// The labels as a JSON object.
pub(super) fn as_value(labels: &BTreeMap<String, String>) -> Value {
    json!(labels)
}

/// A selector in the text form of `kubectl get -l`, as the scale subresource wants it.
///
/// An operator that Kubernetes does not know is left out.
pub fn selector_text(selector: &LabelSelector) -> String {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten();
    equal
        .chain(expressions.filter_map(expression_text))
        .collect::<Vec<_>>()
        .join(",")
}

fn expression_text(expression: &LabelSelectorRequirement) -> Option<String> {
    let key = &expression.key;
    let values = expression.values.as_deref().unwrap_or_default().join(",");
    match expression.operator.as_str() {
        "In" => Some(format!("{key} in ({values})")),
        "NotIn" => Some(format!("{key} notin ({values})")),
        "Exists" => Some(key.clone()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_bear_the_seeds_label_and_the_recommended_ones() {
        let labels = labels(&App::test("web"));
        assert_eq!(
            as_value(&labels),
            json!({
                "app.example.com/v1": "web",
                "app.kubernetes.io/name": "web",
                "app.kubernetes.io/instance": "web",
                "app.kubernetes.io/managed-by": "appop",
            })
        );
    }

    #[test]
    fn the_selector_is_the_seeds_label_alone() {
        let selector = selector(&App::test("web"));
        assert_eq!(selector_text(&selector), "app.example.com/v1=web");
    }

    #[test]
    fn expressions_are_written_as_kubectl_reads_them() {
        let requirement = |key: &str, operator: &str, values: &[&str]| LabelSelectorRequirement {
            key: key.to_owned(),
            operator: operator.to_owned(),
            values: Some(values.iter().map(|v| (*v).to_owned()).collect()),
        };
        let selector = LabelSelector {
            match_labels: None,
            match_expressions: Some(vec![
                requirement("tier", "In", &["a", "b"]),
                requirement("tier", "NotIn", &["c"]),
                requirement("track", "Exists", &[]),
                requirement("old", "DoesNotExist", &[]),
            ]),
        };
        assert_eq!(
            selector_text(&selector),
            "tier in (a,b),tier notin (c),track,!old"
        );
    }
}
