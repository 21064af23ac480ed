//! `appop crds` and servers that forget, cut, or mean harm.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::connect::listen;
use crate::support::{self, Output};

/// The path and query of a request.
fn read_target(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut lines = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).is_ok_and(|n| n > 0) {}
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// Runs appop on a server that answers each path with what `answer` gives: status line and body.
fn run(
    args: &[&str],
    answer: impl Fn(&str) -> (&'static str, Vec<u8>) + Send + Sync + 'static,
) -> Output {
    let address = listen(move |mut stream| {
        let target = read_target(&mut stream);
        if target.is_empty() {
            return;
        }
        let (status, body) = answer(&target);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&body);
    });
    let server = format!("http://{address}");
    support::run([&["crds", "-s", &server], args].concat())
}

fn list(names: &[&str], token: &str) -> Vec<u8> {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({"metadata": {"name": name}}))
        .collect();
    json!({"kind": "CustomResourceDefinitionList", "metadata": {"continue": token}, "items": items})
        .to_string()
        .into_bytes()
}

#[test]
fn pages_are_followed_and_a_forgotten_state_is_asked_for_anew() {
    let pages = |target: &str| match target.split_once("continue=") {
        None => list(&["a.x"], "next/page"),
        Some((_, "next%2Fpage")) => list(&["b.x"], ""),
        Some((_, other)) => panic!("{other}"),
    };
    let output = run(&["-o", "json"], move |target| ("200 OK", pages(target)));
    let whole: Value = serde_json::from_str(&output.success()).unwrap();
    assert_eq!(whole["items"].as_array().unwrap().len(), 2);

    let output = run(&["-o", "jsonpath={.items[*].name}"], |target| {
        match (target.contains("continue="), target.contains("limit=")) {
            (true, _) => {
                let status = json!({"kind": "Status", "status": "Failure", "code": 410,
                    "reason": "Expired", "message": "too old"});
                ("410 Gone", status.to_string().into_bytes())
            }
            (_, true) => ("200 OK", list(&["a.x"], "next")),
            _ => ("200 OK", list(&["a.x", "b.x", "c.x"], "")),
        }
    });
    assert_eq!(output.success(), "a.x b.x c.x");

    // A server that knows no Tables gives whole CRDs.
    let output = run(&["--no-headers"], |target| {
        match target.contains("customres") {
            true => ("200 OK", list(&["a.x", "b.x"], "")),
            false => ("200 OK", b"{\"kind\":\"APIGroupDiscoveryList\"}".to_vec()),
        }
    });
    assert_eq!(output.success().lines().count(), 2);
}

#[test]
fn half_a_list_is_no_list() {
    let whole = String::from_utf8(list(&["a.x", "b.x"], "")).unwrap();
    let cases: [(String, &str); 5] = [
        (whole[..whole.len() - 20].to_owned(), "ends in the middle"),
        ("<html>".to_owned(), "not the JSON of a List"),
        ("{}".to_owned(), "has no items"),
        ("{\"items\":[{\"metadata\":7}]}".to_owned(), "invalid type"),
        (
            format!("{{\"items\":[{}", "[".repeat(4 << 20)),
            "ends in the middle",
        ),
    ];
    for (body, said) in cases {
        let output = run(&["-o", "wide"], move |_| {
            ("200 OK", body.clone().into_bytes())
        });
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
        assert!(output.stderr.contains(said), "{said}: {output:?}");
    }
}

#[test]
fn names_from_a_hostile_server_are_shown_harmless() {
    let evil = "\u{1b}[2Jevil\n.x\u{202e}";
    for args in [&[][..], &["-o", "name"], &["-o", "wide"], &["--problems"]] {
        let output = run(args, move |target| {
            let body = if target.contains("includeObject=None") {
                json!({"kind": "Table", "columnDefinitions": [{"name": "Name"}],
                    "rows": [{"cells": [evil]}]})
            } else if target.contains("limit=") {
                json!({"items": [{"metadata": {"name": evil}, "spec": {"versions": [
                    {"name": evil, "storage": true}]}}]})
            } else if target == "/apis" {
                json!({"kind": "APIGroupDiscoveryList", "items": []})
            } else {
                return ("404 Not Found", b"{}".to_vec());
            };
            ("200 OK", body.to_string().into_bytes())
        });
        assert_eq!(output.code, 0, "{args:?}: {output:?}");
        assert!(
            output.stdout.contains("\\u{1b}[2Jevil\\n.x\\u{202e}"),
            "{output:?}"
        );
        assert!(
            !output.stdout.contains(['\u{1b}', '\u{202e}']),
            "{output:?}"
        );
    }
}
