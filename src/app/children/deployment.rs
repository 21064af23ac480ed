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

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(app: &App) -> Value {
        deployment(app, None, Some(app.spec.replicas)).unwrap()
    }

    fn container(app: &App) -> Value {
        sent(app)["spec"]["template"]["spec"]["containers"][0].clone()
    }

    #[test]
    fn the_seeds_example_is_sent_whole() {
        let mut app = App::test("web")
            .replicas(2)
            .ports(json!([{"port": 8080, "targetPort": 80}]))
            .env("DEMO", "app");
        let amounts = json!({"cpu": "100m", "memory": "100M"});
        let resources = json!({"limits": amounts, "requests": amounts});
        app.spec.resources = serde_json::from_value(resources.clone()).unwrap();
        let labels = json!({
            "app.example.com/v1": "web",
            "app.kubernetes.io/name": "web",
            "app.kubernetes.io/instance": "web",
            "app.kubernetes.io/managed-by": "appop",
        });
        assert_eq!(
            sent(&app),
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": "web",
                    "namespace": "default",
                    "labels": labels,
                    "ownerReferences": [{
                        "apiVersion": "app.example.com/v1",
                        "kind": "App",
                        "name": "web",
                        "uid": "uid-web",
                        "controller": true,
                        "blockOwnerDeletion": true,
                    }],
                },
                "spec": {
                    "replicas": 2,
                    "selector": {"matchLabels": {"app.example.com/v1": "web"}},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [{
                            "name": "web",
                            "image": "nginx",
                            "imagePullPolicy": "Always",
                            "env": [{"name": "DEMO", "value": "app"}],
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "resources": resources,
                        }]},
                    },
                },
            })
        );
    }

    #[test]
    fn every_field_of_the_spec_gets_there() {
        let spec = json!({
            "image": "i", "imagePullPolicy": "Never", "command": ["c"], "args": ["a"],
            "envFrom": [{"configMapRef": {"name": "m"}}],
            "livenessProbe": {"httpGet": {"port": "http", "path": "/live"}},
            "readinessProbe": {"tcpSocket": {"port": 80}},
            "startupProbe": {"exec": {"command": ["true"]}},
            "serviceAccountName": "sa", "imagePullSecrets": [{"name": "s"}],
        });
        let mut app = App::test("web");
        app.spec = serde_json::from_value(spec.clone()).unwrap();
        let container = container(&app);
        for same in [
            "image",
            "imagePullPolicy",
            "command",
            "args",
            "envFrom",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
        ] {
            assert_eq!(container[same], spec[same], "{same}");
        }
        let pod = &sent(&app)["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], "sa");
        assert_eq!(pod["imagePullSecrets"], json!([{"name": "s"}]));
    }

    #[test]
    fn nothing_is_sent_that_was_not_asked_for() {
        let sent = sent(&App::test("web"));
        let container = &sent["spec"]["template"]["spec"]["containers"][0];
        let fields: Vec<&String> = container.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["name", "image", "imagePullPolicy"]);
        assert!(!sent.to_string().contains("null"), "{sent}");
    }

    #[test]
    fn replicas_are_left_out_for_an_autoscaler() {
        let sent = deployment(&App::test("web"), None, None).unwrap();
        assert_eq!(sent["spec"].get("replicas"), None);
        let handed = handover(&App::test("web"), 4);
        assert_eq!(handed["spec"], json!({"replicas": 4}));
        assert_eq!(
            handed["metadata"],
            json!({"name": "web", "namespace": "default"})
        );
    }

    #[test]
    fn overrides_cannot_take_the_selectors_labels_away() {
        for metadata in [
            json!({"labels": {"app.example.com/v1": "other", "tier": "a"}}),
            json!({"labels": {"$patch": "replace", "tier": "a"}}),
            json!({"labels": null}),
            Value::Null,
        ] {
            let app = App::test("web").overrides(json!({"metadata": metadata}));
            let sent = sent(&app);
            let labels = &sent["spec"]["template"]["metadata"]["labels"];
            assert_eq!(labels["app.example.com/v1"], "web", "{metadata}");
        }
    }

    #[test]
    fn a_selector_that_is_there_is_kept_and_its_labels_are_on_the_pods() {
        let selector: LabelSelector =
            serde_json::from_value(json!({"matchLabels": {"app": "old"}})).unwrap();
        let sent = deployment(&App::test("web"), Some(&selector), None).unwrap();
        assert_eq!(
            sent["spec"]["selector"],
            json!({"matchLabels": {"app": "old"}})
        );
        let labels = &sent["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app"], "old");
        assert_eq!(labels["app.example.com/v1"], "web");
    }

    #[test]
    fn overrides_reach_the_apps_container_and_the_pod() {
        let app = App::test("web").overrides(json!({"spec": {
            "priorityClassName": "high",
            "containers": [{"name": "web", "stdin": true}, {"name": "log", "image": "fluentd"}],
        }}));
        let sent = sent(&app);
        let pod = &sent["spec"]["template"]["spec"];
        assert_eq!(pod["priorityClassName"], "high");
        assert_eq!(pod["containers"][0]["stdin"], true);
        assert_eq!(pod["containers"][1]["name"], "log");
    }

    #[test]
    fn overrides_that_make_no_sense_are_an_error() {
        let app = App::test("web").overrides(json!({"metadata": "labels"}));
        let error = deployment(&app, None, None).unwrap_err();
        assert_eq!(error.to_string(), "podOverrides.metadata must be an object");
    }
}
