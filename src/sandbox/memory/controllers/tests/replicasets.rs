use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn set(name: &str, replicas: i32) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": []}},
    }})
}

#[test]
fn pods_are_made_and_counted() {
    let mut world = World::new();
    world.create("replicasets", set("web", 3));
    world.settle();
    let pods = world.list("pods");
    assert_eq!(pods.len(), 3);
    assert_eq!(pods[0]["metadata"]["generateName"], "web-");
    let owner = &pods[0]["metadata"]["ownerReferences"][0];
    let uid = world.get("replicasets", "web")["metadata"]["uid"].clone();
    assert_eq!(
        *owner,
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid,
        "controller": true, "blockOwnerDeletion": true})
    );
    assert_eq!(
        world.get("replicasets", "web")["status"],
        json!({"replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "observedGeneration": 1, "terminatingReplicas": 0})
    );
    let name = pods[0]["metadata"]["name"].as_str().unwrap();
    assert_eq!(
        world.events("web")[0],
        format!("SuccessfulCreate: Created pod: {name} x1")
    );

    world.patch("replicasets", "web", json!({"spec": {"replicas": 1}}));
    world.settle();
    assert_eq!(world.list("pods").len(), 1);
    assert_eq!(
        world
            .events("web")
            .iter()
            .filter(|e| e.starts_with("SuccessfulDelete"))
            .count(),
        2
    );

    let writes = world.server.writes();
    world.pass(3600);
    assert_eq!(
        world.server.writes(),
        writes,
        "idle controllers write nothing"
    );
}

#[test]
fn orphans_are_adopted_and_strangers_released() {
    let mut world = World::new();
    world.create("pods", json!({"metadata": {"name": "loose", "labels": {"app": "web"}}, "spec": {"containers": []}}));
    world.settle();
    world.create("replicasets", set("web", 2));
    world.settle();
    assert_eq!(world.list("pods").len(), 2);
    assert_eq!(
        world.get("pods", "loose")["metadata"]["ownerReferences"][0]["name"],
        "web"
    );

    world.patch(
        "pods",
        "loose",
        json!({"metadata": {"labels": {"app": "other"}}}),
    );
    world.settle();
    assert_eq!(
        world.get("pods", "loose")["metadata"].get("ownerReferences"),
        None
    );
    assert_eq!(world.list("pods").len(), 3);

    world.patch(
        "pods",
        "loose",
        json!({"metadata": {"labels": {"app": "web"}}}),
    );
    world.settle();
    assert_eq!(world.list("pods").len(), 2, "one too many is deleted again");
}

#[test]
fn a_pod_that_is_deleted_or_ends_is_replaced() {
    let mut world = World::new();
    world.create("replicasets", set("web", 1));
    world.settle();
    let first = world.names("pods").remove(0);
    world.delete("pods", &first, Propagation::Background);
    world.settle();
    let second = world.names("pods").remove(0);
    assert_ne!(first, second);
    world.patch_status("pods", &second, json!({"phase": "Failed"}));
    world.settle();
    assert_eq!(world.list("pods").len(), 2, "the one that failed stays");
    assert_eq!(
        world.get("replicasets", "web")["status"]["availableReplicas"],
        1
    );
}

#[test]
fn a_refused_pod_is_a_condition_and_tried_again() {
    let mut world = World::new();
    world.server.refuse("pods", "no more");
    world.create("replicasets", set("web", 2));
    world.settle();
    let set = world.get("replicasets", "web");
    let condition = &set["status"]["conditions"][0];
    assert_eq!(condition["type"], "ReplicaFailure");
    assert_eq!(condition["reason"], "FailedCreate");
    assert_eq!(condition["message"], "forbidden: no more");
    assert!(
        world.events("web")[0].starts_with("FailedCreate: Error creating: forbidden: no more x")
    );
    world.server.refuse("pods", "");
    world.pass(60);
    let set = world.get("replicasets", "web");
    assert_eq!(set["status"]["readyReplicas"], 2);
    assert_eq!(set["status"].get("conditions"), None);
}

#[test]
fn pods_become_available_after_min_ready_seconds() {
    let mut world = World::new();
    let mut slow = set("web", 1);
    slow["spec"]["minReadySeconds"] = json!(10);
    world.create("replicasets", slow);
    world.settle();
    let status = |world: &World| world.get("replicasets", "web")["status"].clone();
    assert_eq!(status(&world)["readyReplicas"], 1);
    assert_eq!(status(&world).get("availableReplicas"), None);
    world.pass(11);
    assert_eq!(status(&world)["availableReplicas"], 1);
}

#[test]
fn replication_controllers_do_the_same() {
    let mut world = World::new();
    let mut controller = set("web", 2);
    controller["spec"]["selector"] = json!({"app": "web"});
    world.create("replicationcontrollers", controller);
    world.settle();
    assert_eq!(
        world.list("pods")[0]["metadata"]["ownerReferences"][0]["apiVersion"],
        "v1"
    );
    assert_eq!(
        world.get("replicationcontrollers", "web")["status"],
        json!({"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "observedGeneration": 1})
    );
}

#[test]
fn a_burst_of_pods_takes_few_looks_at_them() {
    let mut world = World::new();
    world.kubelets = Kubelets::Idle;
    world.create("replicasets", set("web", 2000));
    world.settle();
    assert_eq!(world.list("pods").len(), 2000);
    let messages = world.events("web");
    assert_eq!(messages.len(), 10, "{messages:#?}");
    assert!(
        messages[9].starts_with("SuccessfulCreate: (combined from similar events): Created pod: ")
    );
    assert!(
        messages[9].ends_with(" x16"),
        "then it is muted: {}",
        messages[9]
    );
}
