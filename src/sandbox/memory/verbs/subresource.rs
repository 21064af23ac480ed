//! Subresources but status: each has its own meaning.

use serde_json::json;

use super::Call;
use super::conditions;
use super::write::{Change, key};
use crate::sandbox::memory::field::{FieldError, Path, aggregate};
use crate::sandbox::memory::object::{self, meta};
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

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
            conditions::set(&mut object, "PodScheduled", None, &now);
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
}
