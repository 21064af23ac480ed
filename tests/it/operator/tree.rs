//! `appop tree`: who owns whom.

use http::Method;
use serde_json::{Value, json};

use super::apps::{Looker, normal};
use super::lab::wait;
use crate::support::{self, Cluster, on_both};
use crate::terminal::Terminal;

on_both! {
    owners_are_followed_by_uid_whatever_the_kind,
    what_lives_in_no_namespace_owns_in_all_of_them,
    lists_of_any_length_are_read_to_their_end,
    custom_resources_are_as_their_conditions_say,
    what_is_not_there_is_explained,
}

impl Looker {
    fn config_map(&self, name: &str, owners: &[&Value]) -> Value {
        let path = format!("/api/v1/namespaces/{}/configmaps", self.lab.namespace);
        let object = json!({"metadata": {"name": name, "ownerReferences": references(owners)}});
        self.lab.admin.create(&path, &object)
    }
}

fn references(owners: &[&Value]) -> Value {
    let reference = |owner: &&Value| {
        // What a list gives has no kind of its own.
        json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"],
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]})
    };
    owners.iter().map(reference).collect()
}

fn owners_are_followed_by_uid_whatever_the_kind(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "owners");
    let admin = &looker.lab.admin;
    let root = looker.config_map("root", &[]);
    let left = looker.config_map("left", &[&root]);
    let right = looker.config_map("right", &[&root]);
    looker.config_map("both", &[&left, &right]);
    looker.config_map("stranger", &[]);
    // They own each other: nothing stops that.
    let path = format!(
        "/api/v1/namespaces/{}/configmaps/root",
        looker.lab.namespace
    );
    admin.merge(
        &path,
        &json!({"metadata": {"ownerReferences": references(&[&right])}}),
    );
    let tree = looker.run(&["tree", "cm/root"]);
    assert_eq!(
        tree.stderr, "",
        "no warning of deprecated kinds that nobody asked for"
    );
    let wanted = "\
NAME  READY  STATUS  AGE
ConfigMap/root  AGE
├── ConfigMap/left  AGE
│  └── ConfigMap/both  AGE
└── ConfigMap/right  AGE
  ├── ConfigMap/root  is above: they own each other  AGE
  └── ConfigMap/both  has another owner, and is shown there  AGE
";
    assert_eq!(normal(&tree.success()), wanted);
    let leaf = looker.run(&["tree", "ConfigMap", "stranger"]);
    assert_eq!(leaf.stderr, "Nothing names it as its owner.\n");
    assert_eq!(leaf.code, 0);
    let names = looker
        .run(&["tree", "configmaps.v1./left", "-o", "name"])
        .success();
    assert_eq!(names, "configmap/left\nconfigmap/both\n");
    let mut narrow = looker.command(&["tree", "cm/root"]);
    narrow.env("NO_COLOR", "1");
    let ended = Terminal::start(narrow).end();
    // A machine that is slow is shown that something happens.
    let screen = ended.screen.replace("\x1b[2K", "");
    assert!(!screen.contains('\x1b'), "{screen}");
}

fn what_lives_in_no_namespace_owns_in_all_of_them(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "across");
    let admin = &looker.lab.admin;
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "look-owner"}, "rules": []});
    let role = admin.create(roles, &role);
    looker.config_map("owned", &[&role]);
    // Warnings are not ours to silence where somebody names the kind.
    let tree = looker.lab.cluster.run(["tree", "clusterrole/look-owner"]);
    let text = normal(&tree.success());
    let wanted = "\
NAME  NAMESPACE  READY  STATUS  AGE
ClusterRole/look-owner  AGE
└── ConfigMap/owned  op-across  AGE
";
    assert_eq!(text, wanted);
    admin.delete(&format!("{roles}/look-owner"));
}

fn lists_of_any_length_are_read_to_their_end(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "long");
    let root = looker.config_map("root", &[]);
    // More than a page.
    for n in 0..510 {
        looker.config_map(&format!("c{n:03}"), &[&root]);
    }
    let tree = looker.run(&["tree", "cm/root"]).success();
    assert_eq!(tree.lines().count(), 512);
    assert!(tree.contains("└── ConfigMap/c509"), "{tree}");
}

fn custom_resources_are_as_their_conditions_say(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "custom");
    let admin = &looker.lab.admin;
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let crd = json!({"metadata": {"name": "chests.look.example.com"}, "spec": {
        "group": "look.example.com", "scope": "Namespaced",
        "names": {"plural": "chests", "singular": "chest", "kind": "Chest"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    admin.create(crds, &crd);
    let root = looker.config_map("root", &[]);
    let chests = format!(
        "/apis/look.example.com/v1/namespaces/{}/chests",
        looker.lab.namespace
    );
    let status =
        json!({"conditions": [{"type": "Ready", "status": "False", "reason": "LidIsOpen"}]});
    let object = json!({"apiVersion": "look.example.com/v1", "kind": "Chest", "status": status,
        "metadata": {"name": "b", "ownerReferences": references(&[&root])}});
    wait("chests are served", || {
        let kind = "application/json";
        admin.send(Method::POST, &chests, kind, &object).ok()
    });
    let tree = looker.run(&["tree", "cm/root", "-o", "json"]).success();
    let tree: Value = serde_json::from_str(&tree).unwrap();
    let child = &tree["object"]["children"][0];
    assert_eq!(
        (&child["status"], &child["health"]),
        (&json!("LidIsOpen"), &json!("bad"))
    );
    assert_eq!(child["apiVersion"], "look.example.com/v1");
    let conditions = looker.run(&["tree", "chest/b"]).success();
    assert!(
        conditions.contains("Ready       False    LidIsOpen"),
        "{conditions}"
    );
    admin.delete(&format!("{crds}/chests.look.example.com"));
}

fn what_is_not_there_is_explained(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "nothing");
    looker.config_map("settings", &[]);
    let says = |args: &[&str], code: i32, words: &str| {
        let said = looker.run(args);
        assert_eq!(said.code, code, "{args:?}: {}", said.stderr);
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    };
    says(
        &["tree", "deploymnt/web"],
        1,
        "Did you mean deployments.apps?",
    );
    says(&["tree", "cm/setings"], 1, "Did you mean settings?");
    says(&["tree", "node", "n"], 1, "403 Forbidden");
    says(
        &["tree", "subjectaccessreviews/x"],
        2,
        "cannot be read by name",
    );
    for args in [
        &["tree"][..],
        &["tree", "pods"],
        &["tree", "pod/"],
        &["tree", "a", "b", "c"],
    ] {
        assert_eq!(support::run(args).code, 2, "{args:?}");
    }
}
