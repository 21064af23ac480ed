//! `appop raw` on the real server.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{self, Cluster, Output, feed, finish};

pub(crate) fn namespace(real: &Cluster, name: &str) {
    let body = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}");
    real.run(["raw", "/api/v1/namespaces", "-d", &body])
        .success();
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
pub(crate) fn fails(output: &Output, code: i32, parts: &[&str]) {
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (code, ""),
        "{}",
        output.stderr
    );
    for part in parts {
        assert!(
            output.stderr.contains(part),
            "{part:?} in: {}",
            output.stderr
        );
    }
}

/// The curl line of `--curl` run as it would be pasted, under appop's name: the server indents
/// JSON for curl.
fn curl(real: &Cluster, args: &[&str], extra: &str) -> Vec<u8> {
    let line = real.run([&["raw", "--curl"], args].concat()).success();
    let (notes, line) = line
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", line.trim_end()));
    let script = format!("{}\n{line} -s -A appop {extra}", notes.replace("# ", ""));
    let assets = support::assets().unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", assets.display());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script])
        .env("KUBECONFIG", &real.kubeconfig)
        .env("PATH", path);
    let output = bash.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn a_pipe_gets_the_bytes_that_curl_gets() {
    let Some(real) = support::real() else { return };
    for args in [
        &["/version"][..],
        &["/openapi/v2"],
        &["/healthz?verbose"],
        &["/apis"],
        &["/api/v1/namespaces/kube-system"],
        &[
            "/api/v1/namespaces/kube-system",
            "-H",
            "Accept: application/yaml",
        ],
        &[
            "/api/v1/namespaces/kube-system",
            "-H",
            "Accept: application/vnd.kubernetes.protobuf",
        ],
        &["/openapi/v2", "-H", "Accept-Encoding: gzip"],
    ] {
        let ours = real.command([&["raw"], args].concat()).output().unwrap();
        assert!(ours.status.success(), "{args:?}");
        assert!(ours.stdout == curl(real, args, ""), "{args:?}");
    }
    let some = [
        "/api/v1/namespaces",
        "-q",
        "labelSelector=kubernetes.io/metadata.name in (default, kube-public)",
    ];
    let names = |text: &[u8]| -> Vec<Value> {
        let list: Value = serde_json::from_slice(text).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].clone()).collect()
    };
    let ours = real.run([&["raw"], &some[..]].concat()).success();
    assert_eq!(names(ours.as_bytes()), ["default", "kube-public"]);
    assert_eq!(names(&curl(real, &some, "")), ["default", "kube-public"]);
    let metrics = real.run(["raw", "/metrics"]).success();
    assert!(metrics.contains("\napiserver_request_total{"));
}

#[test]
fn curl_lines_send_what_appop_sends() {
    let Some(real) = support::real() else { return };
    let code = |args: &[&str]| {
        // appop's own protocol: over HTTP/2 this server may reset a GET whose body it never read.
        let code = curl(real, args, "--http1.1 -o /dev/null -w '%{http_code}'");
        String::from_utf8(code).unwrap()
    };
    // curl makes a POST of data, a form of its type, and another path of `..`.
    assert_eq!(code(&["/version", "-X", "GET", "-d", "{}"]), "200");
    assert_eq!(code(&["/api/v1/namespaces", "-d", ""]), "400");
    assert_eq!(code(&["/api/../version"]), "404");
    let line = real.run([
        "raw",
        "--curl",
        "/version",
        "-H",
        "User-Agent: me",
        "-H",
        "Accept:",
    ]);
    let line = line.success();
    assert!(line.contains(" -H 'user-agent: me' -H accept: "), "{line}");
}

#[test]
fn refusals_are_explained_by_what_was_asked() {
    let Some(real) = support::real() else { return };
    namespace(real, "raw-refusals");
    let list = "/api/v1/namespaces/raw-refusals/configmaps";
    let one = format!("{list}/a");
    real.run(["raw", list, "-d", "metadata: {name: a}"])
        .success();
    // The server says no more than that the request has an error.
    let failed_test = r#"[{"op":"test","path":"/data","value":{}}]"#;
    let output = real.run(["raw", &one, "--patch", "json", "-d", failed_test]);
    fails(&output, 1, &["422", "a test in it failed"]);
    let output = real.run(["raw", &one, "--patch", "apply", "-d", "data: {}"]);
    fails(&output, 1, &["400", "give it apiVersion, kind"]);
}

#[test]
fn bodies_come_from_everywhere_and_go_as_what_they_are() {
    let Some(real) = support::real() else { return };
    namespace(real, "raw-bodies");
    let list = "/api/v1/namespaces/raw-bodies/configmaps";
    let yaml = "# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  mode: '0644'\n";
    let made = feed(&mut real.command(["raw", list, "-d", "-"]), yaml).success();
    assert_eq!(json(&made)["data"]["mode"], "0644");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("b.json");
    std::fs::write(&file, yaml.replace("name: a", "name: b")).unwrap();
    let data = format!("@{}", file.display());
    real.run(["raw", list, "-d", &data]).success();
    curl(
        real,
        &[
            list,
            "-d",
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"it's"}}"#,
        ],
        "-f -o /dev/null -w ''; true",
    );

    let traced = real.run(["raw", list, "-vv", "-d", "{metadata: {generateName: x-}}"]);
    let line = traced.stderr.lines().find(|line| line.starts_with("curl "));
    assert!(
        line.is_some_and(|l| l.contains(" --data-raw '{metadata: {generateName: x-}}' ")),
        "{}",
        traced.stderr
    );

    let one = format!("{list}/a");
    let patch = |args: &[&str]| real.run([&["raw", &one], args].concat());
    patch(&[
        "--patch",
        "merge",
        "-d",
        "data: {merged: 'yes', mode: null}",
    ])
    .success();
    patch(&[
        "--patch",
        "json",
        "-d",
        "[{op: add, path: /data/json, value: '1'}]",
    ])
    .success();
    patch(&[
        "--patch",
        "strategic",
        "-d",
        r#"{"data": {"strategic": "1"}}"#,
    ])
    .success();
    let apply = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {merged: mine}}";
    let refused = patch(&["--patch", "apply", "-d", apply]);
    fails(
        &refused,
        1,
        &["409 Conflict", "conflict with", "force=true"],
    );
    let applied = patch(&["--patch", "apply", "-d", apply, "-q", "force=true"]).success();
    let applied = json(&applied);
    let wanted = serde_json::json!({"merged": "mine", "json": "1", "strategic": "1"});
    assert_eq!(applied["data"], wanted);
    let managers = applied["metadata"]["managedFields"].as_array().unwrap();
    let is_ours = |m: &&Value| m["operation"] == "Apply" && m["manager"] == "appop";
    assert_eq!(managers.iter().filter(is_ours).count(), 1, "{managers:?}");

    real.run([
        "raw",
        "-X",
        "delete",
        &one,
        "-d",
        "propagationPolicy: Background",
    ])
    .success();
    fails(
        &real.run(["raw", &one]),
        1,
        &[
            "404",
            "There is no configmap \"a\"",
            "Try: /api/v1/namespaces/raw-bodies/configmaps",
        ],
    );
}

#[test]
fn bodies_that_cannot_be_meant_are_refused_before_they_are_sent() {
    let Some(real) = support::real() else { return };
    let refused = |args: &[&str], code, parts: &[&str]| {
        fails(
            &real.run([&["raw", "/api/v1/namespaces"], args].concat()),
            code,
            parts,
        );
    };
    refused(
        &["-d", "@/nowhere"],
        1,
        &["cannot read the body from /nowhere"],
    );
    refused(
        &["-d", "{\"a\": 1,\n \"b\" 2}"],
        1,
        &["not valid JSON", "line 2 column 6"],
    );
    refused(&["-d", "a: [1"], 1, &["not valid YAML", "line 1"]);
    refused(&["-d", "a: 1\n---\nb: 2"], 1, &["2 YAML documents"]);
    refused(&["--patch", "merge"], 2, &["add -d"]);
    refused(&["-X", "PATCH", "-d", "{}"], 2, &["--patch json, merge"]);
    refused(
        &["--patch", "json", "-d", "{}"],
        1,
        &["a list of operations"],
    );
    refused(&["-H", "Authorization: Bearer x"], 2, &["--token"]);
    refused(&["-o", "wide"], 2, &["--table"]);
    refused(&["--all", "-X", "POST"], 2, &["GET"]);
    refused(&["-X", "G E T"], 2, &["not an HTTP method"]);
    // With a type of its own a body is not looked at: here the server refuses it.
    refused(
        &["-d", "{", "-H", "Content-Type: application/json"],
        1,
        &["400"],
    );
    refused(&["-d", "{}", "-H", "Content-Type: text/csv"], 1, &["415"]);
}

#[test]
fn all_pages_make_one_list() {
    let Some(real) = support::real() else { return };
    namespace(real, "raw-pages");
    let item = |i: u32| {
        serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("c-{i:04}"), "labels": {"test": "pages"}}, "data": {"k": "\"]}\\"}})
    };
    let items: Vec<Value> = (0..1050).map(item).collect();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    let create = ["create", "-n", "raw-pages", "-o", "name", "-f", "-"];
    real.kubectl_stdin(create, &list.to_string()).success();

    // Every namespace has one of its own besides.
    let path = "/api/v1/namespaces/raw-pages/configmaps?labelSelector=test%3Dpages";
    // Others write at the same time, and the list's version is that of the whole server.
    let version = |text: &str| {
        let version = json(text)["metadata"]["resourceVersion"].to_string();
        text.replacen(&version, "\"1\"", 1)
    };
    let whole = version(&real.run(["raw", path]).success());
    assert_eq!(json(&whole)["items"].as_array().unwrap().len(), 1050);
    let output = real.run(["raw", path, "--all", "-v"]);
    assert_eq!(
        output
            .stderr
            .lines()
            .filter(|l| l.contains("limit=500"))
            .count(),
        3,
        "{}",
        output.stderr
    );
    assert!(
        version(&output.success()) == whole,
        "the same bytes as in one answer"
    );
    let by_the_users_limit = real
        .run(["raw", path, "--all", "-q", "limit=700"])
        .success();
    assert!(version(&by_the_users_limit) == whole);
    let table = real.run(["raw", path, "--all", "--table"]).success();
    assert_eq!(table.lines().count(), 1051);
    let page = real.run(["raw", path, "--table", "-q", "limit=2"]);
    assert!(page.stderr.contains("--all"), "{}", page.stderr);
    assert_eq!(page.success().lines().count(), 3);

    // Servers put the metadata of custom resources and aggregated lists behind the items.
    let crds = real.run([
        "raw",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "--all",
        "-q",
        "limit=7",
    ]);
    assert!(json(&crds.success())["items"].as_array().unwrap().len() > 14);
    fails(
        &real.run(["raw", "/version", "--all"]),
        1,
        &["--all follows lists"],
    );
    fails(
        &real.run(["raw", "/api/v1/pods?watch=1", "--all"]),
        2,
        &["a watch goes on"],
    );
}

#[test]
fn readers_that_have_enough_end_it_quietly() {
    let Some(real) = support::real() else { return };
    for args in [
        "/openapi/v2",
        "--all /apis/rbac.authorization.k8s.io/v1/clusterroles?limit=5",
    ] {
        let script = format!("\"$0\" raw {args} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script, support::APPOP])
            .env("KUBECONFIG", &real.kubeconfig);
        let output = finish(bash.stdin(Stdio::null()));
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("0\n", ""),
            "{args}"
        );
    }
}

#[test]
fn heads_and_headers_go_to_stderr() {
    let Some(real) = support::real() else { return };
    let output = real.run(["raw", "/healthz", "-i"]);
    assert!(
        output.stderr.starts_with("HTTP/1.1 200 OK\n"),
        "{}",
        output.stderr
    );
    assert!(
        output
            .stderr
            .contains("\ncontent-type: text/plain; charset=utf-8\n"),
        "{}",
        output.stderr
    );
    assert_eq!(output.success(), "ok");
    let output = real.run(["raw", "-X", "HEAD", "/healthz"]);
    assert!(
        output.stderr.starts_with("HTTP/1.1 200 OK\n"),
        "{}",
        output.stderr
    );
    assert_eq!(output.success(), "");
}
