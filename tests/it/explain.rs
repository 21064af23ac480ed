//! `appop explain` on the real server, beside what kubectl says and what the server takes.

use std::io::{BufRead, Write};
use std::time::Duration;

use serde_json::Value;

use crate::support::{self, Cluster, Output};

const GADGET: &str = include_str!("explain/gadget.yaml");

/// The control plane, with the kinds of `gadget.yaml` explained by it.
fn real_with_gadgets() -> Option<&'static Cluster> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let real = support::real()?;
    ONCE.call_once(|| {
        real.kubectl_stdin(["apply", "-f", "-"], GADGET).success();
        // The document of a group follows its CRDs by a moment.
        support::wait_until(Duration::from_secs(60), || {
            ["gadgets", "blobs"]
                .iter()
                .all(|kind| real.run(["explain", kind]).code == 0)
        });
    });
    Some(real)
}

#[track_caller]
fn says(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
    for word in words {
        let said = output.stdout.contains(word) || output.stderr.contains(word);
        assert!(
            said,
            "{word:?} is not in\n{}{}",
            output.stdout, output.stderr
        );
    }
}

/// The `name <type> -required-` of each line of a recursive explanation, indented as it is there.
fn fields(text: &str) -> Vec<&str> {
    let (_, fields) = text.split_once("FIELDS:\n").unwrap_or_default();
    let lines = fields.lines().filter(|l| l.contains("\t<"));
    lines
        .map(|line| {
            let end = line.find(" (").unwrap_or(line.len());
            line[..end].trim_end()
        })
        .collect()
}

/// Scenarios that run at the same time make kinds of their own, change and remove them.
fn is_of_a_scenario(group: &str) -> bool {
    group.ends_with("example.com") || group.ends_with(".test")
}

#[test]
fn every_field_has_the_name_and_type_that_kubectl_gives_it() {
    let Some(real) = support::real() else { return };
    let listed = real.run(["discover", "-o", "json"]).success();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut compared = 0;
    for item in listed["items"].as_array().unwrap() {
        let [group, version, resource] =
            ["group", "version", "resource"].map(|key| item[key].as_str().unwrap());
        if is_of_a_scenario(group) {
            continue;
        }
        let place = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        let args = ["explain", resource, "--recursive", "--api-version", &place];
        let (ours, theirs) = (real.run(args).success(), real.kubectl(args).success());
        assert_eq!(fields(&ours), fields(&theirs), "{resource} {place}");
        assert!(fields(&ours).len() > 2, "{ours}");
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

#[test]
fn a_custom_field_is_told_with_everything_that_its_schema_says() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    let page = real.run(["explain", "gadget.spec"]).success();
    let expected = "\
GROUP:      explain.example.com
KIND:       Gadget
VERSION:    v1

FIELD: spec <Object> -required-

VALUE:
    rule: self.size < 8 || self.mode == 'fast' (large ones must be fast)
    rule: has(self.first) || has(self.second) (message: self.size > 2 ? 'one of
          them' : 'first')

DESCRIPTION:
    What is wanted

FIELDS:
  code\t<string> -required-
    bounds:    at most 6 characters
    pattern:   ^[A-Z]{2}-\\d{3}$
    immutable: cannot be changed once set
    rule:      self == oldSelf (code is immutable)
    <no description>
";
    assert!(page.starts_with(expected), "{page}");
    for (field, lines) in [
        ("mode", &["default: fast", "enum:    fast, slow"][..]),
        (
            "hosts",
            &[
                "bounds:      2 to 4 items",
                "list:        set: no two items are equal",
                "item bounds: 3 to 9 characters",
            ],
        ),
        (
            "pairs",
            &[
                "list:   map: items are told apart by name and side",
                "weight\t<integer>",
            ],
        ),
        ("ratio", &["bounds: more than 0, at most 0.5"]),
        (
            "limits",
            &[
                "FIELD: limits <map[string]string>",
                "value pattern: ^\\d+m$",
            ],
        ),
        ("shape", &["oneOf:  has round | has square"]),
        ("port", &["FIELD: port <IntOrString>"]),
        ("owner", &["embedded: a whole object"]),
        (
            "many",
            &["FIELD: many <[][]string>", "item item format: ipv4"],
        ),
        ("maybe", &["nullable: may be null"]),
        (
            "free",
            &[
                "unknown: fields that the schema does not name are kept",
                "The schema names none",
            ],
        ),
    ] {
        let page = real.run(["explain", &format!("gdgt.spec.{field}")]);
        says(&page, 0, lines);
    }
}

#[test]
fn built_in_fields_say_how_they_are_merged_and_what_cannot_change() {
    let Some(real) = support::real() else { return };
    let ports = real.run(["explain", "po.spec.containers[].ports"]);
    says(
        &ports,
        0,
        &[
            "FIELD: ports <[]ContainerPort>\n",
            "    list:      map: items are told apart by containerPort and protocol\n",
            "    patch:     merge by containerPort\n",
            "    immutable: Cannot be updated.\n",
            "    ContainerPort represents a network port in a single container.\n",
            "  protocol\t<string>\n    default: TCP\n    enum:    SCTP, TCP, UDP\n",
        ],
    );
    let longest = ports
        .stdout
        .lines()
        .filter(|l| l.contains(' '))
        .map(|l| l.trim_end().len());
    assert!(longest.max() <= Some(80), "{}", ports.stdout);
    // Zero values of Go are no defaults.
    let name = real.run(["explain", "pods.spec.containers.name"]).success();
    assert!(!name.contains("default"), "{name}");
}

#[test]
fn what_is_not_there_says_what_is_near() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    for (what, words) in [
        (
            "pods.spec.contaners",
            &["no field \"contaners\" in pods.spec <PodSpec>. Did you mean pods.spec.containers?"]
                [..],
        ),
        (
            "pod.spec.image",
            &["Did you mean pod.spec.containers.image, "],
        ),
        ("deploymnets.spec", &["Did you mean deployments"]),
        (
            "deploy.spec.replicas.x",
            &["it is a plain value and has no fields"],
        ),
        (
            "deploy.metadata.labels.app",
            &["it is a map, whose keys are yours to choose"],
        ),
        (
            "blobs.spec",
            &["the server keeps fields that it does not name"],
        ),
        (
            "gadgets.spec.free.x",
            &["the server keeps fields that it does not name"],
        ),
        (
            "batch",
            &["is a group of resources", "appop discover batch"],
        ),
        (
            "podsecuritypolicies",
            &["Kubernetes had", "removed in 1.25"],
        ),
        ("zebra", &["nothing called \"zebra\"", "appop discover"]),
    ] {
        let output = real.run(["explain", what]);
        says(&output, 1, words);
        assert_eq!(output.stdout, "");
    }
    for wrong in ["pods..spec", "pods.spec[?(@.x)]", ""] {
        says(&real.run(["explain", wrong]), 2, &["is no path of fields"]);
    }
    says(&real.run(["explain"]), 2, &["RESOURCE"]);
    let version = real.run(["explain", "hpa", "--api-version", "autoscaling/v3"]);
    says(
        &version,
        1,
        &["is not served as autoscaling/v3; it is served as autoscaling/v2"],
    );
    says(
        &real.run(["explain", "hpa", "--api-version", "autoscaling/v1"]),
        0,
        &["VERSION:    v1\n"],
    );
    let events = real.run(["explain", "events"]);
    says(&events, 0, &["there is also events.events.k8s.io"]);
    says(
        &real.run(["explain", "events.events.k8s.io.note"]),
        0,
        &["FIELD: note <string>"],
    );
}

#[test]
fn a_type_that_contains_itself_is_told_to_any_depth_and_listed_once() {
    let Some(real) = support::real() else { return };
    let deep = "crd.spec.versions.schema.openAPIV3Schema.properties.properties.not.allOf.title";
    says(&real.run(["explain", deep]), 0, &["FIELD: title <string>"]);
    let listed = real.run(["explain", "crd", "-R"]).success();
    assert!(
        listed.contains("allOf\t<[]JSONSchemaProps> (contains itself)"),
        "{listed}"
    );
    let json = real.run(["explain", "crd", "-R", "-o", "json"]).success();
    let json: Value = serde_json::from_str(&json).unwrap();
    let schema = "/field/fields/3/fields/5/fields/4/fields/0";
    assert_eq!(json.pointer(schema).unwrap()["name"], "openAPIV3Schema");
    let fields = json.pointer(schema).unwrap()["fields"].as_array().unwrap();
    let all_of = fields.iter().find(|f| f["name"] == "allOf").unwrap();
    assert_eq!(all_of["more"], true);
}

#[test]
fn json_has_the_documented_shape() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    let json = |what: &str| -> Value {
        serde_json::from_str(&real.run(["explain", what, "-o", "json"]).success()).unwrap()
    };
    let code = json("gadgets.spec.code");
    assert_eq!(
        code,
        serde_json::json!({
            "group": "explain.example.com", "version": "v1", "kind": "Gadget",
            "resource": "gadgets", "path": "spec.code",
            "field": {
                "name": "code", "type": "string", "required": true, "maxLength": 6,
                "patterns": ["^[A-Z]{2}-\\d{3}$"],
                "immutable": {"because": "rule", "text": "self == oldSelf"},
                "rules": [{"rule": "self == oldSelf", "message": "code is immutable"}]
            }
        })
    );
    let root = json("gadgets");
    assert_eq!(root["path"], "");
    let spec = root["field"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "spec");
    assert_eq!(spec.unwrap()["more"], true);
    assert_eq!(
        json("gadgets.spec.hosts")["field"]["items"],
        serde_json::json!({"type": "string", "minLength": 3, "maxLength": 9})
    );
    let path = "jsonpath={.field.default}";
    let default = real
        .run(["explain", "gadgets.spec.mode", "-o", path])
        .success();
    assert_eq!(default, "fast");
    let names = real
        .run(["explain", "gadgets.spec.shape", "-o", "name", "-R"])
        .success();
    assert_eq!(
        names,
        "gadgets.spec.shape.round\ngadgets.spec.shape.round.radius\n\
         gadgets.spec.shape.square\ngadgets.spec.shape.square.side\n"
    );
    for name in names.lines() {
        says(&real.run(["explain", name]), 0, &["FIELD: "]);
    }
}

/// `kubectl apply` asks for an object by name first, which reviews and bindings do not have.
const CREATED_ONLY: &[&str] = &["authentication.k8s.io", "authorization.k8s.io"];

#[test]
fn the_server_takes_every_sample() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    let listed = real
        .run(["discover", "--verbs", "create", "-o", "json"])
        .success();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let (mut taken, mut applied, mut created) = (0, String::new(), String::new());
    for item in listed["items"].as_array().unwrap() {
        let [group, version, resource] =
            ["group", "version", "resource"].map(|key| item[key].as_str().unwrap());
        let is_ours = group == "explain.example.com";
        // A binding is for a pod that must be there.
        if resource == "bindings" || (is_of_a_scenario(group) && !is_ours) {
            continue;
        }
        let place = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        let args = ["explain", resource, "--api-version", &place, "-o", "sample"];
        let all = if CREATED_ONLY.contains(&group) {
            &mut created
        } else {
            &mut applied
        };
        all.push_str("---\n");
        all.push_str(&real.run(args).success());
        taken += 1;
    }
    for (verb, samples) in [("apply", &applied), ("create", &created)] {
        let args = [verb, "--dry-run=server", "--validate=strict", "-f", "-"];
        real.kubectl_stdin(args, samples).success();
    }
    assert!(taken > 60, "{taken}");
}

#[test]
fn a_sample_says_what_it_is_made_of() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    let sample = real.run(["explain", "gadgets", "-o", "sample"]).success();
    for line in [
        "kind: Gadget\nmetadata:\n  name: example\n",
        "  # rule: large ones must be fast\n",
        "  mode: fast # this is the default; one of fast, slow\n",
        "  size: 2 # required; 2 to 9; a multiple of 2\n",
        "  code: AA-111\n",
        "  first: example\n",
        "    round:\n      radius: 1 # required\n",
        "  hosts: # required; 2 to 4 items; each item 3 to 9 characters\n",
        "  # optional: free, maybe, second\n",
    ] {
        assert!(sample.contains(line), "{line}\n{sample}");
    }
    let part = real
        .run(["explain", "deploy.spec.strategy", "-o", "sample"])
        .success();
    assert_eq!(part, "strategy: {}\n  # optional: rollingUpdate, type\n");
}

#[test]
fn a_search_finds_names_and_descriptions() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    let names = |args: &[&str]| real.run([&["explain", "-o", "name", "--search"], args].concat());
    let all = names(&["^imagePullPolicy$"]);
    // Somebody else's dead group makes it partial, but not wrong.
    assert!(matches!(all.code, 0 | 3), "{}", all.stderr);
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert!(
        lines.contains(&"pods.spec.containers.imagePullPolicy"),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"jobs.spec.template.spec.initContainers.imagePullPolicy"),
        "{lines:?}"
    );
    let table = real.run(["explain", "--search", "imagepullpolicy"]);
    let row = table
        .stdout
        .lines()
        .find(|l| l.contains("imagePullPolicy"))
        .unwrap();
    assert!(
        row.starts_with("pods.spec.containers.imagePullPolicy "),
        "{row}"
    );
    assert!(
        row.contains("string") && row.contains("Image pull policy."),
        "{row}"
    );

    let below = real.run(["explain", "gadgets.spec", "-o", "name", "--search", "^s"]);
    says(
        &below,
        0,
        &["gadgets.spec.second\ngadgets.spec.shape\ngadgets.spec.shape.square\n"],
    );
    let in_text = real.run([
        "explain",
        "pods",
        "--search",
        "ClusterFirstWithHostNet",
        "-o",
        "json",
    ]);
    let json: Value = serde_json::from_str(&in_text.success()).unwrap();
    assert_eq!(json["matches"][0]["path"], "pods.spec.dnsPolicy");
    assert_eq!(json["matches"][0]["kind"], "Pod");

    says(
        &names(&["("]),
        2,
        &["is no regular expression", "unclosed group"],
    );
    says(
        &real.run(["explain", "pods", "--search", "q{9}"]),
        1,
        &["No field has \"q{9}\""],
    );
    says(
        &real.run(["explain", "--search", "x", "-o", "sample"]),
        2,
        &["--search knows"],
    );
}

#[test]
fn text_from_the_server_cannot_steer_the_terminal() {
    let Some(real) = real_with_gadgets() else {
        return;
    };
    for args in [
        &["explain", "gadgets"][..],
        &["explain", "gadgets", "--recursive"],
        &["explain", "gadgets", "-o", "sample"],
        &["explain", "gadgets", "--color", "never", "--search", "loud"],
    ] {
        let output = real.run(args);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text:?}");
    }
    says(
        &real.run(["explain", "gadgets"]),
        0,
        &["It is \\u{1b}[31mloud\\u{1b}[0m"],
    );
}

/// The real server behind one that may answer otherwise: `answer` gets the path.
fn behind(
    real: &'static Cluster,
    answer: impl Fn(&str) -> Option<(&'static str, String)> + Send + Sync + 'static,
) -> String {
    let address = super::connect::listen(move |mut stream| {
        let mut head = String::new();
        let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (code, body) = answer(path)
            .unwrap_or_else(|| ("200 OK", real.kubectl(["get", "--raw", path]).success()));
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
    });
    format!("http://{address}")
}

fn explain_at(server: &str, dir: &std::path::Path, args: &[&str]) -> Output {
    let mut command = support::command(["explain", "-s", server, "--cache-dir"]);
    support::finish(command.arg(dir).args(args))
}

#[test]
fn servers_that_say_nothing_of_their_fields_get_a_sentence() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let missing = || Some(("404 Not Found", "404 page not found\n".to_owned()));
    let old = behind(real, move |path| {
        (path == "/openapi/v3").then(missing).flatten()
    });
    let output = explain_at(&old, dir.path(), &["pods"]);
    says(&output, 1, &["no schemas in OpenAPI v3", "since 1.24"]);

    let silent = behind(real, |path| {
        let paths = r#"{"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1"},
            "apis/batch/v1":{"serverRelativeURL":"/broken"}}}"#;
        match path {
            "/openapi/v3" => Some(("200 OK", paths.to_owned())),
            "/openapi/v3/api/v1" => {
                let one = r#"{"components":{"schemas":{"x.ConfigMap":{"type":"object",
                    "properties":{"a.b":{"type":"string"}},
                    "x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"ConfigMap"}]}}}}"#;
                Some(("200 OK", one.to_owned()))
            }
            "/broken" => Some(("200 OK", "{\"components\":[".to_owned())),
            _ => None,
        }
    });
    let run = |args: &[&str]| explain_at(&silent, dir.path(), args);
    says(
        &run(&["deploy"]),
        1,
        &["publishes no OpenAPI v3 document for apps/v1"],
    );
    says(
        &run(&["pods"]),
        1,
        &["does not describe the kind Pod", "appop raw /api/v1/pods"],
    );
    says(
        &run(&["jobs"]),
        1,
        &["the answer to GET /broken is not what"],
    );
    says(&run(&["cm", "-o", "name"]), 0, &["cm.a\\.b\n"]);
    says(&run(&["cm.a\\.b"]), 0, &["FIELD: a.b <string>"]);
    says(&run(&["cm['a.b']"]), 0, &["FIELD: a.b <string>"]);
    let search = run(&["--search", "^a\\.b$", "-o", "name"]);
    says(
        &search,
        3,
        &["configmaps.a\\.b\n", "batch/v1 could not be searched"],
    );
}

#[test]
fn what_was_kept_is_used_while_it_is_right_and_mended_when_it_is_not() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = real.command(["explain", "pods.spec.hostname", "-v", "--cache-dir"]);
        support::finish(command.arg(dir.path()).args(args))
    };
    let document = "/openapi/v3/api/v1?hash=";
    says(&run(&[]), 0, &[document, "FIELD: hostname <string>"]);
    let again = run(&[]);
    assert!(!again.stderr.contains(document), "{}", again.stderr);
    assert!(again.stderr.contains("/openapi/v3 "), "{}", again.stderr);
    let trusted = run(&["--cached"]);
    assert_eq!(trusted.stderr, "");
    assert_eq!(trusted.stdout, again.stdout);
    let mut files = Vec::new();
    super::discover::find_files(dir.path(), &mut files);
    let kept = files
        .iter()
        .find(|f| f.ends_with("openapi.api_v1.json"))
        .unwrap();
    let whole = std::fs::read(kept).unwrap();
    std::fs::write(kept, &whole[..whole.len() / 2]).unwrap();
    let mended = run(&[]);
    says(&mended, 0, &[document]);
    assert_eq!(mended.stdout, again.stdout);
    assert_eq!(std::fs::read(kept).unwrap(), whole);
}

#[test]
fn shells_complete_fields_of_kinds_that_were_explained() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().to_str().unwrap();
    let complete = |word: &str| {
        let mut ask = real.command(["--", "appop", "--cache-dir", cache, "explain", word]);
        ask.env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", "4")
            .env("_CLAP_IFS", "\n");
        support::finish(&mut ask).success()
    };
    assert_eq!(complete("pods.spec.host"), "", "nothing is known yet");
    real.run(["explain", "pods", "--cache-dir", cache])
        .success();
    let found = complete("pods.spec.containers.im");
    assert_eq!(
        found,
        "pods.spec.containers.image\npods.spec.containers.imagePullPolicy"
    );
    assert_eq!(complete("po.stat"), "po.status");
}
