use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Cluster;
use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{World, gvr};

fn owned_by(owner: &Value, kind: &str, block: bool) -> Value {
    let meta = &owner["metadata"];
    json!({"apiVersion": "v1", "kind": kind, "name": meta["name"], "uid": meta["uid"], "blockOwnerDeletion": block})
}

fn config(world: &World, name: &str, owners: Vec<Value>) -> Value {
    world.create("configmaps", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": owners}}))
}

#[test]
fn in_the_background_dependents_follow_their_owner() {
    let mut world = World::new();
    let top = config(&world, "top", vec![]);
    let middle = config(&world, "middle", vec![owned_by(&top, "ConfigMap", false)]);
    config(
        &world,
        "bottom",
        vec![owned_by(&middle, "ConfigMap", false)],
    );
    world.settle();
    assert_eq!(world.list("configmaps").len(), 3);
    world.delete("configmaps", "top", Propagation::Background);
    world.settle();
    assert_eq!(world.names("configmaps"), [""; 0]);
}

#[test]
fn in_the_foreground_they_go_first() {
    let mut world = World::new();
    let top = config(&world, "top", vec![]);
    let blocking = config(&world, "blocking", vec![owned_by(&top, "ConfigMap", true)]);
    config(
        &world,
        "below",
        vec![owned_by(&blocking, "ConfigMap", true)],
    );
    let mut slow = json!({"metadata": {"name": "slow", "finalizers": ["example.com/slow"]}});
    slow["metadata"]["ownerReferences"] = json!([owned_by(&blocking, "ConfigMap", true)]);
    world.create("configmaps", slow);
    world.settle();
    world.delete("configmaps", "top", Propagation::Foreground);
    world.settle();
    assert_eq!(world.names("configmaps"), ["blocking", "slow", "top"]);
    assert_eq!(
        world.get("configmaps", "blocking")["metadata"]["finalizers"],
        json!(["foregroundDeletion"])
    );
    world.patch(
        "configmaps",
        "slow",
        json!({"metadata": {"finalizers": null}}),
    );
    world.settle();
    assert_eq!(world.names("configmaps"), [""; 0]);
}

#[test]
fn one_that_does_not_block_is_not_waited_for() {
    let mut world = World::new();
    let top = config(&world, "top", vec![]);
    world.create(
        "configmaps",
        json!({"metadata": {"name": "slow", "finalizers": ["example.com/slow"],
        "ownerReferences": [owned_by(&top, "ConfigMap", false)]}}),
    );
    world.settle();
    world.delete("configmaps", "top", Propagation::Foreground);
    world.settle();
    assert_eq!(world.names("configmaps"), ["slow"]);
    assert!(world.get("configmaps", "slow")["metadata"]["deletionTimestamp"].is_string());
}

#[test]
fn orphans_stay() {
    let mut world = World::new();
    let top = config(&world, "top", vec![]);
    let other = config(&world, "other", vec![]);
    config(
        &world,
        "kept",
        vec![
            owned_by(&top, "ConfigMap", true),
            owned_by(&other, "ConfigMap", true),
        ],
    );
    world.settle();
    world.delete("configmaps", "top", Propagation::Orphan);
    world.settle();
    assert_eq!(world.names("configmaps"), ["kept", "other"]);
    let owners = world.get("configmaps", "kept")["metadata"]["ownerReferences"].clone();
    assert_eq!(owners, json!([owned_by(&other, "ConfigMap", true)]));
}

#[test]
fn one_owner_is_enough_and_references_to_others_go() {
    let mut world = World::new();
    let one = config(&world, "one", vec![]);
    let two = config(&world, "two", vec![]);
    config(
        &world,
        "kept",
        vec![
            owned_by(&one, "ConfigMap", false),
            owned_by(&two, "ConfigMap", false),
        ],
    );
    world.settle();
    world.delete("configmaps", "one", Propagation::Background);
    world.settle();
    assert_eq!(world.names("configmaps"), ["kept", "two"]);
    assert_eq!(
        world.get("configmaps", "kept")["metadata"]["ownerReferences"],
        json!([owned_by(&two, "ConfigMap", false)])
    );
}

#[test]
fn an_owner_that_never_was_is_as_one_that_is_gone() {
    let mut world = World::new();
    let absent = json!({"metadata": {"name": "absent", "uid": "nobody"}});
    config(&world, "lost", vec![owned_by(&absent, "ConfigMap", false)]);
    config(&world, "unknown", vec![owned_by(&absent, "Gizmo", false)]);
    world.settle_for(20);
    assert_eq!(
        world.names("configmaps"),
        ["unknown"],
        "of a kind that is not served nobody knows"
    );
}

#[test]
fn an_owner_in_another_namespace_is_no_owner() {
    let mut world = World::new();
    let far = world.create(
        "configmaps",
        json!({"metadata": {"name": "far", "namespace": "other"}}),
    );
    config(&world, "lost", vec![owned_by(&far, "ConfigMap", false)]);
    world.settle();
    assert_eq!(world.names("configmaps"), ["far"]);
    let event = &world.events("lost")[0];
    let uid = far["metadata"]["uid"].as_str().unwrap();
    assert_eq!(
        *event,
        format!(
            "OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: ns, name: far, uid: {uid}] \
        does not exist in namespace \"ns\" x1"
        )
    );
}

#[test]
fn a_ring_in_the_foreground_comes_apart() {
    let mut world = World::new();
    let one = config(&world, "one", vec![]);
    let two = config(&world, "two", vec![owned_by(&one, "ConfigMap", true)]);
    world.patch(
        "configmaps",
        "one",
        json!({"metadata": {"ownerReferences": [owned_by(&two, "ConfigMap", true)]}}),
    );
    world.settle();
    world.delete("configmaps", "one", Propagation::Foreground);
    world.settle();
    assert_eq!(world.names("configmaps"), [""; 0]);
}

#[test]
fn namespaces_are_emptied_and_let_go() {
    let mut world = World::new();
    world.create("namespaces", json!({"metadata": {"name": "ns"}}));
    world.settle();
    assert_eq!(world.names("serviceaccounts"), ["default"]);
    assert_eq!(
        world.get("configmaps", "kube-root-ca.crt")["data"],
        json!({"ca.crt": "the CA"})
    );
    config(&world, "one", vec![]);
    world.create(
        "widgets",
        json!({"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}),
    );
    world.create("pods", json!({"metadata": {"name": "p"}, "spec": {"containers": [], "terminationGracePeriodSeconds": 30}}));
    world.settle();
    world.delete("namespaces", "ns", Propagation::Background);
    world.settle_for(5);
    let namespace = world.get("namespaces", "ns");
    let conditions = namespace["status"]["conditions"].as_array().unwrap();
    let of = |type_: &str| {
        let condition = conditions.iter().find(|c| c["type"] == type_).unwrap();
        format!(
            "{} {}: {}",
            condition["status"], condition["reason"], condition["message"]
        )
        .replace('"', "")
    };
    assert_eq!(conditions.len(), 5);
    assert_eq!(
        of("NamespaceContentRemaining"),
        "True SomeResourcesRemain: Some resources are remaining: widgets.example.com has 1 resource instances"
    );
    assert_eq!(
        of("NamespaceFinalizersRemaining"),
        "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    );
    assert_eq!(
        of("NamespaceDeletionContentFailure"),
        "False ContentDeleted: All content successfully deleted, may be waiting on finalization"
    );
    world.patch("widgets", "held", json!({"metadata": {"finalizers": null}}));
    world.settle();
    assert_eq!(world.find("namespaces", "ns"), None);
    assert_eq!(world.names("configmaps"), [""; 0]);
}

#[test]
fn the_default_account_and_the_ca_come_back() {
    let mut world = World::new();
    world.create("namespaces", json!({"metadata": {"name": "ns"}}));
    world.settle();
    world.delete("serviceaccounts", "default", Propagation::Background);
    world.patch(
        "configmaps",
        "kube-root-ca.crt",
        json!({"data": {"ca.crt": "mine"}}),
    );
    world.settle();
    assert_eq!(world.names("serviceaccounts"), ["default"]);
    assert_eq!(
        world.get("configmaps", "kube-root-ca.crt")["data"]["ca.crt"],
        "the CA"
    );
    world.delete("configmaps", "kube-root-ca.crt", Propagation::Background);
    world.settle();
    assert_eq!(world.names("configmaps"), ["kube-root-ca.crt"]);
}

#[test]
fn cluster_roles_gather_rules() {
    let mut world = World::new();
    let rule = |verb: &str| json!({"verbs": [verb], "apiGroups": [""], "resources": ["pods"]});
    world.create(
        "clusterroles",
        json!({"metadata": {"name": "all"}, "rules": [],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}}),
    );
    for (name, verb) in [("b", "get"), ("a", "list"), ("c", "get")] {
        world.create(
            "clusterroles",
            json!({"metadata": {"name": name, "labels": {"to": "all"}}, "rules": [rule(verb)]}),
        );
    }
    world.settle();
    assert_eq!(
        world.get("clusterroles", "all")["rules"],
        json!([rule("list"), rule("get")])
    );
    world.delete("clusterroles", "a", Propagation::Background);
    world.settle();
    assert_eq!(
        world.get("clusterroles", "all")["rules"],
        json!([rule("get")])
    );
}

#[test]
fn a_large_set_is_collected_in_bounded_steps() {
    let mut world = World::new();
    let top = config(&world, "top", vec![]);
    for at in 0..1200 {
        config(
            &world,
            &format!("c{at}"),
            vec![owned_by(&top, "ConfigMap", false)],
        );
    }
    world.settle();
    world.delete("configmaps", "top", Propagation::Background);
    world.settle();
    assert_eq!(world.server.list(&gvr("configmaps"), None).len(), 0);
}
