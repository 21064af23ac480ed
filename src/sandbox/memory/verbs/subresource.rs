//! Subresources but status: each has its own meaning.

use serde_json::{Value, json};

use super::Call;
use super::delete;
use super::write::{Change, key};
use crate::sandbox::memory::field::{FieldError, Path, aggregate};
use crate::sandbox::memory::object::{self, meta};
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{DeleteOptions, WriteKind, WriteOptions};
use crate::sandbox::memory::selector::LabelSelector;
use crate::sandbox::memory::status::{Cause, Details, Status};
use crate::sandbox::memory::store::Query;

impl Call<'_> {
    pub(super) fn subresource(&self, verb: &str) -> Result<Answer, Status> {
        let target = self.target;
        match (target.plural.as_str(), target.subresource.as_str()) {
            (_, "scale") => self.scale(verb),
            ("pods", "binding") => self.bind(&target.name),
            ("pods", "eviction") => self.evict(),
            (
                "pods" | "services" | "nodes",
                "attach" | "exec" | "log" | "portforward" | "proxy",
            ) => {
                self.exists()?;
                let what = format!(
                    "{}/{}: no container runs here",
                    target.plural, target.subresource
                );
                Err(Status::not_built(what))
            }
            _ => match verb {
                "get" => self.get(),
                "update" => self.update(),
                "patch" => self.patch(),
                _ => Err(Status::method_not_allowed(super::NOT_ALLOWED)),
            },
        }
    }

    fn exists(&self) -> Result<(), Status> {
        let key = key(self.namespace(), &self.target.name);
        let found = self.api.store.get(self.served.shelf, &key);
        found.map(|_| ()).ok_or_else(|| self.not_found())
    }

    /// Puts a pod onto a node (`pkg/registry/core/pod/storage/storage.go`).
    pub(super) fn bind(&self, pod: &str) -> Result<Answer, Status> {
        let options = WriteOptions::read(&self.request.query, WriteKind::Create)?;
        let written = media::written(self.request)?;
        let binding = self.decode_review(&self.request.body, written, &options)?;
        let pod = match pod {
            "" => meta(&binding, "name").to_owned(),
            pod => pod.to_owned(),
        };
        let named = meta(&binding, "name");
        if !named.is_empty() && named != pod {
            let message = "name in URL does not match name in Binding object";
            return Err(Status::bad_request(message));
        }
        let node = binding["target"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let kind = binding["target"]["kind"].as_str().unwrap_or_default();
        let path = Path::new("target");
        let mut errors = Vec::new();
        if !matches!(kind, "" | "Node") {
            let supported = ["Node", "<empty>"];
            let error = FieldError::not_supported(&path.child("kind"), kind, &supported);
            errors.push(error);
        }
        if node.is_empty() {
            let error = FieldError::required(&path.child("name"), "");
            errors.push(error);
        }
        if !errors.is_empty() {
            return Err(Status::new(500, "", aggregate(&errors)));
        }
        let pods = self.api.registry.find("", "v1", "pods");
        let pods = pods.ok_or_else(Status::no_such_path)?;
        let manager = self.manager(&options);
        let mut writer = self.writer(&manager, options.dry_run);
        writer.served = &pods;
        writer.namespace = &self.target.namespace;
        writer.subresource = "binding";
        let now = self.api.now();
        let uid = meta(&binding, "uid");
        writer.update(&pod, false, |live, _| {
            let mut object = live.cloned().unwrap_or_default();
            let conflict = |why: &str| Err(Status::conflict("", "pods/binding", &pod, why));
            if !uid.is_empty() && uid != meta(&object, "uid") {
                let found = meta(&object, "uid");
                return conflict(&format!(
                    "Precondition failed: UID in precondition: {uid}, UID in object meta: {found}"
                ));
            }
            if object::is_deleting(&object) {
                return conflict(&format!(
                    "pod {pod} is being deleted, cannot be assigned to a host"
                ));
            }
            let placed = object["spec"]["nodeName"].as_str().unwrap_or_default();
            if !placed.is_empty() {
                return conflict(&format!("pod {pod} is already assigned to node {placed:?}"));
            }
            if object["spec"]["schedulingGates"]
                .as_array()
                .is_some_and(|gates| !gates.is_empty())
            {
                return conflict(&format!("pod {pod} has non-empty .spec.schedulingGates"));
            }
            object["spec"]["nodeName"] = json!(node);
            for (key, value) in binding["metadata"]["annotations"]
                .as_object()
                .into_iter()
                .flatten()
            {
                object["metadata"]["annotations"][key] = value.clone();
            }
            set_condition(&mut object, &now);
            Ok(Change {
                object,
                is_managed: false,
            })
        })?;
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        });
        Ok(Answer::value(201, &done, &self.form))
    }

    /// Deletes a pod if that leaves enough of its like (`.../pod/storage/eviction.go`).
    fn evict(&self) -> Result<Answer, Status> {
        let options = WriteOptions::read(&self.request.query, WriteKind::Create)?;
        let written = media::written(self.request)?;
        let eviction = self.decode_review(&self.request.body, written, &options)?;
        let name = self.target.name.as_str();
        let named = meta(&eviction, "name");
        if named != name {
            let message = format!("name in URL does not match name in Eviction object: {named}");
            return Err(Status::bad_request(message));
        }
        let own = &eviction["deleteOptions"];
        let mut how = DeleteOptions::read(&self.request.query, own.is_object().then_some(own))?;
        how.dry_run |= options.dry_run;
        let key = key(self.namespace(), name);
        let pod = self.api.store.get(self.served.shelf, &key);
        let pod = pod.ok_or_else(|| self.not_found())?.value();
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let is_running = matches!(phase, "Running" | "Unknown");
        if is_running && !object::is_deleting(&pod) {
            self.disrupt(&pod, how.dry_run)?;
        }
        delete::delete(self.api, &self.served, self.namespace(), name, &how)?;
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        });
        Ok(Answer::value(201, &done, &self.form))
    }

    /// Takes one of the disruptions that a PodDisruptionBudget allows.
    fn disrupt(&self, pod: &Value, dry_run: bool) -> Result<(), Status> {
        let budgets = self
            .api
            .registry
            .find("policy", "v1", "poddisruptionbudgets");
        let budgets = budgets.ok_or_else(Status::no_such_path)?;
        let query = Query {
            namespace: Some(self.namespace()),
            ..Query::everything()
        };
        let page = self.api.store.list(budgets.shelf, &query);
        let labels = &pod["metadata"]["labels"];
        let matching: Vec<Value> = page
            .map(|page| page.items)
            .unwrap_or_default()
            .iter()
            .map(|stored| stored.value())
            .filter(|budget| {
                let selector = LabelSelector::of(&budget["spec"]["selector"]);
                selector.is_ok_and(|selector| selector.matches(labels))
            })
            .collect();
        let budget = match &matching[..] {
            [] => return Ok(()),
            [budget] => budget,
            _ => {
                let problem = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(Status::new(500, "InternalError", problem));
            }
        };
        let budget_name = meta(budget, "name");
        let pod_name = meta(pod, "name");
        let mut writer = self.writer("kube-apiserver", dry_run);
        writer.served = &budgets;
        writer.subresource = "status";
        let now = self.api.now();
        writer.update(budget_name, false, |live, _| {
            let mut object = live.cloned().unwrap_or_default();
            let status = &object["status"];
            if status["observedGeneration"] != object["metadata"]["generation"] {
                let why =
                    format!("The disruption budget {budget_name} is still being processed by the server.");
                return Err(too_many(Some(10), why));
            }
            let allowed = status["disruptionsAllowed"].as_i64().unwrap_or(0);
            if allowed <= 0 {
                let needs = status["desiredHealthy"].as_i64().unwrap_or(0);
                let has = status["currentHealthy"].as_i64().unwrap_or(0);
                let why = format!(
                    "The disruption budget {budget_name} needs {needs} healthy pods and has {has} currently"
                );
                return Err(too_many(None, why));
            }
            object["status"]["disruptionsAllowed"] = json!(allowed - 1);
            object["status"]["disruptedPods"][pod_name] = json!(now);
            Ok(Change {
                object,
                is_managed: false,
            })
        })?;
        Ok(())
    }
}

/// `retry_after` is for a budget that is to be looked at first; otherwise only pods can tell when.
fn too_many(retry_after: Option<u32>, why: String) -> Status {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Status::new(429, "TooManyRequests", message).with(Details {
        causes: vec![Cause {
            reason: "DisruptionBudget",
            message: why,
            field: String::new(),
        }],
        retry_after,
        ..Details::default()
    })
}

fn set_condition(pod: &mut Value, now: &str) {
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = pod["status"]["conditions"].as_array_mut() else {
        return;
    };
    let found = conditions.iter_mut().find(|c| c["type"] == "PodScheduled");
    let condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
    });
    match found {
        Some(found) if found["status"] == "True" => {}
        Some(found) => *found = condition,
        None => conditions.push(condition),
    }
}
