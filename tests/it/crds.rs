//! `appop crds` on the real server. CRDs are cluster-wide, so each scenario has a group of its own.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{self, Cluster, Output};
use crate::terminal::Terminal;

const PATIENCE: Duration = Duration::from_secs(30);

/// Servers for the scenarios with CRDs alone, since others look at everything that is served; and
/// what appop said while there were no CRDs on them.
struct Servers {
    real: Cluster,
    empty: Vec<(&'static str, Output)>,
}

fn servers() -> Option<&'static Servers> {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    support::assets()?;
    Some(SERVERS.get_or_init(|| {
        let real = support::start();
        let cases = ["", "-o wide", "-o json", "-o name", "--problems", "x"];
        let run = |args: &str| real.run(["crds"].into_iter().chain(args.split_whitespace()));
        let empty = cases.map(|args| (args, run(args))).into();
        Servers { real, empty }
    }))
}

pub(crate) fn real() -> Option<&'static Cluster> {
    servers().map(|servers| &servers.real)
}

#[test]
fn a_server_without_crds_is_said_to_have_none() {
    let Some(servers) = servers() else { return };
    for (args, output) in &servers.empty {
        if *args == "x" {
            assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
            assert!(
                output.stderr.contains("there is no CRD called \"x\""),
                "{output:?}"
            );
            continue;
        }
        let said = "There are no CRDs on this server.\n";
        assert_eq!((output.code, output.stderr.as_str()), (0, said), "{args}");
        if *args == "-o json" {
            let list: Value = serde_json::from_str(&output.stdout).unwrap();
            assert_eq!(list["items"], json!([]));
        } else {
            assert_eq!(output.stdout, "", "{args}");
        }
    }
}

/// A CRD whose kind is its plural with a capital and without its `s`. Versions are written
/// `v1 storage`, `v1beta1 deprecated`, `v1alpha1 unserved`; all keep whatever they are given.
pub(crate) fn crd(plural: &str, group: &str, versions: &[&str]) -> Value {
    let singular = plural.trim_end_matches('s');
    let kind = singular[..1].to_uppercase() + &singular[1..];
    let version = |text: &&str| {
        let mut words = text.split(' ');
        let name = words.next().unwrap();
        let marks: Vec<&str> = words.collect();
        json!({
            "name": name,
            "served": !marks.contains(&"unserved"),
            "storage": marks.contains(&"storage"),
            "deprecated": marks.contains(&"deprecated"),
            "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "labels": {"scenario": group}},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": singular, "kind": kind},
            "versions": versions.iter().map(version).collect::<Vec<_>>(),
        },
    })
}

pub(crate) fn apply(real: &Cluster, object: &Value) {
    let args = ["apply", "--server-side", "--field-manager=setup", "-f", "-"];
    real.kubectl_stdin(args, &object.to_string()).success();
}

/// Applies a CRD and waits until the server has judged it and, where it is good, serves it.
pub(crate) fn install(real: &Cluster, crd: &Value) {
    apply(real, crd);
    wait_for(real, crd);
}

fn wait_for(real: &Cluster, crd: &Value) {
    let name = crd["metadata"]["name"].as_str().unwrap();
    let condition = |kind: &str| {
        let path = format!("jsonpath={{.status.conditions[?(@.type==\"{kind}\")].status}}");
        // Right after its creation there are no conditions to look through.
        real.kubectl(["get", "crd", name, "-o", &path]).stdout
    };
    support::wait_until(PATIENCE, || !condition("NamesAccepted").is_empty());
    if condition("NamesAccepted") == "False" {
        return;
    }
    support::wait_until(PATIENCE, || condition("Established") == "True");
    for version in crd["spec"]["versions"].as_array().unwrap() {
        let path = format!(
            "/apis/{}/{}/{}",
            crd["spec"]["group"].as_str().unwrap(),
            version["name"].as_str().unwrap(),
            crd["spec"]["names"]["plural"].as_str().unwrap()
        );
        let is_served = version["served"] == json!(true);
        support::wait_until(PATIENCE, || {
            let output = real.kubectl(["get", "--raw", &path]);
            (output.code == 0) == is_served || output.stderr.contains("conversion webhook")
        });
    }
    // The document that names all groups follows a moment later.
    let served = crd["spec"]["versions"].as_array().unwrap();
    if served.iter().any(|v| v["served"] == json!(true)) {
        support::wait_until(PATIENCE, || {
            let found = real
                .run(["discover", "--preferred", "-o", "name"])
                .success();
            found.lines().any(|line| line == name)
        });
    }
}

/// The cells of each line of a table without its heading.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let cells = line.split("   ").map(str::trim).filter(|c| !c.is_empty());
        cells.map(str::to_owned).collect()
    };
    text.lines().skip(1).map(cells).collect()
}

pub(crate) fn json_of(output: Output) -> Value {
    serde_json::from_str(&output.success()).unwrap()
}

/// The paths that `-v` names, without the query.
fn requests(output: &Output) -> Vec<String> {
    let lines = output.stderr.lines().filter(|l| l.starts_with("GET "));
    let path = |line: &str| {
        let url = line.split(' ').nth(1).unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap();
        format!("/{}", path.split('?').next().unwrap())
    };
    let mut all: Vec<String> = lines.map(path).collect();
    all.sort();
    all
}

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[test]
fn the_list_tells_versions_and_state() {
    let Some(real) = real() else { return };
    let group = "list.crds.test";
    install(real, &crd("apples", group, &["v1 storage"]));
    install(
        real,
        &crd(
            "pears",
            group,
            &["v1alpha1 unserved", "v1beta1 deprecated", "v1 storage"],
        ),
    );
    install(real, &crd("plums", group, &["v1 storage unserved"]));
    let mut rival = crd("grapes", group, &["v1 storage"]);
    rival["spec"]["names"]["kind"] = json!("Apple");
    install(real, &rival);

    let list = real.run(["crds", "--group", group, "-v"]);
    let read_alone = ["grapes", "pears", "plums"].map(|name| format!("{CRDS}/{name}.{group}"));
    let mut wanted = vec!["/api".to_owned(), "/apis".to_owned(), CRDS.to_owned()];
    wanted.extend(read_alone);
    assert_eq!(requests(&list), wanted, "no schema is read without need");
    let text = list.success();
    assert_eq!(
        text.lines()
            .next()
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["NAME", "KIND", "SCOPE", "VERSIONS", "ESTABLISHED", "AGE"]
    );
    let found: Vec<Vec<String>> = rows(&text).into_iter().map(|r| r[..5].to_vec()).collect();
    let named = |name: &str| format!("{name}.{group}");
    assert_eq!(
        found[0],
        [&named("apples"), "Apple", "Namespaced", "v1", "True"]
    );
    assert_eq!(
        found[1][4],
        "False: ListKindConflict: \"AppleList\" is already in use"
    );
    assert_eq!(
        found[2][3],
        "v1(storage),v1beta1(deprecated),v1alpha1(unserved)"
    );
    assert_eq!(found[3][3..], ["v1(storage,unserved)", "True"]);

    let wide = real.run(["crds", "--group", group, "-o", "wide"]).success();
    let apples = &rows(&wide)[0];
    assert_eq!(apples[6..9], ["<none>", "<none>", "None"]);
    assert_eq!(apples[10], "setup");
    let bare = real
        .run(["crds", "--group", group, "--no-headers"])
        .success();
    assert_eq!(bare.lines().count(), 4);
}

#[test]
fn names_and_labels_are_those_of_kubectl() {
    let Some(real) = real() else { return };
    let group = "labels.crds.test";
    install(real, &crd("apples", group, &["v1 storage"]));
    install(real, &crd("pears", group, &["v1 storage"]));
    let selector = format!("scenario={group}");
    let ours = real.run(["crds", "-l", &selector, "-o", "name"]).success();
    let theirs = real
        .kubectl(["get", "crd", "-l", &selector, "-o", "name"])
        .success();
    let theirs = theirs.replace("customresourcedefinition.apiextensions.k8s.io/", "");
    assert_eq!(ours, theirs);
    assert_eq!(ours.lines().count(), 2);

    let none = real.run(["crds", "-l", "scenario=nowhere, x!=y"]);
    assert_eq!(none.stdout, "");
    assert!(
        none.stderr.contains("There are no CRDs with the labels"),
        "{none:?}"
    );
    assert_eq!(none.code, 0);
    let wrong = real.run(["crds", "-l", "a==b==c"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("400"), "{wrong:?}");
    let near = real.run(["crds", "--group", "label.crds.test"]);
    assert!(
        near.stderr.contains("Did you mean labels.crds.test"),
        "{near:?}"
    );
}

#[test]
fn programs_get_summaries_without_schemas() {
    let Some(real) = real() else { return };
    let group = "json.crds.test";
    let mut apples = crd("apples", group, &["v1beta1 deprecated", "v1 storage"]);
    apples["spec"]["versions"][1]["subresources"] = json!({"status": {}});
    apples["spec"]["versions"][0]["deprecationWarning"] = json!("use v1");
    install(real, &apples);
    let args = ["crds", "--group", group, "-o"];
    let list = json_of(real.run([&args[..], &["json"]].concat()));
    assert_eq!(list["kind"], "CrdSummaryList");
    let item = &list["items"][0];
    assert_eq!(item["name"], format!("apples.{group}"));
    assert_eq!(
        (&item["established"], &item["storedVersions"]),
        (&json!(true), &json!(["v1"]))
    );
    assert_eq!(
        item["versions"],
        json!([
            {"name": "v1", "served": true, "storage": true, "stored": true,
             "deprecated": false, "subresources": ["status"]},
            {"name": "v1beta1", "served": true, "storage": false, "stored": false,
             "deprecated": true, "subresources": [], "deprecationWarning": "use v1"},
        ])
    );
    assert_eq!(item["managers"][0]["manager"], "setup");
    assert!(!list.to_string().contains("preserve-unknown"));
    let yaml = real.run([&args[..], &["yaml"]].concat()).success();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), list);
    let template = "jsonpath={.items[*].versions[?(@.deprecated==true)].name}";
    assert_eq!(
        real.run([&args[..], &[template]].concat()).success(),
        "v1beta1"
    );
}

#[test]
fn one_crd_goes_by_all_its_names() {
    let Some(real) = real() else { return };
    let group = "names.crds.test";
    let mut crd = crd("quinces", group, &["v1 storage"]);
    crd["spec"]["names"]["shortNames"] = json!(["qc"]);
    install(real, &crd);
    let full = format!("quinces.{group}\n");
    for word in [
        "quinces.names.crds.test",
        "quinces",
        "quince",
        "Quince",
        "qc",
        "quinces.names",
        "quinces.v1.names.crds.test",
        "names.crds.test/v1/quinces",
    ] {
        assert_eq!(
            real.run(["crds", word, "-o", "name"]).success(),
            full,
            "{word}"
        );
    }
    let said = |word: &str, part: &str| {
        let output = real.run(["crds", word]);
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{word}");
        assert!(output.stderr.contains(part), "{word}: {}", output.stderr);
    };
    said(
        "quincs",
        "there is no CRD called \"quincs\". Did you mean quinces.names.crds.test?",
    );
    said(
        "quinces.names.crds.tset",
        "Did you mean quinces.names.crds.test?",
    );
    said("zebra", "See which there are with: appop crds");
    said("deploy", "deployments.apps is not defined by a CRD");
    said("pods", "appop explain pods");
    said("names.crds.test", "appop crds --group names.crds.test");

    let mut other = crd.clone();
    other["metadata"]["name"] = json!("quinces.names2.crds.test");
    other["spec"]["group"] = json!("names2.crds.test");
    install(real, &other);
    said(
        "quince",
        "may mean several CRDs; name one of them:\n  appop crds quinces.names.crds.test\n  \
         appop crds quinces.names2.crds.test",
    );
}

#[test]
fn one_crd_is_shown_with_all_that_it_has() {
    let Some(real) = real() else { return };
    let group = "page.crds.test";
    let mut engines = crd("engines", group, &["v1 storage"]);
    engines["spec"]["names"]["shortNames"] = json!(["eng"]);
    engines["spec"]["versions"][0] = json!({
        "name": "v1", "served": true, "storage": true,
        "subresources": {"status": {}, "scale": {
            "specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count"}},
        "additionalPrinterColumns": [
            {"name": "Fuel", "type": "string", "jsonPath": ".spec.fuel", "description": "Burns"}],
        "selectableFields": [{"jsonPath": ".spec.fuel"}],
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["fuel"],
                "x-kubernetes-validations": [
                    {"rule": "self.low <= self.high", "message": "low is above high"}],
                "properties": {
                    "fuel": {"type": "string", "enum": ["petrol", "diesel"]},
                    "count": {"type": "integer", "minimum": 1, "maximum": 16, "default": 4},
                    "low": {"type": "integer", "default": 700},
                    "high": {"type": "integer", "default": 7000},
                    "serial": {"type": "string", "pattern": "^[A-Z]{3}$"}}},
            "status": {"type": "object", "properties": {"count": {"type": "integer"}}}}}},
    });
    install(real, &engines);
    for n in 0..3 {
        let engine = json!({"apiVersion": format!("{group}/v1"), "kind": "Engine",
            "metadata": {"name": format!("engine{n}"), "namespace": "default"},
            "spec": {"fuel": "petrol"}});
        apply(real, &engine);
    }
    let text = real.run(["crds", "engines.page.crds.test"]).success();
    for part in [
        "Name:         engines.page.crds.test\n",
        "Kind:         Engine\n",
        "Short names:  eng\n",
        "Established:  True\n",
        "Objects:      3\n",
        "Conversion:   None",
        "Managers:     setup\n",
        "  v1        yes      yes       yes      status,scale   no\n",
        "NamesAccepted   True",
        "  wanted    .spec.count\n",
        "  Fuel     string   no     .spec.fuel   Burns\n",
        "Selectable fields of v1:\n  .spec.fuel\n",
        "\
Schema of v1:
  spec  <Object> required
  ├── rule:  self.low <= self.high (low is above high)
  ├── count  <integer> default: 4; 1 to 16
  ├── fuel  <string> required; enum: petrol, diesel
  ├── high  <integer> default: 7000
  ├── low  <integer> default: 700
  └── serial  <string> pattern: ^[A-Z]{3}$
  status  <Object>
  └── count  <integer>
",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains("Problems"), "{text}");
    let one = json_of(real.run(["crds", "eng.page.crds.test", "-o", "json"]));
    assert_eq!(one["objects"], json!({"count": 3}));
    assert_eq!(one["problems"], json!([]));
    assert_eq!(one["schema"]["version"], "v1");
    assert_eq!(one["schema"]["field"]["fields"][0]["name"], "spec");
}

#[test]
fn the_sample_is_valid() {
    let Some(real) = real() else { return };
    let group = "sample.crds.test";
    let mut boxes = crd("boxes", group, &["v1 storage", "v1beta1 deprecated"]);
    let schema = json!({"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "required": ["size", "code", "sides", "lid"], "properties": {
            "size": {"type": "integer", "minimum": 3, "multipleOf": 5},
            "code": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$", "maxLength": 6},
            "lid": {"x-kubernetes-int-or-string": true},
            "sides": {"type": "array", "minItems": 2, "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string", "minLength": 2}}}}}}}});
    for version in [0, 1] {
        boxes["spec"]["versions"][version]["schema"]["openAPIV3Schema"] = schema.clone();
    }
    install(real, &boxes);
    for version in ["v1", "v1beta1", "sample.crds.test/v1"] {
        let args = [
            "crds",
            "boxes.sample.crds.test",
            "-o",
            "sample",
            "--api-version",
            version,
        ];
        let sample = real.run(args).success();
        assert!(
            sample.starts_with("apiVersion: sample.crds.test/v1"),
            "{sample}"
        );
        let applied = real.kubectl_stdin(["apply", "--dry-run=server", "-f", "-"], &sample);
        assert!(
            applied.success().contains("created (server dry run)"),
            "{sample}"
        );
    }
    let wrong = real.run(["crds", "boxes.sample.crds.test", "--api-version", "v1beta2"]);
    assert_eq!(wrong.code, 1);
    assert!(
        wrong
            .stderr
            .contains("it has v1, v1beta1. Did you mean v1beta1?"),
        "{wrong:?}"
    );
}

#[test]
fn two_versions_are_compared() {
    let Some(real) = real() else { return };
    let group = "diff.crds.test";
    let mut jars = crd("jars", group, &["v1beta1", "v1 storage"]);
    let versions = &mut jars["spec"]["versions"];
    versions[0]["schema"]["openAPIV3Schema"] = json!({"type": "object", "properties": {
        "spec": {"type": "object", "description": "old words", "properties": {
            "size": {"type": "integer"}, "glass": {"type": "string"}}}}});
    versions[1]["schema"]["openAPIV3Schema"] = json!({"type": "object", "properties": {
        "spec": {"type": "object", "description": "new words", "required": ["size"], "properties": {
            "size": {"type": "integer", "maximum": 9}, "lid": {"type": "boolean"}}}}});
    versions[1]["subresources"] = json!({"status": {}});
    install(real, &jars);
    let name = "jars.diff.crds.test";
    let output = real.run(["crds", name, "--diff", "v1beta1..v1"]);
    assert!(
        output.stderr.contains("Also 1 description changed"),
        "{output:?}"
    );
    let text = output.success();
    assert_eq!(
        rows(&text),
        [
            ["<none>", "subresource", "<none>", "status", "no"],
            ["spec.glass", "removed", "string", "<none>", "yes"],
            ["spec.lid", "added", "<none>", "boolean", "no"],
            ["spec.size", "required", "<none>", "yes", "yes"],
            ["spec.size", "bounds", "<none>", "at most 9", "yes"],
        ]
    );
    let document = json_of(real.run(["crds", name, "--diff", "v1..v1beta1", "-o", "json"]));
    assert_eq!(
        (&document["from"], &document["to"]),
        (&json!("v1"), &json!("v1beta1"))
    );
    assert_eq!(document["changes"][0]["breaking"], true);
    let same = real.run(["crds", name, "--diff", "v1..v1"]);
    assert!(same.stderr.contains("are the same"), "{same:?}");
    assert_eq!((same.code, same.stdout.as_str()), (0, ""));
    let unknown = real.run(["crds", name, "--diff", "v1..v2"]);
    assert!(
        unknown
            .stderr
            .contains("has no version \"v2\"; it has v1, v1beta1."),
        "{unknown:?}"
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let Some(real) = real() else { return };
    let cases: [&[&str]; 8] = [
        &["-o", "sample"],
        &["x", "--diff", "v1"],
        &["--diff", "v1..v2"],
        &["x", "--diff", "v1..v2", "-o", "sample"],
        &["x", "--group", "y"],
        &["--api-version", "v1"],
        &["x", "--problems", "-o", "sample"],
        &["-o", "tree"],
    ];
    for case in cases {
        let output = real.run([&["crds"], case].concat());
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{case:?}: {output:?}"
        );
    }
}

/// Control characters in a CRD break the server's /openapi/v2, and with it the validation of kubectl,
/// for everybody, so this scenario has servers of its own.
#[test]
fn hostile_words_do_not_reach_the_terminal() {
    let Some(assets) = support::assets() else {
        return;
    };
    let evil = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}evil";
    let mut traps = crd("traps", "x.test", &["v1 storage", "v1beta1"]);
    let versions = &mut traps["spec"]["versions"];
    versions[0]["additionalPrinterColumns"] =
        json!([{"name": "Evil", "type": "string", "jsonPath": ".spec.x", "description": evil}]);
    versions[0]["schema"]["openAPIV3Schema"] = json!({"type": "object", "properties": {
        "spec": {"type": "object", "description": evil,
            "x-kubernetes-validations": [{"rule": "true", "message": evil}],
            "properties": {"x": {"type": "string", "enum": [evil], "default": evil}}}}});
    versions[1]["schema"]["openAPIV3Schema"] =
        json!({"type": "object", "properties": {"spec": {"type": "object"}}});
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("traps.json");
    std::fs::write(&file, traps.to_string()).unwrap();
    let script = r#"
"$KUBECTL" create -f "$FILE"
until appop discover traps >/dev/null 2>&1; do :; done
for args in "" "-o json" "-o yaml" "-o sample" "--diff v1beta1..v1 -o wide" "-o jsonpath={.schema}"
do echo "== $args"; appop crds traps.x.test --color never $args; echo "exit $?"
done
"#;
    let sandbox = ["sandbox", "--real", "--nodes", "0", "--"];
    let args = [&sandbox[..], &["bash", "-c", script]].concat();
    let mut command = support::command(args);
    command
        .env("KUBECTL", assets.join("kubectl"))
        .env("FILE", &file);
    let shown = Terminal::start(command).end();
    let parts: Vec<&str> = shown.screen.split("== ").skip(1).collect();
    assert_eq!(parts.len(), 6, "{}", shown.screen);
    for part in parts {
        assert!(part.contains("evil") && part.contains("exit 0"), "{part}");
        let hostile = |c: char| matches!(c, '\u{1b}' | '\u{7}' | '\u{9b}' | '\u{202e}');
        assert!(!part.contains(hostile), "{part:?}");
    }
}
