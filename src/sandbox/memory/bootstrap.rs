//! What a fresh server has: namespaces, default roles, priorities, and the Service that stands for
//! the server itself.

use serde_json::{Value, json};

use super::api::Api;
use super::authn::User;
use super::catalog::catalog;
use super::object::meta;
use super::status::Status;
use super::verbs::body;
use super::verbs::write::{Change, Writer};

/// Creates what is not there yet, as kube-apiserver does when it starts.
///
/// # Errors
/// When an object of the catalog is refused, which would be our own fault.
pub fn run(api: &Api) -> Result<(), Status> {
    let user = User::component("system:apiserver");
    let port = api
        .settings
        .address
        .rsplit(':')
        .next()
        .and_then(|p| p.parse::<u16>().ok());
    for mut object in catalog().bootstrap() {
        complete(&mut object, port.unwrap_or(443), &api.now());
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resources = api.registry.version(group, version).unwrap_or_default();
        let Some(resource) = resources
            .iter()
            .find(|r| r.kind == kind && r.has_verb("create"))
        else {
            return Err(Status::internal(format!(
                "{api_version} {kind} is not served"
            )));
        };
        let served = api.registry.find(group, version, &resource.plural);
        let served = served.ok_or_else(Status::no_such_path)?;
        let namespace = meta(&object, "namespace").to_owned();
        let name = meta(&object, "name").to_owned();
        if api
            .store
            .get(served.shelf, &super::verbs::write::key(&namespace, &name))
            .is_some()
        {
            continue;
        }
        let status = object.get("status").cloned();
        let taken = body::take(&served, object)?;
        let mut writer = Writer {
            api,
            served: &served,
            namespace: &namespace,
            subresource: "",
            user: &user,
            manager: "kube-apiserver",
            dry_run: false,
            is_patch: false,
            is_upsert: false,
            warnings: Vec::new(),
        };
        writer.create(Change {
            object: taken.object,
            is_managed: false,
        })?;
        let Some(status) = status.filter(|_| served.has_status()) else {
            continue;
        };
        writer.subresource = "status";
        writer.update(&name, false, |live, _| {
            let mut object = live.cloned().unwrap_or_default();
            object["status"] = status.clone();
            Ok(Change {
                object,
                is_managed: false,
            })
        })?;
    }
    Ok(())
}

/// Fills in what depends on this server.
fn complete(object: &mut Value, port: u16, now: &str) {
    if object["kind"] == "Service" && meta(object, "name") == "kubernetes" {
        object["spec"]["ports"][0]["targetPort"] = json!(port);
    }
    let has_since = object["kind"] == "ConfigMap" && object["data"].get("since").is_some();
    if has_since {
        object["data"]["since"] = json!(now.split('T').next().unwrap_or_default());
    }
}
