use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::World;

fn claim(name: &str, class: Option<&str>) -> Value {
    json!({"metadata": {"name": name}, "status": {"phase": "Pending"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": class}})
}

fn volume(name: &str, policy: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"},
        "persistentVolumeReclaimPolicy": policy, "hostPath": {"path": "/tmp"}}})
}

fn phase(world: &World, plural: &str, name: &str) -> String {
    world.get(plural, name)["status"]["phase"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_claim_is_bound_once_there_is_a_volume() {
    let mut world = World::new();
    world.create("persistentvolumeclaims", claim("data", Some("")));
    world.settle();
    assert_eq!(phase(&world, "persistentvolumeclaims", "data"), "Pending");
    assert_eq!(
        world.events("data")[0],
        "FailedBinding: no persistent volumes available for this claim and no storage class is set x2"
    );
    world.create("persistentvolumes", volume("disk", "Retain"));
    world.settle();
    let bound = world.get("persistentvolumeclaims", "data");
    assert_eq!(
        bound["status"],
        json!({"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}})
    );
    assert_eq!(bound["spec"]["volumeName"], "disk");
    assert_eq!(
        bound["metadata"]["annotations"],
        json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"})
    );
    assert_eq!(
        bound["metadata"]["finalizers"],
        json!(["kubernetes.io/pvc-protection"])
    );
    let disk = world.get("persistentvolumes", "disk");
    assert_eq!(disk["spec"]["claimRef"]["uid"], bound["metadata"]["uid"]);
    assert_eq!(disk["status"]["phase"], "Bound");
    let writes = world.server.writes();
    world.pass(60);
    assert_eq!(world.server.writes(), writes);

    world.delete("persistentvolumes", "disk", Propagation::Background);
    world.settle();
    assert!(
        world.find("persistentvolumes", "disk").is_some(),
        "it is protected as long as it is bound"
    );
    world.delete("persistentvolumeclaims", "data", Propagation::Background);
    world.settle();
    assert_eq!(world.names("persistentvolumeclaims"), [""; 0]);
    assert_eq!(world.names("persistentvolumes"), [""; 0]);
}

#[test]
fn a_volume_outlives_its_claim() {
    for (policy, wanted) in [("Retain", "Released"), ("Delete", "Failed")] {
        let mut world = World::new();
        world.create("persistentvolumes", volume("disk", policy));
        world.create("persistentvolumeclaims", claim("data", Some("")));
        world.settle();
        world.delete("persistentvolumeclaims", "data", Propagation::Background);
        world.settle();
        assert_eq!(phase(&world, "persistentvolumes", "disk"), wanted);
        world.create("persistentvolumeclaims", claim("data", Some("")));
        world.settle();
        assert_eq!(phase(&world, "persistentvolumeclaims", "data"), "Pending");
    }
}

#[test]
fn a_claim_in_use_is_not_let_go() {
    let mut world = World::new();
    world.create("persistentvolumeclaims", claim("data", Some("")));
    world.create(
        "pods",
        json!({"metadata": {"name": "p"}, "spec": {"containers": [],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}}),
    );
    world.settle();
    world.delete("persistentvolumeclaims", "data", Propagation::Background);
    world.settle();
    assert_eq!(world.names("persistentvolumeclaims"), ["data"]);
    world.delete("pods", "p", Propagation::Background);
    world.settle();
    assert_eq!(world.names("persistentvolumeclaims"), [""; 0]);
}

#[test]
fn classes_decide_who_waits_for_what() {
    let mut world = World::new();
    world.create("persistentvolumeclaims", claim("none", Some("missing")));
    world.create("persistentvolumeclaims", claim("any", None));
    world.settle();
    assert_eq!(
        world.events("none")[0].split(" x").next().unwrap(),
        "ProvisioningFailed: storageclass.storage.k8s.io \"missing\" not found"
    );
    world.create("storageclasses", json!({"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "example.com/disk", "volumeBindingMode": "Immediate"}));
    world.settle();
    let any = world.get("persistentvolumeclaims", "any");
    assert_eq!(
        any["spec"]["storageClassName"], "fast",
        "the default is filled in later too"
    );
    assert_eq!(
        any["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"],
        "example.com/disk"
    );
    assert!(
        world
            .events("any")
            .iter()
            .any(|event| event.starts_with("ExternalProvisioning: Waiting for a volume"))
    );
    world.create(
        "storageclasses",
        json!({"metadata": {"name": "late"}, "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer"}),
    );
    world.create("persistentvolumeclaims", claim("waits", Some("late")));
    world.settle();
    assert!(
        world.events("waits")[0].starts_with("WaitForFirstConsumer: waiting for first consumer")
    );
}
