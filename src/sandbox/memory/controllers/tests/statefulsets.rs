use serde_json::{Value, json};

use crate::sandbox::memory::controllers::cluster::Propagation;
use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn set(replicas: i32) -> Value {
    json!({"metadata": {"name": "db"}, "spec": {
        "replicas": replicas, "serviceName": "db", "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
    }})
}

fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

fn images(world: &World) -> Vec<String> {
    let pods = world.list("pods");
    let line = |pod: &Value| {
        format!(
            "{}={}",
            pod["metadata"]["name"].as_str().unwrap(),
            pod["spec"]["containers"][0]["image"].as_str().unwrap()
        )
    };
    pods.iter().map(line).collect()
}

#[test]
fn pods_come_up_in_order_with_names_and_claims() {
    let mut world = World::new();
    world.kubelets = Kubelets::Idle;
    world.create("statefulsets", set(3));
    world.settle();
    assert_eq!(world.names("pods"), ["db-0"], "the next waits for it");
    world.kubelets = Kubelets::Run;
    world.patch(
        "pods",
        "db-0",
        json!({"metadata": {"annotations": {"look": "again"}}}),
    );
    world.settle();
    assert_eq!(world.names("pods"), ["db-0", "db-1", "db-2"]);
    assert_eq!(
        world.names("persistentvolumeclaims"),
        ["data-db-0", "data-db-1", "data-db-2"]
    );
    let pod = world.get("pods", "db-1");
    let revision = world.names("controllerrevisions").remove(0);
    assert_eq!(
        pod["metadata"]["labels"],
        json!({"app": "db", "statefulset.kubernetes.io/pod-name": "db-1",
        "apps.kubernetes.io/pod-index": "1", "controller-revision-hash": revision})
    );
    assert_eq!(pod["spec"]["hostname"], "db-1");
    assert_eq!(pod["spec"]["subdomain"], "db");
    assert_eq!(
        pod["spec"]["volumes"],
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}}])
    );
    assert_eq!(
        world.get("persistentvolumeclaims", "data-db-1")["metadata"]["labels"],
        json!({"app": "db"})
    );
    assert_eq!(
        world.get("statefulsets", "db")["status"],
        json!({"availableReplicas": 3, "collisionCount": 0,
        "currentReplicas": 3, "currentRevision": revision, "observedGeneration": 1, "readyReplicas": 3, "replicas": 3,
        "updateRevision": revision, "updatedReplicas": 3})
    );
    assert_eq!(
        world.events("db")[..2],
        [
            "SuccessfulCreate: Create Claim data-db-0 Pod db-0 in StatefulSet db success x1",
            "SuccessfulCreate: Create Pod db-0 in StatefulSet db successful x1"
        ]
    );
    let writes = world.server.writes();
    world.pass(60);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn in_parallel_they_do_not_wait() {
    let mut world = World::new();
    world.kubelets = Kubelets::Idle;
    let mut parallel = set(3);
    parallel["spec"]["podManagementPolicy"] = json!("Parallel");
    world.create("statefulsets", parallel);
    world.settle();
    assert_eq!(world.names("pods"), ["db-0", "db-1", "db-2"]);
    world.patch("statefulsets", "db", json!({"spec": {"replicas": 0}}));
    world.settle();
    assert_eq!(world.names("pods"), [""; 0]);
}

#[test]
fn an_update_goes_from_the_last_to_the_partition_and_back() {
    let mut world = World::new();
    world.create("statefulsets", set(3));
    world.settle();
    let mut partitioned = image("a:2");
    partitioned["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 2}});
    world.patch("statefulsets", "db", partitioned);
    world.settle();
    assert_eq!(images(&world), ["db-0=a:1", "db-1=a:1", "db-2=a:2"]);
    let status = world.get("statefulsets", "db")["status"].clone();
    assert_eq!(
        (
            status["currentReplicas"].clone(),
            status["updatedReplicas"].clone()
        ),
        (json!(2), json!(1))
    );
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    world.delete("pods", "db-0", Propagation::Background);
    world.settle();
    assert_eq!(
        images(&world)[0],
        "db-0=a:1",
        "below the partition the old template stays"
    );

    world.patch(
        "statefulsets",
        "db",
        json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}),
    );
    world.settle();
    assert_eq!(images(&world), ["db-0=a:2", "db-1=a:2", "db-2=a:2"]);
    let status = world.get("statefulsets", "db")["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);

    world.patch("statefulsets", "db", image("a:1"));
    world.settle();
    assert_eq!(images(&world), ["db-0=a:1", "db-1=a:1", "db-2=a:1"]);
    let mut numbers: Vec<i64> = world
        .list("controllerrevisions")
        .iter()
        .map(|r| r["revision"].as_i64().unwrap())
        .collect();
    numbers.sort();
    assert_eq!(
        numbers,
        [2, 3],
        "the old revision is used again under a new number"
    );
}

#[test]
fn on_delete_nothing_is_replaced_unasked() {
    let mut world = World::new();
    let mut manual = set(2);
    manual["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    world.create("statefulsets", manual);
    world.settle();
    world.patch("statefulsets", "db", image("a:2"));
    world.settle();
    assert_eq!(images(&world), ["db-0=a:1", "db-1=a:1"]);
    world.delete("pods", "db-1", Propagation::Background);
    world.settle();
    assert_eq!(images(&world), ["db-0=a:1", "db-1=a:2"]);
}

#[test]
fn scaling_down_goes_from_the_last() {
    let mut world = World::new();
    world.create("statefulsets", set(3));
    world.settle();
    world.kubelets = Kubelets::Idle;
    world.patch("statefulsets", "db", json!({"spec": {"replicas": 1}}));
    world.settle();
    let going: Vec<String> = world
        .list("pods")
        .iter()
        .filter(|pod| pod["metadata"].get("deletionTimestamp").is_some())
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(going, ["db-2"]);
    world.kubelets = Kubelets::Run;
    world.patch(
        "pods",
        "db-2",
        json!({"metadata": {"annotations": {"look": "again"}}}),
    );
    world.settle();
    assert_eq!(world.names("pods"), ["db-0"]);
    assert_eq!(
        world.list("persistentvolumeclaims").len(),
        3,
        "claims are kept"
    );
}

#[test]
fn claims_go_when_the_policy_says_so() {
    let mut world = World::new();
    let mut tidy = set(2);
    tidy["spec"]["persistentVolumeClaimRetentionPolicy"] =
        json!({"whenDeleted": "Delete", "whenScaled": "Delete"});
    world.create("statefulsets", tidy);
    world.settle();
    let owner = |world: &World, claim: &str| {
        world.get("persistentvolumeclaims", claim)["metadata"]["ownerReferences"][0]["kind"].clone()
    };
    assert_eq!(owner(&world, "data-db-1"), "StatefulSet");
    world.patch("statefulsets", "db", json!({"spec": {"replicas": 1}}));
    world.settle();
    assert_eq!(world.names("persistentvolumeclaims"), ["data-db-0"]);
    world.delete("statefulsets", "db", Propagation::Background);
    world.settle();
    assert_eq!(world.names("persistentvolumeclaims"), [""; 0]);
    assert_eq!(world.names("pods"), [""; 0]);
}

#[test]
fn a_failed_pod_is_made_anew_and_others_wait() {
    let mut world = World::new();
    world.create("statefulsets", set(2));
    world.settle();
    let before = world.get("pods", "db-0")["metadata"]["uid"].clone();
    world.patch_status("pods", "db-0", json!({"phase": "Failed"}));
    world.settle();
    assert_ne!(world.get("pods", "db-0")["metadata"]["uid"], before);
    assert_eq!(
        world.get("statefulsets", "db")["status"]["readyReplicas"],
        2
    );
}

#[test]
fn ordinals_may_begin_elsewhere() {
    let mut world = World::new();
    let mut late = set(2);
    late["spec"]["ordinals"] = json!({"start": 5});
    world.create("statefulsets", late);
    world.settle();
    assert_eq!(world.names("pods"), ["db-5", "db-6"]);
}
