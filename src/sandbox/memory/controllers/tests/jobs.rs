use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{Kubelets, World};

/// As the server stores it, selector and labels included.
fn job(spec: Value) -> Value {
    let mut job = json!({"metadata": {"name": "once"}, "spec": {
        "parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
        "selector": {"matchLabels": {"batch.kubernetes.io/job-name": "once"}},
        "template": {"metadata": {"labels": {"batch.kubernetes.io/job-name": "once"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}},
    }});
    for (key, value) in spec.as_object().unwrap() {
        job["spec"][key] = value.clone();
    }
    job
}

fn status(world: &World) -> Value {
    world.get("jobs", "once")["status"].clone()
}

/// `type=status reason` of the Job's conditions.
fn conditions(world: &World) -> Vec<String> {
    let status = status(world);
    let all = status["conditions"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|c| format!("{}={} {}", c["type"], c["status"], c["reason"]).replace('"', ""))
        .collect()
}

#[test]
fn it_completes_once_enough_pods_have_succeeded() {
    let mut world = World::new();
    world.kubelets = Kubelets::Succeed;
    world.create("jobs", job(json!({"completions": 3, "parallelism": 2})));
    world.settle();
    assert_eq!(
        conditions(&world),
        [
            "SuccessCriteriaMet=True CompletionsReached",
            "Complete=True CompletionsReached"
        ]
    );
    let mut rest = status(&world);
    rest.as_object_mut().unwrap().remove("conditions");
    assert_eq!(
        rest,
        json!({"succeeded": 3, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
        "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:00Z"})
    );
    let pods = world.list("pods");
    assert_eq!(pods.len(), 3);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"].get("finalizers").is_none()),
        "all are counted"
    );
    assert_eq!(
        world.events("once").last().unwrap(),
        "Completed: Job completed x1"
    );
    assert_eq!(world.events("once").len(), 4);
    let writes = world.server.writes();
    world.pass(3600);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn pods_are_noted_before_they_are_let_go() {
    let mut world = World::new();
    world.kubelets = Kubelets::Succeed;
    world.create("jobs", job(json!({})));
    let mut noted = false;
    while world.step() {
        for pod in world.list("pods") {
            let held = pod["metadata"].get("finalizers").is_some();
            let uncounted = status(&world)["uncountedTerminatedPods"]["succeeded"].clone();
            noted |= uncounted == json!([pod["metadata"]["uid"]]);
            let counted = status(&world)["succeeded"] == 1;
            assert!(held || noted || counted, "let go before it was noted");
        }
    }
    assert!(noted);
}

#[test]
fn it_fails_after_too_many_failures() {
    let mut world = World::new();
    world.kubelets = Kubelets::Fail;
    world.create("jobs", job(json!({"backoffLimit": 2})));
    world.settle();
    assert_eq!(status(&world)["failed"], 1);
    assert_eq!(
        world.list("pods").len(),
        1,
        "the next one waits for ten seconds"
    );
    world.pass(11);
    assert_eq!(world.list("pods").len(), 2);
    world.pass(11);
    assert_eq!(world.list("pods").len(), 2, "and the third one for twenty");
    world.pass(11);
    assert_eq!(
        conditions(&world),
        [
            "FailureTarget=True BackoffLimitExceeded",
            "Failed=True BackoffLimitExceeded"
        ]
    );
    assert_eq!(status(&world)["failed"], 3);
    assert_eq!(
        world.events("once").last().unwrap(),
        "BackoffLimitExceeded: Job has reached the specified backoff limit x1"
    );
}

#[test]
fn an_indexed_one_has_a_pod_for_each_index() {
    let mut world = World::new();
    world.create(
        "jobs",
        job(json!({"completions": 3, "parallelism": 2, "completionMode": "Indexed"})),
    );
    world.settle();
    let pods = world.list("pods");
    assert_eq!(pods.len(), 2);
    let pod = &pods[1];
    assert_eq!(
        pod["metadata"]["annotations"],
        json!({"batch.kubernetes.io/job-completion-index": "1"})
    );
    assert_eq!(
        pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"],
        "1"
    );
    assert_eq!(pod["metadata"]["generateName"], "once-1-");
    assert_eq!(pod["spec"]["hostname"], "once-1");
    assert_eq!(
        pod["spec"]["containers"][0]["env"],
        json!([{"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef":
        {"fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']"}}}])
    );
    world.kubelets = Kubelets::Idle;
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    world.patch_status("pods", &name, json!({"phase": "Succeeded"}));
    world.settle();
    assert_eq!(status(&world)["completedIndexes"], "1");
    let indexes: Vec<Value> = world
        .list("pods")
        .iter()
        .filter(|pod| pod["status"]["phase"] != "Succeeded")
        .map(|pod| {
            pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].clone()
        })
        .collect();
    assert_eq!(indexes, ["0", "2"]);
    world.kubelets = Kubelets::Succeed;
    for pod in world.names("pods") {
        world.patch(
            "pods",
            &pod,
            json!({"metadata": {"annotations": {"look": "again"}}}),
        );
    }
    world.settle();
    assert_eq!(status(&world)["completedIndexes"], "0-2");
    assert_eq!(conditions(&world)[1], "Complete=True CompletionsReached");
}

#[test]
fn indexes_may_fail_one_by_one() {
    let mut world = World::new();
    world.kubelets = Kubelets::Fail;
    world.create(
        "jobs",
        job(
            json!({"completions": 2, "parallelism": 2, "completionMode": "Indexed",
        "backoffLimit": i32::MAX, "backoffLimitPerIndex": 1}),
        ),
    );
    world.pass(11);
    world.pass(11);
    assert_eq!(status(&world)["failedIndexes"], "0,1");
    assert_eq!(
        conditions(&world),
        [
            "FailureTarget=True FailedIndexes",
            "Failed=True FailedIndexes"
        ]
    );
    assert_eq!(world.list("pods").len(), 4);
    assert_eq!(status(&world)["failed"], 4);
}

#[test]
fn a_success_policy_ends_it_early() {
    let mut world = World::new();
    world.create(
        "jobs",
        job(
            json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed",
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]}}),
        ),
    );
    world.settle();
    let first = world.names("pods").remove(0);
    world.patch_status("pods", &first, json!({"phase": "Succeeded"}));
    world.settle();
    assert_eq!(
        conditions(&world),
        [
            "SuccessCriteriaMet=True SuccessPolicy",
            "Complete=True SuccessPolicy"
        ]
    );
    assert_eq!(status(&world)["succeeded"], 1);
    assert_eq!(world.names("pods"), [first]);
}

#[test]
fn a_failure_policy_ends_it_or_ignores_the_pod() {
    let mut world = World::new();
    world.create(
        "jobs",
        job(json!({"backoffLimit": 0, "podFailurePolicy": {"rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}})),
    );
    world.settle();
    let pod = world.names("pods").remove(0);
    world.patch_status(
        "pods",
        &pod,
        json!({"phase": "Failed", "conditions": [{"type": "DisruptionTarget", "status": "True"}]}),
    );
    world.pass(11);
    assert_eq!(status(&world).get("failed"), None);
    assert_eq!(world.list("pods").len(), 2);
    let pod = world.names("pods").remove(1);
    world.patch_status("pods", &pod, json!({"phase": "Failed", "containerStatuses": [{"name": "c", "ready": false,
        "restartCount": 0, "image": "", "imageID": "", "state": {"terminated": {"exitCode": 42}}}]}));
    world.settle();
    assert_eq!(
        conditions(&world),
        [
            "FailureTarget=True PodFailurePolicy",
            "Failed=True PodFailurePolicy"
        ]
    );
}

#[test]
fn a_suspended_one_has_no_pods() {
    let mut world = World::new();
    world.create(
        "jobs",
        job(json!({"suspend": true, "parallelism": 2, "completions": 2})),
    );
    world.settle();
    assert_eq!(world.list("pods").len(), 0);
    assert_eq!(conditions(&world), ["Suspended=True JobSuspended"]);
    assert_eq!(status(&world).get("startTime"), None);
    world.patch("jobs", "once", json!({"spec": {"suspend": false}}));
    world.settle();
    assert_eq!(status(&world)["active"], 2);
    assert_eq!(status(&world)["ready"], 2);
    assert_eq!(conditions(&world), ["Suspended=False JobResumed"]);
    world.patch("jobs", "once", json!({"spec": {"suspend": true}}));
    world.settle();
    assert_eq!(world.list("pods").len(), 0);
    assert_eq!(status(&world).get("failed"), None, "they do not count");
    let told: Vec<String> = world
        .events("once")
        .into_iter()
        .filter(|e| e.contains("Job "))
        .collect();
    assert_eq!(
        told,
        ["Suspended: Job suspended x2", "Resumed: Job resumed x1"]
    );
}

#[test]
fn it_ends_at_its_deadline() {
    let mut world = World::new();
    world.create("jobs", job(json!({"activeDeadlineSeconds": 30})));
    world.settle();
    assert_eq!(world.list("pods").len(), 1);
    world.pass(31);
    assert_eq!(
        conditions(&world),
        [
            "FailureTarget=True DeadlineExceeded",
            "Failed=True DeadlineExceeded"
        ]
    );
    assert_eq!(world.list("pods").len(), 0);
    assert_eq!(status(&world)["failed"], 1);
}

#[test]
fn it_goes_some_time_after_it_is_over() {
    let mut world = World::new();
    world.kubelets = Kubelets::Succeed;
    world.create("jobs", job(json!({"ttlSecondsAfterFinished": 60})));
    world.pass(30);
    assert_eq!(world.names("jobs"), ["once"]);
    world.pass(31);
    assert_eq!(world.names("jobs"), [""; 0]);
    assert_eq!(world.names("pods"), [""; 0]);
}

#[test]
fn pods_do_not_hang_when_their_job_is_gone() {
    for propagation in [
        Propagation::Background,
        Propagation::Foreground,
        Propagation::Orphan,
    ] {
        let mut world = World::new();
        world.create("jobs", job(json!({})));
        world.settle();
        world.delete("jobs", "once", propagation);
        world.settle();
        assert_eq!(world.names("jobs"), [""; 0]);
        let pods = world.list("pods");
        assert_eq!(pods.len(), usize::from(propagation == Propagation::Orphan));
        assert!(
            pods.iter()
                .all(|pod| pod["metadata"].get("finalizers").is_none())
        );
    }
}
