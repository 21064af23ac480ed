//! Clients that are broken or mean. Where the real server has an answer, the sandbox's is held to
//! it. What costs time is in the server's own tests, where its patience is short.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{self, Cluster, on_both, wait_until};
use crate::wire::{self, Wire};

on_both! {
    plain_http_is_told_what_it_is,
    what_is_no_http_is_a_bad_request,
    what_is_too_large_is_refused,
    a_body_that_breaks_off_changes_nothing,
    many_headers_and_long_addresses_are_fine,
}

/// Nothing takes this long that happens at all.
const PATIENCE: Duration = Duration::from_secs(60);
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn plain_http_is_told_what_it_is(cluster: &'static Cluster) {
    let wire = Wire::of(&cluster.kubeconfig);
    for request in [
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.0\r\n\r\nbody",
    ] {
        let answer = wire.ask_plainly(request.as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&answer),
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        );
    }
    // No TLS either: whatever is said about it, nothing is served and the connection ends.
    let answer = wire.ask_plainly(&[0xff; 4096]);
    assert!(answer.len() < 64, "{answer:?}");
}

fn what_is_no_http_is_a_bad_request(cluster: &'static Cluster) {
    let wire = Wire::of(&cluster.kubeconfig);
    let token = wire.head("GET", "/livez");
    let with = |more: &str| format!("{token}{more}\r\n");
    let cases = [
        "\0\u{1}\u{2}\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /livez\r\n\r\n".to_owned(),
        "GET livez HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_owned(),
        "GET /api/v1/namespaces/%zz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET /api/v1/namespaces/% HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        with("Content-Length: 1\r\nContent-Length: 2\r\n"),
        with("Content-Length: -1\r\n"),
        with("Content-Length: 99999999999999999999999\r\n"),
    ];
    for case in cases {
        // The connection ends with it: what follows on it could be anything.
        let answer = wire.ask(case.as_bytes());
        let code = wire::code(&answer);
        assert!(matches!(code, 400 | 505), "{case:?}: {answer}");
    }
    // Chunks that are none are noticed once the body is read.
    let chunked = "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n";
    let code = wire.code("POST", CONFIG_MAPS, chunked, b"zz\r\nbody\r\n0\r\n\r\n");
    assert_eq!(code, 500);
    // A parameter that is wrongly escaped is none.
    let path = format!("{CONFIG_MAPS}?labelSelector=%zz&fieldSelector=a;b");
    assert_eq!(wire.code("GET", &path, "", b""), 200);
}

fn what_is_too_large_is_refused(cluster: &'static Cluster) {
    let wire = Wire::of(&cluster.kubeconfig);
    let json = "Content-Type: application/json\r\n";
    let object =
        |size: usize| json!({"metadata": {"name": "big"}, "data": {"k": "x".repeat(size)}});
    // Who sends much more than is read may find the connection closed before the answer.
    let refused = |code: u16, size: usize| {
        let is_closed = code == 0 && size > 4 << 20;
        assert!(code == 413 || is_closed, "{size}: {code}");
    };
    for size in [(3 << 20) + 1, 8 << 20] {
        let body = object(size).to_string().into_bytes();
        let length = format!("{json}Content-Length: {}\r\n", body.len());
        refused(wire.code("POST", CONFIG_MAPS, &length, &body), size);
        let mut chunks = Vec::new();
        for chunk in body.chunks(100_000) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        let chunked = format!("{json}Transfer-Encoding: chunked\r\n");
        refused(wire.code("POST", CONFIG_MAPS, &chunked, &chunks), size);
    }
    let headers = format!("X-Long: {}\r\n", "x".repeat(2 << 20));
    assert_eq!(wire.code("GET", "/livez", &headers, b""), 431);
    assert_eq!(
        wire.code("GET", &format!("{CONFIG_MAPS}/big"), "", b""),
        404
    );
}

fn a_body_that_breaks_off_changes_nothing(cluster: &'static Cluster) {
    let wire = Wire::of(&cluster.kubeconfig);
    let object = json!({"metadata": {"name": "half"}, "data": {"k": "v"}}).to_string();
    let head = wire.head("POST", CONFIG_MAPS);
    let json = "Content-Type: application/json\r\n";
    let bodies = [
        // All of the object has come, but not all that was announced.
        format!(
            "{head}{json}Content-Length: {}\r\n\r\n{object}",
            object.len() + 1
        ),
        format!(
            "{head}{json}Content-Length: {}\r\n\r\n{}",
            object.len(),
            &object[..20]
        ),
        format!(
            "{head}{json}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{object}\r\n",
            object.len()
        ),
    ];
    for body in bodies {
        let mut stream = wire.tls("http/1.1").unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream.flush().unwrap();
        // Without a word of farewell.
        stream.sock.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = wire::all(&mut stream);
        // Whether anything is said to somebody who has gone is a matter of time.
        assert!(matches!(wire::code(&answer), 0 | 500 | 504), "{answer}");
        assert_eq!(
            wire.code("GET", &format!("{CONFIG_MAPS}/half"), "", b""),
            404
        );
    }
}

fn many_headers_and_long_addresses_are_fine(cluster: &'static Cluster) {
    let wire = Wire::of(&cluster.kubeconfig);
    let headers: String = (0..300).map(|n| format!("X-Header-{n}: {n}\r\n")).collect();
    assert_eq!(wire.code("GET", "/livez", &headers, b""), 200);
    let values: Vec<String> = (0..5000).map(|n| format!("value{n}")).collect();
    let path = format!("{CONFIG_MAPS}?labelSelector=a+in+({})", values.join(","));
    assert_eq!(wire.code("GET", &path, "", b""), 200);
    assert_eq!(over_2(&wire, &path), 200);
}

/// A GET over HTTP/2; its code.
fn over_2(wire: &Wire, path: &str) -> u16 {
    let mut stream = wire.tls("h2").unwrap();
    let mut block = vec![0x82, 0x87, 0x41, 0x09];
    block.extend_from_slice(b"localhost");
    literal(&mut block, 4, "", path);
    literal(&mut block, 23, "", &format!("Bearer {}", wire.token()));
    let mut bytes = PREFACE.to_vec();
    let mut pieces = block.chunks(16_000).peekable();
    let mut kind = HEADERS;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        let ends = if kind == HEADERS { END_STREAM } else { 0 };
        bytes.extend(frame(kind, last | ends, 1, piece));
        kind = CONTINUATION;
    }
    stream.write_all(&bytes).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        match head[3] {
            // A status that the table of HPACK has, 200 first.
            HEADERS => {
                return match payload[0] {
                    0x88 => 200,
                    0x8c => 400,
                    0x8d => 404,
                    _ => 1,
                };
            }
            GO_AWAY | RST_STREAM => return 0,
            _ => {}
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header that is not kept: by the index of its name, or with its name.
fn literal(block: &mut Vec<u8>, index: u8, name: &str, value: &str) {
    integer(block, 4, index.into());
    let mut text = |text: &str| {
        integer(block, 7, text.len());
        block.extend_from_slice(text.as_bytes());
    };
    if index == 0 {
        text(name);
    }
    text(value);
}

/// A number in HPACK's way, in so many bits of the first byte.
fn integer(block: &mut Vec<u8>, bits: u8, mut value: usize) {
    let most = (1 << bits) - 1;
    if value < most {
        block.push(u8::try_from(value).unwrap());
        return;
    }
    block.push(u8::try_from(most).unwrap());
    value -= most;
    while value >= 128 {
        block.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    block.push(u8::try_from(value).unwrap());
}

/// A sandbox of a scenario's own. When it is over the server must live and have said nothing of a
/// panic.
struct Own {
    wire: Wire,
    child: Child,
    said: Arc<Mutex<String>>,
    _directory: TempDir,
}

impl Own {
    /// `first` is for the shell that starts it.
    fn start(first: &str) -> Own {
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("config");
        let line = format!("{first} exec \"$0\" sandbox -v --kubeconfig \"$1\" -- cat");
        let mut child = support::shell(&line)
            .arg(support::APPOP)
            .arg(&kubeconfig)
            .stdin(Stdio::piped())
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
        wait_until(PATIENCE, || kubeconfig.exists());
        Own {
            wire: Wire::of(&kubeconfig),
            child,
            said,
            _directory: directory,
        }
    }

    /// Resident memory, in MiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let word = line.unwrap().split_whitespace().nth(1).unwrap();
        word.parse::<u64>().unwrap() / 1024
    }

    /// How many files it has open, connections among them.
    fn files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        files.unwrap().count()
    }

    fn lives(&self) {
        assert_eq!(self.wire.code("GET", "/readyz", "", b""), 200);
        let said = self.said.lock().unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Its command ends with its standard input, and it with its command.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Raises this process' own limit of open files.
fn allow_files(count: u64) {
    let now = getrlimit(Resource::Nofile);
    let more = Rlimit {
        current: Some(count.min(now.maximum.unwrap_or(count))),
        maximum: now.maximum,
    };
    setrlimit(Resource::Nofile, more).unwrap();
}

#[test]
fn a_thousand_idle_connections_are_in_nobodys_way() {
    allow_files(4096);
    let own = Own::start("");
    let idle: Vec<_> = (0..1000)
        .map(|_| own.wire.tls("http/1.1").unwrap())
        .collect();
    let began = Instant::now();
    own.lives();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(own.memory() < 250, "{} MiB", own.memory());
    drop(idle);
    own.lives();
}

#[test]
fn a_server_without_files_says_so_and_goes_on() {
    let own = Own::start("ulimit -n 64;");
    let held: Vec<TcpStream> = (0..100).map(|_| own.wire.tcp()).collect();
    wait_until(PATIENCE, || own.said.lock().unwrap().contains("ulimit -n"));
    drop(held);
    own.lives();
}

/// Many who ask for everything and read nothing, while everything changes.
#[test]
fn who_does_not_read_costs_little_and_is_let_go() {
    let own = Own::start("");
    let mut writer = own.wire.tls("http/1.1").unwrap();
    put(
        &own.wire,
        &mut writer,
        &json!({"metadata": {"name": "first"}}),
    );
    let files = own.files();
    let watch = own.wire.head(
        "GET",
        &format!("{CONFIG_MAPS}?watch=true&resourceVersion=1"),
    );
    let mut deaf: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = own.wire.tls("http/1.1").unwrap();
            stream.write_all(format!("{watch}\r\n").as_bytes()).unwrap();
            stream.flush().unwrap();
            stream
        })
        .collect();
    for number in 0..2500 {
        // The same few objects: what they were is held by the log alone.
        let object = json!({"metadata": {"name": format!("c{}", number % 10)},
            "data": {"k": "x".repeat(10_000), "n": number.to_string()}});
        put(&own.wire, &mut writer, &object);
    }
    let memory = own.memory();
    assert!(memory < 300, "{memory} MiB");
    // All of them: one that is read from again while it is kept would be kept for good.
    wait_until(PATIENCE, || own.files() <= files);
    for stream in &mut deaf {
        // What was sent is still there to be read, and then it is over.
        wire::all(stream);
    }
    own.lives();
}

/// Writes an object by apply, on a connection that stays.
fn put(wire: &Wire, stream: &mut wire::Tls, object: &Value) {
    let mut object = object.clone();
    object["apiVersion"] = json!("v1");
    object["kind"] = json!("ConfigMap");
    let body = object.to_string();
    let name = object["metadata"]["name"].as_str().unwrap();
    let head = wire.head("PATCH", &format!("{CONFIG_MAPS}/{name}?fieldManager=me"));
    let length = body.len();
    let request = format!(
        "{head}Content-Type: application/apply-patch+yaml\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(matches!(wire::code(head), 200 | 201), "{text}");
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        if rest.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

/// Floods over HTTP/2: opened and cancelled at once, headers without end, pings that nobody reads
/// the answers of. Each costs its own connection at most.
#[test]
fn floods_cost_the_connection_at_most() {
    let own = Own::start("");
    let before = own.memory();
    let mut get = vec![0x82, 0x87, 0x84, 0x41, 0x09];
    get.extend_from_slice(b"localhost");
    let cancelled = |count: u32| {
        let mut bytes = PREFACE.to_vec();
        for stream in (0..count).map(|n| 2 * n + 1) {
            bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get));
            bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        }
        bytes
    };
    let endless = {
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(HEADERS, END_STREAM, 1, &get));
        let mut more = Vec::new();
        for n in 0..100 {
            literal(&mut more, 0, &format!("x-{n}"), &"x".repeat(100));
        }
        for _ in 0..3000 {
            bytes.extend(frame(CONTINUATION, 0, 1, &more));
        }
        bytes
    };
    let pings = [PREFACE, &frame(PING, 0, 0, &[0; 8]).repeat(500_000)].concat();
    for flood in [cancelled(50_000), endless, pings] {
        let mut stream = own.wire.tls("h2").unwrap();
        stream
            .sock
            .set_write_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        // Taken, refused, or left lying: all of it is right.
        let _ = stream.write_all(&flood);
        own.lives();
    }
    let grown = own.memory().saturating_sub(before);
    assert!(grown < 100, "{grown} MiB");
}
