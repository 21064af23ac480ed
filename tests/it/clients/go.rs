//! An operator written with controller-runtime: `tests/controlplane/boxes`, which
//! `tests/controlplane/build.sh` builds beside the real servers.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::operator::{Admin, wait};
use crate::support::{self, Cluster, on_both};

on_both! {
    an_operator_in_go_keeps_boxes,
}

const BASE: &str = "/apis/clients.example.com/v1";
const CORE: &str = "/api/v1/namespaces/go-boxes";

/// The built operator; ended when dropped.
struct Boxes {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Boxes {
    fn start(cluster: &Cluster) -> Option<Boxes> {
        let program = support::assets()?.join("boxes");
        assert!(
            program.exists(),
            "{} is not there; tests/controlplane/build.sh builds it",
            program.display()
        );
        let mut child = Command::new(program)
            .args(["--namespace", "go-boxes"])
            .env("KUBECONFIG", &cluster.kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut stderr, hears) = (child.stderr.take().unwrap(), Arc::clone(&said));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..count]).into_owned();
                hears.lock().unwrap().push_str(&text);
            }
        });
        Some(Boxes { child, said })
    }

    /// SIGTERM, and its end.
    fn stop(&mut self) -> i32 {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let status = wait("it ends", || self.child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let _ = writeln!(io::stderr(), "boxes said:\n{}", self.said());
        }
    }
}

fn crd() -> Value {
    let status = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let spec = json!({"type": "object", "properties": {"color": {"type": "string"}}});
    let schema = json!({"type": "object", "properties": {"spec": spec, "status": status}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boxes.clients.example.com"},
        "spec": {
            "group": "clients.example.com", "scope": "Namespaced",
            "names": {"plural": "boxes", "singular": "box", "kind": "Box"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

/// A new Box.
fn make(admin: &Admin, name: &str, color: &str) -> Value {
    let object = json!({"apiVersion": "clients.example.com/v1", "kind": "Box",
        "metadata": {"name": name}, "spec": {"color": color}});
    admin.create(&format!("{BASE}/namespaces/go-boxes/boxes"), &object)
}

fn an_operator_in_go_keeps_boxes(cluster: &'static Cluster) {
    if support::assets().is_none() {
        return;
    }
    let admin = Admin::of(cluster);
    admin.create(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        &crd(),
    );
    admin.create(
        "/api/v1/namespaces",
        &json!({"metadata": {"name": "go-boxes"}}),
    );
    wait("Boxes are served", || {
        let path = format!("{BASE}/boxes");
        let kind = "application/json";
        admin.send(Method::GET, &path, kind, &Value::Null).ok()
    });
    let lease = "/apis/coordination.k8s.io/v1/namespaces/go-boxes/leases/boxes";
    let holder = || {
        let lease = admin.get(lease)?;
        let holder = lease["spec"]["holderIdentity"].as_str()?.to_owned();
        (!holder.is_empty()).then_some(holder)
    };
    let Some(mut first) = Boxes::start(cluster) else {
        return;
    };
    let leader = wait("the first leads", holder);

    let made = make(&admin, "a", "red");
    make(&admin, "b", "red");
    let path = format!("{BASE}/namespaces/go-boxes/boxes/a");
    let map = |name: &str, color: &str| {
        let map = admin.get(&format!("{CORE}/configmaps/{name}"))?;
        (map["data"]["color"] == color).then_some(map)
    };
    let both = |color: &str| Some((map("a", color)?, map("a-applied", color)?));
    let (created, applied) = wait("it is filled", || both("red"));
    for map in [&created, &applied] {
        let owner = &map["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["uid"], &owner["kind"]),
            (&made["metadata"]["uid"], &json!("Box"))
        );
    }
    let status = |alike: u64, secrets: u64| {
        wait("the status is right", || {
            let a = admin.get(&path)?;
            let (status, generation) = (&a["status"], &a["metadata"]["generation"]);
            let is_right = status["observedGeneration"] == *generation
                && status["alike"] == alike
                && status["secrets"] == secrets
                && status["conditions"][0]["status"] == "True";
            is_right.then_some(())
        });
    };
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"k": "v"}});
    admin.create(&format!("{CORE}/secrets"), &secret);
    status(2, 1);
    // What is deleted comes back, and what is changed is followed.
    admin.delete(&format!("{CORE}/configmaps/a"));
    let again = wait("it is back", || map("a", "red"));
    assert_ne!(again["metadata"]["uid"], created["metadata"]["uid"]);
    admin.merge(&path, &json!({"spec": {"color": "blue"}}));
    wait("the color is followed", || both("blue"));
    status(1, 1);

    // Another waits, and takes over at once when the first has gone in good order.
    let mut second = Boxes::start(cluster).unwrap();
    assert_eq!(first.stop(), 0);
    let next = wait("the second leads", || {
        holder().filter(|holder| *holder != leader)
    });
    make(&admin, "c", "green");
    wait("the second works", || map("c", "green"));
    assert_eq!(holder().as_ref(), Some(&next));
    admin.delete(&path);
    wait("the Box is gone, and all in it", || {
        let maps = ["a", "a-applied"].map(|name| admin.get(&format!("{CORE}/configmaps/{name}")));
        (admin.get(&path).is_none() && maps.iter().all(Option::is_none)).then_some(())
    });
    wait("it is told what was done", || {
        let events = admin.get("/apis/events.k8s.io/v1/namespaces/go-boxes/events")?;
        let events = events["items"].as_array()?.clone();
        let told = |reason: &str| {
            let about = |e: &&Value| e["regarding"]["name"] == "a" && e["reason"] == reason;
            events.iter().any(|event| about(&event))
        };
        (told("Filled") && told("Emptied")).then_some(())
    });
    assert_eq!(second.stop(), 0);
    // A conflict, or a request that its end has cut off, is tried again; these are not.
    for said in [first.said(), second.said()] {
        let trouble = ["panic", "Unhandled Error", "Failed to watch"];
        assert!(!trouble.iter().any(|word| said.contains(word)), "{said}");
    }
}
