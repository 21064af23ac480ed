//! What a simulated kubelet is told to make of pods.

use std::time::Duration;

use super::pattern::Pattern;

/// How pods fare; by default they start at once and all goes well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How long a pod that is bound to a node is `ContainerCreating` before its containers start.
    pub start_delay: Duration,
    /// Images that cannot be pulled ([`Pattern::matches_image`]): containers with one wait, first
    /// with `ErrImagePull`, then with `ImagePullBackOff`.
    pub fail_image: Vec<Pattern>,
    /// Pods ([`Pattern::matches_pod`]) whose containers end with exit code 1 as soon as they
    /// start, and are restarted with a growing back-off if their restart policy says so. Init
    /// containers and sidecars of such pods do well.
    pub fail_pod: Vec<Pattern>,
}

impl Options {
    pub(super) fn is_no_image(&self, image: &str) -> bool {
        self.fail_image
            .iter()
            .any(|pattern| pattern.matches_image(image))
    }

    pub(super) fn crashes(&self, namespace: &str, name: &str) -> bool {
        self.fail_pod
            .iter()
            .any(|pattern| pattern.matches_pod(namespace, name))
    }
}
