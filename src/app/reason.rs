//! The reasons in an App's conditions that are not taken over from Kubernetes.

/// All replicas that are wished are ready, and run the current pod template.
pub const READY: &str = "AllReplicasReady";
/// The App is paused.
pub const PAUSED: &str = "Paused";
/// The App was paused; only in an Event.
pub const RESUMED: &str = "Resumed";
/// `podOverrides` cannot be merged.
pub const INVALID_OVERRIDES: &str = "InvalidPodOverrides";
/// An object that the App needs is there already and is somebody else's.
pub const NOT_OWNED: &str = "NotOwned";
/// The server refuses what the App asks for.
pub const REFUSED: &str = "Refused";
/// An object of an App of the same name is still being deleted.
pub const AWAITING_DELETION: &str = "AwaitingDeletion";
/// The children are not yet as the App asks for.
pub const APPLYING: &str = "Applying";
/// The Deployment controller has not acted on the Deployment yet.
pub const AWAITING_CONTROLLER: &str = "AwaitingDeploymentController";
/// Somebody has paused the Deployment's rollout.
pub const ROLLOUT_PAUSED: &str = "RolloutPaused";
/// Pods are being replaced, added or removed.
pub const ROLLING_OUT: &str = "RollingOut";
