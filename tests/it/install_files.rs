//! `deploy/` holds what `appop install` writes, byte for byte. Record anew with `APPOP_RECORD=1`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// The documents of `appop install --dry-run -o yaml`, each with its `---`.
fn documents() -> Vec<String> {
    let printed = support::run(["install", "--dry-run", "-o", "yaml"]).success();
    let documents = printed.strip_prefix("---\n").unwrap().split("\n---\n");
    let documents = documents.map(|text| format!("---\n{}\n", text.trim_end_matches('\n')));
    documents.collect()
}

fn kind(document: &str) -> &str {
    let line = document.lines().find(|line| line.starts_with("kind: "));
    line.unwrap().trim_start_matches("kind: ")
}

#[test]
fn the_manifests_are_what_install_writes() {
    let record = std::env::var_os("APPOP_RECORD").is_some();
    let mut all = String::new();
    for (file, kinds) in [
        ("crd.yaml", &["CustomResourceDefinition"][..]),
        (
            "rbac.yaml",
            &[
                "Namespace",
                "ServiceAccount",
                "ClusterRole",
                "ClusterRoleBinding",
                "Role",
                "RoleBinding",
            ],
        ),
        ("operator.yaml", &["Deployment"]),
    ] {
        let path = deploy().join(file);
        let mut documents = documents();
        documents.retain(|document| kinds.contains(&kind(document)));
        let wanted = documents.concat();
        if record {
            std::fs::write(&path, &wanted).unwrap();
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(held, wanted, "{file} is out of date: APPOP_RECORD=1");
        all.push_str(&held);
    }
    let printed = support::run(["install", "--dry-run", "-o", "yaml"]).success();
    assert_eq!(all, printed, "the files together are what is printed");
}

#[test]
fn kustomize_builds_them_with_an_image_and_a_namespace_of_ones_own() {
    let Some(assets) = support::assets() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    std::fs::create_dir(&base).unwrap();
    for file in [
        "kustomization.yaml",
        "crd.yaml",
        "rbac.yaml",
        "operator.yaml",
    ] {
        std::fs::copy(deploy().join(file), base.join(file)).unwrap();
    }
    let overlay = "resources: [base]\nnamespace: shop\n\
                   images: [{name: appop, newName: registry.example/appop, newTag: v7}]\n";
    std::fs::write(dir.path().join("kustomization.yaml"), overlay).unwrap();
    let build = |dir: &Path| {
        let mut kubectl = Command::new(assets.join("kubectl"));
        support::finish(kubectl.arg("kustomize").arg(dir)).success()
    };
    let plain = build(&deploy());
    for document in documents() {
        assert!(plain.contains(&format!("\nkind: {}\n", kind(&document))));
    }
    let built = build(dir.path());
    assert!(
        built.contains("image: registry.example/appop:v7"),
        "{built}"
    );
    assert!(!built.contains("appop-system"), "{built}");
}

#[test]
fn a_dry_run_needs_no_server() {
    let lines = support::run(["install", "--dry-run", "--image", "mine:1"]).success();
    let first =
        "customresourcedefinition.apiextensions.k8s.io/apps.app.example.com created (dry run)";
    assert_eq!(lines.lines().next(), Some(first));
    let last = "deployment.apps/appop created in namespace appop-system (dry run)";
    assert_eq!(lines.lines().last(), Some(last));
    let names = support::run(["install", "--dry-run", "-o", "name", "-n", "shop"]).success();
    assert!(
        names.lines().any(|line| line == "namespace/shop"),
        "{names}"
    );
    let args = ["install", "--crd-only", "--dry-run=client", "-o", "json"];
    let list: serde_json::Value = serde_json::from_str(&support::run(args).success()).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[test]
fn wrong_usage_is_told_before_anything_is_sent() {
    for (args, told) in [
        (&["install"][..], "--image"),
        (&["install", "--crd-only", "--image", "x"], "cannot be used"),
        (&["install", "--crd-only", "--skip-crd"], "cannot be used"),
        (&["install", "--image", "a b"], "an image is a word"),
        (&["install", "--dry-run=maybe"], "client, server"),
        (&["install", "--image", "x", "-n", "A/b"], "a namespace has"),
        (
            &["install", "--image", "x", "--watch-namespace", "../x"],
            "a namespace has",
        ),
        (
            &["uninstall", "--keep-crd", "--delete-apps"],
            "cannot be used",
        ),
        (&["uninstall", "-o", "yaml"], "possible values: name"),
    ] {
        let output = support::run(args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(told), "{args:?}: {}", output.stderr);
        assert_eq!(output.stdout, "", "{args:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    for args in [&["install", "--crd-only"][..], &["uninstall"]] {
        let output = support::run(args.iter().chain(&["--server", "http://127.0.0.1:1"]));
        assert_eq!(output.code, 1);
        assert!(
            output.stderr.contains("nothing listens at 127.0.0.1:1"),
            "{}",
            output.stderr
        );
    }
}
