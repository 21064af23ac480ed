//! Evictions: deletions that a PodDisruptionBudget may refuse
//! (`pkg/registry/core/pod/storage/eviction.go`).

use serde_json::{Value, json};

use super::Call;
use super::conditions;
use super::delete;
use super::render::Written;
use super::write::{Change, key};
use crate::sandbox::memory::object::{self, meta};
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{DeleteOptions, WriteKind, WriteOptions};
use crate::sandbox::memory::selector::LabelSelector;
use crate::sandbox::memory::status::{Cause, Details, Status};
use crate::sandbox::memory::store::Query;

impl Call<'_> {
    /// Deletes a pod if that leaves enough of its like.
    pub(super) fn evict(&self) -> Result<Answer, Status> {
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
        let spared_by = match is_running && !object::is_deleting(&pod) {
            true => self.disrupt(&pod, how.dry_run)?,
            false => None,
        };
        let is_of_any_version = how.resource_version.is_none();
        self.remove(name, how).map_err(|problem| match spared_by {
            // It may have become ready meanwhile.
            Some(budget) if problem.reason == "Conflict" && is_of_any_version => busy(&budget),
            _ => problem,
        })?;
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
        });
        Ok(Answer::value(201, &done, &self.form))
    }

    fn remove(&self, name: &str, mut how: DeleteOptions) -> Result<(), Status> {
        if !how.dry_run {
            let version = self.condemn(name, &how)?;
            // This write is not somebody else's.
            if let Some(wanted) = &mut how.resource_version {
                *wanted = version;
            }
        }
        delete::delete(self.api, &self.served, self.namespace(), name, &how)?;
        Ok(())
    }

    /// Notes in a pod that it is about to go, for controllers that ask why it went; its new version.
    ///
    /// Errors: 404, 409 for preconditions.
    fn condemn(&self, name: &str, how: &DeleteOptions) -> Result<String, Status> {
        let mut writer = self.writer("", false);
        writer.subresource = "status";
        let now = self.api.now();
        let (written, _) = writer.update(name, false, |live, _| {
            let mut object = live.cloned().unwrap_or_default();
            let (uid, version) = (meta(&object, "uid"), meta(&object, "resourceVersion"));
            delete::check(&self.served, name, how, uid, version)?;
            let why = ["EvictionByEvictionAPI", "Eviction API: evicting"];
            conditions::set(&mut object, "DisruptionTarget", Some(why), &now);
            Ok(Change {
                object,
                is_managed: true,
            })
        })?;
        Ok(match written {
            Written::Stored(stored) => stored.version.to_string(),
            Written::Dry(object) => meta(&object, "resourceVersion").to_owned(),
        })
    }

    /// Takes one of the disruptions that a PodDisruptionBudget allows. Gives the budget's name when
    /// the pod may go without one, as it is not ready.
    ///
    /// Errors: 429, and 500 where there are several budgets.
    fn disrupt(&self, pod: &Value, dry_run: bool) -> Result<Option<String>, Status> {
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
            [] => return Ok(None),
            [budget] => budget,
            _ => {
                let problem = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(Status::new(500, "InternalError", problem));
            }
        };
        let budget_name = meta(budget, "name");
        if !is_ready(pod) && spares_the_unready(budget) {
            return Ok(Some(budget_name.to_owned()));
        }
        let pod_name = meta(pod, "name");
        let mut writer = self.writer("kube-apiserver", dry_run);
        writer.served = &budgets;
        writer.subresource = "status";
        let now = self.api.now();
        writer.update(budget_name, false, |live, _| {
            let mut object = live.cloned().unwrap_or_default();
            let status = &object["status"];
            if status["observedGeneration"] != object["metadata"]["generation"] {
                return Err(busy(budget_name));
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
        Ok(None)
    }
}

fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a pod that is not ready may go without being counted.
fn spares_the_unready(budget: &Value) -> bool {
    let number = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    let wanted = number("desiredHealthy");
    budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        || (number("currentHealthy") >= wanted && wanted > 0)
}

fn busy(budget: &str) -> Status {
    let why = format!("The disruption budget {budget} is still being processed by the server.");
    too_many(Some(10), why)
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
