//! The App as Rust types; the CRD is generated from them.

use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, LocalObjectReference, Probe, ResourceRequirements, ServicePort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

// What the CRD requires (`image`) still has a default here: an App stored before the CRD had a
// schema is to be read and spoken about, not to break the list that it is in.
/// What an App is to be: one Deployment, and a Service where there are ports.
#[allow(
    clippy::duplicated_attributes,
    reason = "each printcolumn has a type_ of its own"
)]
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "app.example.com",
    version = "v1",
    kind = "App",
    plural = "apps",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq",
    shortname = "ap",
    category = "all",
    doc = "App runs one container image as a Deployment, with a Service when it has ports.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        description = "Ready replicas of those wished",
        json_path = ".status.ready"
    ),
    printcolumn(
        name = "Image",
        type_ = "string",
        description = "The container image",
        json_path = ".spec.image"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        description = "Why it is ready, or not",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        description = "The same in words",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// How many pods are wished. Scale with kubectl scale app, or aim a HorizontalPodAutoscaler at
    /// the App or at its Deployment.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    pub replicas: i32,

    /// The container image.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub image: String,

    /// When the image is pulled: Always, IfNotPresent or Never.
    #[serde(default = "always")]
    pub image_pull_policy: String,

    /// The program that is run instead of the image's entrypoint. $(NAME) stands for a variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,

    /// The program's arguments, instead of those of the image. $(NAME) stands for a variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,

    /// CPU and memory: what the container is promised and where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Environment variables, in this order. $(NAME) in a value stands for an earlier variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envs: Vec<EnvVar>,

    /// ConfigMaps and Secrets whose keys become environment variables; envs win over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFromSource>,

    /// The ports of the App's Service. Their targetPorts are the container's ports; without ports
    /// there is no Service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,

    /// When it fails, the container is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Box<Probe>>,

    /// While it fails, the pod gets no traffic and does not count as ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Box<Probe>>,

    /// Until it succeeds, the other probes wait; when it fails, the container is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_probe: Option<Box<Probe>>,

    /// The ServiceAccount that the pods run as; otherwise the namespace's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,

    /// Secrets of this namespace with credentials for the image's registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<LocalObjectReference>,

    /// While true, nothing of the App is created, changed or deleted; its status still follows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub paused: bool,

    /// A part of a PodTemplateSpec (metadata, spec) that is merged into the pods by strategic merge,
    /// for all that has no field here. The App's own container bears the App's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Value>>")]
    pub pod_overrides: Option<Map<String, Value>>,
}

/// How an App is; the fields of a DeploymentStatus, a selector for the scale subresource, and the
/// conditions Ready, Reconciling and Stalled by which `kubectl wait` and kstatus judge.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppStatus {
    /// The generation of the App that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Pods of the Deployment that are not terminating.
    pub replicas: i32,

    /// Pods that run the current pod template.
    pub updated_replicas: i32,

    /// Pods that are ready.
    pub ready_replicas: i32,

    /// Pods that have been ready for the Deployment's minReadySeconds.
    pub available_replicas: i32,

    /// Pods that are still missing until the Deployment is fully available.
    pub unavailable_replicas: i32,

    /// Ready replicas of those wished, such as 2/2.
    pub ready: String,

    /// Selects the App's pods, as text.
    pub selector: String,

    /// Ready, Reconciling and Stalled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

fn one() -> i32 {
    1
}

fn always() -> String {
    "Always".to_owned()
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Default for AppSpec {
    fn default() -> AppSpec {
        AppSpec {
            replicas: one(),
            image: String::new(),
            image_pull_policy: always(),
            command: Vec::new(),
            args: Vec::new(),
            resources: None,
            envs: Vec::new(),
            env_from: Vec::new(),
            ports: Vec::new(),
            liveness_probe: None,
            readiness_probe: None,
            startup_probe: None,
            service_account_name: None,
            image_pull_secrets: Vec::new(),
            paused: false,
            pod_overrides: None,
        }
    }
}
