//! `appop sandbox --real`.

use crate::support::{self, finish};

#[test]
fn without_real_it_is_wrong_usage() {
    let output = support::run(["sandbox"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.stderr.contains("--real runs the real servers"),
        "{output:?}"
    );
}

#[test]
fn a_missing_binary_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let output = finish(
        support::command(["sandbox", "--real"])
            .env("KUBEBUILDER_ASSETS", empty.path())
            .env("PATH", ""),
    );
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("cannot find etcd"), "{output:?}");
    assert!(
        output.stderr.contains(empty.path().to_str().unwrap()),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("tests/controlplane/build.sh"),
        "{output:?}"
    );
}

#[test]
fn the_commands_exit_code_is_ours() {
    if support::assets().is_none() {
        return;
    }
    let script = "appop --version && kubectl get --raw /readyz && exit 7";
    let output = support::run(["sandbox", "--real", "--", "sh", "-c", script]);
    assert_eq!(output.code, 7, "{output:?}");
    assert!(
        output
            .stdout
            .starts_with(concat!("appop ", env!("CARGO_PKG_VERSION"))),
        "{output:?}"
    );
    assert!(output.stdout.ends_with("ok"), "{output:?}");
}

#[test]
fn the_kubeconfig_reaches_the_server() {
    let Some(real) = support::real() else { return };
    let namespaces = real.kubectl(["get", "namespaces", "-o", "name"]).success();
    assert!(namespaces.contains("namespace/default\n"), "{namespaces}");
}

#[test]
fn a_port_in_use_is_named() {
    let Some(real) = support::real() else { return };
    let port = real.url().rsplit(':').next().unwrap().to_owned();
    let output = real.run(["sandbox", "--real", "--port", &port]);
    assert_eq!(output.code, 1, "{output:?}");
    let sentence = format!("port {port} on 127.0.0.1 is in use");
    assert!(output.stderr.contains(&sentence), "{output:?}");
}
