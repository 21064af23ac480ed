//! Where the pods behind Services are: EndpointSlices (`k8s.io/endpointslice`), and the deprecated
//! Endpoints (`pkg/controller/endpoint`).
//!
//! Ports come in the order of the Service, where Kubernetes sorts them by a hash. Topology hints of
//! the annotation `service.kubernetes.io/topology-mode` are not given; those of
//! `spec.trafficDistribution` are.

mod endpoint;
mod legacy;
mod slices;
mod trigger;

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Endpoints, Node, Pod, Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::sandbox::memory::status::Status;

use super::cluster::{Delete, Gvr};
use super::context::{Again, Context, Controller, Name, unless_gone};
use super::events::Involved;
use super::index::{Index, Kind, Seen};
use super::{meta, pods};

use slices::Changes;
use trigger::Triggers;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const HEADLESS: &str = "service.kubernetes.io/headless";
const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const LEGACY_COMPONENT: &str = "endpoint-controller";

/// The controller of EndpointSlices.
#[derive(Default)]
pub(super) struct Slices {
    triggers: Triggers,
}

impl Controller for Slices {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::EndpointSlice {
            if let Some(service) = seen.after.labels.get(SERVICE_NAME) {
                due(Name::new(seen.namespace(), service));
            }
        } else {
            services_due(seen, index, due);
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(service) = cx.cluster.typed::<Service>(&name.namespace, &name.name) else {
            // What it owned is collected as garbage.
            self.triggers.forget(name);
            return Ok(None);
        };
        let Some(spec) = selecting(&service) else {
            return Ok(None);
        };
        let pods = selected(cx, &name.namespace, spec);
        let nodes = nodes_of(cx, &pods);
        let trigger = self.triggers.last_change(name, &service, &pods);
        let existing = cx
            .cluster
            .controlled::<EndpointSlice>(&name.namespace, meta::uid(&service));
        let managed = existing.into_iter().filter(|slice| {
            let labels = slice.metadata.labels.as_ref();
            labels
                .and_then(|labels| labels.get(MANAGED_BY))
                .is_some_and(|by| by == MANAGER)
        });
        let Changes {
            create,
            update,
            delete,
            without_node,
        } = slices::changes(&service, &pods, &nodes, managed.collect());
        for mut slice in create {
            if service.metadata.deletion_timestamp.is_none() {
                note_trigger(&mut slice, trigger);
                cx.cluster.create_typed(&slice)?;
            }
        }
        for mut slice in update {
            note_trigger(&mut slice, trigger);
            cx.cluster.update_typed("", &slice)?;
        }
        for slice in delete {
            let how = Delete {
                uid: slice.metadata.uid.as_deref(),
                ..Delete::default()
            };
            let resource = Gvr::of::<EndpointSlice>();
            let deleted = cx
                .cluster
                .delete(&resource, &name.namespace, meta::name(&slice), how);
            unless_gone(deleted)?;
        }
        match without_node {
            // The node may come.
            Some(problem) => Err(Status::internal(problem)),
            None => Ok(None),
        }
    }
}

/// The controller of Endpoints.
#[derive(Default)]
pub(super) struct Legacy {
    triggers: Triggers,
}

impl Controller for Legacy {
    fn due(&mut self, seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
        if seen.kind == Kind::Endpoints && seen.gone() {
            due(Name::new(seen.namespace(), seen.name()));
        } else {
            services_due(seen, index, due);
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let Some(service) = cx.cluster.typed::<Service>(&name.namespace, &name.name) else {
            self.triggers.forget(name);
            let resource = Gvr::of::<Endpoints>();
            let deleted =
                cx.cluster
                    .delete(&resource, &name.namespace, &name.name, Delete::default());
            unless_gone(deleted)?;
            return Ok(None);
        };
        let Some(spec) = selecting(&service) else {
            return Ok(None);
        };
        let pods = selected(cx, &name.namespace, spec);
        let trigger = self.triggers.last_change(name, &service, &pods);
        let current = cx.cluster.typed::<Endpoints>(&name.namespace, &name.name);
        let exists = current.is_some();
        let Some(wanted) = legacy::wanted(&service, &pods, current, trigger.map(trigger::text))
        else {
            return Ok(None);
        };
        let (reason, verb) = match exists {
            true => ("FailedToUpdateEndpoint", "update endpoint"),
            false => ("FailedToCreateEndpoint", "create endpoint for service"),
        };
        let written = match exists {
            true => cx.cluster.update_typed("", &wanted),
            false => cx.cluster.create_typed(&wanted),
        };
        if let Err(problem) = &written
            && !super::context::is_terminating(problem)
        {
            let message = format!(
                "Failed to {verb} {}/{}: {problem}",
                name.namespace, name.name
            );
            cx.warning(LEGACY_COMPONENT, &Involved::of(&wanted), reason, &message);
        }
        written.map(|_| None)
    }
}

fn services_due(seen: &Seen<'_>, index: &Index, due: &mut dyn FnMut(Name)) {
    let namespace = seen.namespace();
    match seen.kind {
        Kind::Service => due(Name::new(namespace, seen.name())),
        Kind::Pod => {
            let before = seen.before.iter().map(|facts| &facts.labels);
            for labels in before.chain([&seen.after.labels]) {
                for name in index.selecting(Kind::Service, namespace, labels) {
                    due(Name::new(namespace, &name));
                }
            }
        }
        _ => {}
    }
}

/// The spec of a Service that selects pods.
fn selecting(service: &Service) -> Option<&ServiceSpec> {
    let spec = service.spec.as_ref()?;
    let external = spec.type_.as_deref() == Some("ExternalName");
    let selects = spec
        .selector
        .as_ref()
        .is_some_and(|selector| !selector.is_empty());
    (selects && !external).then_some(spec)
}

fn selected(cx: &Context<'_>, namespace: &str, spec: &ServiceSpec) -> Vec<Pod> {
    let selector = spec.selector.clone().unwrap_or_default();
    let names = cx.index.labelled(Kind::Pod, namespace, &selector);
    let mut selected = pods::read(cx.cluster, namespace, &names);
    selected.retain(|pod| super::selector::contains(&super::ownership::labels_of(pod), &selector));
    selected
}

fn nodes_of(cx: &Context<'_>, pods: &[Pod]) -> HashMap<String, Node> {
    let mut nodes = HashMap::new();
    for pod in pods {
        let name = super::pods::node(pod);
        if !name.is_empty()
            && !nodes.contains_key(name)
            && let Some(node) = cx.cluster.typed::<Node>("", name)
        {
            nodes.insert(name.to_owned(), node);
        }
    }
    nodes
}

fn note_trigger(slice: &mut EndpointSlice, at: Option<Timestamp>) {
    match at {
        Some(at) => {
            let annotations = slice.metadata.annotations.get_or_insert_default();
            annotations.insert(TRIGGER_TIME.to_owned(), trigger::text(at));
        }
        None => {
            if let Some(annotations) = &mut slice.metadata.annotations {
                annotations.remove(TRIGGER_TIME);
            }
        }
    }
}
