use serde_json::{Value, json};

use crate::sandbox::memory::controllers::fake::World;

fn budget(spec: Value) -> Value {
    let mut spec = spec;
    spec["selector"] = json!({"matchLabels": {"app": "web"}});
    json!({"metadata": {"name": "web"}, "spec": spec})
}

fn deployment(world: &World, replicas: i32) {
    world.create(
        "deployments",
        json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}}}),
    );
}

fn counts(world: &World) -> [i64; 4] {
    let status = world.get("poddisruptionbudgets", "web")["status"].clone();
    [
        "expectedPods",
        "currentHealthy",
        "desiredHealthy",
        "disruptionsAllowed",
    ]
    .map(|field| status[field].as_i64().unwrap())
}

#[test]
fn disruptions_are_allowed_as_far_as_enough_stay() {
    for (spec, wanted) in [
        (json!({"minAvailable": 3}), [4, 4, 3, 1]),
        (json!({"minAvailable": "50%"}), [4, 4, 2, 2]),
        (json!({"maxUnavailable": 1}), [4, 4, 3, 1]),
        (json!({"maxUnavailable": "0%"}), [4, 4, 4, 0]),
    ] {
        let mut world = World::new();
        deployment(&world, 4);
        world.create("poddisruptionbudgets", budget(spec.clone()));
        world.settle();
        assert_eq!(counts(&world), wanted, "{spec}");
        let condition = world.get("poddisruptionbudgets", "web")["status"]["conditions"][0].clone();
        let reason = if wanted[3] > 0 {
            "SufficientPods"
        } else {
            "InsufficientPods"
        };
        assert_eq!(condition["reason"], reason);
    }
}

#[test]
fn pods_that_are_not_ready_do_not_count() {
    let mut world = World::new();
    deployment(&world, 2);
    world.create("poddisruptionbudgets", budget(json!({"maxUnavailable": 1})));
    world.settle();
    let pod = world.names("pods").remove(0);
    world.patch_status(
        "pods",
        &pod,
        json!({"conditions": [{"type": "Ready", "status": "False"}]}),
    );
    world.settle();
    assert_eq!(counts(&world), [2, 1, 1, 0]);
    world.patch("deployments", "web", json!({"spec": {"replicas": 3}}));
    world.settle();
    assert_eq!(counts(&world), [3, 2, 2, 0]);
}

#[test]
fn an_evicted_pod_is_waited_for() {
    let mut world = World::new();
    deployment(&world, 2);
    world.create("poddisruptionbudgets", budget(json!({"minAvailable": 1})));
    world.settle();
    let pod = world.names("pods").remove(0);
    world.patch_status(
        "poddisruptionbudgets",
        "web",
        json!({"disruptedPods": {pod: "2026-01-01T00:00:00Z"}}),
    );
    world.settle();
    assert_eq!(counts(&world), [2, 1, 1, 0]);
    world.pass(122);
    assert_eq!(counts(&world), [2, 2, 1, 1]);
    assert_eq!(
        world.get("poddisruptionbudgets", "web")["status"].get("disruptedPods"),
        None
    );
}

#[test]
fn pods_of_what_cannot_be_scaled() {
    let mut world = World::new();
    world.create("poddisruptionbudgets", budget(json!({"maxUnavailable": 1})));
    world.settle();
    assert_eq!(world.events("web"), ["NoPods: No matching pods found x2"]);
    let job = world.create("cronjobs", json!({"metadata": {"name": "j"}}));
    world.create("pods", json!({"metadata": {"name": "p", "labels": {"app": "web"}, "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "j", "uid": job["metadata"]["uid"], "controller": true}]},
        "spec": {"containers": []}}));
    world.settle();
    let condition = world.get("poddisruptionbudgets", "web")["status"]["conditions"][0].clone();
    assert_eq!(condition["reason"], "SyncFailed");
    assert_eq!(
        condition["message"],
        "cronjobs.batch does not implement the scale subresource"
    );
}
