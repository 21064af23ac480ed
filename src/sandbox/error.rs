//! What can go wrong with a sandbox.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// The variable that names the directory of the servers' binaries; envtest's, so that one setting
/// serves both.
pub const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// Why a sandbox could not be started, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A server's binary is nowhere to be found.
    #[error(
        "cannot find {name}, which the real control plane needs. Looked in {}. {}",
        looked_in(looked),
        how_to_get(name)
    )]
    MissingBinary {
        /// The file name looked for.
        name: &'static str,
        /// The directories looked in, in order, each with where it comes from.
        looked: Vec<String>,
    },
    /// The port that was asked for belongs to another program.
    #[error(
        "port {port} on 127.0.0.1 is in use, perhaps by another sandbox; name another with --port, \
         or leave --port out to get a free one"
    )]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// The port that was asked for may not be used.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Port {
        /// The port asked for; 0 when any free one would have done.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A server ended though nobody told it to.
    #[error("{0}")]
    Ended(Ended),
    /// A server did not come up in time.
    #[error("{server} was not ready after {seconds} s: {last}.{}", the_log(log))]
    NotReady {
        /// The server waited for.
        server: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// What it answered the last time it was asked.
        last: String,
        /// The end of its log.
        log: String,
    },
    /// The kubeconfig cannot be written where it was asked for.
    #[error("cannot write the kubeconfig to {}: {reason}", path.display())]
    Kubeconfig {
        /// Where it was to go.
        path: PathBuf,
        /// Why it cannot.
        reason: String,
    },
    /// The system refused something.
    #[error("cannot {what}")]
    System {
        /// What was tried, as the rest of "cannot ...".
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file that is to hold the sandbox cannot be used.
    #[error("cannot use {} to keep the sandbox: {reason}. It was left as it is", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Why it cannot.
        reason: String,
    },
    /// The sandbox failed by its own fault.
    #[error("the sandbox could not start, which is a fault of appop: {0}")]
    Own(String),
    /// Certificates could not be made.
    #[error("cannot make the sandbox's certificates")]
    Certificates(#[from] rcgen::Error),
    /// The API server could not be asked, or refused.
    #[error("cannot {what}")]
    Api {
        /// What was tried, as the rest of "cannot ...".
        what: &'static str,
        /// What came back.
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::System { what, source }
    }

    pub(super) fn api(what: &'static str) -> impl FnOnce(kube::Error) -> Error {
        move |source| Error::Api {
            what,
            source: Box::new(source),
        }
    }
}

/// A server that ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// Its file name.
    pub server: &'static str,
    /// How it ended, when the system could say.
    pub status: Option<ExitStatus>,
    /// The end of its log.
    pub log: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ended by itself ({status}).", self.server)?,
            None => write!(f, "{} ended by itself.", self.server)?,
        }
        f.write_str(&the_log(&self.log))
    }
}

fn the_log(log: &str) -> String {
    if log.is_empty() {
        return " Its log is empty.".to_owned();
    }
    let lines: Vec<String> = log.lines().map(|line| format!("  {line}")).collect();
    format!(" The end of its log:\n{}", lines.join("\n"))
}

fn looked_in(looked: &[String]) -> String {
    if looked.is_empty() {
        return format!("neither {ASSETS_VARIABLE} nor PATH, for both are empty");
    }
    looked.join(", ")
}

fn how_to_get(name: &str) -> String {
    let build = format!(
        "In a checkout of appop, `export {ASSETS_VARIABLE}=$(tests/controlplane/build.sh)` builds \
         everything that is needed"
    );
    if name == CONTROLLER_MANAGER {
        // envtest's archives have no controllers.
        format!("{build}; Kubernetes' server release archives have it too.")
    } else {
        format!(
            "{build}; `setup-envtest use -p env` fetches etcd and kube-apiserver, but not \
             kube-controller-manager."
        )
    }
}
