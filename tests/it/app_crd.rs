//! The App resource on the real server: its CRD, what is filled in and what is refused.

use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

use appop::app::crd::crd;
use serde_json::{Value, json};

use crate::support::{self, Cluster, Output};

/// The real server with the CRD of the App established and a namespace of the test's own.
pub(crate) struct Apps {
    real: &'static Cluster,
    namespace: &'static str,
    files: tempfile::TempDir,
}

impl Apps {
    /// `None` where there is no real server.
    pub(crate) fn new(namespace: &'static str) -> Option<Apps> {
        static CRD: Once = Once::new();
        let real = support::real()?;
        let files = tempfile::tempdir().unwrap();
        let apps = Apps {
            real,
            namespace,
            files,
        };
        CRD.call_once(|| {
            let file = apps.file("crd", &json!(crd()));
            let file = file.to_str().unwrap();
            real.kubectl(["apply", "--server-side", "-f", file])
                .success();
            let name = "crd/apps.app.example.com";
            real.kubectl(["wait", "--for=condition=Established", name])
                .success();
        });
        real.kubectl(["create", "namespace", namespace]).success();
        Some(apps)
    }

    /// Runs kubectl in the namespace.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.real
            .kubectl([&["--namespace", self.namespace], args].concat())
    }

    /// Runs kubectl in the namespace with `-f` and a file that holds the object.
    pub(crate) fn with_file(&self, args: &[&str], object: &Value) -> Output {
        let file = self.file("object", object);
        self.kubectl(&[args, &["-f", file.to_str().unwrap()]].concat())
    }

    /// An object of the namespace.
    pub(crate) fn get(&self, what: &str) -> Value {
        let args = ["get", what, "-o", "json", "--show-managed-fields"];
        serde_json::from_str(&self.kubectl(&args).success()).unwrap()
    }

    /// Creates an App and gives what the server made of it.
    pub(crate) fn create(&self, name: &str, spec: Value) -> Value {
        let app = app(name, spec);
        let made = self.with_file(&["create", "-o", "json"], &app).success();
        serde_json::from_str(&made).unwrap()
    }

    fn file(&self, name: &str, object: &Value) -> PathBuf {
        let path = self.files.path().join(format!("{name}.json"));
        std::fs::write(&path, object.to_string()).unwrap();
        path
    }
}

/// An App as its author writes it.
pub(crate) fn app(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "app.example.com/v1", "kind": "App", "metadata": {"name": name}, "spec": spec,
    })
}

/// Asks until the answer is there; fails the test after half a minute.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what} does not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_server_takes_the_crd_without_a_remark() {
    let Some(apps) = Apps::new("app-crd") else {
        return;
    };
    let crd = apps.get("crd/apps.app.example.com");
    let conditions: Vec<(&str, &str)> = crd["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["type"].as_str().unwrap(), c["status"].as_str().unwrap()))
        .collect();
    // NonStructuralSchema would be among them.
    assert_eq!(
        conditions,
        [("NamesAccepted", "True"), ("Established", "True")]
    );
    let names = &crd["status"]["acceptedNames"];
    assert_eq!(names["shortNames"], json!(["ap"]));
    assert_eq!(names["categories"], json!(["all"]));
    // What the server keeps is what we would send again.
    let sent = json!(appop::app::crd::crd());
    let version = |crd: &Value| crd["spec"]["versions"][0].clone();
    let integers = |schema: Value| schema.to_string().replace("0.0,", "0,").replace(".0,", ",");
    let (kept, sent) = (version(&crd), version(&sent));
    let sort = |value: &Value| serde_json::from_str::<Sorted>(&integers(value.clone())).unwrap();
    assert_eq!(sort(&kept["schema"]), sort(&sent["schema"]));
    assert_eq!(kept["subresources"], sent["subresources"]);
    assert_eq!(
        kept["additionalPrinterColumns"],
        sent["additionalPrinterColumns"]
    );
}

/// JSON without an order of fields.
type Sorted = std::collections::BTreeMap<String, Value>;

#[test]
fn the_seeds_example_is_taken_and_listed() {
    let Some(apps) = Apps::new("app-example") else {
        return;
    };
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/examples/app.yaml");
    let said = apps.kubectl(&["apply", "-f", example]);
    assert_eq!(said.stderr, "");
    assert_eq!(said.success(), "app.app.example.com/example-app created\n");
    let lines = |args: &[&str]| -> Vec<Vec<String>> {
        let table = apps.kubectl(args).success();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        table.lines().map(words).collect()
    };
    let narrow = lines(&["get", "ap"]);
    assert_eq!(narrow[0], ["NAME", "READY", "IMAGE", "AGE"]);
    assert_eq!(narrow[1][..2], ["example-app", "nginx"]);
    let wide = lines(&["get", "apps", "-o", "wide"]);
    assert_eq!(
        wide[0],
        ["NAME", "READY", "IMAGE", "AGE", "REASON", "MESSAGE"]
    );
    let all = apps.kubectl(&["get", "all"]).success();
    assert!(all.contains("app.app.example.com/example-app"), "{all}");
    // A second time changes nothing.
    let version = |app: Value| app["metadata"]["resourceVersion"].clone();
    let before = version(apps.get("app/example-app"));
    apps.kubectl(&["apply", "-f", example]).success();
    assert_eq!(version(apps.get("app/example-app")), before);
}

#[test]
fn what_is_left_out_is_filled_in_and_nothing_else() {
    let Some(apps) = Apps::new("app-defaults") else {
        return;
    };
    let nulls = json!({"image": "nginx", "replicas": null, "envs": null, "ports": null});
    for (name, spec) in [("least", json!({"image": "nginx"})), ("nulls", nulls)] {
        let made = apps.create(name, spec);
        let filled = json!({"image": "nginx", "replicas": 1, "imagePullPolicy": "Always"});
        assert_eq!(made["spec"], filled, "{name}");
        assert_eq!(made.get("status"), None);
    }
    let more = json!({
        "image": "nginx", "replicas": 0, "imagePullPolicy": "Never", "paused": true,
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}],
        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
        "podOverrides": {
            "metadata": {"labels": {"a": "b"}, "creationTimestamp": null},
            "spec": {"anything": [{"goes": null}]},
        },
    });
    let made = apps.create("more", more.clone());
    let mut expected = more;
    expected["ports"][1]["protocol"] = json!("TCP");
    assert_eq!(made["spec"], expected);
}

#[test]
fn what_cannot_work_is_refused_with_words() {
    let Some(apps) = Apps::new("app-refused") else {
        return;
    };
    let long = "a".repeat(64);
    let env = |name: &str| json!({"name": name});
    let refused: &[(&str, Value, &str)] = &[
        ("web", json!({}), "spec.image: Required value"),
        (
            "web",
            json!({"image": ""}),
            "spec.image: Invalid value: \"\": spec.image in body should be at least 1 chars long",
        ),
        (
            "web",
            json!({"image": "x", "replicas": -1}),
            "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or \
             equal to 0",
        ),
        (
            "web",
            json!({"image": "x", "imagePullPolicy": "Sometimes"}),
            "spec.imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \
             \"IfNotPresent\", \"Never\"",
        ),
        (
            "web",
            json!({"image": "x", "envs": [env("A"), env("B"), env("A")]}),
            "spec.envs: Invalid value: each environment variable may be set only once: two envs \
             have the same name",
        ),
        (
            "web",
            json!({"image": "x", "ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]}),
            "spec.ports: Invalid value: each port may be given only once for each protocol: two \
             ports have the same number and protocol",
        ),
        (
            "web",
            json!({"image": "x", "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}),
            "spec.ports: Invalid value: each port needs a name of its own: two ports have the same \
             name",
        ),
        (
            "web",
            json!({"image": "x", "ports": [{"port": 80, "name": "Web_1"}]}),
            "spec.ports[0].name: Invalid value: \"Web_1\": must consist of lower-case letters, digits and -, \
             and begin and end with a letter or a digit",
        ),
        (
            "web",
            json!({"image": "x", "ports": [{"port": 80, "protocol": "HTTP"}]}),
            "spec.ports[0].protocol: Unsupported value: \"HTTP\": supported values: \"TCP\", \
             \"UDP\", \"SCTP\"",
        ),
        (
            "web",
            json!({"image": "x", "ports": [{"port": 65536}]}),
            "spec.ports[0].port in body should be less than or equal to 65535",
        ),
        (
            "web",
            json!({"image": "x", "resources": {"limits": {"memory": "10 MB"}}}),
            "spec.resources.limits[memory]: Invalid value: \"10 MB\": must be a quantity, such as 100m, 0.5 \
             or 64Mi",
        ),
        (
            &long,
            json!({"image": "x"}),
            "metadata.name must be no longer than 63 characters: the App's Service, container and \
             labels bear it",
        ),
        (
            "my.app",
            json!({"image": "x"}),
            "metadata.name must not contain dots: the App's container bears it",
        ),
        (
            "1web",
            json!({"image": "x", "ports": [{"port": 80}]}),
            "metadata.name must begin with a letter when the App has ports: its Service bears it",
        ),
    ];
    for (name, spec, words) in refused {
        let said = apps.with_file(&["create"], &app(name, spec.clone()));
        assert_eq!(said.code, 1, "{name} {spec}");
        assert!(said.stderr.contains(words), "{}\nnot: {words}", said.stderr);
    }
    // The same name is fine for an App that gets no Service.
    apps.create("1web", json!({"image": "x"}));
    apps.create(&long[1..], json!({"image": "x", "ports": [{"port": 80}]}));
}

/// Rules about pairs of items have a budget when they are run as well.
#[test]
fn the_longest_lists_are_taken() {
    let Some(apps) = Apps::new("app-long") else {
        return;
    };
    let env = |n: usize| json!({"name": format!("{:0>256}", n)});
    let envs = |count| (0..count).map(env).collect::<Vec<_>>();
    let ports: Vec<Value> = (1..=128)
        .map(|n| json!({"port": n, "name": format!("{:0>63}", n)}))
        .collect();
    apps.create(
        "most",
        json!({"image": "x", "envs": envs(300), "ports": ports}),
    );
    let mut twice = envs(299);
    twice.push(env(7));
    let twice = app("twice", json!({"image": "x", "envs": twice}));
    let said = apps.with_file(&["create"], &twice);
    assert!(
        said.stderr.contains("spec.envs[299]: Duplicate value"),
        "{}",
        said.stderr
    );
    let more = app("more", json!({"image": "x", "envs": envs(301)}));
    let said = apps.with_file(&["create"], &more);
    assert!(
        said.stderr
            .contains("spec.envs: Too many: 301: must have at most 300 items"),
        "{}",
        said.stderr
    );
}

#[test]
fn misspelt_fields_are_never_lost_in_silence() {
    let Some(apps) = Apps::new("app-misspelt") else {
        return;
    };
    for (field, value) in [
        ("Envs", json!([{"name": "DEMO"}])),
        ("resource", json!({})),
        ("podOverrides", json!({"containers": []})),
    ] {
        let object = app("web", json!({"image": "nginx", field: value}));
        let path = match field {
            "podOverrides" => "spec.podOverrides.containers".to_owned(),
            field => format!("spec.{field}"),
        };
        for args in [&["create"][..], &["apply"], &["apply", "--server-side"]] {
            let said = apps.with_file(args, &object);
            assert_eq!(said.code, 1, "{args:?} {field}");
            let words = match args {
                [_, _] => format!(".{path}: field not declared in schema"),
                _ => format!("unknown field \"{path}\""),
            };
            assert!(said.stderr.contains(&words), "{args:?}: {}", said.stderr);
        }
        let warned = apps.with_file(&["create", "--validate=warn"], &object);
        let words = format!("Warning: unknown field \"{path}\"");
        assert!(warned.stderr.contains(&words), "{}", warned.stderr);
        warned.success();
        apps.kubectl(&["delete", "app", "web"]).success();
    }
}

#[test]
fn an_app_is_scaled_as_a_deployment_is() {
    let Some(apps) = Apps::new("app-scale") else {
        return;
    };
    apps.create("web", json!({"image": "nginx"}));
    apps.kubectl(&["scale", "app/web", "--replicas=3"])
        .success();
    assert_eq!(apps.get("app/web")["spec"]["replicas"], 3);
    let said = apps.kubectl(&["autoscale", "app/web", "--min=2", "--max=4"]);
    said.success();
    let target = &apps.get("hpa/web")["spec"]["scaleTargetRef"];
    assert_eq!(
        (&target["kind"], &target["name"]),
        (&json!("App"), &json!("web"))
    );
}

#[test]
fn explain_has_words_for_every_field_of_the_spec() {
    let Some(apps) = Apps::new("app-explain") else {
        return;
    };
    let text = eventually("the CRD in OpenAPI", || {
        let said = apps.kubectl(&["explain", "app.spec"]);
        (said.code == 0).then_some(said.stdout)
    });
    assert!(!text.contains("<no description>"), "{text}");
    for field in ["podOverrides", "envs", "ports", "replicas"] {
        assert!(text.contains(field), "{text}");
    }
}
