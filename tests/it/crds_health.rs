//! `appop crds` on CRDs that are not well, and for users who may not see them.

use std::time::Duration;

use serde_json::json;

use crate::crds::{apply, crd, install, json_of, real, rows};
use crate::support::{self, Cluster};

const PATIENCE: Duration = Duration::from_secs(30);

/// The problems of a group: name, class and message each.
fn problems(real: &Cluster, group: &str) -> Vec<Vec<String>> {
    rows(&real.run(["crds", "--problems", "--group", group]).success())
}

#[test]
fn a_good_crd_has_no_problems() {
    let Some(real) = real() else { return };
    install(
        real,
        &crd("figs", "good.crds.test", &["v1 storage", "v1beta1"]),
    );
    let output = real.run(["crds", "--problems", "--group", "good.crds.test"]);
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert!(
        output.stderr.contains("No problems in 1 CRD."),
        "{output:?}"
    );
    let output = real.run(["crds", "--problems", "figs.good.crds.test"]);
    assert!(
        output.stderr.contains("No problems in 1 CRD."),
        "{output:?}"
    );
}

#[test]
fn a_name_conflict_names_the_holder() {
    let Some(real) = real() else { return };
    let group = "conflict.crds.test";
    let mut holder = crd("widgets", group, &["v1 storage"]);
    holder["spec"]["names"]["shortNames"] = json!(["wdg"]);
    install(real, &holder);
    let mut loser = crd("gadgets", group, &["v1 storage"]);
    loser["spec"]["names"]["kind"] = json!("Gadgetry");
    loser["spec"]["names"]["shortNames"] = json!(["wdg"]);
    install(real, &loser);
    let wanted = [
        "gadgets.conflict.crds.test",
        "NameConflict",
        "it is not served: ShortNamesConflict: \"wdg\" is already in use; the short name wdg \
         belongs to widgets.conflict.crds.test",
    ];
    assert_eq!(problems(real, group), [wanted]);
    // Discovery does not know its kind, and still it is found by it.
    let page = real.run(["crds", "Gadgetry"]);
    assert!(
        page.stdout
            .contains("belongs to widgets.conflict.crds.test"),
        "{page:?}"
    );
    assert!(
        page.stdout
            .contains("Objects:      unknown: it is not served\n"),
        "{page:?}"
    );
    assert_eq!(page.code, 0);
    let advice = real
        .run(["crds", "--problems", "--group", group, "-o", "wide"])
        .success();
    assert!(advice.contains("Give it other names"), "{advice}");
}

#[test]
fn stored_versions_are_moved_by_the_commands_shown() {
    let Some(real) = real() else { return };
    let group = "moved.crds.test";
    let name = "moves.moved.crds.test";
    install(real, &crd("moves", group, &["v1beta1 storage"]));
    for n in 0..3 {
        let object = json!({"apiVersion": format!("{group}/v1beta1"), "kind": "Move",
            "metadata": {"name": format!("m{n}"), "namespace": "default"}, "spec": {"n": n}});
        apply(real, &object);
    }
    install(real, &crd("moves", group, &["v1beta1", "v1 storage"]));
    assert_eq!(problems(real, group)[0][1], "StoredVersionBlocksUpgrade");
    let upgraded = crd("moves", group, &["v1 storage"]);
    let refused = real.kubectl_stdin(["replace", "-f", "-"], &upgraded.to_string());
    assert_ne!(refused.code, 0, "this is what blocks an upgrade");

    install(
        real,
        &crd("moves", group, &["v1beta1 unserved", "v1 storage"]),
    );
    let found = &problems(real, group)[0];
    assert_eq!(found[1], "StoredVersionNotServed");
    let page = real.run(["crds", name]).success();
    assert!(
        page.contains("Objects may still be stored as v1beta1;"),
        "{page}"
    );

    let one = json_of(real.run(["crds", name, "-o", "json"]));
    assert_eq!(one["storedVersions"], json!(["v1beta1", "v1"]));
    let steps = one["migration"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{steps:?}");
    for step in steps {
        let command = step["command"].as_str().unwrap();
        assert!(page.contains(command), "{command} is not in:\n{page}");
        // For a moment after the CRD was changed the server has no OpenAPI to validate with.
        support::wait_until(PATIENCE, || {
            support::finish(&mut real.shell(command)).code == 0
        });
    }
    let one = json_of(real.run(["crds", name, "-o", "json"]));
    assert_eq!(one["storedVersions"], json!(["v1"]));
    assert_eq!(one["problems"], json!([]));
    assert_eq!(one["objects"], json!({"count": 3}));
    apply(real, &upgraded);
}

#[test]
fn a_conversion_webhook_needs_a_backend() {
    let Some(real) = real() else { return };
    let group = "webhook.crds.test";
    apply(
        real,
        &json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "crds-webhook"}}),
    );
    let mut hooks = crd("hooks", group, &["v1 storage", "v2"]);
    hooks["spec"]["conversion"] = json!({"strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": "crds-webhook", "name": "conv"}}}});
    install(real, &hooks);
    let message = || problems(real, group).first().map(|row| row[2].clone());
    assert_eq!(
        message().unwrap(),
        "its conversion webhook cannot answer: the Service crds-webhook/conv does not exist"
    );
    let service = |port: u16| {
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "conv", "namespace": "crds-webhook"},
            "spec": {"ports": [{"port": port}]}})
    };
    apply(real, &service(8443));
    assert!(message().unwrap().contains("has no port 443 (it has 8443)"));
    apply(real, &service(443));
    assert!(message().unwrap().contains("has no endpoints"));
    let slice = |ready: bool| {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "conv-1", "namespace": "crds-webhook",
                "labels": {"kubernetes.io/service-name": "conv"}},
            "addressType": "IPv4", "ports": [{"port": 443}],
            "endpoints": [{"addresses": ["10.1.2.3"], "conditions": {"ready": ready}}]})
    };
    apply(real, &slice(false));
    assert!(message().unwrap().contains("none of the 1 endpoints"));
    apply(real, &slice(true));
    assert!(message().unwrap().contains("has no CA bundle"));
    let page = real.run(["crds", "hooks.webhook.crds.test"]).success();
    assert!(
        page.contains("Webhook(crds-webhook/conv), 1 endpoint ready\n"),
        "{page}"
    );

    // A reader of CRDs who may not look at Services does not get "all is well".
    bind(real, "webhook-reader", &["get", "list"]);
    let output = real.run([
        "crds",
        "--problems",
        "--group",
        group,
        "--as",
        "webhook-reader",
    ]);
    assert_eq!(output.code, 3, "{output:?}");
    let said = "whether a conversion webhook answers is not known: services \"conv\" is forbidden";
    assert!(output.stderr.contains(said), "{output:?}");
}

#[test]
fn deprecated_versions_in_use_are_told_with_their_users() {
    let Some(real) = real() else { return };
    let group = "deprecated.crds.test";
    install(
        real,
        &crd("relics", group, &["v1 storage", "v1beta1 deprecated"]),
    );
    for (name, version) in [("a", "v1"), ("b", "v1beta1"), ("c", "v1beta1")] {
        let object = json!({"apiVersion": format!("{group}/{version}"), "kind": "Relic",
            "metadata": {"name": name, "namespace": "default"}, "spec": {"n": 1}});
        apply(real, &object);
    }
    let one = json_of(real.run(["crds", "relics.deprecated.crds.test", "-o", "json"]));
    assert_eq!(one["objects"], json!({"count": 3}));
    assert_eq!(
        one["problems"][0]["message"],
        "2 objects were written through v1beta1, which is deprecated, by setup"
    );
    // Moving the storage to it makes it a problem that the list sees too.
    install(
        real,
        &crd("relics", group, &["v1", "v1beta1 deprecated storage"]),
    );
    let kinds: Vec<String> = problems(real, group)
        .into_iter()
        .map(|r| r[1].clone())
        .collect();
    assert_eq!(
        kinds,
        ["DeprecatedVersionInUse", "StoredVersionBlocksUpgrade"]
    );
}

#[test]
fn what_is_unserved_or_going_is_said() {
    let Some(real) = real() else { return };
    let group = "going.crds.test";
    install(real, &crd("ghosts", group, &["v1 storage unserved"]));
    let mut held = crd("leavers", group, &["v1 storage"]);
    held["metadata"]["finalizers"] = json!(["crds.test/hold"]);
    install(real, &held);
    let name = "leavers.going.crds.test";
    real.kubectl(["delete", "crd", name, "--wait=false"])
        .success();
    let finalizers = || {
        let path = "jsonpath={.metadata.finalizers}";
        real.kubectl(["get", "crd", name, "-o", path]).success()
    };
    support::wait_until(PATIENCE, || finalizers() == "[\"crds.test/hold\"]");
    let found = problems(real, group);
    let brief: Vec<&[String]> = found.iter().map(|row| &row[1..]).collect();
    assert_eq!(
        brief,
        [
            [
                "NothingServed",
                "none of its versions is served, so its objects cannot be reached"
            ],
            [
                "Terminating",
                "it was deleted, but waits for the finalizer crds.test/hold"
            ],
        ]
    );
    let list = real.run(["crds", "--group", group, "-o", "wide"]).success();
    assert!(
        list.contains("Terminating: waits for the finalizer crds.test/hold"),
        "{list}"
    );
    let release = r#"{"metadata":{"finalizers":null}}"#;
    real.kubectl(["patch", "crd", name, "--type=merge", "-p", release])
        .success();

    // Objects that do not go: the plain list sees this, since nothing can be created any more.
    install(real, &crd("stayers", group, &["v1 storage"]));
    let stayer = json!({"apiVersion": format!("{group}/v1"), "kind": "Stayer",
        "metadata": {"name": "s", "namespace": "default", "finalizers": ["crds.test/hold"]}});
    apply(real, &stayer);
    let name = "stayers.going.crds.test";
    real.kubectl(["delete", "crd", name, "--wait=false"])
        .success();
    support::wait_until(PATIENCE, || {
        let list = real.run(["crds", "--group", group]).success();
        list.contains("Terminating: waits until its objects are gone (InstanceDeletion")
    });
    let advice = real
        .run(["crds", name, "--problems", "-o", "wide"])
        .success();
    assert!(
        advice.contains("kubectl get stayers.going.crds.test -A -o yaml"),
        "{advice}"
    );
    let args = ["patch", name, "s", "--type=merge", "-p", release];
    real.kubectl(args).success();
}

/// Lets `user` do `verbs` with CRDs, and nothing else.
fn bind(real: &Cluster, user: &str, verbs: &[&str]) {
    let rule = json!({"apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"], "verbs": verbs});
    let meta = |kind: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("crds-{user}")}})
    };
    let mut role = meta("ClusterRole");
    role["rules"] = json!([rule]);
    let mut binding = meta("ClusterRoleBinding");
    binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
        "name": format!("crds-{user}")});
    binding["subjects"] = json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User",
        "name": user}]);
    apply(real, &role);
    apply(real, &binding);
    let verb = verbs[0];
    support::wait_until(PATIENCE, || {
        let args = [
            "auth",
            "can-i",
            verb,
            "customresourcedefinitions",
            "--as",
            user,
        ];
        real.kubectl(args).code == 0
    });
}

#[test]
fn without_permission_discovery_tells_what_it_knows() {
    let Some(real) = real() else { return };
    let group = "secret.crds.test";
    install(real, &crd("vaults", group, &["v1 storage", "v1beta1"]));
    let list = real.run(["crds", "--group", group, "--as", "crds-nobody"]);
    assert_eq!(list.code, 3, "{list:?}");
    let cells = [
        "vaults.secret.crds.test",
        "Vault",
        "Namespaced",
        "v1,v1beta1",
        "True",
        "<unknown>",
    ];
    assert_eq!(rows(&list.stdout), [cells]);
    assert!(
        list.stderr
            .contains("lack the verb list on customresourcedefinitions"),
        "{list:?}"
    );
    let wide = real.run([
        "crds",
        "--group",
        group,
        "--as",
        "crds-nobody",
        "-o",
        "wide",
    ]);
    assert_eq!(wide.code, 3, "{wide:?}");
    let whole = real.run(["crds", "--as", "crds-nobody"]);
    assert!(
        !whole.stdout.contains("deployments"),
        "built-in kinds are no CRDs: {whole:?}"
    );

    for word in ["Vault", "vaults.secret.crds.test"] {
        let page = real.run(["crds", word, "--as", "crds-nobody"]);
        assert_eq!(page.code, 3, "{page:?}");
        assert!(
            page.stdout.contains("Served:       v1, v1beta1\n"),
            "{page:?}"
        );
        assert!(
            page.stdout.contains("Objects:      unknown: vaults.secret"),
            "{page:?}"
        );
        assert!(
            page.stderr.contains("The CRD itself cannot be read"),
            "{page:?}"
        );
    }
    for more in [
        &["-o", "json"][..],
        &["--problems"],
        &["vaults.secret.crds.test", "-o", "sample"],
    ] {
        let refused = real.run([&["crds", "--as", "crds-nobody"], more].concat());
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (1, ""),
            "{refused:?}"
        );
        assert!(refused.stderr.contains("403"), "{refused:?}");
    }

    bind(real, "lister", &["list"]);
    let list = real.run(["crds", "--group", group, "--as", "lister"]);
    assert_eq!(list.code, 3, "{list:?}");
    assert!(list.stdout.contains("v1,v1beta1"), "{list:?}");
    assert!(
        list.stderr.contains("some CRDs could not be read"),
        "{list:?}"
    );

    bind(real, "getter", &["get"]);
    let page = real.run(["crds", "Vault", "--as", "getter"]);
    assert!(
        page.stdout.contains("Schema of v1"),
        "who may get one sees it: {page:?}"
    );
    assert_eq!(page.code, 3, "but not the objects: {page:?}");
}
