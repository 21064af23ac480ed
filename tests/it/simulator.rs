//! Pods on the simulated nodes of `appop sandbox --real`.

use crate::support::{self, Cluster};

/// kubectl in a namespace of the test's own.
struct Namespace {
    real: &'static Cluster,
    name: &'static str,
}

impl Namespace {
    fn new(name: &'static str) -> Option<Self> {
        let real = support::real()?;
        real.kubectl(["create", "namespace", name]).success();
        Some(Namespace { real, name })
    }

    /// Runs kubectl with these words as arguments.
    fn kubectl(&self, words: &str) -> String {
        let words = words.split_whitespace();
        self.real
            .kubectl(["--namespace", self.name].into_iter().chain(words))
            .success()
    }

    fn apply(&self, manifest: &str) {
        self.real
            .kubectl_stdin(["--namespace", self.name, "apply", "-f", "-"], manifest)
            .success();
    }

    fn pods(&self) -> usize {
        self.kubectl("get pods -o name").lines().count()
    }
}

#[test]
fn a_deployment_becomes_ready_scales_and_goes() {
    let Some(ns) = Namespace::new("simulator-deployment") else {
        return;
    };
    ns.kubectl("create deployment web --image=example.com/web --replicas=3");
    ns.kubectl("rollout status deployment/web --timeout=60s");
    let nodes = ns.kubectl("get pods -o jsonpath={.items[*].spec.nodeName}");
    assert!(
        nodes.contains("node-0") && nodes.contains("node-1"),
        "not spread: {nodes}"
    );
    ns.kubectl("scale deployment/web --replicas=1");
    ns.kubectl("wait deployment/web --for=jsonpath={.status.replicas}=1 --timeout=60s");
    ns.kubectl("delete deployment/web --cascade=foreground --timeout=60s");
    assert_eq!(ns.pods(), 0);
}

#[test]
fn a_job_completes() {
    let Some(ns) = Namespace::new("simulator-job") else {
        return;
    };
    ns.kubectl("create job once --image=example.com/once");
    ns.kubectl("wait job/once --for=condition=complete --timeout=60s");
}

#[test]
fn a_daemon_is_on_every_node() {
    let Some(ns) = Namespace::new("simulator-daemon") else {
        return;
    };
    ns.apply(
        "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: example.com/agent}]}
",
    );
    ns.kubectl("rollout status daemonset/agent --timeout=60s");
    let ready = ns.kubectl("get daemonset agent -o jsonpath={.status.numberReady}");
    assert_eq!(ready, "2");
}

#[test]
fn a_pod_that_fits_nowhere_waits_until_it_does() {
    let Some(ns) = Namespace::new("simulator-unschedulable") else {
        return;
    };
    ns.apply(
        "
apiVersion: v1
kind: Pod
metadata: {name: picky}
spec:
  nodeSelector: {simulator-test: picky}
  containers: [{name: main, image: example.com/main}]
",
    );
    ns.kubectl("wait pod/picky --for=condition=PodScheduled=False --timeout=60s");
    let condition = r#"jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}"#;
    let message = ns.kubectl(&format!("get pod picky -o {condition}"));
    let expected = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.";
    assert_eq!(message, expected);
    ns.kubectl("label node node-1 simulator-test=picky");
    ns.kubectl("wait pod/picky --for=condition=Ready --timeout=60s");
    assert_eq!(
        ns.kubectl("get pod picky -o jsonpath={.spec.nodeName}"),
        "node-1"
    );
}

#[test]
fn a_readiness_gate_and_a_finalizer_hold_a_pod() {
    let Some(ns) = Namespace::new("simulator-held") else {
        return;
    };
    ns.apply(
        "
apiVersion: v1
kind: Pod
metadata: {name: held, finalizers: [example.com/hold]}
spec:
  readinessGates: [{conditionType: example.com/gate}]
  initContainers: [{name: init, image: example.com/init}]
  containers: [{name: main, image: example.com/main}]
",
    );
    ns.kubectl("wait pod/held --for=condition=ContainersReady --timeout=60s");
    let reason = r#"jsonpath={.status.conditions[?(@.type=="Ready")].reason}"#;
    assert_eq!(
        ns.kubectl(&format!("get pod held -o {reason}")),
        "ReadinessGatesNotReady"
    );
    ns.kubectl(
        r#"patch pod held --subresource=status -p {"status":{"conditions":[{"type":"example.com/gate","status":"True"}]}}"#,
    );
    ns.kubectl("wait pod/held --for=condition=Ready --timeout=60s");
    let init = "jsonpath={.status.initContainerStatuses[0].state.terminated.reason}";
    assert_eq!(ns.kubectl(&format!("get pod held -o {init}")), "Completed");

    ns.kubectl("delete pod held --wait=false");
    ns.kubectl("wait pod/held --for=condition=Ready=False --timeout=60s");
    assert_eq!(ns.pods(), 1);
    ns.kubectl(r#"patch pod held --type=merge -p {"metadata":{"finalizers":null}}"#);
    ns.kubectl("wait pod/held --for=delete --timeout=60s");
}
