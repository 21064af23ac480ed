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
