//! The children of an App as they are sent: App in, object out, one file per kind.
//!
//! A payload holds exactly the fields that are ours. What is not in it is the server's or other
//! people's, and what was in the last one and is not in this one is taken away by the server.

mod deployment;
mod ports;
mod service;

pub use deployment::{deployment, handover};
pub use service::service;

use serde_json::{Value, json};

use super::types::App;
use super::{labels, names};

/// The kinds of an App's children. They bear the App's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Child {
    /// `apps/v1` Deployment.
    Deployment,
    /// `v1` Service.
    Service,
}

impl Child {
    /// All of them, in the order in which they are written.
    pub const ALL: [Child; 2] = [Child::Deployment, Child::Service];

    /// The kind, such as `Deployment`.
    pub fn kind(self) -> &'static str {
        match self {
            Child::Deployment => "Deployment",
            Child::Service => "Service",
        }
    }

    /// The apiVersion, such as `apps/v1`.
    pub fn api_version(self) -> &'static str {
        match self {
            Child::Deployment => "apps/v1",
            Child::Service => "v1",
        }
    }

    /// The resource in URLs, such as `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Child::Deployment => "deployments",
            Child::Service => "services",
        }
    }
}

/// The head that children share: type, name, labels, and the App as their controller.
///
/// A uid is what an owner is known by; an App that has none yet (a dry run of one that is not
/// stored) owns nothing.
fn head(app: &App, child: Child) -> Value {
    let mut metadata = json!({"name": names::name(app)});
    if let Some(namespace) = &app.metadata.namespace {
        metadata["namespace"] = json!(namespace);
    }
    metadata["labels"] = labels::as_value(&labels::labels(app));
    if let Some(uid) = &app.metadata.uid {
        metadata["ownerReferences"] = json!([{
            "apiVersion": <App as kube::Resource>::api_version(&()),
            "kind": <App as kube::Resource>::kind(&()),
            "name": names::name(app),
            "uid": uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }]);
    }
    json!({"apiVersion": child.api_version(), "kind": child.kind(), "metadata": metadata})
}
