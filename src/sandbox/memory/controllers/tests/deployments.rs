use serde_json::{Value, json};

use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn deployment(replicas: i32) -> Value {
    json!({"metadata": {"name": "web", "annotations": {"note": "1"}}, "spec": {
        "replicas": replicas, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
    }})
}

fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

/// `type=status reason` of the Deployment's conditions.
fn conditions(world: &World) -> Vec<String> {
    let web = world.get("deployments", "web");
    let conditions = web["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |condition: &Value, field: &str| condition[field].as_str().unwrap().to_owned();
    let line = |c| {
        format!(
            "{}={} {}",
            text(c, "type"),
            text(c, "status"),
            text(c, "reason")
        )
    };
    conditions.iter().map(line).collect()
}

/// Revision, and pods asked for, of each ReplicaSet, by revision.
fn sets(world: &World) -> Vec<(String, i64)> {
    let mut sets: Vec<(String, i64)> = world
        .list("replicasets")
        .iter()
        .map(|set| {
            let revision = &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            (
                revision.as_str().unwrap().to_owned(),
                set["spec"]["replicas"].as_i64().unwrap(),
            )
        })
        .collect();
    sets.sort();
    sets
}

#[test]
fn a_new_one_comes_up() {
    let mut world = World::new();
    world.create("deployments", deployment(3));
    world.settle();
    let set = world.list("replicasets").remove(0);
    let hash = set["metadata"]["labels"]["pod-template-hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
    assert_eq!(
        set["spec"]["selector"]["matchLabels"],
        json!({"app": "web", "pod-template-hash": hash})
    );
    assert_eq!(
        set["spec"]["template"]["metadata"]["labels"],
        json!({"app": "web", "pod-template-hash": hash})
    );
    assert_eq!(
        set["metadata"]["annotations"],
        json!({"note": "1",
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3", "deployment.kubernetes.io/max-replicas": "4"})
    );
    let web = world.get("deployments", "web");
    assert_eq!(
        web["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "1"
    );
    let mut status = web["status"].clone();
    status.as_object_mut().unwrap().remove("conditions");
    assert_eq!(
        status,
        json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3,
        "availableReplicas": 3, "terminatingReplicas": 0})
    );
    assert_eq!(
        conditions(&world),
        [
            "Available=True MinimumReplicasAvailable",
            "Progressing=True NewReplicaSetAvailable"
        ]
    );
    let message = &web["status"]["conditions"][1]["message"];
    assert_eq!(
        *message,
        format!("ReplicaSet \"web-{hash}\" has successfully progressed.")
    );
    assert_eq!(
        world.events("web"),
        [format!(
            "ScalingReplicaSet: Scaled up replica set web-{hash} from 0 to 3 x1"
        )]
    );
    let writes = world.server.writes();
    world.pass(3600);
    assert_eq!(world.server.writes(), writes);
}

#[test]
fn a_rollout_keeps_its_bounds_and_can_be_undone() {
    let mut world = World::new();
    world.create("deployments", deployment(4));
    world.settle();
    world.patch("deployments", "web", image("a:2"));
    let mut most = 0;
    let mut least = i64::MAX;
    while world.step() {
        let count = |field: &str| -> i64 {
            world
                .list("replicasets")
                .iter()
                .map(|set| set["status"][field].as_i64().unwrap_or(0))
                .sum()
        };
        let asked = |set: &Value| set["spec"]["replicas"].as_i64().unwrap();
        most = most.max(world.list("replicasets").iter().map(asked).sum());
        if world.list("replicasets").len() == 2 {
            least = least.min(count("availableReplicas"));
        }
    }
    assert!(most <= 5, "{most} pods asked for");
    assert!(least >= 3, "only {least} available");
    assert_eq!(sets(&world), [("1".into(), 0), ("2".into(), 4)]);

    // As `kubectl rollout undo` does.
    world.patch("deployments", "web", image("a:1"));
    world.settle();
    assert_eq!(sets(&world), [("2".into(), 0), ("3".into(), 4)]);
    let set = world
        .list("replicasets")
        .into_iter()
        .find(|set| set["spec"]["replicas"] == 4)
        .unwrap();
    assert_eq!(
        set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"],
        "1"
    );
    assert_eq!(
        world.get("deployments", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "3"
    );
    assert_eq!(
        conditions(&world)[1],
        "Progressing=True NewReplicaSetAvailable"
    );
}

#[test]
fn history_is_limited() {
    let mut world = World::new();
    let mut web = deployment(1);
    web["spec"]["revisionHistoryLimit"] = json!(1);
    world.create("deployments", web);
    for version in 2..6 {
        world.settle();
        world.patch("deployments", "web", image(&format!("a:{version}")));
    }
    world.settle();
    assert_eq!(sets(&world), [("4".into(), 0), ("5".into(), 1)]);
}

#[test]
fn recreate_waits_for_the_old_pods_to_go() {
    let mut world = World::new();
    let mut web = deployment(2);
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    world.create("deployments", web);
    world.settle();
    world.kubelets = Kubelets::Idle;
    world.patch("deployments", "web", image("a:2"));
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 0)], "old pods still end");
    world.kubelets = Kubelets::Run;
    for pod in world.names("pods") {
        world.patch(
            "pods",
            &pod,
            json!({"metadata": {"annotations": {"look": "again"}}}),
        );
    }
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 0), ("2".into(), 2)]);
}

#[test]
fn a_paused_one_scales_and_does_not_roll() {
    let mut world = World::new();
    world.create("deployments", deployment(2));
    world.settle();
    world.patch(
        "deployments",
        "web",
        json!({"spec": {"paused": true, "replicas": 5,
        "template": {"spec": {"containers": [{"name": "c", "image": "a:2"}]}}}}),
    );
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 5)]);
    assert!(conditions(&world).contains(&"Progressing=Unknown DeploymentPaused".to_owned()));
    world.patch("deployments", "web", json!({"spec": {"paused": false}}));
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 0), ("2".into(), 5)]);
}

#[test]
fn resizing_in_the_middle_is_proportional() {
    let mut world = World::new();
    let mut web = deployment(10);
    web["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": 3, "maxUnavailable": 2});
    world.create("deployments", web);
    world.settle();
    world.kubelets = Kubelets::Idle;
    world.patch("deployments", "web", image("bad"));
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 8), ("2".into(), 5)]);
    // The example of the documentation: 15 wanted, 5 to add: 3 for the old one, 2 for the new one.
    world.patch("deployments", "web", json!({"spec": {"replicas": 15}}));
    world.settle();
    assert_eq!(sets(&world), [("1".into(), 11), ("2".into(), 7)]);
}

#[test]
fn the_deadline_passes() {
    let mut world = World::new();
    world.kubelets = Kubelets::Idle;
    let mut web = deployment(1);
    web["spec"]["progressDeadlineSeconds"] = json!(30);
    world.create("deployments", web);
    world.settle();
    assert_eq!(
        conditions(&world),
        [
            "Available=False MinimumReplicasUnavailable",
            "Progressing=True ReplicaSetUpdated"
        ]
    );
    world.pass(40);
    assert_eq!(
        conditions(&world)[1],
        "Progressing=False ProgressDeadlineExceeded"
    );
    world.kubelets = Kubelets::Run;
    let pod = world.names("pods").remove(0);
    world.patch(
        "pods",
        &pod,
        json!({"metadata": {"labels": {"wake": "up"}}}),
    );
    world.settle();
    assert_eq!(
        conditions(&world),
        [
            "Available=True MinimumReplicasAvailable",
            "Progressing=True NewReplicaSetAvailable"
        ]
    );
}

#[test]
fn an_orphaned_set_is_adopted() {
    let mut world = World::new();
    world.create("deployments", deployment(1));
    world.settle();
    let set = world.names("replicasets").remove(0);
    world.patch(
        "replicasets",
        &set,
        json!({"metadata": {"ownerReferences": null}}),
    );
    world.settle();
    assert_eq!(
        world.get("replicasets", &set)["metadata"]["ownerReferences"][0]["kind"],
        "Deployment"
    );
    assert_eq!(world.names("replicasets"), [set]);
}

#[test]
fn another_set_of_the_same_name_is_counted() {
    let mut world = World::new();
    world.create("deployments", deployment(1));
    world.settle();
    let name = world.names("replicasets").remove(0);
    let mut other = World::new();
    let mut stranger = world.get("replicasets", &name);
    stranger["metadata"] = json!({"name": name, "labels": {"app": "other"}});
    stranger["spec"]["replicas"] = json!(0);
    other.create("replicasets", stranger);
    other.create("deployments", deployment(1));
    other.settle();
    assert_eq!(
        other.get("deployments", "web")["status"]["collisionCount"],
        1
    );
    assert_eq!(other.list("replicasets").len(), 2);
}
