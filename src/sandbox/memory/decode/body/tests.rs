use serde_json::{Value, json};

use super::{Expected, FieldValidation, Format, Read, object};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::status::Status;

fn deployment(body: &str, format: Format, validation: FieldValidation) -> Result<Read, Status> {
    let mut resources = catalog().resources().iter();
    let resource = resources.find(|r| r.plural == "deployments").unwrap();
    object(Expected::of(resource), body.as_bytes(), format, validation)
}

fn read(body: &str) -> Value {
    deployment(body, Format::Json, FieldValidation::Warn)
        .unwrap()
        .object
}

#[track_caller]
fn refused(body: &str, format: Format, expected: &str) {
    let status = deployment(body, format, FieldValidation::Warn).unwrap_err();
    assert_eq!(
        (status.code, status.message.as_str()),
        (400, expected),
        "{body}"
    );
}

#[test]
fn names_are_those_of_the_resource() {
    for body in [
        "{}",
        "null",
        r#"{"kind":"Deployment"}"#,
        r#"{"apiVersion":"apps/v1"}"#,
        r#"{"apiVersion":"apps/"}"#,
        r#"{"kind":null,"apiVersion":"apps/v1"}"#,
        r#"{"kind":"Pod","kind":"Deployment"}"#,
    ] {
        let object = read(body);
        let keys: Vec<_> = object.as_object().unwrap().keys().collect();
        assert_eq!(keys[..3], ["kind", "apiVersion", "metadata"], "{body}");
        assert_eq!(
            (&object["kind"], &object["apiVersion"]),
            (&json!("Deployment"), &json!("apps/v1"))
        );
    }
}

/// The sentences are the real server's.
#[test]
fn what_has_no_kind_is_unrecognized() {
    let first = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
    for (body, problem, summary) in [
        ("{", "unexpected end of JSON input".to_owned(), "{"),
        ("", "unexpected end of JSON input".to_owned(), "<empty>"),
        ("   ", "unexpected end of JSON input".to_owned(), "202020"),
        (
            "{}{}",
            "invalid character '{' after top-level value".to_owned(),
            "{}{}",
        ),
        (
            "[]",
            format!("json: cannot unmarshal array into Go value of type {first}"),
            "5b5d",
        ),
        (
            "\"x\"",
            format!("json: cannot unmarshal string into Go value of type {first}"),
            "227822",
        ),
        (
            "1",
            format!("json: cannot unmarshal number into Go value of type {first}"),
            "31",
        ),
        (
            "true",
            format!("json: cannot unmarshal bool into Go value of type {first}"),
            "74727565",
        ),
        (
            "{\"kind\":1}",
            "json: cannot unmarshal number into Go struct field .kind of type string".to_owned(),
            "{\"kind\":1}",
        ),
    ] {
        let expected = format!(
            "the object provided is unrecognized (must be of type Deployment): \
             couldn't get version/kind; json parse error: {problem} ({summary})"
        );
        refused(body, Format::Json, &expected);
    }
    refused(
        r#"{"kind":"Deployment","apiVersion":"a/b/c"}"#,
        Format::Json,
        "the object provided is unrecognized (must be of type Deployment): unexpected \
         GroupVersion string: a/b/c ({\"kind\":\"Deployment\",\"apiVersi ...)",
    );
}

/// The sentences are the real server's.
#[test]
fn other_kinds_are_refused() {
    let scheme = "in scheme \"pkg/runtime/scheme.go:111\"";
    for (kind, gv, version, problem) in [
        (
            "Pod",
            "v1",
            "v1",
            "converting (v1.Pod) to (apps.Deployment): unknown conversion".to_owned(),
        ),
        (
            "Deployment",
            "v1",
            "v1",
            format!("no kind \"Deployment\" is registered for version \"v1\" {scheme}"),
        ),
        (
            "Pod",
            "apps/v1",
            "v1",
            format!("no kind \"Pod\" is registered for version \"apps/v1\" {scheme}"),
        ),
        (
            "Deployment",
            "apps/v2",
            "v2",
            format!("no kind \"Deployment\" is registered for version \"apps/v2\" {scheme}"),
        ),
        (
            "ReplicaSet",
            "apps/v1",
            "v1",
            "converting (v1.ReplicaSet) to (apps.Deployment): unknown conversion".to_owned(),
        ),
        (
            "Status",
            "v1",
            "v1",
            "converting (v1.Status) to (apps.Deployment): unknown conversion".to_owned(),
        ),
        (
            "Scale",
            "autoscaling/v1",
            "v1",
            "converting (v1.Scale) to (apps.Deployment): unknown conversion".to_owned(),
        ),
    ] {
        let body = json!({"kind": kind, "apiVersion": gv}).to_string();
        let expected =
            format!("{kind} in version \"{version}\" cannot be handled as a Deployment: {problem}");
        refused(&body, Format::Json, &expected);
    }
    refused(
        r#"{"KIND":"Pod"}"#,
        Format::Json,
        &format!(
            "Pod in version \"v1\" cannot be handled as a Deployment: no kind \"Pod\" is registered for version \"apps/v1\" {scheme}"
        ),
    );
    refused(
        r#"{"kind":"Deployment","apiVersion":"apps/v1beta1"}"#,
        Format::Json,
        "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)",
    );
    refused(
        r#"{"apiVersion":"example.com/"}"#,
        Format::Json,
        "Deployment in version \"\" cannot be handled as a Deployment: Object 'apiVersion' is \
         missing in '{\"apiVersion\":\"example.com/\"}'",
    );
}

#[test]
fn unknown_fields_are_told_or_refused() {
    let body = r#"{"spec":{"replicas":1,"replicas":2,"foo":1}}"#;
    let read = |validation| deployment(body, Format::Json, validation);
    let warned = read(FieldValidation::Warn).unwrap();
    let told = [
        r#"duplicate field "spec.replicas""#,
        r#"unknown field "spec.foo""#,
    ];
    assert_eq!(warned.warnings, told);
    assert_eq!(warned.object["spec"]["replicas"], 2);
    assert_eq!(read(FieldValidation::Ignore).unwrap().warnings, [""; 0]);
    assert_eq!(
        read(FieldValidation::Strict).unwrap_err().message,
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: \
         duplicate field \"spec.replicas\", unknown field \"spec.foo\""
    );
    assert!(deployment("{}", Format::Json, FieldValidation::Strict).is_ok());
}

/// The sentences are the real server's.
#[test]
fn yaml_is_read() {
    let body = "a: 1\na: 2\nkind: Deployment\nspec:\n  replicas: 1\n  foo: 1\n  replicas: 2";
    let warned = deployment(body, Format::Yaml, FieldValidation::Warn).unwrap();
    assert_eq!(
        warned.warnings,
        [
            r#"line 2: key "a" already set in map"#,
            r#"line 7: key "replicas" already set in map"#,
            r#"unknown field "a""#,
            r#"unknown field "spec.foo""#,
        ]
    );
    assert_eq!(warned.object["spec"]["replicas"], 2);
    refused(
        "kind: Deployment\nspec: {replicas: \"3\"}",
        Format::Yaml,
        "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal \
         string into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    for body in ["", "{}", "---\nkind: Deployment\n---\nkind: Pod\n"] {
        assert!(
            deployment(body, Format::Yaml, FieldValidation::Strict).is_ok(),
            "{body}"
        );
    }
    for body in [
        "a: b: c",
        "a: [",
        "a: *x",
        "a: &x {b: *x}",
        "kind: \"Deploy",
    ] {
        let read = deployment(body, Format::Yaml, FieldValidation::Warn);
        let refused = read.expect_err(body);
        let start = "the object provided is unrecognized (must be of type Deployment): yaml: ";
        assert!(refused.message.starts_with(start), "{body}: {refused}");
    }
}

#[test]
fn hostile_yaml_is_refused() {
    let bombs: String = (1..30)
        .map(|n| format!("a{n}: &a{n} [*a{0},*a{0},*a{0}]\n", n - 1))
        .collect();
    for body in [
        format!("a0: &a0 [x]\n{bombs}"),
        format!("a: {}", "[".repeat(100_000)),
        "- ".repeat(100_000),
    ] {
        assert!(deployment(&body, Format::Yaml, FieldValidation::Warn).is_err());
    }
}
