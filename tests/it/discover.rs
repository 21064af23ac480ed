//! `appop discover` on the real server, beside what kubectl says of it.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{self, Output};

/// Scenarios that run at the same time make and remove CRDs, so the two tools may see different
/// moments: asked again until they agree.
#[track_caller]
fn same_lines(real: &support::Cluster, ours: &[&str], theirs: &[&str]) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let (ours, theirs) = (real.run(ours).success(), real.kubectl(theirs).success());
        if ours == theirs {
            assert!(!ours.is_empty());
            return;
        }
        assert!(Instant::now() < until, "ours:\n{ours}\ntheirs:\n{theirs}");
    }
}

#[test]
fn names_and_versions_are_kubectls_lines() {
    let Some(real) = support::real() else { return };
    let filters: [&[&str]; 9] = [
        &[],
        &["--api-group", "apps"],
        &["--api-group", ""],
        &["--namespaced"],
        &["--namespaced=false"],
        &["--verbs", "list,watch"],
        &["--verbs", "create", "--namespaced=false"],
        &["--categories", "all"],
        &["--sort-by", "kind"],
    ];
    for filter in filters {
        let ours = [&["discover", "--preferred", "-o", "name"], filter].concat();
        let theirs = [&["api-resources", "-o", "name"], filter].concat();
        same_lines(real, &ours, &theirs);
    }
    same_lines(
        real,
        &["discover", "--preferred", "-o", "name", "--sort-by", "name"],
        &["api-resources", "-o", "name", "--sort-by", "name"],
    );
    same_lines(real, &["discover", "--versions"], &["api-versions"]);
}

#[test]
fn every_version_is_listed_and_the_preferred_one_marked() {
    let Some(real) = support::real() else { return };
    let table = real
        .run(["discover", "--api-group", "autoscaling"])
        .success();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    let heads = "GROUP VERSION RESOURCE KIND SHORTNAMES SCOPE VERBS CATEGORIES NOTE";
    assert_eq!(lines[0].join(" "), heads);
    assert_eq!(
        lines[1][..5],
        [
            "autoscaling",
            "v2*",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            "hpa"
        ]
    );
    assert_eq!(lines[2][1], "v1");
    let bare = real
        .run(["discover", "--api-group", "autoscaling", "--no-headers"])
        .success();
    assert_eq!(bare.lines().count(), table.lines().count() - 1);
    let names = real
        .run(["discover", "autoscaling", "-o", "name"])
        .success();
    assert_eq!(
        names,
        "horizontalpodautoscalers.v2.autoscaling\nhorizontalpodautoscalers.v1.autoscaling\n"
    );
}

#[test]
fn programs_get_json_yaml_and_a_tree() {
    let Some(real) = support::real() else { return };
    let text = real.run(["discover", "apps/v1", "-o", "json"]).success();
    let json: Value = serde_json::from_str(&text).unwrap();
    let deployments = json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["resource"] == "deployments")
        .unwrap();
    assert_eq!(deployments["kind"], "Deployment");
    assert_eq!(deployments["preferred"], true);
    assert_eq!(deployments["shortNames"], serde_json::json!(["deploy"]));
    let scale = &deployments["subresources"].as_array().unwrap()[0];
    assert_eq!(
        (&scale["name"], &scale["group"]),
        (&"scale".into(), &"autoscaling".into())
    );
    assert_eq!(json["unavailable"], serde_json::json!([]));
    let yaml = real.run(["discover", "apps/v1", "-o", "yaml"]).success();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    let tree = real.run(["discover", "apps/", "-o", "tree"]).success();
    for line in [
        "apps\n",
        "└── v1  preferred\n",
        "deployments  Deployment (deploy)\n",
        "/scale  Scale",
    ] {
        assert!(tree.contains(line), "{line:?} in\n{tree}");
    }
}

#[test]
fn one_resource_is_shown_in_detail() {
    let Some(real) = support::real() else { return };
    let text = real.run(["discover", "deploy"]).success();
    assert_eq!(
        text,
        "\
Name:         deployments.apps
Kind:         Deployment
Group:        apps
Versions:     v1 (preferred, storage)
Scope:        Namespaced
Singular:     deployment
Short names:  deploy
Categories:   all
Verbs:        create, delete, deletecollection, get, list, patch, update, watch
Comes from:   the API server itself (built in)
Subresources:
  scale   get,patch,update: Scale (autoscaling/v1)
  status  get,patch,update: Deployment
Paths for appop raw:
  /apis/apps/v1/deployments                                   list,watch
  /apis/apps/v1/namespaces/NAMESPACE/deployments              list,watch,create,deletecollection
  /apis/apps/v1/namespaces/NAMESPACE/deployments/NAME         get,update,patch,delete
  /apis/apps/v1/namespaces/NAMESPACE/deployments/NAME/scale   get,patch,update
  /apis/apps/v1/namespaces/NAMESPACE/deployments/NAME/status  get,patch,update
More:
  appop explain deployments.apps
"
    );
    let hpa = real.run(["discover", "hpa"]).success();
    assert!(
        hpa.contains("Versions:     v2 (preferred, storage)\n              v1\n"),
        "{hpa}"
    );
    let json = real.run(["discover", "Deployment", "-o", "json"]).success();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["origin"]["type"], "BuiltIn");
    assert_eq!(json["versions"][0]["storage"], true);
    let everybody = ["--as", "anna", "--as-group", "system:authenticated"];
    let seen = real.run([&["discover", "ingresses"][..], &everybody].concat());
    let seen = seen.success();
    assert!(
        seen.contains("(built in)"),
        "somebody who may read neither APIServices nor CRDs: {seen}"
    );
}

#[test]
fn unknown_and_ambiguous_words_get_help() {
    let Some(real) = support::real() else { return };
    let of = |word: &str| {
        let output = real.run(["discover", word]);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{word}");
        output.stderr
    };
    assert_eq!(
        of("deploments"),
        "error: the server serves nothing called \"deploments\". Did you mean deployments.apps?\n"
    );
    let events = of("events");
    assert!(events.contains("appop discover v1/events "), "{events}");
    assert!(
        events.contains("appop discover events.events.k8s.io "),
        "{events}"
    );
    assert!(of("xyzzy").contains("See what it serves with: appop discover"));
    let gone = of("podsecuritypolicies");
    assert!(
        gone.contains("Kubernetes had policy/v1beta1 PodSecurityPolicy: "),
        "{gone}"
    );
    assert!(gone.contains("removed in 1.25"), "{gone}");
    for word in ["extensions/v1beta1", "extensions"] {
        let gone = of(word);
        assert!(
            gone.contains("Kubernetes had extensions/v1beta1: ") && gone.contains("in 1.22"),
            "{gone}"
        );
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["discover", "-o", "yml"][..],
        &["discover", "--versions", "deploy"],
        &["discover", "--sort-by", "age"],
        &["discover", "a", "b"],
    ] {
        let output = support::run(args);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{args:?}");
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    }
}

/// The requests that `-v` names: method, path and code.
fn requests(output: &Output) -> Vec<String> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let path = words[1].splitn(4, '/').nth(3)?;
        Some(format!("{} /{path} {}", words[0], words[2]))
    };
    let mut all: Vec<String> = output
        .stderr
        .lines()
        .filter(|l| l.starts_with("GET "))
        .filter_map(line)
        .collect();
    all.sort();
    all
}

#[test]
fn a_repeated_call_costs_two_304s_and_a_trusted_one_nothing() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = real.command(["discover", "--api-group", "apps", "-v"]);
        support::finish(command.args(more).arg("--cache-dir").arg(dir.path()))
    };
    let first = run(&[]);
    assert_eq!(requests(&first), ["GET /api 200", "GET /apis 200"]);
    // Another scenario may change what is served in between; then the next one is unchanged.
    let until = Instant::now() + Duration::from_secs(20);
    while requests(&run(&[])) != ["GET /api 304", "GET /apis 304"] {
        assert!(Instant::now() < until);
    }
    let trusted = run(&["--cached"]);
    assert_eq!(requests(&trusted), [""; 0]);
    assert_eq!(trusted.success(), first.success());

    let mut files = Vec::new();
    find_files(dir.path(), &mut files);
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }
    let repaired = run(&["--cached"]);
    assert_eq!(
        requests(&repaired),
        ["GET /api 200", "GET /apis 200"],
        "damage is no answer"
    );
}

pub(crate) fn find_files(dir: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_files(&path, into)
        } else {
            into.push(path)
        }
    }
}

/// A server that knows legacy discovery alone: the real one's documents, without what is asked for
/// in Accept. `/apis/apps/v1` is refused, as a broken aggregated server would.
fn legacy_server(real: &'static support::Cluster) -> String {
    let address = super::connect::listen(move |mut stream| {
        let mut head = String::new();
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (code, body) = match path {
            "/apis/apps/v1" => ("503 Service Unavailable", "down for lunch\n".to_owned()),
            path => match real.kubectl(["get", "--raw", path]) {
                answer if answer.code == 0 => ("200 OK", answer.stdout),
                // A group of another scenario, which is gone by now.
                _ => ("404 Not Found", String::new()),
            },
        };
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
    });
    format!("http://{address}")
}

#[test]
fn a_server_without_aggregated_discovery_is_listed_too() {
    let Some(real) = support::real() else { return };
    let server = legacy_server(real);
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = support::command(["discover", "-s", &server, "--cache-dir"]);
        support::finish(command.arg(dir.path()).args(args))
    };
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let legacy = run(&["--preferred", "-o", "name"]);
        assert_eq!(legacy.code, 3);
        assert!(
            legacy
                .stderr
                .contains("apps/v1 cannot be reached: 503: down for lunch"),
            "{}",
            legacy.stderr
        );
        let whole = real
            .run(["discover", "--preferred", "-o", "name"])
            .success();
        let but_apps: Vec<&str> = whole.lines().filter(|l| !l.ends_with(".apps")).collect();
        if legacy.stdout.lines().collect::<Vec<_>>() == but_apps {
            break;
        }
        assert!(Instant::now() < until, "{}\n{whole}", legacy.stdout);
    }
    let text = run(&["v1", "-o", "json"]);
    let json: Value = serde_json::from_str(&text.success()).unwrap();
    let pods = json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["resource"] == "pods")
        .unwrap();
    assert_eq!(
        pods["storage"], true,
        "legacy discovery tells the storage version"
    );
    assert!(
        pods["subresources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["name"] == "exec")
    );
}

/// A dead aggregated server concerns everybody who asks, so this one has servers of its own.
#[test]
fn a_dead_aggregated_server_is_named_and_the_rest_is_shown() {
    if support::assets().is_none() {
        return;
    }
    let script = r#"
set -u
"$KUBECTL" apply -f - >/dev/null <<EOF
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.dead.example.com}
spec:
  group: dead.example.com
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: default}
EOF
until appop discover --versions 2>&1 | grep -q dead.example.com; do :; done
until "$KUBECTL" get apiservice v1beta1.dead.example.com -o yaml | grep -q ServiceNotFound; do :; done
for args in "" "dead.example.com" "-o json" "-o name" "apps" "wibble.dead.example.com"; do
  echo "== $args"; appop discover $args 2>&1 >out; echo "exit $?"
  grep -E 'dead.example.com|^core .* pods ' out | tr -s ' ' | head -2
done
"#;
    let mut command = support::command([
        "sandbox", "--real", "--nodes", "0", "--", "bash", "-c", script,
    ]);
    command.env("KUBECTL", support::assets().unwrap().join("kubectl"));
    let dir = tempfile::tempdir().unwrap();
    let text = support::finish(command.current_dir(dir.path())).success();
    let part = |args: &str| {
        let start = text.find(&format!("== {args}\n")).unwrap();
        text[start..].split("\n== ").next().unwrap()
    };
    let why = "ServiceNotFound: service/nobody in \"default\" is not present";
    let all = part("");
    assert!(
        all.contains(&format!(
            "Warning: dead.example.com/v1beta1 cannot be reached: {why}"
        )),
        "{text}"
    );
    assert!(
        all.contains("The list is not complete.") && all.contains("exit 3"),
        "{text}"
    );
    assert!(
        all.contains("core v1* pods Pod"),
        "the rest is shown: {text}"
    );
    assert!(
        all.contains("dead.example.com v1beta1 <unavailable>"),
        "{text}"
    );
    assert!(part("dead.example.com").contains("exit 3"), "{text}");
    assert!(part("-o json").contains("exit 3"), "{text}");
    assert!(part("-o name").contains("exit 3"), "{text}");
    assert!(
        part("apps").contains("exit 0"),
        "another group is whole: {text}"
    );
    let unknown = part("wibble.dead.example.com");
    assert!(
        unknown.contains("It may belong to dead.example.com/v1beta1"),
        "{text}"
    );
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let Some(real) = support::real() else { return };
    let mut child = real
        .command(["discover", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before the first byte, as by a `head` that has ended.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn shells_complete_groups_and_resources_from_the_cache() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().to_str().unwrap();
    real.run(["discover", "--cache-dir", cache]).success();
    let complete = |command: &str, word: &str| {
        let mut ask = real.command(["--", "appop", "--cache-dir", cache, command, word]);
        ask.env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", "4")
            .env("_CLAP_IFS", "\n");
        support::finish(&mut ask).success()
    };
    assert_eq!(complete("discover", "deploy"), "deployments.apps");
    assert_eq!(
        complete("discover", "autosc"),
        "autoscaling\nautoscaling/v2\nautoscaling/v1"
    );
    assert_eq!(complete("explain", "statef"), "statefulsets.apps");
}
