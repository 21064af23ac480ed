//! Small builders for tests.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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

    /// Paused.
    pub fn paused(mut self) -> App {
        self.spec.paused = true;
        self
    }
}

fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
