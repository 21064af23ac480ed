//! The server with everything around it: sockets, controllers, nodes, a kubeconfig, a file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::api::{Api, Settings};
use super::authn::User;
use super::identity::Identity;
use super::persist::Kept;
use super::server::{self, Inside};
use super::{bootstrap, expiry, persist, working};
use crate::sandbox::directory::Directory;
use crate::sandbox::error::Error;
use crate::sandbox::kubeconfig::{self, Place, Written};
use crate::sandbox::notice::{Kind, Notice};
use crate::sandbox::simulator::{self, Simulator};

/// How often what has changed is written to the file.
const SAVES: Duration = Duration::from_secs(5);

/// What a sandbox is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 is any free one
    pub address: SocketAddr,
    /// Where to write the kubeconfig; by default into the sandbox's own directory. An existing file
    /// is overwritten only when it is empty or another sandbox's.
    pub kubeconfig: Option<PathBuf>,
    /// How many nodes to simulate
    pub nodes: u16,
    /// What their kubelets make of pods
    pub pods: simulator::Options,
    /// Whether Roles decide who may do what
    pub rbac: bool,
    /// Where to keep everything from one run to the next
    pub data: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            kubeconfig: None,
            nodes: 1,
            pods: simulator::Options::default(),
            rbac: false,
            data: None,
        }
    }
}

/// A running sandbox. [`stop`](Self::stop) ends it in good order; dropping it ends it, too.
pub struct Sandbox {
    api: Arc<Api>,
    url: String,
    client: Client,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    expiring: JoinHandle<()>,
    saving: Option<JoinHandle<()>>,
    _simulator: Simulator,
    _controllers: working::Controllers,
    data: Option<Arc<Data>>,
    kubeconfig: Written,
    directory: Directory,
}

impl Sandbox {
    /// Starts a sandbox; when this returns, it is ready: it answers, and its nodes take pods.
    ///
    /// Must be called within a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        let place = options
            .kubeconfig
            .as_deref()
            .map(Place::check)
            .transpose()?;
        let kept = options.data.as_deref().map(take).transpose()?;
        let listener = listen(options.address).await?;
        let address = listener
            .local_addr()
            .map_err(Error::system("tell the port"))?;
        let url = format!("https://{address}");
        let directory = Directory::create()?;
        let place = match place {
            Some(place) => place,
            None => Place::check(&directory.path().join("kubeconfig"))?,
        };
        let content = match &kept {
            Some(kept) => persist::read(kept.path()).map_err(|p| unusable(kept.path(), &p))?,
            None => None,
        };
        let identity = match &content {
            Some(content) => content.identity().clone().renewed()?,
            None => Identity::generate()?,
        };
        let serving = identity.serving(address.ip())?;
        let api = Api::new(Settings {
            address: address.to_string(),
            rbac: options.rbac,
            ca_pem: identity.ca().to_owned(),
            admin_token: identity.token().to_owned(),
            signing_key: identity.signing_key(),
        });
        if let (Some(kept), Some(content)) = (&kept, &content) {
            content
                .restore(&api)
                .map_err(|p| unusable(kept.path(), &p))?;
        }
        drop(content);
        working::serve_definitions(&api);
        bootstrap::run(&api).map_err(|status| Error::Own(status.to_string()))?;
        let tls = server::acceptor(&serving.certificate, &serving.key)
            .map_err(|problem| Error::Own(problem.to_string()))?;
        let controllers = working::Controllers::start(&api)?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server::serve(Arc::clone(&api), listener, tls, stopped));
        let expiring = tokio::spawn(expiry::run(Arc::clone(&api)));
        let kubelets = Inside::new(Arc::clone(&api), User::component("system:kube-scheduler"));
        let inner = Client::new(kubelets, "default");
        let version = super::catalog::catalog().kubernetes();
        let version = format!("v{version}");
        let mut simulator = Simulator::start(inner.clone(), options.nodes, &version, options.pods)
            .await
            .map_err(Error::api("register the nodes"))?;
        simulator.ready().await;
        let text = kubeconfig::text(&url, identity.ca(), identity.token());
        let kubeconfig = place.write(&text, identity.token())?;
        let data = kept.map(|kept| Arc::new(Data { kept, identity }));
        let notice = Notice {
            url: url.clone(),
            version,
            kind: Kind::Memory,
            nodes: options.nodes,
            pid: std::process::id(),
            started: jiff::Timestamp::now().to_string(),
            kubeconfig: kubeconfig.path().to_owned(),
            data: data.as_ref().map(|data| absolute(data.kept.path())),
        };
        notice.post(directory.path())?;
        let saving = data
            .as_ref()
            .map(|data| tokio::spawn(save(Arc::clone(&api), Arc::clone(data))));
        let admin = Inside::new(Arc::clone(&api), User::admin());
        Ok(Sandbox {
            client: Client::new(admin, "default"),
            api,
            url,
            stop,
            serving,
            expiring,
            saving,
            _simulator: simulator,
            _controllers: controllers,
            data,
            kubeconfig,
            directory,
        })
    }

    /// The kubeconfig file that was written: an absolute path.
    pub fn kubeconfig_path(&self) -> &Path {
        self.kubeconfig.path()
    }

    /// The directory of everything that belongs to this sandbox.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The address of the API server, such as `https://127.0.0.1:34567`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The version of Kubernetes as which it behaves, such as `v1.36.3`.
    pub fn version(&self) -> String {
        format!("v{}", super::catalog::catalog().kubernetes())
    }

    /// A client of the administrator that needs no socket.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Ends it: connections are closed, and what has changed is kept if it is to be.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stop.send_replace(true);
        if let Some(saving) = self.saving.take() {
            saving.abort();
        }
        self.serving.abort();
        match &self.data {
            None => Ok(()),
            Some(data) => data
                .save(&self.api)
                .map_err(|problem| unusable(data.kept.path(), &problem)),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.serving.abort();
        self.expiring.abort();
        if let Some(saving) = &self.saving {
            saving.abort();
        }
    }
}

/// What is kept, and where.
struct Data {
    kept: Kept,
    identity: Identity,
}

impl Data {
    fn save(&self, api: &Api) -> Result<(), persist::Error> {
        self.kept.save(api, &self.identity)
    }
}

fn take(path: &Path) -> Result<Kept, Error> {
    Kept::take(path).map_err(|problem| unusable(path, &problem))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn unusable(path: &Path, problem: &persist::Error) -> Error {
    Error::Data {
        path: path.to_owned(),
        reason: problem.to_string(),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|problem| match problem.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortInUse {
                port: address.port(),
            },
            _ => Error::system(format!("listen on {address}"))(problem),
        })
}

/// Saves what has changed, again and again.
async fn save(api: Arc<Api>, data: Arc<Data>) {
    let mut saved = 0;
    loop {
        tokio::time::sleep(SAVES).await;
        let version = api.store.version();
        if version == saved {
            continue;
        }
        let (api, data) = (Arc::clone(&api), Arc::clone(&data));
        let done = tokio::task::spawn_blocking(move || data.save(&api)).await;
        match done {
            Ok(Ok(())) => saved = version,
            Ok(Err(problem)) => tracing::warn!(%problem, "the sandbox could not be saved"),
            Err(_) => return,
        }
    }
}
