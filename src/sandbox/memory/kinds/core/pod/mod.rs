//! Pod: `pkg/registry/core/pod`.

mod admission;
mod qos;
mod status;
mod update;
mod validate;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as api;
use serde_json::{Value, json};

use super::super::pod as shared;
use super::super::workloads::read::{at, flag, given, int, items, keep, put, remove, text};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write};
use crate::sandbox::memory::names;

pub use admission::{PriorityClass, admit_priority, tolerate};

/// See the module. Beside the object itself `status`, `ephemeralcontainers` and `resize` are written.
pub(super) struct Pod;

/// Annotations that stood for containers of initialisation, long ago.
const FORMER: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

impl Kind for Pod {
    fn default(&self, object: &mut Value) {
        typed::change::<api::PodSpec>(object, "spec", |spec| {
            shared::default_pod(spec);
            shared::default_spec(spec);
            // Only of pods; templates may say what they like.
            if spec
                .termination_grace_period_seconds
                .is_some_and(|seconds| seconds < 0)
            {
                spec.termination_grace_period_seconds = Some(1);
            }
        });
        for former in FORMER {
            if let Some(Value::Object(map)) = object.pointer_mut("/metadata/annotations") {
                map.shift_remove(former);
            }
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        let labels = at(object, "metadata.labels").clone();
        typed::change::<api::PodSpec>(object, "spec", |spec| {
            admission::admit_create(spec);
            admission::merge_label_keys(spec, &labels);
        });
        let class = qos::class(object);
        let mut status = json!({"phase": "Pending", "qosClass": class});
        if !items(object, "spec.schedulingGates").is_empty() {
            status["conditions"] = json!([{
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "lastTransitionTime": typed::now(),
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }]);
        }
        put(object, "status", status);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        match write.subresource {
            "status" => status::prepare(object, old),
            "ephemeralcontainers" => {
                let own = given(object, "spec.ephemeralContainers").cloned();
                keep(object, old, "spec");
                match own {
                    Some(own) => put(object, "spec.ephemeralContainers", own),
                    None => remove(object, "spec.ephemeralContainers"),
                }
                keep(object, old, "status");
                keep_metadata(object, old);
            }
            "resize" => {
                update::keep_all_but_resources(object, old);
                keep(object, old, "status");
                keep_metadata(object, old);
            }
            _ => {
                keep(object, old, "status");
                let known = typed::read(at(old, "spec"), &Path::root()).unwrap_or_default();
                typed::change::<api::PodSpec>(object, "spec", |spec| {
                    admission::admit_update(spec, &known);
                });
            }
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate::create(object)
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        match write.subresource {
            "status" => status::validate(object, old),
            "ephemeralcontainers" => update::validate_ephemeral(object, old),
            "resize" => update::validate_resize(object, old),
            _ => update::validate(object, old),
        }
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        if old.is_some() {
            return Vec::new();
        }
        let mut all = Vec::new();
        let wrong = names::dns1123_label(text(object, "metadata.name"));
        if !wrong.is_empty() {
            all.push(format!(
                "metadata.name: this is used in the Pod's hostname, which can result in surprising \
                 behavior; a DNS label is recommended: [{}]",
                wrong.join(" ")
            ));
        }
        if let Ok(spec) = typed::read(at(object, "spec"), &Path::new("spec")) {
            all.extend(shared::warnings::pod_warnings(&spec, &annotations(object)));
        }
        all
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn grace_period(&self, object: &Value) -> Option<i64> {
        let is_over = ["Failed", "Succeeded"].contains(&text(object, "status.phase"));
        if text(object, "spec.nodeName").is_empty() || is_over {
            return Some(0);
        }
        let seconds = int(object, "spec.terminationGracePeriodSeconds");
        Some(if seconds < 0 { 1 } else { seconds })
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        let value = |label: &str| match label {
            "spec.hostNetwork" => flag(object, label).to_string(),
            "status.podIP" => {
                let first = items(object, "status.podIPs").first();
                first
                    .map(|ip| text(ip, "ip"))
                    .unwrap_or_default()
                    .to_owned()
            }
            "spec.host" => text(object, "spec.nodeName").to_owned(),
            _ => text(object, label).to_owned(),
        };
        self.field_labels()
            .iter()
            .map(|label| (*label, value(label)))
            .collect()
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
            // What `spec.nodeName` was called long ago.
            "spec.host",
        ]
    }
}

/// `ResetObjectMetaForStatus`.
fn keep_metadata(object: &mut Value, old: &Value) {
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ] {
        keep(object, old, &format!("metadata.{field}"));
    }
}

fn annotations(object: &Value) -> BTreeMap<String, String> {
    let path = Path::new("metadata.annotations");
    typed::read(at(object, "metadata.annotations"), &path).unwrap_or_default()
}
