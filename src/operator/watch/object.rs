//! What is kept of a watched object. It is reduced while it is read, so that no list of whole
//! objects is ever in memory.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Kind;
use crate::app::pods::{self, Trouble};
use crate::app::{App, LiveDeployment, LiveService, labels};

/// A watched object, reduced.
#[derive(Clone, Debug)]
pub(in super::super) struct Object {
    pub(in super::super) namespace: String,
    pub(in super::super) name: String,
    /// Its resourceVersion as a number; that they are numbers and grow is promised since 1.35 and
    /// was so before
    pub(in super::super) version: u64,
    pub(in super::super) thing: Thing,
}

/// What is kept, by kind.
#[derive(Clone, Debug)]
pub(in super::super) enum Thing {
    App(Box<App>),
    /// An App that cannot be read: written before the CRD had its schema
    BrokenApp {
        uid: String,
        /// Why it cannot be read
        problem: String,
    },
    Deployment(Box<LiveDeployment>),
    Service(Box<LiveService>),
    /// A pod of the App of that name, and what troubles it
    Pod(String, Option<Trouble>),
    /// The name of the Deployment that it scales, if it is one
    Autoscaler(Option<String>),
}

impl Object {
    /// Reduces an object as the server gave it. `None` when it has no name or version, which no
    /// server does.
    pub(in super::super) fn read(kind: Kind, value: Value) -> Option<Object> {
        let text = |field: &str| value["metadata"][field].as_str().map(str::to_owned);
        let (name, version) = (text("name")?, text("resourceVersion")?.parse().ok()?);
        let namespace = text("namespace").unwrap_or_default();
        let uid = text("uid");
        let thing = match kind {
            Kind::App => match read_app(value) {
                Ok(app) => Thing::App(Box::new(app)),
                Err(problem) => Thing::BrokenApp {
                    uid: uid.unwrap_or_default(),
                    problem: problem.to_string(),
                },
            },
            Kind::Deployment => Thing::Deployment(Box::new(LiveDeployment::read(&value))),
            Kind::Service => Thing::Service(Box::new(LiveService::read(&value))),
            Kind::Pod => {
                let label = value["metadata"]["labels"][labels::LABEL].as_str();
                let app = label.unwrap_or_default().to_owned();
                // A pod that this version's types cannot hold has no trouble that we could tell.
                let trouble = serde_json::from_value::<Pod>(value).ok();
                Thing::Pod(app, trouble.as_ref().and_then(pods::trouble))
            }
            Kind::Autoscaler => {
                let target = &value["spec"]["scaleTargetRef"];
                let is_deployment = target["kind"] == "Deployment";
                let name = target["name"].as_str().filter(|_| is_deployment);
                Thing::Autoscaler(name.map(str::to_owned))
            }
        };
        Some(Object {
            namespace,
            name,
            version,
            thing,
        })
    }
}

/// Reads an App as the server gave it. What nobody reads is dropped: it is most of the object.
///
/// Errors: the spec has something else than the CRD asks for.
pub(in super::super) fn read_app(mut value: Value) -> Result<App, serde_json::Error> {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
        metadata.shift_remove("annotations");
    }
    serde_json::from_value(value)
}

/// An object on its way out of a watch, as the kube crate wants it to be.
#[derive(Clone, Debug)]
pub(super) struct Seen<const KIND: usize> {
    meta: ObjectMeta,
    pub(super) object: Option<Object>,
}

impl<'de, const KIND: usize> Deserialize<'de> for Seen<KIND> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let version = value["metadata"]["resourceVersion"]
            .as_str()
            .map(str::to_owned);
        Ok(Seen {
            meta: ObjectMeta {
                resource_version: version,
                ..ObjectMeta::default()
            },
            object: Object::read(Kind::ALL[KIND], value),
        })
    }
}

impl<const KIND: usize> Resource for Seen<KIND> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_app_that_cannot_be_read_is_still_an_object() {
        let metadata = json!({"name": "a", "namespace": "n", "resourceVersion": "7"});
        let broken = json!({"metadata": metadata, "spec": {"image": "i", "replicas": "two"}});
        let object = Object::read(Kind::App, broken).unwrap();
        assert_eq!((object.name.as_str(), object.version), ("a", 7));
        assert!(
            matches!(object.thing, Thing::BrokenApp { problem, .. } if problem.contains("two"))
        );
    }

    #[test]
    fn an_autoscaler_counts_when_it_scales_a_deployment() {
        let of = |kind: &str| {
            let metadata = json!({"name": "h", "namespace": "n", "resourceVersion": "7"});
            let spec = json!({"scaleTargetRef": {"kind": kind, "name": "a"}});
            let value = json!({"metadata": metadata, "spec": spec});
            match Object::read(Kind::Autoscaler, value).unwrap().thing {
                Thing::Autoscaler(target) => target,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of("Deployment").unwrap(), "a");
        assert_eq!(of("StatefulSet"), None);
        assert_eq!(
            of("App"),
            None,
            "it writes the App's spec, which is followed anyway"
        );
    }
}
