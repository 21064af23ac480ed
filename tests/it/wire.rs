//! Bytes to and from an API server, as they are, for scenarios about what no client would send.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::fidelity;

/// Nothing that is answered, or ended, at all takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// An API server, and the way to be let in.
pub(crate) struct Wire {
    host: String,
    token: String,
    tls: Arc<ClientConfig>,
}

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Wire {
    /// Of the server that a sandbox's kubeconfig leads to.
    pub(crate) fn of(kubeconfig: &Path) -> Wire {
        let (host, token, tls) = fidelity::way_in(kubeconfig);
        Wire { host, token, tls }
    }

    /// The administrator's bearer token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// A connection without TLS.
    pub(crate) fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection for HTTP/1.1, or for what else is agreed on (`h2`).
    pub(crate) fn tls(&self, protocol: &str) -> io::Result<Tls> {
        let mut config = ClientConfig::clone(&self.tls);
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(session, self.tcp());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The first lines of a request of the administrator, to be followed by more headers.
    pub(crate) fn head(&self, method: &str, path: &str) -> String {
        let token = &self.token;
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n")
    }

    /// Sends bytes and reads what is answered until the server closes; a request must ask for that.
    pub(crate) fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.tls("http/1.1").unwrap();
        // Who has read enough closes before all is written.
        let _ = stream.write_all(bytes);
        let _ = stream.flush();
        all(&mut stream)
    }

    /// A whole request; the code of its answer, 0 when there is none.
    pub(crate) fn code(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> u16 {
        let mut bytes = self.head(method, path).into_bytes();
        bytes.extend_from_slice(headers.as_bytes());
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(body);
        code(&self.ask(&bytes))
    }

    /// Sends bytes on a connection without TLS and reads what is answered, until the server closes.
    pub(crate) fn ask_plainly(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.tcp();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            answer.extend_from_slice(&piece[..count]);
        }
        answer
    }
}

/// The code of an answer in HTTP/1, 0 when it is none.
pub(crate) fn code(answer: &str) -> u16 {
    let code = answer
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5));
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// All that is answered until the server closes. How it closes does not matter, but it must.
#[track_caller]
pub(crate) fn all(stream: &mut Tls) -> String {
    let began = Instant::now();
    let mut answer = Vec::new();
    let mut piece = [0; 16 << 10];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..count]);
    }
    assert!(began.elapsed() < PATIENCE, "the connection stays open");
    let _ = stream.sock.shutdown(Shutdown::Both);
    String::from_utf8_lossy(&answer).into_owned()
}
