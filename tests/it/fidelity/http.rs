//! HTTP/1.1 over TLS, by hand: every byte of a request is the scenario's, nothing is added,
//! retried or followed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::answer::{Answer, Body};

/// Longer than any answer takes on a busy machine; a test that hangs is worse than one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, and how to be let in.
#[derive(Clone)]
pub(super) struct Server {
    /// Such as `127.0.0.1:6443`.
    pub(super) host: String,
    /// The bearer token.
    pub(super) token: String,
    /// Trusts the server's certificate authority.
    pub(super) tls: Arc<ClientConfig>,
}

/// A request, complete.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// A connection that is used again for as long as the server keeps it.
pub(super) struct Client {
    server: Server,
    open: Option<Connection>,
}

type Connection = BufReader<StreamOwned<ClientConnection, TcpStream>>;

impl Client {
    pub(super) fn new(server: Server) -> Self {
        Client { server, open: None }
    }

    /// Sends a request and reads its whole answer.
    pub(super) fn send(&mut self, request: &Request) -> io::Result<Answer> {
        let reused = self.open.is_some();
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => self.server.connect()?,
        };
        let answer = exchange(&mut connection, &self.server, request);
        let answer = match answer {
            // A server may close a connection that is idle; that is no answer to this request.
            Err(error) if reused && error.kind() == io::ErrorKind::UnexpectedEof => {
                connection = self.server.connect()?;
                exchange(&mut connection, &self.server, request)
            }
            answer => answer,
        }?;
        if !answer
            .header("connection")
            .is_some_and(|c| c.eq_ignore_ascii_case("close"))
        {
            self.open = Some(connection);
        }
        Ok(answer)
    }

    /// Sends a request on a connection of its own and reads the head of its answer.
    pub(super) fn watch(&self, request: &Request) -> io::Result<(Answer, Option<Watch>)> {
        let mut connection = self.server.connect()?;
        write(&mut connection, &self.server, request)?;
        let mut answer = read_head(&mut connection)?;
        if answer.status != 200 {
            answer.body = read_body(&mut connection, &answer, &request.method)?;
            return Ok((answer, None));
        }
        Ok((
            answer,
            Some(Watch {
                connection,
                line: Vec::new(),
            }),
        ))
    }
}

/// The rest of a watch's answer, an event a line.
pub(super) struct Watch {
    connection: Connection,
    /// What has come of the next line.
    line: Vec<u8>,
}

impl Watch {
    /// The next event; `None` when the server has ended the watch, an error at the deadline.
    pub(super) fn next(&mut self, deadline: Instant) -> io::Result<Option<serde_json::Value>> {
        loop {
            if let Some(end) = self.line.iter().position(|&byte| byte == b'\n') {
                let rest = self.line.split_off(end + 1);
                let line = std::mem::replace(&mut self.line, rest);
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let socket = &self.connection.get_ref().sock;
            socket.set_read_timeout(Some(left))?;
            match read_chunk(&mut self.connection)? {
                Some(chunk) => self.line.extend(chunk),
                None if self.line.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                None => return Err(invalid("the watch ends within an event")),
            }
        }
    }
}

impl Server {
    fn connect(&self) -> io::Result<Connection> {
        let socket = TcpStream::connect(&self.host)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let name = self
            .host
            .rsplit_once(':')
            .map_or(&*self.host, |(name, _)| name);
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let session = ClientConnection::new(self.tls.clone(), name).map_err(io::Error::other)?;
        Ok(BufReader::new(StreamOwned::new(session, socket)))
    }
}

fn exchange(connection: &mut Connection, server: &Server, request: &Request) -> io::Result<Answer> {
    // A server that has read enough answers and closes: then the rest cannot be written, and the
    // answer is there to be read all the same.
    let written = write(connection, server, request);
    let mut answer = match (read_head(connection), written) {
        (Ok(answer), _) => answer,
        (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
    };
    answer.body = read_body(connection, &answer, &request.method)?;
    Ok(answer)
}

fn write(connection: &mut Connection, server: &Server, request: &Request) -> io::Result<()> {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let has = |name: &str| {
        headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    let mut header = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    header("Host", &server.host);
    if !has("Authorization") {
        header("Authorization", &format!("Bearer {}", server.token));
    }
    if !has("Content-Length") && (!body.is_empty() || ["POST", "PUT", "PATCH"].contains(&&**method))
    {
        header("Content-Length", &body.len().to_string());
    }
    for (name, value) in headers {
        if value != "none" {
            header(name, value);
        }
    }
    head.push_str("\r\n");
    let stream = connection.get_mut();
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

fn read_head(connection: &mut Connection) -> io::Result<Answer> {
    let line = read_line(connection)?;
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| invalid("no status line"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("no header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Answer {
        status,
        headers,
        body: Body::Empty,
    })
}

fn read_body(connection: &mut Connection, answer: &Answer, method: &str) -> io::Result<Body> {
    let mut bytes = Vec::new();
    let chunked = answer.header("transfer-encoding") == Some("chunked");
    if method == "HEAD" || [204, 304].contains(&answer.status) {
    } else if chunked {
        while let Some(chunk) = read_chunk(connection)? {
            bytes.extend(chunk);
        }
    } else if let Some(length) = answer.header("content-length") {
        let length = length.parse().map_err(|_| invalid("no content length"))?;
        bytes.resize(length, 0);
        connection.read_exact(&mut bytes)?;
    } else {
        connection.read_to_end(&mut bytes)?;
    }
    Ok(Body::read(bytes))
}

/// The next chunk; `None` at the end.
fn read_chunk(connection: &mut Connection) -> io::Result<Option<Vec<u8>>> {
    let size = read_line(connection)?;
    let size = size.split(';').next().unwrap_or_default();
    let size = usize::from_str_radix(size, 16).map_err(|_| invalid("no size of a chunk"))?;
    let mut chunk = vec![0; size + 2];
    connection.read_exact(&mut chunk)?;
    chunk.truncate(size);
    Ok((size > 0).then_some(chunk))
}

fn read_line(connection: &mut Connection) -> io::Result<String> {
    let mut line = Vec::new();
    connection.take(1 << 20).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8(line).map_err(|_| invalid("a header is not UTF-8"))?;
    Ok(line.trim_end().to_owned())
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
