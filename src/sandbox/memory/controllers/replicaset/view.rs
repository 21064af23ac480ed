//! ReplicaSets and ReplicationControllers in one form.

use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::{
    PodTemplateSpec, ReplicationController, ReplicationControllerCondition,
    ReplicationControllerStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::super::index::Kind;
use super::super::meta::Namespaced;
use super::super::scaled::nonzero;

/// What the controller reads of an object.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct View {
    pub(super) replicas: i32,
    pub(super) min_ready_seconds: i32,
    pub(super) selector: LabelSelector,
    pub(super) template: Option<PodTemplateSpec>,
    pub(super) generation: Option<i64>,
    pub(super) deleted: bool,
    pub(super) status: ReplicaSetStatus,
}

/// A ReplicaSet or a ReplicationController.
pub(in super::super) trait Replicas: Namespaced {
    /// The resource, as the index knows it
    const RESOURCE: Kind;
    /// What Events say they are from
    const COMPONENT: &'static str;
    /// Whether its status counts pods that terminate
    const COUNTS_TERMINATING: bool;
    /// What the controller reads of it
    fn view(&self) -> View;
    /// The same with this status
    fn with_status(self, status: ReplicaSetStatus) -> Self;
}

impl Replicas for ReplicaSet {
    const RESOURCE: Kind = Kind::ReplicaSet;
    const COMPONENT: &'static str = "replicaset-controller";
    const COUNTS_TERMINATING: bool = true;

    fn view(&self) -> View {
        let spec = self.spec.clone().unwrap_or_default();
        View {
            replicas: spec.replicas.unwrap_or(1),
            min_ready_seconds: spec.min_ready_seconds.unwrap_or_default(),
            selector: spec.selector,
            template: spec.template,
            generation: self.metadata.generation,
            deleted: self.metadata.deletion_timestamp.is_some(),
            status: self.status.clone().unwrap_or_default(),
        }
    }

    fn with_status(mut self, status: ReplicaSetStatus) -> Self {
        self.status = Some(status);
        self
    }
}

impl Replicas for ReplicationController {
    const RESOURCE: Kind = Kind::ReplicationController;
    const COMPONENT: &'static str = "replication-controller";
    const COUNTS_TERMINATING: bool = false;

    fn view(&self) -> View {
        let spec = self.spec.clone().unwrap_or_default();
        let status = self.status.clone().unwrap_or_default();
        let condition = |c: ReplicationControllerCondition| ReplicaSetCondition {
            type_: c.type_,
            status: c.status,
            reason: c.reason,
            message: c.message,
            last_transition_time: c.last_transition_time,
        };
        let conditions = status
            .conditions
            .map(|all| all.into_iter().map(condition).collect());
        View {
            replicas: spec.replicas.unwrap_or(1),
            min_ready_seconds: spec.min_ready_seconds.unwrap_or_default(),
            selector: LabelSelector {
                match_labels: spec.selector,
                match_expressions: None,
            },
            template: spec.template,
            generation: self.metadata.generation,
            deleted: self.metadata.deletion_timestamp.is_some(),
            status: ReplicaSetStatus {
                replicas: status.replicas,
                fully_labeled_replicas: status.fully_labeled_replicas.and_then(nonzero),
                ready_replicas: status.ready_replicas.and_then(nonzero),
                available_replicas: status.available_replicas.and_then(nonzero),
                observed_generation: status.observed_generation,
                terminating_replicas: None,
                conditions,
            },
        }
    }

    fn with_status(mut self, status: ReplicaSetStatus) -> Self {
        let condition = |c: ReplicaSetCondition| ReplicationControllerCondition {
            type_: c.type_,
            status: c.status,
            reason: c.reason,
            message: c.message,
            last_transition_time: c.last_transition_time,
        };
        self.status = Some(ReplicationControllerStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            observed_generation: status.observed_generation,
            conditions: status
                .conditions
                .map(|all| all.into_iter().map(condition).collect()),
        });
        self
    }
}
