//! How a pod fares when its node runs out of memory (`pkg/apis/core/helper/qos`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::super::workloads::read::{at, given, items};
use crate::sandbox::memory::quantity::Quantity;

type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// `BestEffort`, `Burstable` or `Guaranteed`.
pub(super) fn class(pod: &Value) -> &'static str {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let mut is_guaranteed = true;
    if given(pod, "spec.resources").is_some() {
        let own = at(pod, "spec.resources");
        add(&mut requests, at(own, "requests"));
        let limited = add(&mut limits, at(own, "limits"));
        // Limits that are not given at all are compared below.
        is_guaranteed = limited == 2 || at(own, "limits").as_object().is_none_or(|l| l.is_empty());
    } else {
        let containers = items(pod, "spec.containers").iter();
        for container in containers.chain(items(pod, "spec.initContainers")) {
            add(&mut requests, at(container, "resources.requests"));
            is_guaranteed &= add(&mut limits, at(container, "resources.limits")) == 2;
        }
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    let are_equal = || {
        requests
            .iter()
            .all(|(name, request)| limits.get(name) == Some(request))
    };
    if is_guaranteed && are_equal() && requests.len() == limits.len() {
        return "Guaranteed";
    }
    "Burstable"
}

/// Adds cpu and memory; how many of the two there are.
fn add<'a>(sums: &mut Amounts<'a>, amounts: &'a Value) -> usize {
    let mut count = 0;
    for name in ["cpu", "memory"] {
        let amount = amounts
            .get(name)
            .and_then(Value::as_str)
            .and_then(Quantity::parse);
        let Some(amount) = amount.filter(|amount| amount.sign() > 0) else {
            continue;
        };
        count += 1;
        let sum = sums
            .get(name)
            .map_or_else(|| amount.clone(), |sum| sum.add(&amount));
        sums.insert(name, sum);
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::class;

    #[test]
    fn classes() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        let cases = [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "0"}}), "BestEffort"),
            (
                json!({"requests": {"ephemeral-storage": "1Gi"}}),
                "BestEffort",
            ),
            (json!({"requests": {"cpu": "1"}}), "Burstable"),
            (json!({"requests": both, "limits": both}), "Guaranteed"),
            (
                json!({"requests": {"cpu": "1000m", "memory": "1Gi"}, "limits": both}),
                "Guaranteed",
            ),
            (
                json!({"requests": both, "limits": {"cpu": "2", "memory": "1Gi"}}),
                "Burstable",
            ),
            (
                json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}),
                "Burstable",
            ),
        ];
        for (resources, expected) in cases {
            let pod = json!({"spec": {"containers": [{"resources": resources}]}});
            assert_eq!(class(&pod), expected, "{resources}");
        }
        let whole =
            json!({"spec": {"resources": {"requests": both, "limits": both}, "containers": [{}]}});
        assert_eq!(class(&whole), "Guaranteed");
    }
}
