use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn service(name: &str, ports: Value) -> Value {
    json!({"metadata": {"name": name, "labels": {"own": "label"}},
        "spec": {"selector": {"app": "web"}, "clusterIP": "10.0.0.9", "ipFamilies": ["IPv4"], "ports": ports}})
}

/// A pod on `node` that is ready, with an address of its own.
fn pod(world: &World, name: &str, address: u32) {
    world.create(
        "pods",
        json!({"metadata": {"name": name, "labels": {"app": "web"}}, "spec": {"nodeName": "node",
        "containers": [{"name": "c", "ports": [{"name": "metrics", "containerPort": 9090}]}]}}),
    );
    let [a, b, c, d] = address.to_be_bytes();
    ready(world, name, &format!("{}.{b}.{c}.{d}", a + 10), true);
}

fn ready(world: &World, name: &str, ip: &str, ready: bool) {
    let ready = if ready { "True" } else { "False" };
    world.patch_status("pods", name, json!({"phase": "Running", "podIPs": [{"ip": ip}], "podIP": ip,
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}));
}

fn world() -> World {
    let mut world = World::new();
    world.kubelets = Kubelets::Idle;
    world.create(
        "nodes",
        json!({"metadata": {"name": "node", "labels": {"topology.kubernetes.io/zone": "z"}}}),
    );
    world
}

fn slice(world: &World) -> Value {
    let mut slices = world.list("endpointslices");
    assert_eq!(slices.len(), 1, "{slices:#?}");
    slices.remove(0)
}

#[test]
fn a_service_has_a_slice_before_it_has_pods() {
    let mut world = world();
    world.create(
        "services",
        service(
            "web",
            json!([{"port": 80, "targetPort": 8080, "protocol": "TCP"}]),
        ),
    );
    world.settle();
    let empty = slice(&world);
    assert_eq!(empty.get("endpoints"), None);
    assert_eq!(
        empty["metadata"]["labels"],
        json!({"own": "label", "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"})
    );
    assert_eq!(empty["metadata"]["ownerReferences"][0]["kind"], "Service");
    assert_eq!(world.get("endpoints", "web").get("subsets"), None);

    pod(&world, "a", 1);
    world.settle();
    let full = slice(&world);
    assert_eq!(
        full["metadata"]["name"], empty["metadata"]["name"],
        "the empty one is used again"
    );
    let uid = world.get("pods", "a")["metadata"]["uid"].clone();
    let target = json!({"kind": "Pod", "namespace": "ns", "name": "a", "uid": uid});
    assert_eq!(
        full["endpoints"],
        json!([{"addresses": ["10.0.0.1"], "nodeName": "node", "zone": "z", "targetRef": target,
        "conditions": {"ready": true, "serving": true, "terminating": false}}])
    );
    assert_eq!(
        full["ports"],
        json!([{"name": "", "port": 8080, "protocol": "TCP"}])
    );
    assert_eq!(
        world.get("endpoints", "web")["subsets"],
        json!([{
        "addresses": [{"ip": "10.0.0.1", "nodeName": "node", "targetRef": target}],
        "ports": [{"port": 8080, "protocol": "TCP"}]}])
    );
}

#[test]
fn conditions_and_labels_follow_the_pods() {
    let mut world = world();
    world.create(
        "services",
        service(
            "web",
            json!([{"name": "m", "port": 80, "targetPort": "metrics", "protocol": "TCP"}]),
        ),
    );
    pod(&world, "a", 1);
    pod(&world, "b", 2);
    world.settle();
    ready(&world, "a", "10.0.0.1", false);
    world.delete("pods", "b", Propagation::Background);
    world.settle();
    let conditions: Vec<Value> = slice(&world)["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["conditions"].clone())
        .collect();
    assert_eq!(
        conditions,
        [
            json!({"ready": false, "serving": false, "terminating": false}),
            json!({"ready": false, "serving": true, "terminating": true})
        ]
    );
    assert_eq!(
        slice(&world)["ports"],
        json!([{"name": "m", "port": 9090, "protocol": "TCP"}])
    );
    let subset = world.get("endpoints", "web")["subsets"][0].clone();
    assert_eq!(subset["notReadyAddresses"][0]["ip"], "10.0.0.1");
    assert_eq!(subset.get("addresses"), None);
    world.patch(
        "pods",
        "a",
        json!({"metadata": {"labels": {"app": "other"}}}),
    );
    world.settle();
    assert_eq!(slice(&world)["endpoints"].as_array().unwrap().len(), 1);
    world.patch(
        "services",
        "web",
        json!({"spec": {"publishNotReadyAddresses": true}}),
    );
    world.settle();
    assert_eq!(slice(&world)["endpoints"][0]["conditions"]["ready"], true);
}

#[test]
fn slices_hold_a_hundred_endpoints() {
    let mut world = world();
    world.create(
        "services",
        service("web", json!([{"port": 80, "protocol": "TCP"}])),
    );
    for at in 1..=250 {
        pod(&world, &format!("p{at}"), at);
    }
    world.settle();
    let sizes = |world: &World| {
        let mut sizes: Vec<usize> = world
            .list("endpointslices")
            .iter()
            .map(|s| s["endpoints"].as_array().unwrap().len())
            .collect();
        sizes.sort();
        sizes
    };
    assert_eq!(sizes(&world), [50, 100, 100]);
    for at in 1..=60 {
        world.server_delete_pod(&format!("p{at}"));
    }
    world.settle();
    assert_eq!(sizes(&world).iter().sum::<usize>(), 190);
    let writes = world.server.writes();
    world.pass(60);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn pods_of_a_headless_service_have_hostnames() {
    let mut world = world();
    let mut headless = service("web", json!([]));
    headless["spec"]["clusterIP"] = json!("None");
    world.create("services", headless);
    pod(&world, "a", 1);
    world.patch(
        "pods",
        "a",
        json!({"spec": {"hostname": "a", "subdomain": "web"}}),
    );
    world.settle();
    assert_eq!(slice(&world)["endpoints"][0]["hostname"], "a");
    assert_eq!(
        slice(&world)["metadata"]["labels"]["service.kubernetes.io/headless"],
        ""
    );
    assert_eq!(slice(&world).get("ports"), None);
    assert_eq!(
        world.get("endpoints", "web")["subsets"][0]["addresses"][0]["hostname"],
        "a"
    );
}

#[test]
fn endpoints_go_with_their_service() {
    let mut world = world();
    world.create(
        "services",
        service("web", json!([{"port": 80, "protocol": "TCP"}])),
    );
    world.settle();
    world.delete("services", "web", Propagation::Background);
    world.settle();
    assert_eq!(world.names("endpoints"), [""; 0]);
    assert_eq!(world.names("endpointslices"), [""; 0]);
}

#[test]
fn a_service_without_selector_is_left_alone() {
    let mut world = world();
    let mut plain = service("web", json!([{"port": 80}]));
    plain["spec"]["selector"] = json!(null);
    world.create("services", plain);
    world.settle();
    assert_eq!(
        world.list("endpointslices").len() + world.list("endpoints").len(),
        0
    );
}

#[test]
fn hints_are_given_where_they_are_asked_for() {
    let mut world = world();
    let mut close = service("web", json!([{"port": 80, "protocol": "TCP"}]));
    close["spec"]["trafficDistribution"] = json!("PreferSameNode");
    world.create("services", close);
    pod(&world, "a", 1);
    world.settle();
    assert_eq!(
        slice(&world)["endpoints"][0]["hints"],
        json!({"forZones": [{"name": "z"}], "forNodes": [{"name": "node"}]})
    );
}
