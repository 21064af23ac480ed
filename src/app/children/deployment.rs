//! The Deployment of an App.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ports::container_ports;
use super::{Child, head};
use crate::app::overrides::{self, OverrideError};
use crate::app::types::App;
use crate::app::{labels, names};

/// The Deployment of an App, as sent by server-side apply.
///
/// `selector` is that of the Deployment that exists, which cannot be changed; without one it is the
/// App's label. `replicas` is left out where `None`: somebody else, an autoscaler, owns them.
///
/// # Errors
/// When `podOverrides` cannot be merged; the words are for the person who wrote them.
pub fn deployment(
    app: &App,
    selector: Option<&LabelSelector>,
    replicas: Option<i32>,
) -> Result<Value, OverrideError> {
    let made = labels::selector(app);
    let selector = selector.unwrap_or(&made);
    let mut spec = Map::new();
    if let Some(replicas) = replicas {
        spec.insert("replicas".to_owned(), json!(replicas));
    }
    spec.insert("selector".to_owned(), json!(selector));
    spec.insert("template".to_owned(), template(app, selector)?);
    let mut deployment = head(app, Child::Deployment);
    deployment["spec"] = Value::Object(spec);
    Ok(deployment)
}

/// What is applied under [`crate::app::HANDOVER`] before replicas are left out of the Deployment for
/// the first time: the number that it has now.
pub fn handover(app: &App, replicas: i32) -> Value {
    let mut metadata = json!({"name": names::name(app)});
    if let Some(namespace) = &app.metadata.namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({
        "apiVersion": Child::Deployment.api_version(),
        "kind": Child::Deployment.kind(),
        "metadata": metadata,
        "spec": {"replicas": replicas},
    })
}

/// The pod template with the overrides merged in. The labels of the selector come last: without
/// them the Deployment would be refused, or would not find its pods.
fn template(app: &App, selector: &LabelSelector) -> Result<Value, OverrideError> {
    let mut template = json!({
        "metadata": {"labels": labels::as_value(&labels::labels(app))},
        "spec": pod_spec(app),
    });
    if let Some(fragment) = &app.spec.pod_overrides {
        overrides::merge(&mut template, fragment)?;
    }
    let own = labels::selector(app);
    let needed = [&own, selector]
        .into_iter()
        .filter_map(|selector| selector.match_labels.as_ref())
        .flatten();
    for (key, value) in needed {
        template["metadata"]["labels"][key] = json!(value);
    }
    Ok(template)
}

fn pod_spec(app: &App) -> Value {
    let spec = &app.spec;
    let mut pod = Map::new();
    pod.insert("containers".to_owned(), json!([container(app)]));
    put(&mut pod, "serviceAccountName", &spec.service_account_name);
    put_list(&mut pod, "imagePullSecrets", &spec.image_pull_secrets);
    Value::Object(pod)
}

fn container(app: &App) -> Value {
    let spec = &app.spec;
    let mut container = Map::new();
    container.insert("name".to_owned(), json!(names::name(app)));
    container.insert("image".to_owned(), json!(spec.image));
    container.insert("imagePullPolicy".to_owned(), json!(spec.image_pull_policy));
    put_list(&mut container, "command", &spec.command);
    put_list(&mut container, "args", &spec.args);
    put_list(&mut container, "env", &spec.envs);
    put_list(&mut container, "envFrom", &spec.env_from);
    let ports = container_ports(&spec.ports, spec.pod_overrides.as_ref());
    put_list(&mut container, "ports", &ports);
    put(&mut container, "resources", &spec.resources);
    put(&mut container, "livenessProbe", &spec.liveness_probe);
    put(&mut container, "readinessProbe", &spec.readiness_probe);
    put(&mut container, "startupProbe", &spec.startup_probe);
    Value::Object(container)
}

fn put<T: Serialize>(into: &mut Map<String, Value>, key: &str, value: &Option<T>) {
    if let Some(value) = value {
        into.insert(key.to_owned(), json!(value));
    }
}

fn put_list<T: Serialize>(into: &mut Map<String, Value>, key: &str, list: &[T]) {
    if !list.is_empty() {
        into.insert(key.to_owned(), json!(list));
    }
}
