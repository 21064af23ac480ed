//! Making room for what an apply would add.
//!
//! Ports are merged by number. Whoever edits a port's number by hand has, for the server, taken ours
//! away and added one of theirs, with our name: an apply that brings ours back is refused, for a
//! name stands once. What is in the way goes; ports that are in nobody's way stay. Pure.
//!
//! A container's port is taken away before the apply. A Service cannot be without ports, so there
//! the one in the way gets another name first, and is taken away when ours is back. It is not simply
//! edited back: we would own it by two operations then, and could never drop it by apply.

use serde_json::{Value, json};

use crate::app::Child;

/// The JSON patch to send before an apply of `payload` that was refused; `None` when nothing is in
/// its way.
pub(super) fn before(child: Child, payload: &Value, live: &Value) -> Option<Value> {
    let mut operations = Vec::new();
    match child {
        Child::Service => {
            let (wished, there) = (&payload["spec"]["ports"], &live["spec"]["ports"]);
            for (path, item) in in_the_way(wished, there, SERVICE_KEYS, SERVICE_PORTS) {
                let name = format!("{path}/name");
                operations.push(json!({"op": "test", "path": path, "value": item}));
                operations.push(json!({"op": "replace", "path": name, "value": other_name(item)}));
                if items(wished).any(|w| both(w, item, "nodePort")) {
                    operations.push(json!({"op": "remove", "path": format!("{path}/nodePort")}));
                }
            }
        }
        Child::Deployment => {
            for (wished, there, path) in container_ports(payload, live) {
                operations.extend(removals(in_the_way(wished, there, CONTAINER_KEYS, &path)));
            }
        }
    }
    (!operations.is_empty()).then_some(Value::Array(operations))
}

/// The JSON patch to send after the apply, to whose answer it refers; `None` when all is clear.
pub(super) fn after(child: Child, payload: &Value, answer: &Value) -> Option<Value> {
    if child != Child::Service {
        return None;
    }
    let wished = &payload["spec"]["ports"];
    let is_renamed = |item: &Value| item["name"].as_str() == Some(&other_name(item));
    let is_wished = |item: &Value| items(wished).any(|w| both(w, item, "name"));
    let left = items(&answer["spec"]["ports"]).enumerate();
    let left = left.filter(|(_, item)| is_renamed(item) && !is_wished(item));
    let found = left
        .map(|(place, item)| (format!("{SERVICE_PORTS}/{place}"), item))
        .collect();
    let operations = removals(found);
    (!operations.is_empty()).then_some(Value::Array(operations))
}

/// All of that in one JSON patch, for a dry run, in which nothing is kept that an apply could follow:
/// what is in the way goes and ours come. `None` when nothing is in the way.
pub(super) fn at_once(child: Child, payload: &Value, live: &Value) -> Option<Value> {
    let mut operations = Vec::new();
    let mut swap = |wished: &Value, there: &Value, keys: [&str; 2], path: &str| {
        let found = in_the_way(wished, there, keys, path);
        if found.is_empty() {
            return;
        }
        operations.extend(removals(found));
        let is_there = |w: &Value| items(there).any(|item| keys.iter().all(|k| w[k] == item[k]));
        let missing = items(wished).filter(|w| !is_there(w));
        operations
            .extend(missing.map(|w| json!({"op": "add", "path": format!("{path}/-"), "value": w})));
    };
    match child {
        Child::Service => {
            let (wished, there) = (&payload["spec"]["ports"], &live["spec"]["ports"]);
            swap(wished, there, SERVICE_KEYS, SERVICE_PORTS);
        }
        Child::Deployment => {
            for (wished, there, path) in container_ports(payload, live) {
                swap(wished, there, CONTAINER_KEYS, &path);
            }
        }
    }
    (!operations.is_empty()).then_some(Value::Array(operations))
}

const SERVICE_PORTS: &str = "/spec/ports";
const SERVICE_KEYS: [&str; 2] = ["port", "protocol"];
const CONTAINER_KEYS: [&str; 2] = ["containerPort", "protocol"];

/// The ports of each container that is wished and there: as wished, as they are, and where.
fn container_ports<'a>(
    payload: &'a Value,
    live: &'a Value,
) -> impl Iterator<Item = (&'a Value, &'a Value, String)> {
    let there = items(containers(live)).enumerate();
    there.filter_map(|(place, there)| {
        let wished = items(containers(payload)).find(|w| w["name"] == there["name"])?;
        let path = format!("/spec/template/spec/containers/{place}/ports");
        Some((&wished["ports"], &there["ports"], path))
    })
}

/// What a port is called until it is taken away.
fn other_name(port: &Value) -> String {
    let protocol = port["protocol"].as_str().unwrap_or("TCP").to_lowercase();
    format!("not-wished-{}-{protocol}", port["port"])
}

/// From the end, so that places stay what they are; and each only if it is still there.
fn removals(found: Vec<(String, &Value)>) -> Vec<Value> {
    let found = found.into_iter().rev();
    let pairs = found.map(|(path, item)| {
        let test = json!({"op": "test", "path": path, "value": item});
        [test, json!({"op": "remove", "path": path})]
    });
    pairs.flatten().collect()
}

/// The items that are not wished, but have what a wished one needs for itself; with their paths.
fn in_the_way<'a>(
    wished: &'a Value,
    there: &'a Value,
    keys: [&str; 2],
    path: &str,
) -> Vec<(String, &'a Value)> {
    let is_wished = |item: &Value| items(wished).any(|w| keys.iter().all(|k| w[k] == item[k]));
    let clashes =
        |item: &Value| items(wished).any(|w| both(w, item, "name") || both(w, item, "nodePort"));
    let found = items(there)
        .enumerate()
        .filter(|(_, item)| !is_wished(item) && clashes(item));
    found
        .map(|(place, item)| (format!("{path}/{place}"), item))
        .collect()
}

fn both(a: &Value, b: &Value, field: &str) -> bool {
    !a[field].is_null() && a[field] == b[field]
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn containers(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(ports: Value) -> Value {
        json!({"spec": {"ports": ports}})
    }

    fn port(name: &str, port: i32) -> Value {
        json!({"name": name, "port": port, "protocol": "TCP"})
    }

    /// The operations but for the tests, as text.
    fn done(patch: Option<Value>) -> Vec<String> {
        let operations = patch
            .as_ref()
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let done = operations.iter().filter(|o| o["op"] != "test");
        done.map(|o| {
            format!(
                "{} {}",
                o["op"].as_str().unwrap(),
                o["path"].as_str().unwrap()
            )
        })
        .collect()
    }

    #[test]
    fn a_port_that_took_our_name_goes_and_any_other_stays() {
        let wished = service(json!([port("http", 80), port("admin", 81)]));
        let live = service(json!([
            port("http", 8080),
            port("extra", 9),
            port("admin", 81),
            port("admin", 82),
        ]));
        let patch = before(Child::Service, &wished, &live);
        assert_eq!(
            done(patch),
            ["replace /spec/ports/0/name", "replace /spec/ports/3/name"]
        );
        let answer = service(json!([
            port("http", 80),
            port("not-wished-8080-tcp", 8080),
            port("extra", 9),
            port("admin", 81),
            port("not-wished-82-tcp", 82),
        ]));
        let patch = after(Child::Service, &wished, &answer);
        assert_eq!(
            done(patch),
            ["remove /spec/ports/4", "remove /spec/ports/1"]
        );
        assert_eq!(
            done(at_once(Child::Service, &wished, &live)),
            [
                "remove /spec/ports/3",
                "remove /spec/ports/0",
                "add /spec/ports/-"
            ]
        );
    }

    #[test]
    fn a_node_port_stands_once_too() {
        let with = |number: i32| {
            let mut port = port("http", number);
            port["nodePort"] = json!(30080);
            service(json!([port]))
        };
        let patch = before(Child::Service, &with(80), &with(81));
        assert_eq!(
            done(patch),
            [
                "replace /spec/ports/0/name",
                "remove /spec/ports/0/nodePort"
            ]
        );
    }

    #[test]
    fn nothing_in_the_way_is_no_patch() {
        let same = service(json!([port("http", 80)]));
        assert_eq!(before(Child::Service, &same, &same), None);
        assert_eq!(before(Child::Service, &same, &service(Value::Null)), None);
        assert_eq!(after(Child::Service, &same, &same), None);
        assert_eq!(at_once(Child::Service, &same, &same), None);
        let odd = service(json!([port("not-wished-80-tcp", 80)]));
        assert_eq!(
            after(Child::Service, &odd, &odd),
            None,
            "somebody may wish that name"
        );
    }

    #[test]
    fn a_containers_ports_are_those_of_the_container_of_that_name() {
        let of =
            |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let ports = |port: i32| json!([{"name": "http", "containerPort": port, "protocol": "TCP"}]);
        let wished = of(json!([{"name": "web", "ports": ports(80)}]));
        let live = of(json!([
            {"name": "mesh", "ports": ports(15001)}, {"name": "web", "ports": ports(81)},
        ]));
        let patch = before(Child::Deployment, &wished, &live);
        assert_eq!(
            done(patch),
            ["remove /spec/template/spec/containers/1/ports/0"]
        );
        assert_eq!(
            done(at_once(Child::Deployment, &wished, &live)),
            [
                "remove /spec/template/spec/containers/1/ports/0",
                "add /spec/template/spec/containers/1/ports/-"
            ]
        );
        assert_eq!(after(Child::Deployment, &wished, &live), None);
    }
}
