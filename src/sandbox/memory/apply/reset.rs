//! Fields that a write does not decide, whatever it sends, so that nobody comes to manage them by
//! it (`GetResetFields` of the strategies in `pkg/registry`).

use super::element::Element;
use super::set::{Node, Set};

/// Which fields a write may make its sender's.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All but these and what is below them
    Except(Set<'static>),
    /// Only what is below one of these; `*` stands for any step.
    Only(&'static [&'static [&'static str]]),
}

impl Filter {
    /// All but the fields at these paths, in steps between `/`.
    pub fn except(paths: &[&'static str]) -> Self {
        Filter::Except(Set::of_paths(paths))
    }

    /// What is left of a set.
    pub fn apply<'a>(&self, set: Set<'a>) -> Set<'a> {
        match self {
            Filter::Except(gone) => set.recursive_difference(gone),
            Filter::Only(patterns) => only(set, patterns),
        }
    }
}

/// Fields on the way to what is matched stay, as in structured-merge-diff.
fn only<'a>(set: Set<'a>, patterns: &[&'static [&'static str]]) -> Set<'a> {
    if patterns.iter().any(|pattern| pattern.is_empty()) {
        return set;
    }
    let nodes = set.into_nodes().into_iter().filter_map(|node| {
        let below: Vec<&'static [&'static str]> = patterns
            .iter()
            .filter_map(|pattern| {
                let (first, rest) = pattern.split_first()?;
                let matches = match &node.element {
                    _ if *first == "*" => true,
                    Element::Field(name) => name == first,
                    _ => false,
                };
                matches.then_some(rest)
            })
            .collect();
        if below.is_empty() {
            return None;
        }
        Some(Node {
            children: only(node.children, &below),
            ..node
        })
    });
    Set::of_nodes(nodes.collect())
}

/// What a write of a built-in or custom resource, or of its subresource, does not decide.
/// `has_status` is whether the resource has that subresource.
pub fn filter(group: &str, plural: &str, subresource: &str, has_status: bool) -> Option<Filter> {
    match (group, plural, subresource) {
        ("certificates.k8s.io", "certificatesigningrequests", sub) => Some(match sub {
            "" => Filter::except(&["spec", "status"]),
            "status" => Filter::except(&["spec", "status/conditions"]),
            "approval" => Filter::except(&["spec", "status/certificate"]),
            _ => return None,
        }),
        ("certificates.k8s.io", "podcertificaterequests", "") => None,
        ("", "namespaces", "finalize") => Some(Filter::except(&["status"])),
        ("", "pods", "ephemeralcontainers") => {
            Some(Filter::Only(&[&["spec", "ephemeralContainers"]]))
        }
        ("", "pods", "resize") => Some(Filter::Only(&[
            &["spec", "containers", "*", "resources"],
            &["spec", "containers", "*", "resizePolicy"],
            &["spec", "initContainers", "*", "resources"],
            &["spec", "initContainers", "*", "resizePolicy"],
        ])),
        ("", "pods", "status") => Some(Filter::except(&[
            "spec",
            "metadata/deletionTimestamp",
            "metadata/ownerReferences",
        ])),
        ("apps", "deployments", "status") => Some(Filter::except(&["spec", "metadata/labels"])),
        (_, _, "status") if keeps_metadata(group, plural) => Some(Filter::except(&["spec"])),
        (_, _, "status") => Some(Filter::except(&["metadata", "spec"])),
        (_, _, "") if has_status => Some(Filter::except(&["status"])),
        _ => None,
    }
}

/// Whether labels and annotations can be written by the status of such an object.
fn keeps_metadata(group: &str, plural: &str) -> bool {
    match group {
        "" | "apps" | "batch" | "policy" | "autoscaling" => true,
        "certificates.k8s.io" => plural == "podcertificaterequests",
        "networking.k8s.io" => plural == "ingresses",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::{decode, encode};
    use super::filter;

    #[test]
    fn subresources_decide_their_own_fields() {
        let all = json!({
            "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {".": {}, "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:resources": {"f:limits": {}}}}},
            "f:status": {"f:phase": {}},
        });
        for (group, plural, subresource, left) in [
            ("", "pods", "", r#"["f:metadata","f:spec"]"#),
            ("", "pods", "status", r#"["f:metadata","f:status"]"#),
            ("apps", "deployments", "status", r#"["f:status"]"#),
            ("example.com", "things", "status", r#"["f:status"]"#),
            ("", "pods", "resize", r#"["f:spec"]"#),
            (
                "",
                "pods",
                "binding",
                r#"["f:metadata","f:spec","f:status"]"#,
            ),
        ] {
            let set = decode(&all).unwrap();
            let set = match filter(group, plural, subresource, true) {
                Some(filter) => filter.apply(set),
                None => set,
            };
            let fields = encode(&set);
            let keys: Vec<&String> = fields.as_object().unwrap().keys().collect();
            assert_eq!(json!(keys).to_string(), left, "{plural}/{subresource}");
            if subresource == "resize" {
                let wanted = r#"{".":{},"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:resources":{"f:limits":{}}}}}"#;
                assert_eq!(fields["f:spec"].to_string(), wanted);
            }
        }
    }
}
