use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::World;

fn quota(world: &World, spec: Value) {
    world.create(
        "resourcequotas",
        json!({"metadata": {"name": "q"}, "spec": spec}),
    );
}

fn used(world: &World) -> Value {
    world.get("resourcequotas", "q")["status"]["used"].clone()
}

fn pod(world: &World, name: &str, more: Value) {
    let mut spec = json!({"containers": [
        {"name": "a", "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}},
        {"name": "b", "resources": {"requests": {"cpu": "1"}}}],
        "initContainers": [{"name": "i", "resources": {"requests": {"memory": "1Gi"}}}]});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    world.create("pods", json!({"metadata": {"name": name}, "spec": spec}));
}

#[test]
fn objects_and_amounts_are_counted() {
    let mut world = World::new();
    quota(
        &world,
        json!({"hard": {"pods": "9", "requests.cpu": "4", "memory": "8Gi", "limits.memory": "8Gi", "configmaps": "5",
        "count/widgets.example.com": "3", "count/deployments.apps": "1", "services.nodeports": "2", "persistentvolumeclaims": "2",
        "requests.storage": "9Gi", "fast.storageclass.storage.k8s.io/requests.storage": "5Gi"}}),
    );
    pod(&world, "one", json!({}));
    pod(&world, "two", json!({"overhead": {"cpu": "100m"}}));
    world.create("widgets", json!({"metadata": {"name": "w"}}));
    world.create("services", json!({"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}}));
    for (name, class) in [("x", "fast"), ("y", "slow")] {
        world.create(
            "persistentvolumeclaims",
            json!({"metadata": {"name": name}, "spec": {"storageClassName": class,
            "resources": {"requests": {"storage": "1Gi"}}}}),
        );
    }
    world.settle();
    assert_eq!(
        used(&world),
        json!({"pods": "2", "requests.cpu": "2600m", "memory": "2Gi", "limits.memory": "256Mi",
        "configmaps": "0", "count/widgets.example.com": "1", "count/deployments.apps": "0", "services.nodeports": "2",
        "persistentvolumeclaims": "2", "requests.storage": "2Gi", "fast.storageclass.storage.k8s.io/requests.storage": "1Gi"})
    );
    world.patch_status("pods", "one", json!({"phase": "Succeeded"}));
    world.delete("widgets", "w", Propagation::Background);
    world.settle();
    assert_eq!(used(&world)["pods"], "1");
    assert_eq!(used(&world)["count/widgets.example.com"], "0");
    let writes = world.server.writes();
    world.pass(60);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn scopes_choose_pods() {
    for (scope, wanted) in [
        ("BestEffort", "1"),
        ("NotBestEffort", "2"),
        ("Terminating", "1"),
        ("NotTerminating", "2"),
    ] {
        let mut world = World::new();
        quota(&world, json!({"hard": {"pods": "9"}, "scopes": [scope]}));
        pod(&world, "one", json!({}));
        pod(&world, "two", json!({"activeDeadlineSeconds": 9}));
        pod(
            &world,
            "three",
            json!({"containers": [], "initContainers": []}),
        );
        world.settle();
        assert_eq!(used(&world), json!({"pods": wanted}), "{scope}");
    }
    let mut world = World::new();
    quota(
        &world,
        json!({"hard": {"pods": "9"}, "scopeSelector": {"matchExpressions": [
        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}),
    );
    pod(&world, "one", json!({"priorityClassName": "high"}));
    pod(&world, "two", json!({}));
    world.settle();
    assert_eq!(used(&world), json!({"pods": "1"}));
}
