//! `appop raw` and servers that cut, stall, or mean harm.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};

use crate::connect::listen;
use crate::support;
use crate::terminal::{Ended, Terminal};

/// A server that gives the same answer to every request; its address as a URL.
fn answering(head: &'static str, body: impl Into<Vec<u8>>) -> String {
    let body = body.into();
    let address = listen(move |mut stream| {
        if !read_request(&mut stream).is_empty() {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    format!("http://{address}")
}

/// The head of a request.
fn read_request(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    let mut lines = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") && lines.read_line(&mut head).is_ok_and(|n| n > 0) {}
    head
}

fn raw(server: &str, args: &[&str]) -> Command {
    support::command([&["raw", "-s", server], args].concat())
}

/// On a terminal without colours, so that nothing but text may be there.
fn on_terminal(server: &str, args: &[&str]) -> Ended {
    let ended = Terminal::start(raw(server, &[args, &["--color", "never"]].concat())).end();
    let screen = &ended.screen;
    let start: String = screen.chars().take(3000).collect();
    let hostile = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert!(!screen.chars().any(hostile), "{start:?}");
    assert!(!screen.replace("\r\n", "").contains('\r'), "{start:?}");
    ended
}

const JSON: &str = "200 OK\r\nContent-Type: application/json";

#[test]
fn what_came_before_a_cut_is_written_and_the_cut_is_said() {
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let address = listen(move |mut stream| {
            read_request(&mut stream);
            let piece = match framing {
                "Content-Length: 1000" => "{\"kind\":",
                _ => "8\r\n{\"kind\":\r\n",
            };
            let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{piece}");
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
        });
        let output = support::finish(&mut raw(&format!("http://{address}"), &["/api"]));
        assert_eq!((output.code, output.stdout.as_str()), (1, "{\"kind\":"));
        let said = "the connection broke before the answer was complete";
        assert!(output.stderr.contains(said), "{}", output.stderr);
    }
}

#[test]
fn slow_bytes_are_passed_on_as_they_come() {
    let address = listen(|mut stream| {
        read_request(&mut stream);
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(b"{\"type\":\"ADDED\"}\n");
        // No more comes until the client goes.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let server = format!("http://{address}");
    let mut child = raw(&server, &["/api?watch=true"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "{\"type\":\"ADDED\"}\n");
    child.kill().unwrap();
    child.wait().unwrap();

    let mut terminal = Terminal::start(raw(&server, &["/api?watch=true", "--color", "never"]));
    terminal.wait_for("    \"type\": \"ADDED\"\r\n}");
    terminal.interrupt();
    assert_eq!(terminal.end().code, 130);

    let limited = ["/api", "--request-timeout", "300ms"];
    let output = support::finish(&mut raw(&server, &limited));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (1, "{\"type\":\"ADDED\"}\n")
    );
    assert!(
        output
            .stderr
            .contains("300ms that --request-timeout allows"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_hundred_mebibytes_of_nested_json_pass_through_a_pipe_and_not_over_a_screen() {
    let server = answering(JSON, vec![b'['; 100 << 20]);
    let count = format!("\"$0\" raw -s {server} /api | wc -c");
    let output = support::finish(
        Command::new("bash")
            .args(["-c", &count, support::APPOP])
            .stdin(Stdio::null()),
    );
    assert_eq!(output.success().trim(), (100 << 20).to_string());

    let ended = on_terminal(&server, &["/api"]);
    assert!(ended.screen.len() < 4 << 20, "{} bytes", ended.screen.len());
    assert!(
        ended.screen.contains("not shown: too much for a screen"),
        "it says so"
    );
    assert_eq!(ended.code, 0);
    for flag in ["--all", "--table"] {
        let output = support::finish(&mut raw(&server, &["/api", flag]));
        assert_eq!(output.code, 1, "{flag}: {}", output.stderr);
    }
}

#[test]
fn nothing_in_an_answer_steers_the_terminal() {
    let evil = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{7f}\x08\r\u{202e}";
    let json = serde_json::json!({"kind": "Status", "message": evil, evil: [evil]}).to_string();
    // A careless server does not escape at all.
    let careless = format!("{{\"a\": \"{evil}\"}}");
    for body in [&json, &careless, evil] {
        for head in [
            JSON,
            "200 OK\r\nContent-Type: text/plain",
            "200 OK",
            "500 Oh\r\nContent-Type: application/json",
        ] {
            let server = answering(head, body.as_bytes());
            for args in [
                &["/api"][..],
                &["/api", "-i"],
                &["/api", "-o", "status"],
                &["/api", "--all"],
                &["/api", "--table"],
            ] {
                let ended = on_terminal(&server, args);
                assert!(!ended.screen.is_empty());
            }
        }
    }
    let header = "200 OK\r\nContent-Type: text/plain\r\nX-Evil: a\u{9b}31m\u{7}";
    let ended = on_terminal(&answering(header, "ok"), &["/api", "-i"]);
    assert!(
        ended.screen.contains("ok") || ended.code == 1,
        "{}",
        ended.screen
    );
    let table = serde_json::json!({
        "kind": "Table",
        "columnDefinitions": [{"name": evil}, {"name": "b"}],
        "rows": [{"cells": [evil, "x\x1b[31m"]}, {"cells": []}, {}],
    });
    let ended = on_terminal(
        &answering(JSON, table.to_string()),
        &["/api/v1/pods", "--table"],
    );
    assert_eq!(ended.code, 0, "{}", ended.screen);
    let event = serde_json::json!({"type": evil, "object": table}).to_string() + "\n";
    let ended = on_terminal(
        &answering(JSON, event),
        &["/api/v1/pods?watch=true", "--table"],
    );
    assert_eq!(ended.code, 0, "{}", ended.screen);
}

#[test]
fn invalid_text_is_shown_and_binary_is_not() {
    let server = answering(
        "200 OK\r\nContent-Type: text/plain",
        &b"a\xff\xe2\x82b\n"[..],
    );
    assert_eq!(
        on_terminal(&server, &["/x"]).screen,
        "a\u{fffd}\u{fffd}b\r\n"
    );
    let output = support::finish(Command::new("bash").args([
        "-c",
        &format!("\"$0\" raw -s {server} /x | od -An -tx1"),
        support::APPOP,
    ]));
    assert_eq!(output.success().trim(), "61 ff e2 82 62 0a");
    for head in [
        "200 OK\r\nContent-Type: application/vnd.kubernetes.protobuf",
        "200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip",
        "200 OK\r\nContent-Type: text/plain",
    ] {
        let ended = on_terminal(&answering(head, &b"k8s\0\x1b[31m\n"[..]), &["/x"]);
        assert_eq!(ended.code, 1);
        assert!(
            ended.screen.contains("nothing for a terminal"),
            "{}",
            ended.screen
        );
    }
}

#[test]
fn redirects_without_end_are_ended() {
    let server = answering("302 Found\r\nLocation: /again", "");
    let output = support::finish(&mut raw(&server, &["/api"]));
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("redirected more than 10 times"),
        "{}",
        output.stderr
    );
    let output = support::finish(&mut raw(&server, &["/api", "-d", "{}"]));
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("302"), "{}", output.stderr);
}

#[test]
fn an_endless_answer_that_is_too_fast_goes_on_after_a_pause() {
    let address = listen(|mut stream| {
        read_request(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let event = format!("{{\"object\": \"{}\"}}\n", "x".repeat(100_000));
        for _ in 0..100 {
            let _ = stream.write_all(event.as_bytes());
        }
        // Once the terminal has seen the flood end, life goes on.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let _ = stream.write_all(b"{\"object\": \"late\"}\n");
    });
    let server = format!("http://{address}");
    let ended = on_terminal(&server, &["/api?watch=true"]);
    assert_eq!(ended.code, 0);
    let (_, after) = ended
        .screen
        .split_once("came too fast for a screen")
        .unwrap();
    assert!(after.contains("    \"object\": \"late\"\r\n}"), "{after}");
}

/// A list whose second page has expired, as etcd's compaction makes it.
fn forgetful(pages: &'static [(&'static str, &'static str)]) -> String {
    let address = listen(move |mut stream| {
        let request = read_request(&mut stream);
        let Some(line) = request.lines().next() else {
            return;
        };
        let page = pages.iter().find(|(query, _)| line.contains(query));
        let (code, body) = match page {
            Some((_, body)) if body.contains("Expired") => ("410 Gone", *body),
            Some((_, body)) => ("200 OK", *body),
            None => ("500 Unexpected", line),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes());
    });
    format!("http://{address}")
}

const EXPIRED: &str = r#"{"kind":"Status","status":"Failure","message":"The provided continue parameter is too old","reason":"Expired","code":410}"#;

#[test]
fn a_list_that_expires_on_the_way_is_completed_by_one_full_list() {
    let server = forgetful(&[
        ("continue=t1", EXPIRED),
        (
            "limit=500",
            r#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"t1","remainingItemCount":1},"items":[{"metadata":{"name":"a"},"v":1},{"metadata":{"name":"b"},"v":1}]}"#,
        ),
        (
            "/api/v1/pods?resourceVersion=7 ",
            r#"{"items":[{"metadata":{"name":"a"},"v":2},{"metadata":{"name":"aa"}},{"metadata":{"name":"c"}}],"kind":"PodList"}"#,
        ),
    ]);
    let args = ["/api/v1/pods?resourceVersion=7", "--all"];
    let output = support::finish(&mut raw(&server, &args));
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(
        output.stdout,
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[\
         {\"metadata\":{\"name\":\"a\"},\"v\":1},{\"metadata\":{\"name\":\"b\"},\"v\":1},\
         {\"metadata\":{\"name\":\"aa\"}},{\"metadata\":{\"name\":\"c\"}}]}\n"
    );
    assert!(
        output.stderr.contains("410, after 2 items"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_list_that_cannot_be_completed_says_how_far_it_came() {
    let server = forgetful(&[
        ("continue=t1", r#"{"items":[{"metadata":{"na"#),
        (
            "limit=500",
            r#"{"metadata":{"continue":"t1"},"items":[{"a":1}]}"#,
        ),
    ]);
    let output = support::finish(&mut raw(&server, &["/api/v1/pods", "--all"]));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (1, r#"{"metadata":{},"items":[{"a":1}"#)
    );
    assert!(
        output
            .stderr
            .contains("incomplete: it broke off after 1 items"),
        "{}",
        output.stderr
    );
    let server = forgetful(&[(
        "limit=500",
        r#"{"metadata":{"continue":"t1"},"items":[{"a":1}]}"#,
    )]);
    let output = support::finish(&mut raw(&server, &["/api/v1/pods", "--all"]));
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.contains("names itself as the next page"),
        "{}",
        output.stderr
    );
    let server = forgetful(&[("limit=500", EXPIRED)]);
    let output = support::finish(&mut raw(&server, &["/api/v1/pods", "--all"]));
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    assert!(
        output.stderr.contains("List again from the start"),
        "{}",
        output.stderr
    );
}
