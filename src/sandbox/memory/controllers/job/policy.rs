//! What a Job makes of a failed pod, and when it has succeeded early.

use k8s_openapi::api::batch::v1::{
    PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicy,
};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::super::meta;
use super::indexes::Indexes;

/// What a failed pod leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It counts as a failure
    Count,
    /// It does not
    Ignore,
    /// It counts, and its index is not tried again
    FailIndex,
    /// It counts, and the Job fails with this message
    FailJob(String),
}

/// By the first rule that matches.
pub(super) fn verdict(policy: Option<&PodFailurePolicy>, pod: &Pod) -> Verdict {
    let rules = policy.iter().flat_map(|policy| &policy.rules);
    for (at, rule) in rules.enumerate() {
        if let Some(matched) = matched(rule, pod, at) {
            match rule.action.as_str() {
                "Ignore" => return Verdict::Ignore,
                "FailIndex" => return Verdict::FailIndex,
                "Count" => return Verdict::Count,
                "FailJob" => return Verdict::FailJob(matched),
                _ => {}
            }
        }
    }
    Verdict::Count
}

fn matched(rule: &PodFailurePolicyRule, pod: &Pod, at: usize) -> Option<String> {
    let (namespace, name) = (meta::namespace(pod), meta::name(pod));
    let status = pod.status.as_ref()?;
    let action = &rule.action;
    if let Some(codes) = &rule.on_exit_codes {
        let containers = status
            .container_statuses
            .iter()
            .chain(&status.init_container_statuses);
        let (container, code) = containers
            .flatten()
            .find_map(|c| Some((c, exit_code(c, codes)?)))?;
        return Some(format!(
            "Container {} for pod {namespace}/{name} failed with exit code {code} matching {action} rule at index {at}",
            container.name
        ));
    }
    let patterns = rule.on_pod_conditions.as_deref()?;
    let condition = status.conditions.iter().flatten().find(|condition| {
        patterns.iter().any(|pattern| {
            pattern.type_ == condition.type_
                && pattern.status.as_deref().unwrap_or("True") == condition.status
        })
    })?;
    Some(format!(
        "Pod {namespace}/{name} has condition {} matching {action} rule at index {at}",
        condition.type_
    ))
}

fn exit_code(
    container: &ContainerStatus,
    codes: &PodFailurePolicyOnExitCodesRequirement,
) -> Option<i32> {
    let code = container.state.as_ref()?.terminated.as_ref()?.exit_code;
    let named = codes
        .container_name
        .as_ref()
        .is_none_or(|name| *name == container.name);
    let listed = codes.values.contains(&code);
    let matches = match codes.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    };
    (code != 0 && named && matches).then_some(code)
}

/// The message of the first rule that is met by these successes.
pub(super) fn success(
    policy: Option<&SuccessPolicy>,
    completions: i32,
    succeeded: &Indexes,
) -> Option<String> {
    if succeeded.is_empty() {
        return None;
    }
    let met = |at: usize| Some(format!("Matched rules at index {at}"));
    for (at, rule) in policy?.rules.iter().enumerate() {
        let count = rule.succeeded_count;
        match &rule.succeeded_indexes {
            Some(text) => {
                let wanted = Indexes::parse(text, completions);
                let common = wanted.common(succeeded);
                if !wanted.is_empty()
                    && (common == wanted.total() || count.is_some_and(|count| common >= count))
                {
                    return met(at);
                }
            }
            None if count.is_some_and(|count| succeeded.total() >= count) => return met(at),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_first_rule_decides() {
        let policy = json!({"rules": [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [1, 42], "containerName": "c"}},
        ]});
        let policy: PodFailurePolicy = serde_json::from_value(policy).unwrap();
        let pod = |code: i32, conditions: Value| -> Pod {
            serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "ns"}, "status": {
                "conditions": conditions,
                "containerStatuses": [{"name": "c", "ready": false, "restartCount": 0, "image": "", "imageID": "",
                    "state": {"terminated": {"exitCode": code}}}]}})).unwrap()
        };
        let disrupted = json!([{"type": "DisruptionTarget", "status": "True"}]);
        let message =
            "Container c for pod ns/p failed with exit code 42 matching FailJob rule at index 0";
        for (pod, wanted) in [
            (
                pod(42, disrupted.clone()),
                Verdict::FailJob(message.to_owned()),
            ),
            (pod(3, disrupted), Verdict::Ignore),
            (pod(3, json!([])), Verdict::FailIndex),
            (pod(1, json!([])), Verdict::Count),
        ] {
            assert_eq!(verdict(Some(&policy), &pod), wanted);
        }
    }

    #[test]
    fn success_by_indexes_or_number() {
        let policy = json!({"rules": [{"succeededIndexes": "0,2-3", "succeededCount": 2}, {"succeededCount": 4}]});
        let policy: SuccessPolicy = serde_json::from_value(policy).unwrap();
        let met = |text: &str| success(Some(&policy), 10, &Indexes::parse(text, 10));
        assert_eq!(met("1,4,5"), None);
        assert_eq!(met("1,3,4"), None);
        assert_eq!(met("0,3").as_deref(), Some("Matched rules at index 0"));
        assert_eq!(met("1,4,5,6").as_deref(), Some("Matched rules at index 1"));
    }
}
