//! `appop apps`, with and without an operator.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::lab::{Lab, wait};
use crate::support::{self, Cluster, Output, on_both};
use crate::terminal::Terminal;

on_both! {
    an_app_alone_brings_nothing_up_and_that_is_said,
    an_app_is_shown_with_all_that_it_owns,
    pods_that_fail_are_pointed_out,
    what_may_not_be_listed_is_left_out_with_a_note,
    wrong_names_and_wrong_words_are_explained,
    a_watch_shows_each_change_in_a_pipe,
    a_watch_is_drawn_anew_on_a_terminal,
}

/// A namespace, and somebody who may look at everything in it and at nothing else: the leases of
/// other scenarios' operators are none of theirs.
pub(super) struct Looker {
    pub(super) lab: Lab,
    pub(super) user: String,
}

impl Looker {
    pub(super) fn new(cluster: &'static Cluster, namespace: &str) -> Looker {
        let lab = Lab::new(cluster, namespace);
        let user = format!("looker-{namespace}");
        let everything = json!([{"apiGroups": ["*"], "resources": ["*"],
            "verbs": ["get", "list", "watch"]}]);
        let looker = Looker { lab, user };
        looker.allow(&looker.user, everything);
        looker
    }

    /// Gives a user a role in the namespace.
    pub(super) fn allow(&self, user: &str, rules: Value) {
        let namespace = &self.lab.namespace;
        let base = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let role = json!({"metadata": {"name": user}, "rules": rules});
        self.lab.admin.create(&format!("{base}/roles"), &role);
        let binding = json!({
            "metadata": {"name": user},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        let path = format!("{base}/rolebindings");
        self.lab.admin.create(&path, &binding);
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        self.command_of(&self.user, args)
    }

    pub(super) fn command_of(&self, user: &str, args: &[&str]) -> Command {
        let mut command = self.lab.cluster.command(args);
        command.args(["-n", &self.lab.namespace, "--as", user]);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        support::finish(&mut self.command(args))
    }
}

fn spec(replicas: i64) -> Value {
    json!({"replicas": replicas, "image": "nginx", "ports": [{"port": 80, "targetPort": 8080}]})
}

/// Text without what differs from run to run: ages, the random parts of names, addresses, widths.
pub(super) fn normal(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, with) in [
        (r"\b[0-9]+(s|m|m[0-9]+s)( |\n)", "AGE$2"),
        (r"\b127\.[0-9.]+", "IP"),
        (r"web-[0-9a-z]{8,10}\b", "web-HASH"),
        (r"web-(HASH-)?[0-9a-z]{5}\b", "web-${1}ID"),
        (r" {2,}", "  "),
        (r" +\n", "\n"),
    ] {
        let pattern = regex::Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, with).into_owned();
    }
    text
}

fn an_app_alone_brings_nothing_up_and_that_is_said(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "alone");
    let none = looker.run(&["apps"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    assert!(
        none.stderr.contains("There are no Apps in the namespace"),
        "{}",
        none.stderr
    );
    looker.lab.app("web", spec(2));
    let said = wait("it is said that none runs", || {
        let list = looker.run(&["apps"]);
        let line = normal(&list.stdout);
        assert!(line.contains("\nweb  0/2  Waiting  nginx  "), "{line}");
        (!list.stderr.is_empty()).then_some(list.stderr)
    });
    let words = "Warning: the App op-alone/web has waited ";
    assert!(said.starts_with(words), "{said}");
    assert!(
        said.contains(
            "for an operator, and none seems to be running: an App alone brings \
                           nothing up. Start one with: appop run\n"
        ),
        "{said}"
    );
    let one = looker.run(&["apps", "web"]);
    assert!(one.stderr.starts_with(words), "{}", one.stderr);
    assert!(
        one.stdout.contains("App/web   0/2     Waiting"),
        "{}",
        one.stdout
    );
    // An operator that elects itself elsewhere, for others.
    let lease = json!({"metadata": {"name": "app-lock"}, "spec": {"holderIdentity": "pod-a",
        "leaseDurationSeconds": 600, "renewTime": "2001-01-01T00:00:00.000000Z"}});
    let path = looker.lab.path("lease", "");
    looker.lab.admin.create(&path, &lease);
    let one = looker.run(&["apps", "web"]);
    let words = "One runs (pod-a holds the lease op-alone/app-lock), but not for this App";
    assert!(one.stderr.contains(words), "{}", one.stderr);
}

fn an_app_is_shown_with_all_that_it_owns(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "tree");
    let lab = &looker.lab;
    let mut operator = lab.operator();
    lab.app("web", spec(2));
    lab.ready("web");
    let shown = wait("everything is there", || {
        let shown = looker.run(&["apps", "web"]);
        assert_eq!(shown.stderr, "");
        let is_whole =
            shown.stdout.contains("EndpointSlice/") && shown.stdout.contains("IPv4 8080");
        let ready = shown.stdout.matches("2/2").count() == 4;
        (is_whole && ready && shown.stdout.contains("all 2 replicas are ready\n"))
            .then(|| normal(&shown.success()))
    });
    let wanted = "\
NAME  READY  STATUS  AGE
App/web  2/2  Ready  AGE
├── Deployment/web  2/2  Available  AGE
│  └── ReplicaSet/web-HASH  2/2  AGE
│  ├── Pod/web-HASH-ID  1/1  Running  AGE
│  └── Pod/web-HASH-ID  1/1  Running  AGE
└── Service/web  ClusterIP IP 80/TCP  AGE
  └── EndpointSlice/web-ID  2/2  IPv4 8080  AGE

CONDITION  STATUS  REASON  SINCE  MESSAGE
Ready  True  AllReplicasReady  AGE  all 2 replicas are ready
";
    assert!(shown.starts_with(wanted), "{shown}");
    assert!(
        shown.contains("\nAGE  TYPE  REASON  OBJECT  MESSAGE\n"),
        "{shown}"
    );
    // The latest ones: those of the App, and of the last pods that started.
    assert!(
        shown.contains("Normal  AllReplicasReady  App/web  all 2 replicas are ready\n"),
        "{shown}"
    );
    assert!(shown.contains("  Pod/web-HASH-ID  "), "{shown}");
    let list = looker.run(&["apps", "-o", "wide"]).success();
    assert!(list.contains("AllReplicasReady   nginx"), "{list}");
    assert!(
        list.trim_end().ends_with("all 2 replicas are ready"),
        "{list}"
    );
    let names = looker.run(&["apps", "web", "-o", "name"]).success();
    assert!(
        names.starts_with("app.app.example.com/web\ndeployment.apps/web\n"),
        "{names}"
    );
    let by_name = looker
        .run(&["apps", "app.app.example.com/web", "-o", "json"])
        .success();
    let tree: Value = serde_json::from_str(&by_name).unwrap();
    assert_eq!(tree["kind"], "ObjectTree");
    assert_eq!(tree["object"]["health"], "good");
    assert_eq!(
        tree["object"]["children"][0]["children"][0]["children"][1]["status"],
        "Running"
    );
    assert_eq!(tree["conditions"][0]["type"], "Ready");
    assert_eq!(tree["skipped"], json!([]));
    assert!(
        tree["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty())
    );
    let list = looker
        .run(&["apps", "-o", "jsonpath={.items[*].metadata.name}"])
        .success();
    assert_eq!(list.trim(), "web");
    // Settled, and its operator gone: only a lease could tell, and one tells.
    assert_eq!(operator.stop(), 0);
    assert_eq!(looker.run(&["apps"]).stderr, "");
    let lease = json!({"metadata": {"name": "app-lock"}, "spec": {"holderIdentity": "pod-a",
        "leaseDurationSeconds": 1}});
    lab.admin.create(&lab.path("lease", ""), &lease);
    let said = wait("the lease is not renewed", || {
        let said = looker.run(&["apps"]).stderr;
        (!said.is_empty()).then_some(said)
    });
    let words = "no operator seems to be running: pod-a, who holds the lease op-tree/app-lock, has \
                 not renewed it for";
    assert!(said.contains(words), "{said}");
}

fn pods_that_fail_are_pointed_out(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "failing");
    let lab = &looker.lab;
    let _operator = lab.operator();
    let mut nowhere = spec(1);
    nowhere["podOverrides"] = json!({"spec": {"nodeSelector": {"no": "such"}}});
    lab.app("nowhere", nowhere);
    let shown = wait("why is told", || {
        let shown = looker.run(&["apps", "nowhere"]).success();
        // Not merely in an Event, which may come before the status is read.
        let is_told = shown.contains("0/1     Reconciling, Unschedulable");
        is_told.then_some(shown)
    });
    assert!(shown.contains("App/nowhere"), "{shown}");
    assert!(shown.contains("no node takes the pod: "), "{shown}");
    assert!(shown.contains("0/1     Pending"), "{shown}");
    // A pod that no node has taken is nobody's but ours: its status stays as we write it.
    let pods = lab.admin.get(&lab.path("pod", "")).unwrap();
    let name = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let status = json!({"status": {
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "nowhere", "image": "nginx", "imageID": "", "ready": false,
            "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 7, "reason": "Error"}}}]}});
    let path = format!("{}/status", lab.path("pod", name));
    let kind = "application/merge-patch+json";
    lab.admin.send(Method::PATCH, &path, kind, &status).unwrap();
    let shown = looker.run(&["apps", "nowhere"]).success();
    assert!(
        shown.contains("0/1     CrashLoopBackOff, 3 restarts"),
        "{shown}"
    );
    let tree = looker
        .run(&["apps", "nowhere", "-o", "jsonpath={..health}"])
        .success();
    assert!(tree.contains("bad"), "{tree}");
}

fn what_may_not_be_listed_is_left_out_with_a_note(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "partial");
    looker.lab.app("web", spec(1));
    let rules = json!([{"apiGroups": ["app.example.com", "apps"],
        "resources": ["apps", "deployments", "replicasets"], "verbs": ["get", "list"]}]);
    looker.allow("half", rules);
    let half = support::finish(&mut looker.command_of("half", &["apps", "web"]));
    assert_eq!(half.code, 3, "{half:?}");
    assert!(half.stdout.contains("App/web"), "{}", half.stdout);
    let words = "Warning: not shown, because you may not list it in the namespace \"op-partial\": \
                 pods, services, endpointslices.discovery.k8s.io, events.";
    assert!(half.stderr.contains(words), "{}", half.stderr);
    let tree = support::finish(&mut looker.command_of("half", &["tree", "app/web", "-o", "json"]));
    assert_eq!(tree.code, 3, "{tree:?}");
    let json: Value = serde_json::from_str(&tree.stdout).unwrap();
    let skipped = json["skipped"].as_array().unwrap();
    assert!(
        skipped.contains(&json!({"resource": "pods", "reason": "Forbidden"})),
        "{skipped:?}"
    );
    assert!(tree.stderr.contains(" more. To see it"), "{}", tree.stderr);
    let none = support::finish(&mut looker.command_of("stranger", &["apps"]));
    assert_eq!(none.code, 1);
    assert!(
        none.stderr
            .contains("lack the verb list on apps.app.example.com"),
        "{}",
        none.stderr
    );
}

fn wrong_names_and_wrong_words_are_explained(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "wrong");
    looker.lab.app("web", spec(1));
    let unknown = looker.run(&["apps", "wbe"]);
    assert_eq!(unknown.code, 1);
    let words = "there is no App \"wbe\" in the namespace \"op-wrong\". Did you mean web?";
    assert!(unknown.stderr.contains(words), "{}", unknown.stderr);
    let elsewhere = looker.lab.cluster.run(["apps", "web", "-n", "kube-system"]);
    assert!(
        elsewhere.stderr.contains("There is one in "),
        "{}",
        elsewhere.stderr
    );
    let watched = looker.run(&["apps", "wbe", "-w"]);
    assert_eq!((watched.code, watched.stderr), (1, unknown.stderr));
    for args in [
        &["apps", "pod/web"][..],
        &["apps", "a/b/c"],
        &["apps", "web", "-A"],
        &["apps", "web", "-l", "a=b"],
        &["apps", "-o", "text"],
    ] {
        let wrong = support::run(args);
        assert_eq!(wrong.code, 2, "{args:?}: {}", wrong.stderr);
    }
    let selected = looker.run(&["apps", "-l", "no in (such, other)"]);
    assert!(
        selected
            .stderr
            .contains("with the labels no in (such, other)"),
        "{}",
        selected.stderr
    );
}

/// A program whose lines are read while it runs.
struct Watch {
    child: Child,
    lines: Arc<Mutex<String>>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(String::new()));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let into = Arc::clone(&lines);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                into.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Watch { child, lines }
    }

    #[track_caller]
    fn wait_for(&self, pattern: &str) {
        let pattern = regex::Regex::new(pattern).unwrap();
        wait(pattern.as_str(), || {
            pattern.is_match(&self.lines.lock().unwrap()).then_some(())
        });
    }

    /// Ctrl-C; exit code and stderr.
    #[track_caller]
    fn interrupt(mut self) -> (i32, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let status = wait("it ends", || self.child.try_wait().unwrap());
        let mut stderr = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        (status.code().unwrap_or(-1), stderr)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn a_watch_shows_each_change_in_a_pipe(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "piped");
    let lab = &looker.lab;
    let _operator = lab.operator();
    let all = Watch::start(looker.command(&["apps", "--watch"]));
    lab.app("web", spec(1));
    lab.ready("web");
    all.wait_for(r"^NAME +READY +STATE +REASON +IMAGE +AGE\n(.*\n)*web +1/1 +Ready ");
    let one = Watch::start(looker.command(&["apps", "web", "-w"]));
    let json = Watch::start(looker.command(&["apps", "web", "-w", "-o", "json"]));
    one.wait_for(r"^NAME +READY +STATUS +AGE\nApp/web +1/1 +Ready(.*\n)*CONDITION");
    json.wait_for(r"ObjectTree");
    lab.change("web", json!({"replicas": 2}));
    // What comes between may come too fast to be shown.
    one.wait_for(r"\nCONDITION(.*\n)*App/web +2/2 +Ready\n");
    one.wait_for(r"\nPod/web-\S+ +1/1 +Running\n");
    json.wait_for(r#"(?s)ObjectTree.*ObjectTree.*"ready": "2/2""#);
    all.wait_for(r"\nweb +2/2 +Ready ");
    lab.delete("app", "web");
    one.wait_for(r"\nApp/web +.*Deleted\n");
    all.wait_for(r"web +2/2 +Deleted ");
    for watch in [all, one, json] {
        assert_eq!(watch.interrupt(), (0, String::new()));
    }
}

fn a_watch_is_drawn_anew_on_a_terminal(cluster: &'static Cluster) {
    let looker = Looker::new(cluster, "drawn");
    let lab = &looker.lab;
    lab.app("web", spec(1));
    let mut list = Terminal::start(looker.command(&["apps", "-w"]));
    let mut screen = Terminal::start(looker.command(&["apps", "web", "-w"]));
    screen.wait_for("Waiting");
    // The hint stands below, and goes when it is no longer true.
    screen.wait_for("an App alone brings nothing up");
    list.wait_for("an App alone");
    let _operator = lab.operator();
    screen.wait_for("Running");
    list.wait_for("AllReplicasReady");
    screen.interrupt();
    list.interrupt();
    let (screen, list) = (screen.end(), list.end());
    assert_eq!((screen.code, list.code), (0, 0), "{}", screen.screen);
    let frames: Vec<&str> = screen.screen.split("\r\x1b[J").collect();
    assert!(frames.len() > 2, "{frames:?}");
    let last = frames.last().unwrap();
    assert!(!last.contains("an App alone"), "{last}");
    let colours = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for frame in frames {
        let frame = colours.replace_all(frame, "");
        let frame = frame.rsplit_once("\r\n").map_or("", |(whole, _)| whole);
        assert!(frame.lines().count() < 24, "{frame}");
        for line in frame.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
