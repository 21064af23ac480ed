use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::World;

fn taints(world: &World) -> Vec<String> {
    let node = world.get("nodes", "n");
    let taints = node["spec"]["taints"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let line = |taint: &Value| {
        format!(
            "{}:{}",
            taint["key"].as_str().unwrap(),
            taint["effect"].as_str().unwrap()
        )
    };
    taints.iter().map(line).collect()
}

#[test]
fn taints_follow_the_state() {
    let mut world = World::new();
    world.create("nodes", json!({"metadata": {"name": "n"}, "spec": {"taints": [
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}, {"key": "own", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    world.settle();
    assert_eq!(taints(&world), ["own:NoSchedule"]);
    world.patch("nodes", "n", json!({"spec": {"unschedulable": true}}));
    world.patch_status("nodes", "n", json!({"conditions": [{"type": "Ready", "status": "False"}, {"type": "DiskPressure", "status": "True"}]}));
    world.settle();
    assert_eq!(
        taints(&world),
        [
            "own:NoSchedule",
            "node.kubernetes.io/not-ready:NoSchedule",
            "node.kubernetes.io/disk-pressure:NoSchedule",
            "node.kubernetes.io/unschedulable:NoSchedule"
        ]
    );
    assert!(world.get("nodes", "n")["spec"]["taints"][1]["timeAdded"].is_string());
    world.patch("nodes", "n", json!({"spec": {"unschedulable": null}}));
    world.patch_status(
        "nodes",
        "n",
        json!({"conditions": [{"type": "Ready", "status": "True"}]}),
    );
    world.settle();
    assert_eq!(taints(&world), ["own:NoSchedule"]);
}

#[test]
fn nodes_come_and_go() {
    let mut world = World::new();
    world.create("nodes", json!({"metadata": {"name": "n"}}));
    world.settle();
    world.delete("nodes", "n", Propagation::Background);
    world.settle();
    assert_eq!(
        world.events("n"),
        [
            "RegisteredNode: Node n event: Registered Node n in Controller x1",
            "RemovingNode: Node n event: Removing Node n from Controller x1"
        ]
    );
    assert_eq!(world.list("events")[0]["metadata"]["namespace"], "default");
}
