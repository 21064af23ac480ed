//! Reaching a server: what goes wrong, each with its sentence, and what kubectl's rules promise.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::{self, Output};

fn failed(output: &Output) -> &str {
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (1, ""),
        "{}",
        output.stderr
    );
    &output.stderr
}

#[track_caller]
fn says(output: &Output, parts: &[&str]) {
    let text = failed(output);
    for part in parts {
        assert!(text.contains(part), "{part:?} in: {text}");
    }
}

/// Listens on loopback and gives every connection to `serve`, for as long as the test runs.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn write(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn without_any_cluster_the_sandbox_is_named() {
    let output = support::run(["discover"]);
    says(
        &output,
        &[
            "no cluster is configured",
            ".kube/config does not exist",
            "appop sandbox",
        ],
    );
}

#[test]
fn a_missing_or_broken_kubeconfig_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let output = support::run(["discover", "--kubeconfig", gone.to_str().unwrap()]);
    says(
        &output,
        &["cannot use the kubeconfig", "gone", "No such file"],
    );
    let broken = write(dir.path(), "broken", "clusters: [}");
    let output = support::run(["discover", "--kubeconfig", broken.to_str().unwrap()]);
    says(&output, &["cannot use the kubeconfig", "broken"]);
}

#[test]
fn nobody_listening_and_nobody_answering_are_told_apart() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let output = support::run(["discover", "-s", &format!("http://{closed}")]);
    says(
        &output,
        &["the connection was refused", &closed.to_string()],
    );

    let silent = listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let server = format!("http://{silent}");
    let output = support::run(["discover", "-s", &server, "--request-timeout", "300ms"]);
    says(&output, &["no answer within 300ms", "--request-timeout"]);

    let cut = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"kind\":");
        let _ = stream.shutdown(Shutdown::Both);
    });
    let output = support::run(["discover", "-s", &format!("http://{cut}")]);
    says(
        &output,
        &["the connection broke before the answer was complete"],
    );

    let trickle = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let server = format!("http://{trickle}");
    let output = support::run(["discover", "-s", &server, "--request-timeout", "1s"]);
    says(&output, &["no answer within 1s"]);
}

/// Answers each path with a code and a body; all other paths with 404.
fn serving(pages: &'static [(&'static str, u16, &'static str)]) -> String {
    let address = listen(move |mut stream| {
        let mut request = [0; 4096];
        let size = stream.read(&mut request).unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..size]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let page = pages.iter().find(|page| page.0 == path);
        let (_, code, body) = page.copied().unwrap_or((path, 404, "nothing here"));
        let head = format!(
            "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes());
    });
    format!("http://{address}")
}

#[test]
fn a_login_in_the_address_is_never_shown() {
    let server = serving(&[]).replace("http://", "http://me:secret@");
    let output = support::run(["discover", "-vvv", "-s", &server]);
    says(
        &output,
        &["-u me:\"$PASSWORD\"", "is this a Kubernetes API server"],
    );
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
}

#[test]
fn what_is_missing_of_the_core_group_or_of_all_others_is_said() {
    let core = serving(&[
        (
            "/api",
            200,
            r#"{"kind": "APIVersions", "versions": ["v1"]}"#,
        ),
        ("/apis", 200, r#"{"kind": "APIGroupList", "groups": []}"#),
        ("/api/v1", 500, "boom"),
    ]);
    for what in ["core", "v1", "core/"] {
        let output = support::run(["discover", what, "-s", &core]);
        assert_eq!(output.code, 3, "{what}: {}", output.stderr);
        assert!(output.stderr.contains("v1 cannot be reached: 500: boom"));
    }
    let named = serving(&[
        (
            "/api",
            200,
            r#"{"kind": "APIVersions", "versions": ["v1"]}"#,
        ),
        (
            "/api/v1",
            200,
            r#"{"kind": "APIResourceList", "resources": []}"#,
        ),
        ("/apis", 500, "boom"),
    ]);
    for what in ["batch", "batch/v1", "jobs"] {
        let output = support::run(["discover", what, "-s", &named]);
        says(
            &output,
            &["any group but core, which cannot be reached: 500: boom"],
        );
    }
}

#[test]
fn names_from_the_server_are_harmless_one_a_line() {
    let server = serving(&[
        (
            "/api",
            200,
            r#"{"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": ""}, "versions":
            [{"version": "v1\u001b[31m", "resources": [{"resource": "pods\n\u0007",
            "responseKind": {"kind": "Pod"}, "verbs": ["get"]}]}]}]}"#,
        ),
        (
            "/apis",
            200,
            r#"{"kind": "APIGroupDiscoveryList", "items": []}"#,
        ),
    ]);
    for (flag, line) in [
        ("--output=name", "pods\\n\\u{7}.v1\\u{1b}[31m.\n"),
        ("--versions", "v1\\u{1b}[31m\n"),
    ] {
        let output = support::run(["discover", flag, "-s", &server]).success();
        assert_eq!(output, line);
    }
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let output = support::run(["discover", "-s", "https://no-such-host.invalid"]);
    says(&output, &["\"no-such-host.invalid\", cannot be resolved"]);
}

#[test]
fn what_is_no_api_server_is_said_so() {
    let page = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\nConnection: close\r\n\r\n<html>\x1b[31mhi</html>",
        );
    });
    let output = support::run(["discover", "-s", &format!("http://{page}")]);
    says(
        &output,
        &["is not what a Kubernetes API server says there", "<html>"],
    );
    assert!(
        !output.stderr.contains('\x1b'),
        "no escape sequence gets through"
    );

    let ssh = listen(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let output = support::run(["discover", "-s", &format!("http://{ssh}")]);
    says(&output, &["does not speak HTTP"]);
    let output = support::run([
        "discover",
        "-s",
        &format!("https://{ssh}"),
        "--insecure-skip-tls-verify",
    ]);
    says(&output, &["does not speak TLS"]);
}

#[test]
fn endless_redirects_end_and_foreign_ones_are_refused() {
    let round = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(
            b"HTTP/1.1 302 Found\r\nLocation: /api\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    });
    let output = support::run(["discover", "-s", &format!("http://{round}")]);
    says(&output, &["redirected more than 10 times"]);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let elsewhere = listen(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let away = listen(move |mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let answer = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/api\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.write_all(answer.as_bytes());
    });
    let output = support::run([
        "discover",
        "-s",
        &format!("http://{away}"),
        "--token",
        "secret",
    ]);
    says(&output, &["appop does not follow it", "credentials"]);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        0,
        "credentials went nowhere else"
    );
}

#[test]
fn certificates_that_do_not_fit_are_explained() {
    let Some(real) = support::real() else { return };
    let url = real.url();
    let output = support::run(["discover", "-s", &url]);
    says(&output, &["not trusted here", "--certificate-authority"]);

    let dir = tempfile::tempdir().unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    let ca = write(dir.path(), "ca.pem", &other.cert.pem());
    let output = real.run(["discover", "--certificate-authority", ca.to_str().unwrap()]);
    says(&output, &["not trusted here", "belongs to another cluster"]);

    let output = real.run(["discover", "--tls-server-name", "elsewhere.example.com"]);
    says(&output, &["not valid for", "--tls-server-name"]);

    let plain = url.replace("https://", "http://");
    let output = real.run(["discover", "-s", &plain]);
    says(&output, &["400", "HTTP request to an HTTPS server"]);
}

#[test]
fn credentials_that_are_wrong_or_missing_are_explained() {
    let Some(real) = support::real() else { return };
    let output = real.run(["discover", "--token", "nonsense"]);
    says(&output, &["401", "does not accept the token", "--context"]);
    // {"exp": 1700000000}
    let output = real.run(["discover", "--token", "e30.eyJleHAiOiAxNzAwMDAwMDAwfQ.c2ln"]);
    says(&output, &["expired at 2023-11-14 22:13:20 UTC"]);
    let anonymous = real.run(["discover", "-s", &real.url(), "--user", "nobody"]);
    says(&anonymous, &["no user \"nobody\""]);
    let output = real.run(["discover", "--as-group", "system:masters"]);
    says(&output, &["need --as"]);
    let output = real.run(["discover", "--as", "anna", "-o", "name"]);
    assert!(
        output.success().contains("pods.v1."),
        "any user may discover"
    );
}

#[test]
fn several_kubeconfig_files_are_merged_and_missing_ones_skipped() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let first = write(
        dir.path(),
        "first",
        "apiVersion: v1\nkind: Config\ncontexts:\n- {name: here, context: {cluster: appop-sandbox, user: who}}\n\
         users:\n- {name: who, user: {tokenFile: token}}\ncurrent-context: here\n",
    );
    let config: serde_json::Value =
        serde_saphyr::from_str(&std::fs::read_to_string(&real.kubeconfig).unwrap()).unwrap();
    let token = config["users"][0]["user"]["token"].as_str().unwrap();
    write(dir.path(), "token", &format!("{token}\n"));
    let list = std::env::join_paths([&dir.path().join("gone"), &first, &real.kubeconfig]).unwrap();
    let mut command = real.command(["discover", "--versions"]);
    let output = support::finish(command.env("KUBECONFIG", list));
    assert!(output.success().contains("apps/v1"));
}

#[test]
fn a_credential_plugin_runs_once_and_its_failure_is_told() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let config: serde_json::Value =
        serde_saphyr::from_str(&std::fs::read_to_string(&real.kubeconfig).unwrap()).unwrap();
    let token = config["users"][0]["user"]["token"].as_str().unwrap();
    let version = "client.authentication.k8s.io/v1";
    let script = |name: &str, body: &str| {
        let file = write(dir.path(), name, &format!("#!/bin/sh\n{body}\n"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    script(
        "good",
        &format!(
            "echo \"$KUBERNETES_EXEC_INFO\" >> \"$(dirname \"$0\")/runs\"\n\
             echo '{{\"apiVersion\":\"{version}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\"}}}}'"
        ),
    );
    script("bad", "echo 'please log in' >&2; exit 3");
    script("odd", "echo hello");
    let kubeconfig = |command: &str| {
        let mut config = config.clone();
        config["users"][0]["user"] = serde_json::json!({ "exec": {
            "apiVersion": version, "command": command, "interactiveMode": "Never",
            "provideClusterInfo": true, "installHint": "get it from your admin",
        }});
        write(dir.path(), "config", &config.to_string())
    };
    let run = |command: &str| {
        let file = kubeconfig(command);
        support::finish(
            real.command(["discover", "--versions"])
                .env("KUBECONFIG", file),
        )
    };
    // A relative command with a slash is relative to the kubeconfig.
    assert!(run("./good").success().contains("apps/v1"));
    let runs = std::fs::read_to_string(dir.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    let info: serde_json::Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(
        info["spec"]["cluster"]["server"],
        config["clusters"][0]["cluster"]["server"]
    );
    says(
        &run("./bad"),
        &["please log in", "it ended with exit status: 3"],
    );
    says(&run("./odd"), &["is not an ExecCredential"]);
    says(
        &run("no-such-plugin"),
        &["No such file", "get it from your admin"],
    );
}

/// Copies both ways until either side ends.
fn relay(a: TcpStream, b: TcpStream) {
    let (mut a2, mut b2) = (a.try_clone().unwrap(), b.try_clone().unwrap());
    let (mut a, mut b) = (a, b);
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut b2, &mut a2);
        let _ = a2.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut a, &mut b);
    let _ = b.shutdown(Shutdown::Both);
    let _ = back.join();
}

#[test]
fn http_and_socks5_proxies_are_used_and_their_failure_is_told() {
    let Some(real) = support::real() else { return };
    let target: SocketAddr = real.url().trim_start_matches("https://").parse().unwrap();
    let used = Arc::new(AtomicUsize::new(0));

    let count = Arc::clone(&used);
    let http = listen(move |mut stream| {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
            request.push(byte[0]);
        }
        assert!(request.starts_with(format!("CONNECT {target} ").as_bytes()));
        count.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        relay(stream, TcpStream::connect(target).unwrap());
    });
    let count = Arc::clone(&used);
    let socks = listen(move |mut stream| {
        let mut head = [0; 2];
        stream.read_exact(&mut head).unwrap();
        stream
            .read_exact(&mut vec![0; usize::from(head[1])])
            .unwrap();
        stream.write_all(&[5, 0]).unwrap();
        // Version, CONNECT, reserved, IPv4, address, port.
        let mut request = [0; 10];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(request[..4], [5, 1, 0, 1]);
        count.fetch_add(1, Ordering::SeqCst);
        stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).unwrap();
        relay(stream, TcpStream::connect(target).unwrap());
    });
    let config: serde_json::Value =
        serde_saphyr::from_str(&std::fs::read_to_string(&real.kubeconfig).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let through = |proxy: &str| {
        let mut config = config.clone();
        config["clusters"][0]["cluster"]["proxy-url"] = proxy.into();
        let file = write(dir.path(), "config", &config.to_string());
        support::finish(
            real.command(["discover", "--versions"])
                .env("KUBECONFIG", file),
        )
    };
    for proxy in [format!("http://{http}"), format!("socks5://{socks}")] {
        let before = used.load(Ordering::SeqCst);
        assert!(through(&proxy).success().contains("apps/v1"), "{proxy}");
        assert!(used.load(Ordering::SeqCst) > before, "{proxy} was used");
    }
    let refusing = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    });
    says(
        &through(&format!("http://me:secret@{refusing}")),
        &["the proxy", "did not connect us"],
    );
    let output = through(&format!("http://me:secret@{refusing}"));
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
    says(
        &through("ftp://127.0.0.1:1"),
        &["is not a proxy that appop can use"],
    );
    let mut command = real.command(["discover", "--versions"]);
    let output = support::finish(command.env("HTTPS_PROXY", "http://127.0.0.1:1"));
    assert!(
        output.success().contains("apps/v1"),
        "this machine is never asked for by proxy"
    );
}

#[test]
fn verbose_shows_requests_and_a_curl_line_that_works() {
    let Some(real) = support::real() else { return };
    let dir = tempfile::tempdir().unwrap();
    let run = |flag: &str| {
        let mut command = real.command(["discover", "--versions", flag, "--cache-dir"]);
        support::finish(command.arg(dir.path().join(flag)))
    };
    let one = run("-v");
    let lines: Vec<&str> = one.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(
            (words[0], words[2], words[4], words[6]),
            ("GET", "200", "ms", "bytes"),
            "{line}"
        );
    }
    let two = run("-v=8");
    let config: serde_json::Value =
        serde_saphyr::from_str(&std::fs::read_to_string(&real.kubeconfig).unwrap()).unwrap();
    let token = config["users"][0]["user"]["token"].as_str().unwrap();
    assert!(!two.stderr.contains(token), "the token is never shown");
    assert!(
        two.stderr
            .contains("> accept: application/json;g=apidiscovery.k8s.io")
    );
    assert!(
        two.stderr
            .contains("< content-type: application/json;g=apidiscovery.k8s.io")
    );
    let curl = two
        .stderr
        .lines()
        .find(|l| l.starts_with("curl ") && l.ends_with("/api"))
        .unwrap();
    let pasted = format!("{curl} -sS --fail");
    let mut bash = std::process::Command::new("bash");
    let output = support::finish(bash.args(["-c", &pasted]).env("TOKEN", token));
    assert!(output.success().contains("APIGroupDiscoveryList"), "{curl}");
    let three = run("-vvv");
    assert!(three.stderr.contains("\"kind\":\"APIGroupDiscoveryList\""));
    assert!(!three.stderr.contains(token));
}
