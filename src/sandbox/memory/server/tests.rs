//! Clients that are slow, silent or wrong, each on a connection of its own, with a server that has
//! little patience. Whoever still waits for a connection to end after ten seconds has found a hang.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::patience::Patience;
use super::{body, connection, tls};
use crate::sandbox::memory::api::{Api, Settings};
use crate::sandbox::memory::bootstrap;
use crate::sandbox::memory::identity::Identity;

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(300);
const HANG: Duration = Duration::from_secs(10);

/// Nothing ends but what a test is about.
fn patient() -> Patience {
    Patience {
        handshake: LONG,
        first: LONG,
        idle: LONG,
        stalled: LONG,
        looks: Duration::from_millis(20),
    }
}

/// One connection, and the server's end of it.
struct Lab {
    api: Arc<Api>,
    identity: Identity,
    stream: Option<TcpStream>,
    served: JoinHandle<()>,
    _stop: watch::Sender<bool>,
}

impl Lab {
    async fn new(patience: Patience) -> Lab {
        let identity = Identity::generate().unwrap();
        let api = Api::new(Settings {
            admin_token: identity.token().to_owned(),
            ..Settings::default()
        });
        bootstrap::run(&api).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pair = identity.serving(address.ip()).unwrap();
        let acceptor = tls::acceptor(&pair.certificate, &pair.key).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let served = connection::serve(Arc::clone(&api), accepted, acceptor, patience, stopped);
        Lab {
            api,
            identity,
            stream: Some(stream),
            served: tokio::spawn(served),
            _stop: stop,
        }
    }

    async fn tls(&mut self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.identity.ca().as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = self.stream.take().unwrap();
        connector.connect(name, stream).await.unwrap()
    }

    /// What follows the path in a request of the administrator.
    fn head(&self, path: &str) -> String {
        let token = self.identity.token();
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n")
    }

    /// Makes a ConfigMap of 100 KB, by another way than the connection.
    async fn make(&self, number: usize) {
        let object = json!({"metadata": {"name": format!("c{number}")},
            "data": {"k": "x".repeat(100_000)}});
        let request = Request::post("/api/v1/namespaces/default/configmaps")
            .header("authorization", format!("Bearer {}", self.identity.token()))
            .body(Full::new(Bytes::from(object.to_string())))
            .unwrap();
        let answer = connection::respond(&self.api, request).await;
        assert_eq!(answer.status(), 201);
    }

    async fn ends(self) {
        let ended = timeout(HANG, self.served).await;
        ended.expect("the connection is still open").unwrap();
    }
}

const WATCH: &str = "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1";

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let patience = Patience {
        handshake: SHORT,
        ..patient()
    };
    Lab::new(patience).await.ends().await;
}

#[tokio::test]
async fn who_never_asks_is_let_go() {
    for protocol in [&b"http/1.1"[..], b"h2"] {
        let patience = Patience {
            first: SHORT,
            ..patient()
        };
        let mut lab = Lab::new(patience).await;
        let _stream = lab.tls(protocol).await;
        lab.ends().await;
    }
}

#[tokio::test]
async fn headers_that_never_end_are_not_waited_for() {
    let patience = Patience {
        first: SHORT,
        ..patient()
    };
    let mut lab = Lab::new(patience).await;
    let mut stream = lab.tls(b"http/1.1").await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let drips = tokio::spawn(async move {
        let mut count = 0;
        while stream.write_all(b"a: b\r\n").await.is_ok() && stream.flush().await.is_ok() {
            count += 1;
            sleep(Duration::from_millis(20)).await;
        }
        count
    });
    lab.ends().await;
    let count = timeout(HANG, drips).await.unwrap().unwrap();
    assert!(count > 3, "it was let go before it was slow");
}

#[tokio::test]
async fn who_asks_now_and_then_stays() {
    let patience = Patience {
        first: SHORT,
        idle: SHORT * 3,
        ..patient()
    };
    let mut lab = Lab::new(patience).await;
    let mut stream = lab.tls(b"http/1.1").await;
    let mut answer = [0; 4096];
    for _ in 0..4 {
        let request = format!("{}\r\n", lab.head("/livez"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = stream.read(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer[..count]);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        sleep(SHORT).await;
    }
    lab.ends().await;
}

#[tokio::test]
async fn a_watch_that_is_quiet_stays() {
    let patience = Patience {
        first: SHORT,
        idle: SHORT,
        stalled: SHORT,
        ..patient()
    };
    let mut lab = Lab::new(patience).await;
    let mut stream = lab.tls(b"http/1.1").await;
    let request = format!("{}\r\n", lab.head(WATCH));
    stream.write_all(request.as_bytes()).await.unwrap();
    sleep(SHORT * 3).await;
    assert!(!lab.served.is_finished());
    lab.make(0).await;
    let mut text = String::new();
    while !text.contains("\"ADDED\"") {
        let mut piece = [0; 4096];
        let count = timeout(HANG, stream.read(&mut piece))
            .await
            .unwrap()
            .unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

/// The kernel's buffers hold some megabytes; beyond them, what a client does not read stays in the
/// store, and the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_not_read_ends() {
    let patience = Patience {
        stalled: SHORT,
        ..patient()
    };
    let mut lab = Lab::new(patience).await;
    let mut stream = lab.tls(b"http/1.1").await;
    let request = format!("{}\r\n", lab.head(WATCH));
    stream.write_all(request.as_bytes()).await.unwrap();
    for number in 0..300 {
        lab.make(number).await;
    }
    lab.ends().await;
}

/// Over HTTP/2 a client can read its connection, and leave one stream of it lying there.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_ends_the_connection() {
    let patience = Patience {
        stalled: SHORT,
        ..patient()
    };
    let mut lab = Lab::new(patience).await;
    let stream = TokioIo::new(lab.tls(b"h2").await);
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .handshake(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("https://127.0.0.1{WATCH}"))
        .header("authorization", format!("Bearer {}", lab.identity.token()))
        .body(Full::new(Bytes::new()))
        .unwrap();
    let watch = sender.send_request(request).await.unwrap();
    assert_eq!(watch.status(), 200);
    for number in 0..20 {
        lab.make(number).await;
    }
    lab.ends().await;
}

#[tokio::test]
async fn plain_http_is_told_what_it_is() {
    let mut lab = Lab::new(patient()).await;
    let mut stream = lab.stream.take().unwrap();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let read = timeout(HANG, stream.read_to_string(&mut answer)).await;
    read.expect("it is not answered").unwrap();
    assert_eq!(
        answer,
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
    drop(stream);
    lab.ends().await;
}

#[tokio::test]
async fn what_is_no_tls_ends_the_connection() {
    for garbage in [
        &b"\x00\x01\x02\x03\x04\x05\x06"[..],
        &[0x16, 3, 1, 0xff, 0xff, 1],
        &[b'x'; 70_000],
    ] {
        let mut lab = Lab::new(Patience {
            handshake: SHORT,
            ..patient()
        })
        .await;
        let mut stream = lab.stream.take().unwrap();
        // It may have closed before all is written.
        let _ = stream.write_all(garbage).await;
        lab.ends().await;
    }
}

#[tokio::test]
async fn a_body_that_drips_is_not_waited_for() {
    let drips = futures::stream::unfold((), |()| async {
        sleep(Duration::from_millis(20)).await;
        let frame = http_body::Frame::data(Bytes::from_static(b" "));
        Some((Ok::<_, std::convert::Infallible>(frame), ()))
    });
    let body = StreamBody::new(drips).boxed_unsync();
    let read = timeout(HANG, body::read(body, SHORT)).await;
    let status = read.expect("it waits for ever").unwrap_err();
    assert_eq!((status.code, status.reason), (504, "Timeout"));
    let shown: Value = status.to_json();
    assert_eq!(shown["kind"], "Status");
}
