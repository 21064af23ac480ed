//! What is kept of the children that exist: a few hundred bytes where the object has kilobytes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::drift::{self, Digest};
use super::types::App;
use super::{MANAGER, labels, names};

/// What every child has.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Its uid, for a delete that means this very object.
    pub uid: String,
    /// Its resourceVersion, to tell older news from newer.
    pub resource_version: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What we have applied to it, with the values it has now.
    pub digest: Digest,
    controller: Option<Controller>,
    owners: Vec<String>,
    /// Whether it bears the label by which children are watched, with its own name.
    pub labelled: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Controller {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
}

/// Whose a child is, for an App that wants one of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Ours: it names this App as an owner, and nobody else as its controller.
    Ours,
    /// Nobody's, but it bears the App's label: left behind by an App that was deleted without its
    /// children. It is adopted.
    Orphan,
    /// Of an earlier App of the same name; the garbage collector is about to delete it.
    Predecessor,
    /// Somebody else's, named by `kind "name"`, or by nothing when it has no controller. It is never
    /// touched.
    Foreign(Option<String>),
}

impl Live {
    /// Reads what is kept of an object as the server gave it, managedFields included.
    pub fn read(object: &Value) -> Live {
        let metadata = &object["metadata"];
        let owners = metadata["ownerReferences"].as_array();
        let owners = owners.into_iter().flatten();
        let controller = owners
            .clone()
            .find(|owner| owner["controller"] == true)
            .map(|owner| Controller {
                api_version: text(&owner["apiVersion"]),
                kind: text(&owner["kind"]),
                name: text(&owner["name"]),
                uid: text(&owner["uid"]),
            });
        let label = &metadata["labels"][labels::LABEL];
        Live {
            uid: text(&metadata["uid"]),
            resource_version: text(&metadata["resourceVersion"]),
            deleting: metadata["deletionTimestamp"].is_string(),
            digest: drift::owned_digest(object, MANAGER),
            controller,
            owners: owners.map(|owner| text(&owner["uid"])).collect(),
            labelled: label.is_string() && *label == metadata["name"],
        }
    }

    /// Whose it is. An App without a uid owns nothing.
    pub fn ownership(&self, app: &App) -> Ownership {
        let ours = |uid: &str| !uid.is_empty() && uid == names::uid(app);
        match &self.controller {
            Some(controller) if ours(&controller.uid) => Ownership::Ours,
            Some(controller) if controller.is_app_named(names::name(app)) => Ownership::Predecessor,
            Some(controller) => {
                Ownership::Foreign(Some(format!("{} \"{}\"", controller.kind, controller.name)))
            }
            None if self.owners.iter().any(|uid| ours(uid)) => Ownership::Ours,
            None if self.labelled => Ownership::Orphan,
            None => Ownership::Foreign(None),
        }
    }
}

impl Controller {
    fn is_app_named(&self, name: &str) -> bool {
        let group = self.api_version.split('/').next().unwrap_or_default();
        group == <App as kube::Resource>::group(&())
            && self.kind == <App as kube::Resource>::kind(&())
            && self.name == name
    }
}

/// A Deployment of an App's name.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveDeployment {
    /// What every child has.
    pub live: Live,
    /// Its generation.
    pub generation: i64,
    /// The generation that the Deployment controller has acted on; 0 before it has seen any.
    pub observed_generation: i64,
    /// Its selector, which cannot be changed.
    pub selector: Option<LabelSelector>,
    /// `spec.replicas`.
    pub wished: i32,
    /// Whether somebody has paused its rollout.
    pub paused: bool,
    /// The numbers of its status.
    pub counts: Counts,
    /// The message of its condition Progressing, when the rollout has passed its deadline.
    pub deadline_exceeded: Option<String>,
    /// The message of its condition ReplicaFailure: why pods cannot even be created.
    pub replica_failure: Option<String>,
    /// Whether we own `spec.replicas`.
    pub replicas_ours: bool,
    /// Whether somebody else owns `spec.replicas`, perhaps beside us.
    pub replicas_others: bool,
}

/// The numbers of a DeploymentStatus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pods that are not terminating.
    pub replicas: i32,
    /// Pods of the current pod template.
    pub updated: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that have been ready for long enough.
    pub available: i32,
    /// Pods that are missing.
    pub unavailable: i32,
}

impl LiveDeployment {
    /// Reads what is kept of a Deployment as the server gave it, managedFields included.
    pub fn read(object: &Value) -> LiveDeployment {
        let (spec, status) = (&object["spec"], &object["status"]);
        let message = |type_: &str, reason: &str, wanted: &str| {
            let conditions = status["conditions"].as_array()?;
            let condition = conditions.iter().find(|c| c["type"] == type_)?;
            let holds = condition["status"] == wanted
                && (reason.is_empty() || condition["reason"] == reason);
            holds.then(|| text(&condition["message"]))
        };
        const REPLICAS: &[&str] = &["spec", "replicas"];
        LiveDeployment {
            live: Live::read(object),
            generation: object["metadata"]["generation"].as_i64().unwrap_or(0),
            observed_generation: status["observedGeneration"].as_i64().unwrap_or(0),
            selector: serde_json::from_value(spec["selector"].clone()).ok(),
            wished: spec.get("replicas").map_or(1, number),
            paused: spec["paused"] == true,
            counts: Counts {
                replicas: number(&status["replicas"]),
                updated: number(&status["updatedReplicas"]),
                ready: number(&status["readyReplicas"]),
                available: number(&status["availableReplicas"]),
                unavailable: number(&status["unavailableReplicas"]),
            },
            deadline_exceeded: message("Progressing", "ProgressDeadlineExceeded", "False"),
            replica_failure: message("ReplicaFailure", "", "True"),
            replicas_ours: drift::owns(object, MANAGER, REPLICAS),
            replicas_others: drift::others_own(object, MANAGER, REPLICAS),
        }
    }

    /// Whether replicas may be left out without falling back to 1.
    pub(super) fn may_drop_replicas(&self) -> bool {
        self.replicas_others || !self.replicas_ours
    }
}

/// A Service of an App's name.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveService {
    /// What every child has.
    pub live: Live,
}

impl LiveService {
    /// Reads what is kept of a Service as the server gave it, managedFields included.
    pub fn read(object: &Value) -> LiveService {
        LiveService {
            live: Live::read(object),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i32 {
    value
        .as_i64()
        .and_then(|number| i32::try_from(number).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ownership(metadata: Value) -> Ownership {
        let object = json!({"metadata": metadata});
        Live::read(&object).ownership(&App::test("web"))
    }

    fn owner(kind: &str, uid: &str, controller: bool) -> Value {
        json!({
            "apiVersion": "app.example.com/v1", "kind": kind, "name": "web", "uid": uid,
            "controller": controller,
        })
    }

    #[test]
    fn a_child_that_names_the_app_as_owner_is_ours() {
        for controller in [true, false] {
            let owners = json!([owner("App", "uid-web", controller)]);
            assert_eq!(
                ownership(json!({"ownerReferences": owners})),
                Ownership::Ours
            );
        }
    }

    #[test]
    fn another_controller_makes_it_foreign() {
        let owners = json!([
            owner("App", "uid-web", false),
            owner("Other", "uid-x", true)
        ]);
        assert_eq!(
            ownership(json!({"ownerReferences": owners})),
            Ownership::Foreign(Some("Other \"web\"".to_owned()))
        );
        assert_eq!(ownership(json!({})), Ownership::Foreign(None));
    }

    #[test]
    fn what_nobody_controls_and_bears_the_label_is_an_orphan() {
        let label = |value: &str| json!({"name": "web", "labels": {"app.example.com/v1": value}});
        assert_eq!(ownership(label("web")), Ownership::Orphan);
        assert_eq!(ownership(label("other")), Ownership::Foreign(None));
    }

    #[test]
    fn the_child_of_an_earlier_app_of_that_name_is_waited_for() {
        let owners = json!([owner("App", "uid-earlier", true)]);
        assert_eq!(
            ownership(json!({"ownerReferences": owners})),
            Ownership::Predecessor
        );
    }

    #[test]
    fn an_app_without_a_uid_owns_nothing() {
        let mut app = App::test("web");
        app.metadata.uid = None;
        let owners = json!({"metadata": {"ownerReferences": [owner("Other", "", true)]}});
        let foreign = Ownership::Foreign(Some("Other \"web\"".to_owned()));
        assert_eq!(Live::read(&owners).ownership(&app), foreign);
    }

    #[test]
    fn a_deployment_is_read() {
        let read = LiveDeployment::read(&json!({
            "metadata": {"uid": "u", "resourceVersion": "7", "generation": 3,
                "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"replicas": 2, "paused": true, "selector": {"matchLabels": {"a": "b"}}},
            "status": {
                "observedGeneration": 2, "replicas": 5, "updatedReplicas": 4, "readyReplicas": 3,
                "availableReplicas": 2, "unavailableReplicas": 1,
                "conditions": [
                    {"type": "Progressing", "status": "False",
                        "reason": "ProgressDeadlineExceeded", "message": "too late"},
                    {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                        "message": "quota"},
                ],
            },
        }));
        assert_eq!((read.live.uid.as_str(), read.live.deleting), ("u", true));
        assert_eq!((read.generation, read.observed_generation), (3, 2));
        assert_eq!((read.wished, read.paused), (2, true));
        let Counts {
            replicas,
            updated,
            ready,
            available,
            unavailable,
        } = read.counts;
        assert_eq!(
            [replicas, updated, ready, available, unavailable],
            [5, 4, 3, 2, 1]
        );
        assert_eq!(read.deadline_exceeded.as_deref(), Some("too late"));
        assert_eq!(read.replica_failure.as_deref(), Some("quota"));
        let text = labels::selector_text(&read.selector.unwrap());
        assert_eq!(text, "a=b");
    }

    #[test]
    fn conditions_that_do_not_hold_are_not_read() {
        let read = LiveDeployment::read(&json!({"status": {"conditions": [
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            {"type": "ReplicaFailure", "status": "False", "message": "quota"},
        ]}}));
        assert_eq!((read.deadline_exceeded, read.replica_failure), (None, None));
        assert_eq!(read.wished, 1);
    }
}
