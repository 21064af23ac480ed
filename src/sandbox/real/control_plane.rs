//! The servers together, ready to be used.

use std::path::{Path, PathBuf};

use kube::Client;

use super::binaries::Binaries;
use super::process::Servers;
use super::startup::{Startup, check_port};
use crate::sandbox::directory::Directory;
use crate::sandbox::error::{Ended, Error};
use crate::sandbox::kubeconfig::{self, Place, Written};
use crate::sandbox::notice::{Kind, Notice};
use crate::sandbox::simulator::{self, Simulator};

/// What a control plane is to be like.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port of the API server on 127.0.0.1; any free one by default.
    pub port: Option<u16>,
    /// Where to write the kubeconfig; by default into the control plane's own directory. An
    /// existing file is overwritten only when it is empty or another sandbox's.
    pub kubeconfig: Option<PathBuf>,
    /// How many nodes to simulate.
    pub nodes: u16,
    /// What their kubelets make of pods.
    pub pods: simulator::Options,
}

/// A running control plane. [`stop`](Self::stop) ends it; so does dropping it, which blocks for
/// the moment that the servers need to be gone. Nothing is left then: no process, no directory,
/// no kubeconfig.
pub struct ControlPlane {
    url: String,
    version: String,
    ca: String,
    token: String,
    client: Client,
    // Dropped in this order: nobody asks the servers any more when they end, and they are gone
    // before their files are.
    _simulator: Simulator,
    servers: Servers,
    kubeconfig: Written,
    directory: Directory,
}

impl ControlPlane {
    /// Starts the servers and waits until they are ready: `/readyz` says ok, the controllers work,
    /// and the simulated nodes take pods. `progress` is told what is being waited for.
    ///
    /// Must be called within a tokio runtime with I/O and time. When the future is dropped before
    /// it is done, all that was started is stopped and removed.
    ///
    /// Errors: see [`Error`].
    pub async fn start(options: Options, progress: impl Fn(&str)) -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        if let Some(port) = options.port {
            check_port(port)?;
        }
        let place = options
            .kubeconfig
            .as_deref()
            .map(Place::check)
            .transpose()?;
        let directory = Directory::create()?;
        let place = match place {
            Some(place) => place,
            None => Place::check(&directory.path().join("kubeconfig"))?,
        };
        let mut startup = Startup::begin(&binaries, &directory)?;
        progress("starting etcd");
        let credentials = startup.etcd().await?;
        progress("starting kube-apiserver");
        let (url, client) = startup.api_server(&credentials, options.port).await?;
        progress("starting kube-controller-manager");
        startup.controller_manager(&credentials, &url).await?;
        progress("waiting for kube-apiserver to be ready");
        startup.api_server_is_ready(&client).await?;
        progress("waiting for kube-controller-manager to work");
        let (simulator, version) = startup
            .simulator(&client, options.nodes, options.pods)
            .await?;

        let ca = credentials.pki.ca.certificate;
        let token = credentials.admin_token;
        let kubeconfig = place.write(&kubeconfig::text(&url, &ca, &token), &token)?;
        let notice = Notice {
            url: url.clone(),
            version: version.clone(),
            kind: Kind::Real,
            nodes: options.nodes,
            pid: std::process::id(),
            started: jiff::Timestamp::now().to_string(),
            kubeconfig: kubeconfig.path().to_owned(),
            data: None,
        };
        notice.post(directory.path())?;
        Ok(ControlPlane {
            url,
            version,
            ca,
            token,
            client,
            _simulator: simulator,
            servers: startup.finish(),
            kubeconfig,
            directory,
        })
    }

    /// The kubeconfig file that was written: an absolute path.
    pub fn kubeconfig_path(&self) -> &Path {
        self.kubeconfig.path()
    }

    /// The directory of everything that belongs to this control plane.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The address of the API server, such as `https://127.0.0.1:34567`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the API server calls its version, such as `v1.36.3`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The certificate authority that signed the API server's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// The bearer token of the user `admin` in the group `system:masters`.
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// A client with the rights of [`admin_token`](Self::admin_token).
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until a server has ended by itself, which none should: what it said at the end.
    /// For ever, when all goes well.
    pub async fn ended(&mut self) -> Ended {
        self.servers.ended().await
    }

    /// Ends the servers and removes all that belongs to them.
    pub async fn stop(mut self) {
        self.servers.stop().await;
    }
}
