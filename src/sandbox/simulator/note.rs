//! What scheduler and kubelets tell of pods: the Events that they write, before they are written.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Pod};

/// Who tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    Scheduler,
    /// The kubelet of that node
    Kubelet(String),
}

/// One thing told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note {
    pub(super) by: By,
    pub(super) pod: Arc<ObjectReference>,
    /// The part of the pod, such as `spec.containers{main}`
    pub(super) field: Option<String>,
    pub(super) is_warning: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) at: Timestamp,
}

/// Notes of one component about one pod at one time.
pub(super) struct Notes {
    by: By,
    pod: Arc<ObjectReference>,
    at: Timestamp,
    all: Vec<Note>,
}

impl Notes {
    pub(super) fn new(by: By, pod: &Pod, at: Timestamp) -> Self {
        let meta = &pod.metadata;
        let pod = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            resource_version: meta.resource_version.clone(),
            uid: meta.uid.clone(),
            field_path: None,
        };
        Notes {
            by,
            pod: Arc::new(pod),
            at,
            all: Vec::new(),
        }
    }

    /// That all is well.
    pub(super) fn normal(&mut self, field: Option<&str>, reason: &'static str, message: String) {
        self.add(field, false, reason, message);
    }

    /// That something is not.
    pub(super) fn warn(&mut self, field: Option<&str>, reason: &'static str, message: String) {
        self.add(field, true, reason, message);
    }

    pub(super) fn done(self) -> Vec<Note> {
        self.all
    }

    fn add(
        &mut self,
        field: Option<&str>,
        is_warning: bool,
        reason: &'static str,
        message: String,
    ) {
        self.all.push(Note {
            by: self.by.clone(),
            pod: Arc::clone(&self.pod),
            field: field.map(str::to_owned),
            is_warning,
            reason,
            message,
            at: self.at,
        });
    }
}
