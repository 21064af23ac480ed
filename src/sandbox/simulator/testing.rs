//! Small pods and nodes for unit tests.

use k8s_openapi::api::core::v1::{
    Container, Node, NodeSpec, NodeStatus, Pod, PodSpec, PodStatus, ResourceRequirements, Taint,
    Toleration,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

pub(super) struct PodBuilder(Pod);

/// A pod in the namespace `ns` with one container and no requests, as the server stores it.
pub(super) fn pod(name: &str) -> PodBuilder {
    PodBuilder(Pod {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("ns".to_owned()),
            uid: Some(format!("uid-{name}")),
            generation: Some(1),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            containers: vec![container("main", "0")],
            restart_policy: Some("Always".to_owned()),
            scheduler_name: Some("default-scheduler".to_owned()),
            ..PodSpec::default()
        }),
        status: Some(PodStatus {
            phase: Some("Pending".to_owned()),
            ..PodStatus::default()
        }),
    })
}

impl From<Pod> for PodBuilder {
    fn from(pod: Pod) -> Self {
        PodBuilder(pod)
    }
}

impl PodBuilder {
    pub(super) fn cpu(self, cpu: &str) -> Self {
        self.spec(|spec| spec.containers = vec![container("main", cpu)])
    }

    pub(super) fn on(self, node: &str) -> Self {
        self.spec(|spec| spec.node_name = Some(node.to_owned()))
    }

    pub(super) fn restart_policy(self, policy: &str) -> Self {
        self.spec(|spec| spec.restart_policy = Some(policy.to_owned()))
    }

    pub(super) fn selecting(self, label: &str, value: &str) -> Self {
        self.spec(|spec| {
            spec.node_selector = Some([(label.to_owned(), value.to_owned())].into());
        })
    }

    pub(super) fn tolerating(self, toleration: Toleration) -> Self {
        self.spec(|spec| spec.tolerations.get_or_insert_default().push(toleration))
    }

    /// Marked for deletion, with this much time left.
    pub(super) fn deleted(mut self, grace: i64) -> Self {
        self.0.metadata.deletion_timestamp = Some(Time("2026-01-01T00:00:00Z".parse().unwrap()));
        self.0.metadata.deletion_grace_period_seconds = Some(grace);
        self
    }

    pub(super) fn status(mut self, status: PodStatus) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(super) fn spec(mut self, change: impl FnOnce(&mut PodSpec)) -> Self {
        change(self.0.spec.as_mut().unwrap());
        self
    }

    /// The pod as it is so far.
    pub(super) fn peek(&self) -> Pod {
        self.0.clone()
    }

    pub(super) fn build(self) -> Pod {
        self.0
    }
}

pub(super) fn quantity(text: &str) -> Quantity {
    Quantity(text.to_owned())
}

pub(super) fn container(name: &str, cpu: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(format!("example.com/{name}:1")),
        resources: Some(ResourceRequirements {
            requests: Some([("cpu".to_owned(), Quantity(cpu.to_owned()))].into()),
            ..ResourceRequirements::default()
        }),
        ..Container::default()
    }
}

pub(super) struct NodeBuilder(Node);

/// A node with 4 CPUs that takes 10 pods, labelled with its name.
pub(super) fn node(name: &str) -> NodeBuilder {
    let allocatable = [("cpu", "4"), ("pods", "10")];
    NodeBuilder(Node {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("kubernetes.io/hostname".to_owned(), name.to_owned())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec::default()),
        status: Some(NodeStatus {
            allocatable: Some(
                allocatable
                    .map(|(k, v)| (k.to_owned(), Quantity(v.to_owned())))
                    .into(),
            ),
            ..NodeStatus::default()
        }),
    })
}

impl NodeBuilder {
    pub(super) fn label(mut self, label: &str, value: &str) -> Self {
        let labels = self.0.metadata.labels.get_or_insert_default();
        labels.insert(label.to_owned(), value.to_owned());
        self
    }

    pub(super) fn taint(mut self, key: &str, effect: &str) -> Self {
        let taint = Taint {
            key: key.to_owned(),
            effect: effect.to_owned(),
            ..Taint::default()
        };
        self.0
            .spec
            .get_or_insert_default()
            .taints
            .get_or_insert_default()
            .push(taint);
        self
    }

    pub(super) fn cordoned(mut self) -> Self {
        self.0.spec.get_or_insert_default().unschedulable = Some(true);
        self
    }

    pub(super) fn build(self) -> Node {
        self.0
    }
}
