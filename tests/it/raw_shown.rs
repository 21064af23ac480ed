//! `appop raw` on the real server as a person sees it: tables, watches, terminals, explanations.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::raw::{fails, json, namespace};
use crate::support::{self, finish};
use crate::terminal::Terminal;

#[test]
fn the_servers_tables_look_as_kubectl_shows_them() {
    let Some(real) = support::real() else { return };
    let without_age = |text: String| -> Vec<Vec<String>> {
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let rows = text.lines().map(words);
        // Ages stand last, but for `-o wide`.
        let is_age = |word: &String| {
            word.starts_with(|c: char| c.is_ascii_digit())
                && word.ends_with(['s', 'm', 'h', 'd', 'y'])
        };
        rows.map(|mut row| {
            row.retain(|word| !is_age(word));
            row
        })
        .collect()
    };
    let ours =
        |args: &[&str]| without_age(real.run([&["raw", "--table"], args].concat()).success());
    let theirs = |args: &[&str]| without_age(real.kubectl([&["get"], args].concat()).success());
    let roles = "/apis/rbac.authorization.k8s.io/v1";
    assert_eq!(
        ours(&["/api/v1/namespaces/kube-system"]),
        theirs(&["ns", "kube-system"])
    );
    assert_eq!(ours(&["/api/v1/services"]), theirs(&["services", "-A"]));
    assert_eq!(
        ours(&[
            &format!("{roles}/namespaces/kube-system/rolebindings"),
            "-o",
            "wide"
        ]),
        theirs(&["rolebindings", "-n", "kube-system", "-o", "wide"])
    );
    assert_eq!(
        ours(&[&format!("{roles}/roles"), "--all"]),
        theirs(&["roles", "-A"])
    );
    fails(
        &real.run(["raw", "--table", "/version"]),
        1,
        &["makes no table of /version"],
    );
    let none = real.run(["raw", "--table", "/api/v1/namespaces/kube-public/pods"]);
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (0, ""),
        "{}",
        none.stderr
    );
}

#[test]
fn watches_tell_of_changes_as_they_happen() {
    let Some(real) = support::real() else { return };
    namespace(real, "raw-watch");
    let path = "/api/v1/namespaces/raw-watch/configmaps";
    let create = |name: &str| {
        let body = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
        real.run(["raw", path, "-d", &body]).success();
    };
    create("first");
    let watch = format!("{path}?watch=true");
    let mut child = real
        .command(["raw", &watch])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut named = |name: &str| loop {
        let event = json(&lines.next().unwrap());
        if event["object"]["metadata"]["name"] == name {
            break event["type"].clone();
        }
    };
    assert_eq!(named("first"), "ADDED");
    create("second");
    assert_eq!(named("second"), "ADDED");
    child.kill().unwrap();
    child.wait().unwrap();

    let mut terminal = Terminal::start(real.command(["raw", &watch]));
    terminal.wait_for("\"second\"");
    create("third");
    terminal.wait_for("\"third\"");
    terminal.interrupt();
    let ended = terminal.end();
    assert_eq!(ended.code, 130);
    assert!(
        ended
            .screen
            .contains("\x1b[36m\"type\"\x1b[0m: \x1b[32m\"ADDED\"\x1b[0m")
    );

    let mut terminal = Terminal::start(real.command(["raw", "--table", &watch, "--color=never"]));
    terminal.wait_for("third");
    real.run(["raw", "-X", "DELETE", &format!("{path}/third")])
        .success();
    terminal.wait_for("DELETED    third");
    terminal.interrupt();
    let screen = terminal.end().screen;
    assert!(screen.starts_with("EVENT      NAME"), "{screen}");
}

#[test]
fn failures_are_explained_from_discovery() {
    let Some(real) = support::real() else { return };
    for (path, parts) in [
        (
            "/apis/apiextensions.k8s.io/v1beta1",
            &[
                "removed in Kubernetes 1.22",
                "Use apiextensions.k8s.io/v1.",
                "Try: /apis/apiextensions.k8s.io/v1\n",
            ][..],
        ),
        (
            "/apis/extensions/v1beta1/namespaces/x/ingresses?limit=1",
            &[
                "removed in Kubernetes 1.22",
                "Try: /apis/networking.k8s.io/v1/namespaces/x/ingresses?limit=1\n",
            ],
        ),
        ("/api/apps/v1/deploy", &["Try: /apis/apps/v1/deployments\n"]),
        (
            "/apis/apps/deployments",
            &["version is missing", "Try: /apis/apps/v1/deployments\n"],
        ),
        (
            "/apis/bacth/v1/jobs",
            &["Did you mean batch?", "Try: /apis/batch/v1/jobs\n"],
        ),
        (
            "/apis/batch/v1/jbos",
            &["Did you mean jobs?", "Try: /apis/batch/v1/jobs\n"],
        ),
        (
            "/api/v1/namespaces/x/nodes",
            &["not in a namespace", "Try: /api/v1/nodes\n"],
        ),
        (
            "/api/v1/pods/x",
            &["Try: /api/v1/namespaces/default/pods/x\n"],
        ),
        (
            "/api/v1/namespaces/default/pods/x/logs",
            &[
                "no subresource \"logs\"",
                "Try: /api/v1/namespaces/default/pods/x/log\n",
            ],
        ),
        ("/helthz", &["Did you mean /healthz", "Try: /healthz\n"]),
        (
            "/livez/etdc",
            &["There is no check", "Try: /livez?verbose\n"],
        ),
        ("/openapi/v3/apis/none/v1", &["Try: /openapi/v3\n"]),
    ] {
        let output = real.run(["raw", path]);
        fails(&output, 1, &[&["404"], parts].concat());
    }
    fails(
        &real.run([
            "raw",
            "-X",
            "PUT",
            "-d",
            "{}",
            "/api/v1/namespaces/default/pods",
        ]),
        1,
        &["405", "/pods/NAME"],
    );
    let missing = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    fails(
        &real.run(["raw", "/api/v1/namespaces/nope/configmaps", "-d", missing]),
        1,
        &["There is no namespace \"nope\""],
    );
    fails(
        &real.run(["raw", "--as", "nobody", "/api/v1/nodez"]),
        1,
        &["403", "Did you mean nodes?"],
    );
    fails(
        &real.run(["raw", "--as", "nobody", "/api/v1/nodes"]),
        1,
        &["403", "lack the verb list on nodes"],
    );
    fails(
        &real.run(["raw", "-H", "Accept: text/csv", "/api/v1/nodes"]),
        1,
        &["406"],
    );
    fails(
        &real.run(["raw", "pods"]),
        2,
        &["is not a path", "/api/v1/pods"],
    );
    fails(
        &real.run(["raw", "https://127.0.0.1:1/api"]),
        2,
        &["is not on the server"],
    );
    let own = format!("{}/healthz", real.url());
    assert_eq!(real.run(["raw", &own]).success(), "ok");

    let status = real.run(["raw", "-o", "status", "/api/v1/namespaces/nope"]);
    assert_eq!((status.code, status.stderr.as_str()), (1, ""));
    assert_eq!(json(&status.stdout)["reason"], "NotFound");
}

#[test]
fn a_terminal_gets_json_laid_out_and_no_flood() {
    let Some(real) = support::real() else { return };
    let ended = Terminal::start(real.command(["raw", "/version"])).end();
    assert_eq!(ended.code, 0);
    assert!(
        ended
            .screen
            .starts_with("{\r\n    \x1b[36m\"major\"\x1b[0m: \x1b[32m\"1\""),
        "{}",
        ended.screen
    );
    let ended = Terminal::start(real.command(["raw", "/healthz"])).end();
    assert_eq!(ended.screen, "ok\r\n");
    let ended = Terminal::start(real.command(["raw", "/openapi/v2"])).end();
    assert!(ended.screen.len() < 4 << 20);
    assert!(
        ended
            .screen
            .contains("MiB not shown: too much for a screen"),
        "it says so"
    );
    let protobuf = "Accept: application/vnd.kubernetes.protobuf";
    let ended = Terminal::start(real.command(["raw", "-H", protobuf, "/api/v1/nodes"])).end();
    assert_eq!(ended.code, 1);
    assert!(ended.screen.contains("is binary"), "{}", ended.screen);
}

#[test]
fn shells_complete_paths_from_the_cache() {
    let Some(real) = support::real() else { return };
    let complete = |cache: &str, word: &str| {
        let mut ask = real.command(["--", "appop", "--cache-dir", cache, "raw", word]);
        ask.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "4");
        ask.env("_CLAP_IFS", "\n");
        finish(&mut ask).success()
    };
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().to_str().unwrap();
    assert!(
        complete(cache, "/").contains("/apis/"),
        "what all servers have"
    );
    assert_eq!(
        complete(cache, "/apis/ap"),
        "",
        "nothing is known yet, and nobody is asked"
    );
    real.run(["discover", "--cache-dir", cache]).success();
    assert_eq!(
        complete(cache, "/apis/batch/v1/"),
        "/apis/batch/v1/cronjobs\n/apis/batch/v1/jobs\n/apis/batch/v1/namespaces/"
    );
    assert_eq!(
        complete(cache, "/api/v1/namespaces/x/pods/y/l"),
        "/api/v1/namespaces/x/pods/y/log"
    );
}

#[test]
fn a_watch_that_the_server_ends_is_no_failure() {
    let Some(real) = support::real() else { return };
    let began = Instant::now();
    let path = "/api/v1/namespaces/kube-public/pods?watch=true&timeoutSeconds=2";
    let output = real.run(["raw", path]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(began.elapsed() >= Duration::from_secs(1));
}
