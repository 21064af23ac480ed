//! Events (core/v1), as client-go's recorder writes them; see
//! [`correlate`](crate::sandbox::correlate).

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, Resource};
use serde_json::json;

use crate::sandbox::correlate::{Correlator, Saying};

use super::cluster::{Cluster, Gvr};
use super::context::time;

/// The object that an Event is about.
#[derive(Clone, Debug)]
pub(super) struct Involved(ObjectReference);

impl Involved {
    pub(super) fn of<T: Resource + Metadata<Ty = ObjectMeta>>(object: &T) -> Self {
        let meta = object.metadata();
        Involved(ObjectReference {
            api_version: Some(T::API_VERSION.to_owned()),
            kind: Some(T::KIND.to_owned()),
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            resource_version: meta.resource_version.clone(),
            uid: meta.uid.clone(),
            field_path: None,
        })
    }

    /// The same of what has no type.
    pub(super) fn new(reference: ObjectReference) -> Self {
        Involved(reference)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recorder(Correlator);

impl Recorder {
    /// Writes an Event. That it could not be written is no failure of the controller's.
    pub(super) fn record(
        &mut self,
        cluster: &dyn Cluster,
        component: &'static str,
        about: &Involved,
        type_: &str,
        reason: &str,
        message: &str,
    ) {
        let now = cluster.now();
        let about = &about.0;
        let subject = [
            component,
            about.kind.as_deref().unwrap_or_default(),
            about.namespace.as_deref().unwrap_or_default(),
            about.name.as_deref().unwrap_or_default(),
            about.uid.as_deref().unwrap_or_default(),
            about.api_version.as_deref().unwrap_or_default(),
            type_,
        ];
        let saying = Saying {
            subject: &subject,
            name: about.name.as_deref().unwrap_or_default(),
            field: about.field_path.as_deref().unwrap_or_default(),
            reason,
            message,
        };
        let Some(mut told) = self.0.tell(saying, now) else {
            return;
        };
        let namespace = about
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty());
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        let resource = Gvr::of::<Event>();
        if told.exists {
            let patch = json!({
                "count": told.count, "lastTimestamp": time(now), "message": told.message,
            });
            if cluster
                .patch(&resource, "", &namespace, &told.name, patch)
                .is_ok()
            {
                return;
            }
            // It has expired or was deleted: a new one is written, with the old count.
            told = self.0.renew(told, now);
        }
        let event = Event {
            metadata: ObjectMeta {
                name: Some(told.name),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            involved_object: about.clone(),
            reason: Some(reason.to_owned()),
            message: Some(told.message),
            type_: Some(type_.to_owned()),
            count: Some(told.count),
            first_timestamp: Some(time(told.first)),
            last_timestamp: Some(time(now)),
            source: Some(EventSource {
                component: Some(component.to_owned()),
                host: None,
            }),
            reporting_component: (!told.combined).then(|| component.to_owned()),
            ..Event::default()
        };
        if let Err(problem) = cluster.create_typed(&event) {
            tracing::debug!(%problem, reason, "an Event could not be written");
        }
    }
}
