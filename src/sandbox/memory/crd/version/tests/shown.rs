//! Objects in other versions, as Scales, and as rows of tables.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{served, version};
use crate::sandbox::memory::crd::version::{NOT_SET, Version};

fn docs() -> Vec<Arc<Version>> {
    let column = |type_: &str, path: &str| json!({"name": path, "type": type_, "jsonPath": path});
    let columns = [
        column("integer", ".spec.size"),
        column("string", ".spec.mode"),
        column("string", ".spec.labels"),
        column("string", ".spec.list[*].name"),
        column("string", ".spec.list[?(@.name==\"b\")].v"),
        column("string", ".spec.list[9]"),
        column("date", ".spec.at"),
        column("date", ".spec.mode"),
        column("number", ".spec.f"),
        column("integer", ".spec.f"),
        column("string", ".spec.f"),
        column("boolean", ".spec.bo"),
        column("string", ".spec.bo"),
        column("integer", ".spec.mode"),
        column("string", ".spec.nu"),
    ];
    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"mode": {"type": "string", "default": "a"}}});
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let paths = json!({"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.n"});
    served(
        "docs",
        "Doc",
        &json!([
            {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
                "subresources": {"scale": paths}, "additionalPrinterColumns": columns,
                "selectableFields": [{"jsonPath": ".spec.size"}, {"jsonPath": ".spec.mode"}]},
            {"name": "v1beta1", "served": true, "storage": false, "deprecated": true,
                "schema": {"openAPIV3Schema": any}},
        ]),
    )
}

fn doc(spec: &Value) -> Value {
    let mut doc = super::object("a", spec);
    doc["kind"] = json!("Doc");
    doc
}

/// The cells are those of the real server.
#[test]
fn cells() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let full = doc(
        &json!({"size": 3, "mode": "b", "labels": {"a": "<x>", "a.b": "q"},
        "list": [{"name": "a"}, {"name": "b", "v": "z"}], "at": "2020-01-01T00:00:00Z", "f": 2.75,
        "bo": true, "nu": null}),
    );
    let large = doc(&json!({"f": 1e21, "at": "2999-01-01T00:00:00Z", "size": 0}));
    for (object, cells) in [
        (
            full,
            json!([
                "a",
                3,
                "b",
                r#"{"a":"\u003cx\u003e","a.b":"q"}"#,
                "a",
                "z",
                null,
                "6y2d",
                "<invalid>",
                2.75,
                2,
                "2.75",
                true,
                "true",
                null,
                "<no value>",
            ]),
        ),
        (
            large,
            json!([
                "a",
                0,
                null,
                null,
                null,
                null,
                null,
                "<invalid>",
                null,
                1e21,
                i64::MIN,
                "1e+21",
                null,
                null,
                null,
                null,
            ]),
        ),
    ] {
        assert_eq!(json!(docs()[0].cells(&object, now)), cells);
    }
    let columns = docs()[0].columns();
    assert_eq!(
        columns[1]["description"],
        "Custom resource definition column (in JSONPath format): .spec.size"
    );
    let beta = docs()[1].columns();
    let names = [&beta[0]["name"], &beta[1]["name"], &beta[1]["type"]];
    assert_eq!(names, ["Name", "Age", "date"]);
}

#[test]
fn versions_know_different_fields() {
    let docs = docs();
    let (v1, beta) = (&docs[0], &docs[1]);
    assert_eq!(v1.stored_version(), "v1");
    assert_eq!(
        beta.deprecation(),
        Some("upd.crd.example/v1beta1 Doc is deprecated; use upd.crd.example/v1 Doc")
    );
    let mut sent = doc(&json!({"size": 4.0, "x": 1}));
    sent["apiVersion"] = json!("upd.crd.example/v1beta1");
    sent["extra"] = json!(1);
    assert_eq!(beta.take(&mut sent), Ok(Vec::new()));
    assert_eq!(
        (&sent["spec"], &sent["extra"]),
        (&json!({"size": 4, "x": 1}), &json!(1))
    );
    let stored = beta.to_stored(sent);
    assert_eq!(stored["apiVersion"], "upd.crd.example/v1");
    assert_eq!(stored.get("extra"), None);
    // Defaults are those of the stored version, whichever is read.
    let shown = beta.convert(stored.clone());
    assert_eq!(shown["apiVersion"], "upd.crd.example/v1beta1");
    assert_eq!(shown["spec"]["mode"], "a");
    let fields = v1.fields(&v1.convert(stored));
    let fields: Vec<String> = fields
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    assert_eq!(fields, ["spec.size=4", "spec.mode=a"]);
}

/// The sentences are the real server's.
#[test]
fn scales() {
    let v1 = docs().remove(0);
    let object = doc(&json!({"size": 3}));
    let scale = v1.scale_of(&object).unwrap();
    assert_eq!(
        (&scale["spec"], &scale["status"]),
        (&json!({"replicas": 3}), &json!({"replicas": 0}))
    );
    let changed =
        |replicas: Value| v1.with_scale(&object, &json!({"spec": {"replicas": replicas}}));
    assert_eq!(changed(json!(5)).unwrap()["spec"]["size"], 5);
    assert_eq!(changed(json!(null)).unwrap()["spec"]["size"], 0);
    let refused = changed(json!(NOT_SET)).unwrap_err();
    assert_eq!(
        refused.message,
        "the spec replicas field \".spec.size\" cannot be empty"
    );
    let none = v1.scale_of(&doc(&json!({}))).unwrap_err();
    assert!(
        none.message
            .ends_with("the spec replicas field \".spec.size\" does not exist")
    );
    let unset = v1.scale_to_change(&doc(&json!({}))).unwrap();
    assert_eq!(unset["spec"]["replicas"], NOT_SET);
    let text = v1.scale_of(&doc(&json!({"size": "x"}))).unwrap_err();
    assert_eq!(
        (text.code, text.message.as_str()),
        (
            500,
            ".spec.size accessor error: x is of the type string, expected int64"
        )
    );
}

/// The sentences are the real server's.
#[test]
fn bodies_are_looked_at() {
    let version = version();
    for (body, expected) in [
        (
            "{}",
            "the object provided is unrecognized (must be of type Upd): Object 'Kind' is missing in '{}' ({})",
        ),
        (
            r#"{"kind":"Upd"}"#,
            "the API version in the data () does not match the expected API version (upd.crd.example/v1)",
        ),
        (
            r#"{"kind":"Upd","apiVersion":"a/b/c"}"#,
            r#"the object provided is unrecognized (must be of type Upd): unexpected GroupVersion string: a/b/c ({"kind":"Upd","apiVersion":"a/ ...)"#,
        ),
        (
            r#"{"kind":5}"#,
            r#"the object provided is unrecognized (must be of type Upd): couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})"#,
        ),
    ] {
        let value = serde_json::from_str(body).unwrap();
        let refused = version.recognize(&value, body.as_bytes()).unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (400, expected),
            "{body}"
        );
    }
    let body = r#"{"kind":"Bar","apiVersion":"upd.crd.example/v1"}"#;
    assert_eq!(
        version.recognize(&serde_json::from_str(body).unwrap(), body.as_bytes()),
        Ok(())
    );
    for (change, expected) in [
        (
            json!({"metadata": 5}),
            "Upd in version \"v1\" cannot be handled as a Upd: json: cannot unmarshal number into Go value of type v1.ObjectMeta",
        ),
        (
            json!({"spec": {"emb": {"kind": 5}}}),
            "Upd in version \"v1\" cannot be handled as a Upd: spec.emb.kind: Invalid value: 5: must be a string",
        ),
    ] {
        let mut object = super::object("a", &json!({}));
        object
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(version.take(&mut object).unwrap_err().message, expected);
    }
    let mut object = super::object("a", &json!({"x": 1, "emb": {"metadata": {"foo": 1}}}));
    object["metadata"]["bar"] = json!(1);
    object["y"] = json!(1);
    assert_eq!(
        version.take(&mut object).unwrap(),
        ["metadata.bar", "spec.x", "y", "spec.emb.metadata.foo"]
            .map(|path| format!("unknown field \"{path}\""))
    );
}
