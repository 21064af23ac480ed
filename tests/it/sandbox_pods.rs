//! What pods of `appop sandbox` go through, and what else is done for objects, as kubectl shows it.
#![cfg(unix)]

use crate::support::{self, finish};

/// What a script prints that runs in a sandbox with these flags; `None` without kubectl.
fn printed(flags: &[&str], script: &str) -> Option<String> {
    support::assets()?;
    let mut command = support::command(["sandbox"]);
    command.args(flags).args(["--", "sh", "-ec", script]);
    Some(finish(&mut command).success())
}

/// `shows APP WORDS`: waits until `kubectl get pods` has these words for the pod of that app.
const STATES: &str = r#"
shows() {
    for _ in $(seq 600); do
        seen=$(kubectl get pods -l app="$1" --no-headers | awk '{print $2, $3}')
        test "$seen" = "$2" && return
        sleep 0.1
    done
    echo "$1: $seen, not $2"
}
kubectl create deployment pull --image=example.com/broken:1 >/dev/null
kubectl create deployment crash --image=example.com/good:1 >/dev/null
kubectl create deployment fine --image=example.com/good:1 >/dev/null
shows pull '0/1 ErrImagePull'
shows pull '0/1 ImagePullBackOff'
shows crash '0/1 CrashLoopBackOff'
shows fine '1/1 Running'
kubectl wait deployment/fine --for=condition=Available --timeout=60s >/dev/null
for app in pull crash fine; do
    kubectl get pods -l app=$app --no-headers -o custom-columns=P:.status.phase
    kubectl get deployment $app -o 'jsonpath={.metadata.name} {.status.availableReplicas}'
done
"#;

#[test]
fn pods_show_why_they_do_not_run() {
    let flags = ["--fail-image", "broken:*", "--fail-pod", "default/crash-*"];
    if let Some(shown) = printed(&flags, STATES) {
        assert_eq!(shown, "Pending\npull Running\ncrash Running\nfine 1");
    }
}

const JOB: &str = r#"
kubectl apply -f - >/dev/null <<END
apiVersion: batch/v1
kind: Job
metadata: {name: crash}
spec:
  backoffLimit: 0
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: example.com/main}]}
END
kubectl wait job/crash --for=condition=Failed --timeout=60s >/dev/null
kubectl get job crash -o 'jsonpath={.status.conditions[?(@.type=="Failed")].reason}'
"#;

#[test]
fn a_job_of_pods_that_fail_fails() {
    let flags = ["--fail-pod", "crash-*"];
    if let Some(shown) = printed(&flags, JOB) {
        assert_eq!(shown, "BackoffLimitExceeded");
    }
    let flags = ["--real", "--fail-pod", "crash-*"];
    if let Some(shown) = printed(&flags, JOB) {
        assert_eq!(shown, "BackoffLimitExceeded");
    }
}

#[test]
fn pods_take_the_time_they_are_told_to_start() {
    let script = "
        kubectl run slow --image=example.com/slow >/dev/null
        kubectl wait pod/slow --for=condition=Ready --timeout=60s >/dev/null
        kubectl get pod slow -o 'jsonpath={.status.startTime} {.status.containerStatuses[0].state.running.startedAt}'
    ";
    let Some(shown) = printed(&["--start-delay", "2s"], script) else {
        return;
    };
    let (first, started) = shown.split_once(' ').unwrap();
    assert!(first < started, "{shown}");
}

const LACKING: &str = r#"
pod() { # name, volumes, env
    kubectl apply -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  volumes: [$2]
  containers: [{name: main, image: "example.com/main:1", env: [$3]}]
END
}
until_it_is() {
    for _ in $(seq 600); do
        seen=$(kubectl get pod "$1" --no-headers | awk '{print $2, $3}')
        test "$seen" = "$2" && break
        sleep 0.1
    done
    echo "$1: $seen"
}
says() {
    for _ in $(seq 600); do
        seen=$(kubectl get events --field-selector "involvedObject.name=$1,type=Warning" --no-headers \
            -o custom-columns=M:.message)
        test -n "$seen" && break
        sleep 0.1
    done
    echo "$seen"
}
pod claim '{name: v, persistentVolumeClaim: {claimName: data}}'
pod volume '{name: v, configMap: {name: settings}}'
pod env '' '{name: A, valueFrom: {secretKeyRef: {name: login, key: password}}}'
pod optional '{name: v, secret: {secretName: none, optional: true}}'
until_it_is claim '0/1 Pending'
says claim
until_it_is volume '0/1 ContainerCreating'
says volume
until_it_is env '0/1 CreateContainerConfigError'
says env
until_it_is optional '1/1 Running'
kubectl create configmap settings >/dev/null
until_it_is volume '1/1 Running'
kubectl create secret generic login --from-literal=user=me >/dev/null
kubectl wait pod/env --timeout=60s >/dev/null \
    --for='jsonpath={.status.containerStatuses[0].state.waiting.message}'="couldn't find key password in Secret default/login"
kubectl patch secret login -p '{"stringData": {"password": "x"}}' >/dev/null
until_it_is env '1/1 Running'
kubectl apply -f - >/dev/null <<END
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
END
until_it_is claim '1/1 Running'
kubectl get pvc data --no-headers | awk '{print $2, $4, $6}'
kubectl delete pod claim >/dev/null
kubectl delete pvc data >/dev/null
until test -z "$(kubectl get pv -o name)"; do sleep 0.1; done
"#;

#[test]
fn a_pod_waits_for_what_it_names() {
    let wanted = "\
claim: 0/1 Pending
0/1 nodes are available: persistentvolumeclaim \"data\" not found.
volume: 0/1 ContainerCreating
MountVolume.SetUp failed for volume \"v\" : configmap \"settings\" not found
env: 0/1 CreateContainerConfigError
Error: secret \"login\" not found
optional: 1/1 Running
volume: 1/1 Running
env: 1/1 Running
claim: 1/1 Running
Bound 1Gi standard
";
    for flags in [&[][..], &["--real"]] {
        if let Some(shown) = printed(flags, LACKING) {
            assert_eq!(shown, wanted, "{flags:?}");
        }
    }
}

const CLASSES: &str = r#"
class() {
    kubectl create -f - >/dev/null <<END
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: $1, annotations: {ingressclass.kubernetes.io/is-default-class: "$2"}}
spec: {controller: example.com/none}
END
}
ingress() {
    kubectl create -f - -o 'jsonpath={.metadata.name}: {.spec.ingressClassName}{"\n"}' <<END
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: $1, annotations: {$3}}
spec: {$2 defaultBackend: {service: {name: a, port: {number: 80}}}}
END
}
class first false
ingress before
class second true
for _ in $(seq 600); do
    ingress after | tee after | grep -q second && break
    kubectl delete ingress after >/dev/null
    sleep 0.1
done
cat after
ingress own 'ingressClassName: first,'
ingress annotated '' 'kubernetes.io/ingress.class: old'
"#;

#[test]
fn an_ingress_gets_the_default_class() {
    let wanted = "before: \nafter: second\nown: first\nannotated: \n";
    for flags in [&[][..], &["--real"]] {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("cd '{}'\n{CLASSES}", dir.path().display());
        if let Some(shown) = printed(flags, &script) {
            assert_eq!(shown, wanted, "{flags:?}");
        }
    }
}

const TOKEN: &str = r#"
kubectl create serviceaccount bot >/dev/null
kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Secret
metadata: {name: bot, annotations: {kubernetes.io/service-account.name: bot}}
type: kubernetes.io/service-account-token
END
until token=$(kubectl get secret bot -o 'jsonpath={.data.token}'); test -n "$token"; do sleep 0.1; done
token=$(echo "$token" | base64 -d)
whoami() { kubectl --token="$token" auth whoami -o 'jsonpath={.status.userInfo.username}{"\n"}'; }
whoami
kubectl delete secret bot >/dev/null
# The real server remembers who it was for some seconds.
for _ in $(seq 300); do
    whoami >/dev/null 2>&1 || { echo nobody; break; }
    sleep 0.1
done
"#;

#[test]
fn a_token_in_a_secret_is_good_for_as_long_as_it_is_there() {
    for flags in [&[][..], &["--real"]] {
        if let Some(shown) = printed(flags, TOKEN) {
            let wanted = "system:serviceaccount:default:bot\nnobody\n";
            assert_eq!(shown, wanted, "{flags:?}");
        }
    }
}

const EVENTS: &str = r#"
reasons() {
    kubectl get events --field-selector "involvedObject.name=$1" --no-headers \
        -o custom-columns=T:.type,R:.reason,S:.reportingComponent | sort -u
}
until_told() {
    for _ in $(seq 600); do
        reasons "$1" | grep -q "$2" && return
        sleep 0.1
    done
}
kubectl run fine --image=example.com/fine:1 --image-pull-policy=IfNotPresent >/dev/null
kubectl run crash --image=example.com/fine:1 >/dev/null
kubectl run huge --image=example.com/fine:1 --overrides='{"spec":{"nodeSelector":{"a":"b"}}}' >/dev/null
until_told fine Started
until_told crash BackOff
until_told huge FailedScheduling
reasons fine
kubectl describe pod fine | grep -A99 ^Events: | awk 'NR > 3 {$3 = ""; print}' | sort
kubectl events --for pod/huge | awk 'NR > 1 {$1 = ""; print}'
reasons crash
kubectl delete pod fine >/dev/null
until_told fine Killing
"#;

#[test]
fn scheduler_and_kubelets_tell_what_they_do() {
    let wanted = "\
Normal   Created     kubelet
Normal   Pulled      kubelet
Normal   Scheduled   default-scheduler
Normal   Started     kubelet
Normal Created  kubelet spec.containers{fine}: Container created
Normal Pulled  kubelet spec.containers{fine}: Container image \"example.com/fine:1\" already present on machine and can be accessed by the pod
Normal Scheduled  default-scheduler Successfully assigned default/fine to node-0
Normal Started  kubelet spec.containers{fine}: Container started
 Warning FailedScheduling Pod/huge 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.
Normal    Created     kubelet
Normal    Pulled      kubelet
Normal    Scheduled   default-scheduler
Normal    Started     kubelet
Warning   BackOff     kubelet
";
    for kind in [&[][..], &["--real"]] {
        let flags = [kind, &["--fail-pod", "crash"]].concat();
        if let Some(shown) = printed(&flags, EVENTS) {
            assert_eq!(shown, wanted, "{kind:?}");
        }
    }
}
