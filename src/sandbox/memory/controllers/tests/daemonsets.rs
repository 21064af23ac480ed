use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn set() -> Value {
    json!({"metadata": {"name": "each", "annotations": {"deprecated.daemonset.template.generation": "1"}}, "spec": {
        "revisionHistoryLimit": 10, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        "selector": {"matchLabels": {"app": "each"}},
        "template": {"metadata": {"labels": {"app": "each"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
    }})
}

fn image(image: &str, generation: &str) -> Value {
    json!({"metadata": {"annotations": {"deprecated.daemonset.template.generation": generation}},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

fn node(world: &World, name: &str) {
    world.create(
        "nodes",
        json!({"metadata": {"name": name, "labels": {"name": name}}}),
    );
}

fn world() -> World {
    let world = World::new();
    for name in ["a", "b", "c"] {
        node(&world, name);
    }
    world
}

/// `node=image` of each pod that is not deleted, by node.
fn placed(world: &World) -> Vec<String> {
    let pods = world.list("pods");
    let live = pods
        .iter()
        .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none());
    let mut placed: Vec<String> = live.map(|pod| {
        let affinity = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        let node = affinity["nodeSelectorTerms"][0]["matchFields"][0]["values"][0].as_str().unwrap();
        format!("{node}={}", pod["spec"]["containers"][0]["image"].as_str().unwrap())
    }).collect();
    placed.sort();
    placed
}

/// The kubelets of this world bind pods to a node of their own: bind them where they belong.
fn settle(world: &mut World) {
    let kubelets = std::mem::replace(&mut world.kubelets, Kubelets::Idle);
    for _ in 0..50 {
        world.settle();
        let mut moved = false;
        for pod in world.list("pods") {
            let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
            if pod["metadata"].get("deletionTimestamp").is_some() {
                world.server_delete_pod(&name);
                moved = true;
            } else if pod["spec"].get("nodeName").is_none() {
                let affinity = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
                let node = affinity["nodeSelectorTerms"][0]["matchFields"][0]["values"][0].clone();
                world.patch("pods", &name, json!({"spec": {"nodeName": node}}));
                world.patch_status("pods", &name, json!({"phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}));
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    world.kubelets = kubelets;
}

#[test]
fn every_node_gets_one() {
    let mut world = world();
    world.create("daemonsets", set());
    settle(&mut world);
    assert_eq!(placed(&world), ["a=a:1", "b=a:1", "c=a:1"]);
    assert_eq!(
        world.get("daemonsets", "each")["status"],
        json!({"currentNumberScheduled": 3, "desiredNumberScheduled": 3,
        "numberAvailable": 3, "numberMisscheduled": 0, "numberReady": 3, "observedGeneration": 1, "updatedNumberScheduled": 3})
    );
    let pod = &world.list("pods")[0];
    assert_eq!(pod["spec"]["tolerations"].as_array().unwrap().len(), 6);
    assert_eq!(pod["metadata"]["labels"]["pod-template-generation"], "1");
    let revision = world.names("controllerrevisions").remove(0);
    assert_eq!(
        revision,
        format!(
            "each-{}",
            pod["metadata"]["labels"]["controller-revision-hash"]
                .as_str()
                .unwrap()
        )
    );

    node(&world, "d");
    settle(&mut world);
    assert_eq!(world.list("pods").len(), 4);
    world.patch(
        "nodes",
        "a",
        json!({"spec": {"taints": [{"key": "gone", "effect": "NoExecute"}]}}),
    );
    settle(&mut world);
    assert_eq!(placed(&world), ["b=a:1", "c=a:1", "d=a:1"]);
    world.patch(
        "nodes",
        "b",
        json!({"spec": {"taints": [{"key": "full", "effect": "NoSchedule"}]}}),
    );
    settle(&mut world);
    assert_eq!(placed(&world).len(), 3, "what is there may stay");
    assert_eq!(
        world.get("daemonsets", "each")["status"]["numberMisscheduled"],
        1
    );
    let writes = world.server.writes();
    world.pass(60);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn an_update_replaces_one_at_a_time() {
    let mut world = world();
    world.create("daemonsets", set());
    settle(&mut world);
    world.patch("daemonsets", "each", image("a:2", "2"));
    world.kubelets = Kubelets::Idle;
    world.settle();
    assert_eq!(
        placed(&world).len(),
        2,
        "one is gone, the others wait for the new one"
    );
    settle(&mut world);
    assert_eq!(placed(&world), ["a=a:2", "b=a:2", "c=a:2"]);
    world.patch("daemonsets", "each", image("a:1", "3"));
    settle(&mut world);
    assert_eq!(placed(&world), ["a=a:1", "b=a:1", "c=a:1"]);
    let mut numbers: Vec<i64> = world
        .list("controllerrevisions")
        .iter()
        .map(|r| r["revision"].as_i64().unwrap())
        .collect();
    numbers.sort();
    assert_eq!(numbers, [2, 3]);
}

#[test]
fn an_update_may_surge() {
    let mut world = world();
    let mut surging = set();
    surging["spec"]["updateStrategy"]["rollingUpdate"] =
        json!({"maxUnavailable": 0, "maxSurge": 1});
    world.create("daemonsets", surging);
    settle(&mut world);
    world.patch("daemonsets", "each", image("a:2", "2"));
    world.kubelets = Kubelets::Idle;
    world.settle();
    assert_eq!(placed(&world), ["a=a:1", "a=a:2", "b=a:1", "c=a:1"]);
    settle(&mut world);
    assert_eq!(placed(&world), ["a=a:2", "b=a:2", "c=a:2"]);
}

#[test]
fn on_delete_nothing_is_replaced_unasked() {
    let mut world = world();
    let mut manual = set();
    manual["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    world.create("daemonsets", manual);
    settle(&mut world);
    world.patch("daemonsets", "each", image("a:2", "2"));
    settle(&mut world);
    assert_eq!(placed(&world), ["a=a:1", "b=a:1", "c=a:1"]);
    assert_eq!(
        world.get("daemonsets", "each")["status"].get("updatedNumberScheduled"),
        None
    );
}

#[test]
fn failed_pods_are_replaced() {
    let mut world = World::new();
    node(&world, "a");
    world.create("daemonsets", set());
    settle(&mut world);
    world.kubelets = Kubelets::Idle;
    for _ in 0..3 {
        let pod = world.names("pods").remove(0);
        world.patch_status("pods", &pod, json!({"phase": "Failed"}));
        settle(&mut world);
        world.pass(4);
        settle(&mut world);
    }
    let events = world.events("each");
    assert_eq!(
        events
            .iter()
            .filter(|event| event.starts_with("FailedDaemonPod"))
            .count(),
        3,
        "{events:#?}"
    );
    assert_eq!(placed(&world), ["a=a:1"]);
}

#[test]
fn pods_go_with_the_set() {
    let mut world = world();
    world.create("daemonsets", set());
    settle(&mut world);
    world.delete("daemonsets", "each", Propagation::Foreground);
    settle(&mut world);
    assert_eq!(world.names("pods"), [""; 0]);
    assert_eq!(world.names("daemonsets"), [""; 0]);
}
