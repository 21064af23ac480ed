//! Whether a container that has ended starts again, and when.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, PodSpec};

/// The kubelet's first back-off, and the longest.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);

/// Whether a container that ended with this code is started again: by its own rules, its own
/// policy, or its pod's. As `ContainerShouldRestart` in k8s.io/kubernetes/pkg/api/v1/pod.
pub(super) fn restarts(container: &Container, spec: &PodSpec, exit_code: i32) -> bool {
    let by = |policy: Option<&str>| match policy {
        Some("Never") => Some(false),
        Some("OnFailure") => Some(exit_code != 0),
        Some("Always") => Some(true),
        _ => None,
    };
    let own = container.restart_policy.as_deref();
    let ruled = own.is_some()
        && container.restart_policy_rules.iter().flatten().any(|rule| {
            rule.exit_codes.as_ref().is_some_and(|codes| {
                let listed = codes.values.iter().flatten().any(|code| *code == exit_code);
                match codes.operator.as_str() {
                    "In" => listed,
                    "NotIn" => !listed,
                    _ => false,
                }
            })
        });
    ruled
        || by(own)
            .or(by(spec.restart_policy.as_deref()))
            .unwrap_or(true)
}

/// How long the kubelet waits after the failure that follows `failures` earlier ones in a row:
/// 10 s, doubled each time, 5 min at most.
pub(super) fn back_off(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.min(5)).min(LONGEST)
}

/// A duration as Go writes whole seconds: `10s`, `1m20s`, `5m0s`.
pub(super) fn go(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ContainerRestartRule, ContainerRestartRuleOnExitCodes};

    use super::super::testing;
    use super::*;

    #[test]
    fn back_offs_double_up_to_five_minutes() {
        let all: Vec<String> = (0..8).map(|n| go(back_off(n))).collect();
        let wanted = [
            "10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s", "5m0s",
        ];
        assert_eq!(all, wanted);
        assert_eq!(back_off(u32::MAX), LONGEST);
    }

    #[test]
    fn a_container_has_the_last_word() {
        let spec = testing::pod("a")
            .restart_policy("Never")
            .build()
            .spec
            .unwrap();
        let mut container = testing::container("main", "0");
        assert!(!restarts(&container, &spec, 1));
        container.restart_policy = Some("OnFailure".to_owned());
        assert!(restarts(&container, &spec, 1) && !restarts(&container, &spec, 0));
        container.restart_policy = Some("Never".to_owned());
        container.restart_policy_rules = Some(vec![ContainerRestartRule {
            action: "Restart".to_owned(),
            exit_codes: Some(ContainerRestartRuleOnExitCodes {
                operator: "In".to_owned(),
                values: Some(vec![42]),
            }),
        }]);
        assert!(restarts(&container, &spec, 42) && !restarts(&container, &spec, 1));
    }
}
