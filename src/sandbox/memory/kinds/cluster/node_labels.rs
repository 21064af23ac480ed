//! Labels of nodes that have other names today (`pkg/api/node`).

use serde_json::Value;

use super::super::workloads::read::{entries, items, text};
use crate::sandbox::memory::field::Path;

/// What to use instead.
pub(super) fn deprecated(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"
        }
        "beta.kubernetes.io/instance-type" => {
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"
        }
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

/// The warnings about a label selector of nodes.
pub(super) fn selector_warnings(selector: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, term) in items(selector, "matchExpressions").iter().enumerate() {
        let key = text(term, "key");
        if let Some(words) = deprecated(key) {
            let path = path.child("matchExpressions").index(index).child("key");
            warnings.push(format!("{path}: {key} is {words}"));
        }
    }
    for (key, _) in entries(selector, "matchLabels") {
        if let Some(words) = deprecated(key) {
            warnings.push(format!("{}: {words}", path.child("matchLabels").child(key)));
        }
    }
    warnings
}
