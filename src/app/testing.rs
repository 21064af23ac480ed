//! Small builders for tests.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::MANAGER;
use super::children::{self, Child};
use super::live::{Counts, LiveDeployment, LiveService};
use super::observed::Observed;
use super::status;
use super::types::{App, AppSpec};

impl App {
    /// An App of generation 1 in the namespace `default`, with the image nginx and the uid
    /// `uid-NAME`.
    pub fn test(name: &str) -> App {
        let spec = AppSpec {
            image: "nginx".to_owned(),
            ..AppSpec::default()
        };
        App {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some("default".to_owned()),
                uid: Some(format!("uid-{name}")),
                generation: Some(1),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        }
    }

    /// With that image.
    pub fn image(mut self, image: &str) -> App {
        self.spec.image = image.to_owned();
        self
    }

    /// With so many replicas.
    pub fn replicas(mut self, replicas: i32) -> App {
        self.spec.replicas = replicas;
        self
    }

    /// With one more port.
    pub fn port(mut self, port: i32) -> App {
        self.spec.ports.push(from(json!({"port": port})));
        self
    }

    /// With those ports, as in YAML.
    pub fn ports(mut self, ports: Value) -> App {
        self.spec.ports = from(ports);
        self
    }

    /// With one more environment variable.
    pub fn env(mut self, name: &str, value: &str) -> App {
        self.spec
            .envs
            .push(from(json!({"name": name, "value": value})));
        self
    }

    /// With those overrides, as in YAML.
    pub fn overrides(mut self, overrides: Value) -> App {
        self.spec.pod_overrides = from(overrides);
        self
    }

    /// As it is after its status was written as `report` says.
    pub fn reported(mut self, observed: &Observed, now: Timestamp) -> App {
        self.status = Some(status::status(&self, observed, now));
        self
    }

    /// As it is after its spec was changed.
    pub fn changed(mut self) -> App {
        self.metadata.generation = self.metadata.generation.map(|generation| generation + 1);
        self
    }

    /// Paused.
    pub fn paused(mut self) -> App {
        self.spec.paused = true;
        self
    }
}

/// What is observed when an App's children are as it asks for, and all its pods are ready.
pub fn settled(app: &App) -> Observed {
    let mut observed = applied(app);
    let deployment = observed.deployment.as_mut().unwrap();
    deployment.observed_generation = deployment.generation;
    deployment.counts = counts(app.spec.replicas, app.spec.replicas, app.spec.replicas);
    observed
}

/// What is observed when an App's children have just been applied.
pub fn applied(app: &App) -> Observed {
    let deployment = children::deployment(app, None, Some(app.spec.replicas)).unwrap();
    Observed {
        deployment: Some(LiveDeployment::read(&stored(&deployment, MANAGER))),
        service: children::service(app)
            .map(|service| LiveService::read(&stored(&service, MANAGER))),
        ..Observed::default()
    }
}

/// The numbers of a Deployment with so many pods, so many of them updated, so many ready.
pub fn counts(replicas: i32, updated: i32, ready: i32) -> Counts {
    Counts {
        replicas,
        updated,
        ready,
        available: ready,
        unavailable: replicas - ready,
    }
}

/// A same-named object that nobody owns.
pub fn foreign(child: Child) -> Value {
    json!({
        "apiVersion": child.api_version(), "kind": child.kind(),
        "metadata": {"name": "web", "namespace": "default", "uid": "uid-foreign"},
        "spec": {},
    })
}

/// What the server has after `manager` applied a payload to nothing: managedFields, a uid
/// (`uid-KIND`), generation 1; without its defaults.
pub fn stored(payload: &Value, manager: &str) -> Value {
    let mut object = payload.clone();
    let mut fields = fields_of(payload);
    for nobodys in ["apiVersion", "kind"] {
        fields
            .as_object_mut()
            .unwrap()
            .shift_remove(&format!("f:{nobodys}"));
    }
    for nobodys in ["f:name", "f:namespace", "f:uid", "f:resourceVersion"] {
        let metadata = fields["f:metadata"].as_object_mut().unwrap();
        metadata.shift_remove(nobodys);
    }
    let kind = payload["kind"].as_str().unwrap();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.insert("uid".to_owned(), json!(format!("uid-{kind}")));
    metadata.insert("generation".to_owned(), json!(1));
    metadata.insert(
        "managedFields".to_owned(),
        json!([{
            "manager": manager, "operation": "Apply", "apiVersion": payload["apiVersion"],
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }]),
    );
    object
}

/// The FieldsV1 of an applied payload: list maps by their keys, other lists whole.
fn fields_of(value: &Value) -> Value {
    const KEYS: &[&[&str]] = &[
        &["containerPort", "protocol"],
        &["port", "protocol"],
        &["mountPath"],
        &["uid"],
        &["name"],
    ];
    let Some(object) = value.as_object() else {
        return json!({});
    };
    let fields = object.iter().map(|(name, value)| {
        let inner = match value {
            Value::Array(items) => {
                let item = |item: &Value| {
                    let keys = KEYS
                        .iter()
                        .find(|keys| keys.iter().all(|key| item.get(key).is_some()))?;
                    let keys: serde_json::Map<String, Value> = keys
                        .iter()
                        .map(|key| ((*key).to_owned(), item[*key].clone()))
                        .collect();
                    let mut fields = fields_of(item);
                    fields["."] = json!({});
                    Some((format!("k:{}", Value::Object(keys)), fields))
                };
                items.iter().filter_map(item).collect()
            }
            value => fields_of(value),
        };
        (format!("f:{name}"), inner)
    });
    fields.collect()
}

fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
