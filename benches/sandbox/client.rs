//! A client that costs little: requests are bytes, answers are read and counted, not parsed.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server, as its kubeconfig says it is reached.
#[derive(Clone)]
pub(crate) struct Target {
    address: String,
    authorization: String,
    tls: TlsConnector,
}

/// A connection of its own, with one request at a time.
pub(crate) struct Connection {
    target: Target,
    sender: SendRequest<Full<Bytes>>,
}

impl Target {
    pub(crate) fn read(kubeconfig: &Path) -> Self {
        let text = std::fs::read_to_string(kubeconfig).unwrap();
        let config: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let cluster = &config["clusters"][0]["cluster"];
        let pem = base64::engine::general_purpose::STANDARD
            .decode(cluster["certificate-authority-data"].as_str().unwrap())
            .unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let url = cluster["server"].as_str().unwrap();
        let token = config["users"][0]["user"]["token"].as_str().unwrap();
        Target {
            address: url
                .trim_start_matches("https://")
                .trim_end_matches('/')
                .into(),
            authorization: format!("Bearer {token}"),
            tls: TlsConnector::from(Arc::new(tls)),
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.tls.connect(name, stream).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        // It ends with its sender, or with its server.
        tokio::spawn(connection);
        Connection {
            target: self.clone(),
            sender,
        }
    }
}

impl Connection {
    /// Sends a request; the answer's body has yet to be read.
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Incoming {
        self.sender.ready().await.unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.target.address)
            .header(AUTHORIZATION, &self.target.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .unwrap();
        let answer = self.sender.send_request(request).await.unwrap();
        let (status, body) = (answer.status(), answer.into_body());
        if !status.is_success() {
            let text = body.collect().await.unwrap().to_bytes();
            panic!("{path}: {status}: {}", String::from_utf8_lossy(&text));
        }
        body
    }

    /// Sends a request and reads the answer; tells its length in bytes.
    pub(crate) async fn call(&mut self, method: Method, path: &str, body: Bytes) -> usize {
        let mut body = self.send(method, path, body).await;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().map_or(0, |data| data.len());
        }
        length
    }
}
