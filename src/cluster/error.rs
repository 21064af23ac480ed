//! What can go wrong on the way to a server, each with what to do about it.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use super::failure::Failure;

/// A failure to reach a server or to get a good answer from it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no kubeconfig, no `--server`, and this is no pod.
    #[error(
        "no cluster is configured: no --server was given, {looked_at}, and this is not a pod.\n\
         Point KUBECONFIG or --kubeconfig at a kubeconfig file. Without a cluster: appop sandbox \
         starts a Kubernetes API on this machine, and --sandbox one for this command alone"
    )]
    NotConfigured {
        /// "there is no X" for each file that was looked for
        looked_at: String,
    },
    /// A kubeconfig file that cannot be used.
    #[error("cannot use the kubeconfig {}: {problem}", file.display())]
    Kubeconfig {
        /// The file
        file: PathBuf,
        /// What is wrong with it
        problem: String,
    },
    /// The merged settings make no sense; the sentence says which and what to do.
    #[error("{0}")]
    Settings(String),
    /// A credential plugin failed.
    #[error(
        "the credential plugin {command:?} gave no credentials: {problem}{}",
        hint.as_ref().map(|hint| format!("\n{}", hint.trim())).unwrap_or_default()
    )]
    ExecPlugin {
        /// The plugin's command
        command: String,
        /// What happened
        problem: String,
        /// The kubeconfig's installHint
        hint: Option<String>,
    },
    /// No connection, or one that broke.
    #[error("{method} {url} failed: {why}")]
    Transport {
        /// The request's method
        method: String,
        /// The request's URL
        url: String,
        /// What went wrong and what to do
        why: Box<Transport>,
    },
    /// The server answered, but with an error.
    #[error("{0}")]
    Http(Box<Failure>),
    /// The server answered with something that is not what was asked for.
    #[error("the answer to GET {path} is not what a Kubernetes API server says there: {problem}")]
    Answer {
        /// The path that was asked for
        path: String,
        /// What is wrong with the answer
        problem: String,
    },
}

impl Error {
    /// The HTTP failure, if the server did answer.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Error::Http(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum Transport {
    /// Nobody listens there.
    #[error(
        "the connection was refused: nothing listens at {0}. Is the cluster running, and is the \
         server's address in the kubeconfig right?"
    )]
    Refused(String),
    /// The name does not resolve.
    #[error(
        "the name of the server, {0:?}, cannot be resolved. Check the address in the kubeconfig, \
         the network, and whether a VPN is needed."
    )]
    UnknownHost(String),
    /// There is no way there.
    #[error("the server at {0} cannot be reached from here ({1}). Check the network or the VPN.")]
    Unreachable(String, String),
    /// No answer in time.
    #[error("no answer within {0}. {1}")]
    TimedOut(String, &'static str),
    /// The connection broke before the answer was whole.
    #[error(
        "the connection broke before the answer was complete ({0}). The server or something \
         before it ended it; try again."
    )]
    Broken(String),
    /// The certificate was signed by somebody whom we were not told to trust.
    #[error("the server's certificate is signed by an authority that is not trusted here. {0}")]
    UnknownAuthority(&'static str),
    /// The certificate is for another name.
    #[error(
        "the server's certificate is not valid for {0:?}{1}. Use an address that is in the \
         certificate, or name one of its names with --tls-server-name."
    )]
    WrongName(String, String),
    /// The certificate's time has passed or has not come.
    #[error(
        "the server's certificate is expired or not yet valid ({0}). Check this machine's clock; \
         if it is right, the server needs a new certificate."
    )]
    NotValidNow(String),
    /// The other side does not speak TLS.
    #[error(
        "the server does not speak TLS there ({0}). If it really serves plain HTTP, write http:// \
         in its address."
    )]
    NotTls(String),
    /// The other side speaks TLS, we did not.
    #[error("the server wants TLS: write https:// in its address.")]
    WantsTls,
    /// The server ended the TLS handshake.
    #[error("the TLS handshake failed: {0}.")]
    Tls(String),
    /// The other side does not speak HTTP.
    #[error("what answers there does not speak HTTP/1.1 as an API server does ({0}).")]
    NotHttp(String),
    /// The proxy in between failed.
    #[error("the proxy {0} did not connect us: {1}. Check proxy-url, HTTPS_PROXY and NO_PROXY.")]
    Proxy(String, String),
    /// A redirect that is not followed.
    #[error("{0}")]
    Redirect(String),
    /// Anything else, in the library's words.
    #[error("{0}")]
    Other(String),
}

/// What the words of a transport failure need to know about the connection.
pub(super) struct Endpoint<'a> {
    /// host:port of the server
    pub(super) address: &'a str,
    /// The host alone
    pub(super) host: &'a str,
    /// The proxy, if there is one
    pub(super) proxy: Option<&'a str>,
    /// Whether a certificate authority was configured
    pub(super) has_authority: bool,
}

/// Finds the cause in a chain of library errors.
pub(super) fn classify(problem: &(dyn StdError + 'static), to: &Endpoint<'_>) -> Transport {
    let text = chain(problem);
    for cause in causes(problem) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return classify_tls(tls, to);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if let Some(tls) = tls_within(io) {
                return classify_tls(tls, to);
            }
            if let Some(proxy) = to.proxy
                && is_connect(&text)
            {
                return Transport::Proxy(proxy.to_owned(), io.to_string());
            }
            match io.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return Transport::Refused(to.address.to_owned());
                }
                io::ErrorKind::TimedOut => {
                    return Transport::TimedOut(
                        "the time allowed".into(),
                        "The server, or the network on the way to it, does not answer.",
                    );
                }
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return Transport::Unreachable(to.address.to_owned(), io.to_string());
                }
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => return Transport::Broken(io.to_string()),
                _ => {}
            }
        }
    }
    if text.contains("dns error") || text.contains("failed to lookup address") {
        return Transport::UnknownHost(to.host.to_owned());
    }
    if let Some(proxy) = to.proxy
        && (text.contains("tunnel") || text.contains("SOCKS") || text.contains("socks"))
    {
        return Transport::Proxy(proxy.to_owned(), innermost(problem));
    }
    if text.contains("closed before message completed") || text.contains("connection closed") {
        return Transport::Broken(innermost(problem));
    }
    if text.contains("invalid HTTP")
        || text.contains("error parsing")
        || text.contains("unexpected message")
    {
        return Transport::NotHttp(innermost(problem));
    }
    Transport::Other(text)
}

/// An I/O error may wrap another, and its `source` passes over what it wraps.
fn tls_within(problem: &io::Error) -> Option<&rustls::Error> {
    let inner = problem.get_ref()?;
    inner
        .downcast_ref::<rustls::Error>()
        .or_else(|| tls_within(inner.downcast_ref::<io::Error>()?))
}

fn classify_tls(problem: &rustls::Error, to: &Endpoint<'_>) -> Transport {
    use rustls::CertificateError as Bad;
    match problem {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer | Bad::BadSignature => {
                Transport::UnknownAuthority(if to.has_authority {
                    "The kubeconfig's certificate-authority belongs to another cluster, or somebody is \
                 in between; get a fresh kubeconfig."
                } else {
                    "Name its authority with --certificate-authority, or in the kubeconfig."
                })
            }
            Bad::NotValidForName => Transport::WrongName(to.host.to_owned(), String::new()),
            Bad::NotValidForNameContext { presented, .. } => {
                let names = presented
                    .iter()
                    .map(|name| {
                        name.strip_prefix("DnsName(\"")
                            .and_then(|name| name.strip_suffix("\")"))
                            .or_else(|| name.strip_prefix("IpAddress(")?.strip_suffix(')'))
                            .unwrap_or(name)
                    })
                    .collect::<Vec<_>>()
                    .join(", ");
                let names = if names.is_empty() {
                    names
                } else {
                    format!("; it is for {names}")
                };
                Transport::WrongName(to.host.to_owned(), names)
            }
            Bad::Expired | Bad::ExpiredContext { .. } => Transport::NotValidNow("expired".into()),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                Transport::NotValidNow("not yet valid".into())
            }
            other => Transport::Tls(format!(
                "the server's certificate is not acceptable: {other}"
            )),
        },
        rustls::Error::InvalidMessage(_) => Transport::NotTls(problem.to_string()),
        rustls::Error::AlertReceived(alert) => {
            Transport::Tls(format!("the server refused it ({alert:?})"))
        }
        other => Transport::Tls(other.to_string()),
    }
}

fn is_connect(text: &str) -> bool {
    text.contains("(Connect)") || text.contains("tunnel") || text.contains("SOCKS")
}

fn causes<'a>(
    problem: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(problem), |cause| {
        let cause: &'a (dyn StdError + 'static) = *cause;
        cause.source()
    })
}

fn innermost(problem: &(dyn StdError + 'static)) -> String {
    causes(problem)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// An error and its causes in one line, each said once.
pub fn chain(problem: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(problem).map(ToString::to_string) {
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}
