//! The kinds that make pods or scale and protect them: apps, batch, policy and autoscaling.

pub(crate) mod check;
mod claim;
mod controllerrevision;
mod cronjob;
mod daemonset;
mod deployment;
mod horizontalpodautoscaler;
mod job;
mod poddisruptionbudget;
pub(crate) mod read;
#[cfg(test)]
pub(crate) mod recorded;
mod replicaset;
mod schedule;
mod statefulset;
mod template;
mod timezone;

use super::Kind;

/// The kind of a resource of these groups, by its plural.
pub fn of(group: &str, plural: &str) -> Option<&'static dyn Kind> {
    let kind: &dyn Kind = match (group, plural) {
        ("apps", "controllerrevisions") => &controllerrevision::ControllerRevision,
        ("apps", "daemonsets") => &daemonset::DaemonSet,
        ("apps", "deployments") => &deployment::Deployment,
        ("apps", "replicasets") => &replicaset::ReplicaSet,
        ("apps", "statefulsets") => &statefulset::StatefulSet,
        ("autoscaling", "horizontalpodautoscalers") => {
            &horizontalpodautoscaler::HorizontalPodAutoscaler
        }
        ("batch", "cronjobs") => &cronjob::CronJob,
        ("batch", "jobs") => &job::Job,
        ("policy", "poddisruptionbudgets") => &poddisruptionbudget::PodDisruptionBudget,
        _ => return None,
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use recorded::replay;

    #[test]
    fn controllerrevisions() {
        replay(of, include_str!("cases/controllerrevisions.txt"));
    }

    #[test]
    fn cronjobs() {
        replay(of, include_str!("cases/cronjobs.txt"));
    }

    #[test]
    fn daemonsets() {
        replay(of, include_str!("cases/daemonsets.txt"));
    }

    #[test]
    fn deployments() {
        replay(of, include_str!("cases/deployments.txt"));
    }

    #[test]
    fn horizontalpodautoscalers() {
        replay(of, include_str!("cases/horizontalpodautoscalers.txt"));
    }

    #[test]
    fn jobs() {
        replay(of, include_str!("cases/jobs.txt"));
    }

    #[test]
    fn poddisruptionbudgets() {
        replay(of, include_str!("cases/poddisruptionbudgets.txt"));
    }

    #[test]
    fn replicasets() {
        replay(of, include_str!("cases/replicasets.txt"));
    }

    #[test]
    fn statefulsets() {
        replay(of, include_str!("cases/statefulsets.txt"));
    }
}
