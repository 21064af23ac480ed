//! Are the generated and recorded facts still those of the pinned Kubernetes?

use std::fs;
use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn lifecycle_facts_are_of_the_pinned_version() {
    let pin = read("tests/controlplane/kubernetes/go.mod");
    let pinned = pin
        .lines()
        .find_map(|line| line.strip_prefix("require k8s.io/kubernetes v"))
        .expect("go.mod requires k8s.io/kubernetes on a line of its own");
    let facts: serde_json::Value =
        serde_json::from_str(&read("src/discovery/lifecycle.json")).unwrap();
    assert_eq!(
        facts["kubernetes"], pinned,
        "src/discovery/lifecycle.json was generated from another Kubernetes than go.mod pins; \
         run tests/controlplane/lifecycle/generate.sh"
    );
}

/// Where the real servers were built, Go and the modules they are built from are at hand; where
/// they were only copied to, there is nothing to compare with.
#[test]
#[cfg(unix)]
fn lifecycle_facts_are_what_the_modules_say() {
    let go = Command::new("go").arg("version").output();
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() || go.is_err() {
        return;
    }
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane/lifecycle/generate.sh");
    let check = Command::new(script).arg("-check").output().unwrap();
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
}

/// What `output::jsonpath` is held to by its own tests.
#[test]
#[cfg(unix)]
fn jsonpath_recordings_are_what_kubectl_says() {
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/jsonpath/record.sh");
    let recorded = Command::new(script)
        .env("KUBECTL", Path::new(&assets).join("kubectl"))
        .output()
        .unwrap();
    assert!(
        recorded.status.success(),
        "{}",
        String::from_utf8_lossy(&recorded.stderr)
    );
    let (said, kept) = (
        String::from_utf8(recorded.stdout).unwrap(),
        read("tests/it/jsonpath/cases.txt"),
    );
    for (number, (said, kept)) in said.lines().zip(kept.lines()).enumerate() {
        assert_eq!(
            said,
            kept,
            "cases.txt, line {}: kubectl now says the first",
            number + 1
        );
    }
    assert_eq!(said.lines().count(), kept.lines().count());
}
