//! Credentials that do not live as long as the operator.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::lab::{Lab, Operator, wait};
use crate::support::{Cluster, on_both};

on_both! {
    a_credential_plugin_is_asked_again_before_its_token_expires,
}

/// A token of the operator's service account that is worth something until `secret` is deleted.
fn token(lab: &Lab, secret: &str) -> String {
    let account = format!("/api/v1/namespaces/{}/serviceaccounts", lab.namespace);
    if lab.admin.get(&format!("{account}/appop")).is_none() {
        lab.admin
            .create(&account, &json!({"metadata": {"name": "appop"}}));
    }
    let secrets = format!("/api/v1/namespaces/{}/secrets", lab.namespace);
    let made = lab
        .admin
        .create(&secrets, &json!({"metadata": {"name": secret}}));
    let bound = json!({
        "apiVersion": "v1", "kind": "Secret", "name": secret, "uid": made["metadata"]["uid"],
    });
    let request = json!({"spec": {"audiences": [], "boundObjectRef": bound}});
    let answer = lab
        .admin
        .create(&format!("{account}/appop/token"), &request);
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// A kubeconfig with a credential plugin that gives the token of the file beside it, and says that
/// its time is over: it must be asked before each request.
fn kubeconfig(lab: &Lab, directory: &Path) -> std::path::PathBuf {
    let version = "client.authentication.k8s.io/v1";
    let script = format!(
        "#!/bin/sh\nprintf '{{\"apiVersion\":\"{version}\",\"kind\":\"ExecCredential\",\"status\":\
         {{\"token\":\"%s\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"}}}}' \
         \"$(cat \"$(dirname \"$0\")/token\")\"\n"
    );
    let plugin = directory.join("plugin");
    fs::write(&plugin, script).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let text = fs::read_to_string(&lab.cluster.kubeconfig).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": version, "command": "./plugin", "interactiveMode": "Never",
        "provideClusterInfo": true,
    }});
    let file = directory.join("config");
    fs::write(&file, config.to_string()).unwrap();
    file
}

fn a_credential_plugin_is_asked_again_before_its_token_expires(cluster: &'static Cluster) {
    let lab = Lab::new(cluster, "expiring");
    let directory = tempfile::tempdir().unwrap();
    let first = token(&lab, "first");
    fs::write(directory.path().join("token"), &first).unwrap();
    let args = [
        "run",
        "--metrics-bind-address",
        "127.0.0.1:0",
        "-n",
        &lab.namespace,
    ];
    let config = kubeconfig(&lab, directory.path());
    let _operator = Operator::start(lab.cluster.command(args).env("KUBECONFIG", config));
    let spec = json!({"replicas": 0, "image": "nginx", "ports": [{"port": 80}]});
    lab.app("one", spec.clone());
    lab.ready("one");

    fs::write(directory.path().join("token"), token(&lab, "second")).unwrap();
    lab.admin.delete(&format!(
        "/api/v1/namespaces/{}/secrets/first",
        lab.namespace
    ));
    let apps = lab.path("app", "");
    wait("the first token is worth nothing", || {
        let asked = lab.cluster.run(["raw", &apps, "--token", &first]);
        (asked.code == 1 && asked.stderr.contains("401")).then_some(())
    });
    lab.app("two", spec);
    lab.ready("two");
}
