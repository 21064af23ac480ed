//! What a running sandbox tells of itself to whoever on this machine asks which ones there are.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::directory;
use super::error::Error;

/// The file's name in the sandbox's directory.
const FILE: &str = "sandbox.json";
/// Far more than any notice has; a longer file is not one.
const LARGEST: u64 = 64 * 1024;

/// A running sandbox of this user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The API server's address, such as `https://127.0.0.1:34567`
    pub url: String,
    /// As what version of Kubernetes it behaves, such as `v1.36.3`
    pub version: String,
    /// What serves
    pub kind: Kind,
    /// How many nodes are simulated
    pub nodes: u16,
    /// The process that it ends with
    pub pid: u32,
    /// When it was ready, in RFC 3339 and UTC
    pub started: String,
    /// Its kubeconfig: an absolute path
    pub kubeconfig: PathBuf,
    /// The file that everything is kept in, if there is one: an absolute path
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
}

/// What serves in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The server in memory
    Memory,
    /// etcd, kube-apiserver and kube-controller-manager
    Real,
}

impl Notice {
    /// Puts it into the sandbox's directory, whole or not at all.
    pub(super) fn post(&self, directory: &Path) -> Result<(), Error> {
        let put = || -> std::io::Result<()> {
            let text = serde_json::to_vec_pretty(self)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&text)?;
            file.persist(directory.join(FILE))?;
            Ok(())
        };
        put().map_err(Error::system(format!("write to {}", directory.display())))
    }

    fn read(directory: &Path) -> Option<Self> {
        use std::io::Read;
        let mut text = String::new();
        let file = fs::File::open(directory.join(FILE)).ok()?;
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// The sandboxes of this user that are running and whose directory is below this process's one for
/// temporary files, the oldest first. One that is still starting is not among them.
pub fn running() -> Vec<Notice> {
    let mut all: Vec<Notice> = directory::in_use()
        .iter()
        .filter_map(|directory| Notice::read(directory))
        .collect();
    all.sort_by(|a, b| (&a.started, a.pid).cmp(&(&b.started, b.pid)));
    all
}

/// The running sandbox whose kubeconfig is `path`.
pub(super) fn user_of(path: &Path) -> Option<Notice> {
    let path = fs::canonicalize(path).ok()?;
    running()
        .into_iter()
        .find(|notice| fs::canonicalize(&notice.kubeconfig).is_ok_and(|other| other == path))
}
