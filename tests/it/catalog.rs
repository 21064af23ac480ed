//! Is the catalog of the sandbox in memory what the real server says?

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use appop::sandbox::memory::catalog::catalog;
use appop::sandbox::memory::decode::{Expected, FieldValidation, Format, object};
use serde_json::Value;

use crate::support;

#[test]
fn the_catalog_is_of_the_pinned_version() {
    let pin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/kubernetes/go.mod");
    let pin = std::fs::read_to_string(pin).unwrap();
    let pinned = pin
        .lines()
        .find_map(|line| line.strip_prefix("require k8s.io/kubernetes v"))
        .expect("go.mod requires k8s.io/kubernetes on a line of its own");
    assert_eq!(
        catalog().kubernetes(),
        pinned,
        "catalog.json.gz was recorded from another Kubernetes than go.mod pins; \
         run tests/controlplane/catalog/generate.sh"
    );
}

/// Where the real servers were only copied to, there is no Go to read types with.
#[test]
#[cfg(unix)]
fn the_catalog_is_what_the_server_and_the_modules_say() {
    if support::assets().is_none() {
        return;
    }
    if Command::new("go").arg("version").output().is_err() {
        return;
    }
    // What other scenarios make is no part of a fresh server.
    let real = support::start();
    check("catalog", Some(&real.kubeconfig));
}

/// The numbers of fields in protobuf, and the types that errors about pods show.
#[test]
#[cfg(unix)]
fn what_else_is_generated_is_what_the_modules_say() {
    if support::assets().is_none() || Command::new("go").arg("version").output().is_err() {
        return;
    }
    check("protobuf", None);
    check("inside", None);
}

#[cfg(unix)]
fn check(generator: &str, kubeconfig: Option<&Path>) {
    let script = format!("tests/controlplane/{generator}/generate.sh");
    let mut check = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    check.arg("-check");
    if let Some(kubeconfig) = kubeconfig {
        check.env("KUBECONFIG", kubeconfig);
    }
    let check = check.output().unwrap();
    assert!(
        check.status.success(),
        "{generator}: {}",
        String::from_utf8_lossy(&check.stderr)
    );
}

/// Descriptions apart: the crate that they come from has not all of them.
#[test]
fn openapi_documents_are_those_of_the_server() {
    let Some(real) = support::real() else { return };
    let (mut ours_described, mut described) = (BTreeMap::new(), BTreeMap::new());
    for name in catalog().openapi_names() {
        let said = real
            .kubectl(["get", "--raw", &format!("/openapi/v3/{name}")])
            .success();
        let mut said: Value = serde_json::from_str(&said).unwrap();
        let mut ours = catalog().openapi_document(&name).unwrap();
        take_descriptions("", &mut said, &mut described);
        take_descriptions("", &mut ours, &mut ours_described);
        if let Some(difference) = difference(&name, &ours, &said) {
            panic!("{difference}");
        }
    }
    let schemas = |all: &BTreeMap<String, String>| {
        let of_schemas = all.keys().filter(|place| place.starts_with("/components/"));
        of_schemas.count()
    };
    let (have, want) = (schemas(&ours_described), schemas(&described));
    assert!(
        have * 100 >= want * 93,
        "{have} of {want} descriptions of schemas"
    );
    // What is said at all is what the server says, but for what is said of single values.
    for (place, text) in ours_described {
        let text = text
            .split("\n\nPossible enum values:")
            .next()
            .unwrap_or_default();
        let said = &described[&place];
        let is_event = place.ends_with("v1.WatchEvent");
        assert!(
            said.starts_with(text) || is_event,
            "{place}: {text}\n{said}"
        );
    }
}

/// Moves descriptions out of a document.
fn take_descriptions(place: &str, value: &mut Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get("description") {
                all.insert(place.to_owned(), text.clone());
                map.shift_remove("description");
            }
            for (key, value) in map {
                take_descriptions(&format!("{place}/{key}"), value, all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                take_descriptions(&format!("{place}/{index}"), item, all);
            }
        }
        _ => {}
    }
}

/// The first place where two values differ.
fn difference(place: &str, ours: &Value, said: &Value) -> Option<String> {
    match (ours, said) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = a.keys().chain(b.keys());
            keys.find_map(|key| {
                let (ours, said) = (&ours[key.as_str()], &said[key.as_str()]);
                difference(&format!("{place} {key}"), ours, said)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (ours, said))| difference(&format!("{place} {at}"), ours, said))
        }
        _ => (ours != said).then(|| format!("{place}: ours is {ours}, the server's {said}")),
    }
}

#[test]
fn bodies_are_refused_in_the_words_of_the_server() {
    let Some(real) = support::real() else { return };
    let mut resources = catalog().resources().iter();
    let deployments = resources.find(|r| r.plural == "deployments").unwrap();
    let path = "/apis/apps/v1/namespaces/default/deployments?dryRun=All&fieldValidation=Strict";
    for body in [
        "{",
        "[]",
        "\"x\"",
        "1",
        "true",
        "   ",
        "{} x",
        "{}{}",
        "{\"kind\":1}",
        r#"{"kind":"Pod","apiVersion":"v1"}"#,
        r#"{"kind":"Deployment","apiVersion":"v1"}"#,
        r#"{"kind":"Deployment","apiVersion":"apps/v2"}"#,
        r#"{"kind":"Deployment","apiVersion":"apps/v1beta1"}"#,
        r#"{"kind":"Deployment","apiVersion":"a/b/c"}"#,
        r#"{"kind":"Deployment","apiVersion":"example.com/"}"#,
        r#"{"KIND":"Pod"}"#,
        r#"{"metadata":1}"#,
        r#"{"metadata":{"labels":{"a":1}}}"#,
        r#"{"metadata":{"creationTimestamp":"x"}}"#,
        r#"{"metadata":{"managedFields":[{"time":5}]}}"#,
        r#"{"spec":{"replicas":"3"}}"#,
        r#"{"spec":{"replicas":1e2,"paused":1}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":1}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":80.0}}}]}}}}"#,
        r#"{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}],"volumes":5}}}}"#,
        r#"{"spec":{"template":{"spec":{"volumes":[{"emptyDir":{"medium":5}}]}}}}"#,
        r#"{"foo":1,"spec":{"replicas":1,"replicas":2,"bar":{"a":1,"a":2},"template":{"spec":{"containers":[{"x":1,"x":1}]}}}}"#,
        r#"{"Spec":{},"metadata":{"labels":{"a":"1","a":"2"}}}"#,
    ] {
        let json = "Content-Type: application/json";
        let answer = real.run(["raw", path, "-o", "status", "-H", json, "-d", body]);
        let status: Value = serde_json::from_str(&answer.stdout).expect(body);
        let expected = Expected::of(deployments);
        let refused = object(
            expected,
            body.as_bytes(),
            Format::Json,
            FieldValidation::Strict,
        );
        let refused = refused.expect_err(body).to_json();
        for part in ["message", "reason", "code"] {
            assert_eq!(refused[part], status[part], "{body}");
        }
    }
}
