//! The servers in order: etcd, kube-apiserver, kube-controller-manager, then the simulated nodes.

use std::fmt::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::config::AuthInfo;
use kube::{Api, Client, Config};
use tokio::time::{Instant, sleep, timeout_at};

use super::binaries::{API_SERVER, Binaries, CONTROLLER_MANAGER, ETCD};
use super::directory::Directory;
use super::flags::{self, file};
use super::kubeconfig::{self, Place, Written};
use super::pki::Pki;
use super::process::{Servers, log_of, port_was_taken};
use super::{Ended, Error};
use crate::sandbox::simulator::Simulator;

/// How long the servers together may take; on an idle machine they need about four seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a starting server is asked whether it is ready: far less than what it takes.
const POLL: Duration = Duration::from_millis(25);
/// How many free ports are tried when other programs keep taking them first.
const PORTS: usize = 5;

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
        let deadline = Instant::now() + PATIENCE;
        let dir = directory.path();
        let mut servers = Servers::new()?;

        progress("starting etcd");
        servers
            .start(ETCD, &binaries.etcd, &flags::etcd(dir), dir)
            .await?;
        let credentials = Credentials::generate()?;
        credentials.write(&directory)?;
        let socket = dir.join(file::ETCD_SOCKET);
        servers
            .wait(ETCD, dir, deadline, async |last| {
                *last = "it does not listen".to_owned();
                socket.exists()
            })
            .await?;

        progress("starting kube-apiserver");
        let (url, client) = start_api_server(
            &mut servers,
            &binaries,
            &credentials,
            options.port,
            dir,
            deadline,
        )
        .await?;

        progress("starting kube-controller-manager");
        let text = kubeconfig::text(
            &url,
            &credentials.pki.ca.certificate,
            &credentials.controller_manager_token,
        );
        directory.write(file::CONTROLLER_MANAGER_KUBECONFIG, &text)?;
        let arguments = flags::controller_manager(dir);
        servers
            .start(
                CONTROLLER_MANAGER,
                &binaries.controller_manager,
                &arguments,
                dir,
            )
            .await?;

        progress("waiting for kube-apiserver to be ready");
        servers
            .wait(API_SERVER, dir, deadline, async |last| {
                match get(&client, "/readyz").await {
                    Ok(_) => true,
                    Err(problem) => {
                        *last = problem.to_string();
                        false
                    }
                }
            })
            .await?;

        progress("waiting for kube-controller-manager to work");
        let version = client
            .apiserver_version()
            .await
            .map_err(Error::api("ask for the version"))?
            .git_version;
        let mut simulator = Simulator::start(client.clone(), options.nodes, &version)
            .await
            .map_err(Error::api("register the simulated nodes"))?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        servers
            .wait(CONTROLLER_MANAGER, dir, deadline, async |last| {
                // The first things that the controllers do and that people rely on.
                *last = "the simulated nodes still have their taint `not-ready`".to_owned();
                simulator.ready().await;
                *last = "the service account default/default is missing".to_owned();
                accounts
                    .get_opt("default")
                    .await
                    .is_ok_and(|found| found.is_some())
            })
            .await?;

        let ca = credentials.pki.ca.certificate;
        let token = credentials.admin_token;
        let kubeconfig = place.write(&kubeconfig::text(&url, &ca, &token), &token)?;
        Ok(ControlPlane {
            url,
            version,
            ca,
            token,
            client,
            _simulator: simulator,
            servers,
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

/// What the servers know each other and their users by.
struct Credentials {
    pki: Pki,
    admin_token: String,
    controller_manager_token: String,
}

impl Credentials {
    fn generate() -> Result<Self, Error> {
        Ok(Credentials {
            pki: Pki::generate()?,
            admin_token: random_token()?,
            controller_manager_token: random_token()?,
        })
    }

    fn write(&self, directory: &Directory) -> Result<(), Error> {
        let tokens = format!(
            "{},admin,admin,\"system:masters\"\n\
             {},system:kube-controller-manager,controller-manager,\"system:masters\"\n",
            self.admin_token, self.controller_manager_token
        );
        let pki = &self.pki;
        for (name, content) in [
            (file::CA, &pki.ca.certificate),
            (file::CA_KEY, &pki.ca.key),
            (file::SERVING, &pki.serving.certificate),
            (file::SERVING_KEY, &pki.serving.key),
            (file::FRONT_PROXY_CA, &pki.front_proxy_ca),
            (file::FRONT_PROXY, &pki.front_proxy.certificate),
            (file::FRONT_PROXY_KEY, &pki.front_proxy.key),
            (file::SERVICE_ACCOUNT_KEY, &pki.service_account_key),
            (file::SERVICE_ACCOUNT_PUBLIC, &pki.service_account_public),
            (file::TOKENS, &tokens),
        ] {
            directory.write(name, content)?;
        }
        Ok(())
    }

    fn client(&self, url: &str) -> Result<Client, Error> {
        let mut config = Config::new(
            url.parse()
                .expect("the URL is made of a literal and a port"),
        );
        config.root_cert = Some(vec![self.pki.ca_der.clone()]);
        config.auth_info = AuthInfo {
            token: Some(self.admin_token.clone().into()),
            ..AuthInfo::default()
        };
        config.default_retry = false;
        Client::try_from(config).map_err(Error::api("make a client"))
    }
}

/// Starts kube-apiserver and waits until it answers anything at all.
async fn start_api_server(
    servers: &mut Servers,
    binaries: &Binaries,
    credentials: &Credentials,
    port: Option<u16>,
    dir: &Path,
    deadline: Instant,
) -> Result<(String, Client), Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let chosen = match port {
            Some(port) => port,
            None => free_port()?,
        };
        let url = format!("https://127.0.0.1:{chosen}");
        let client = credentials.client(&url)?;
        servers
            .start(
                API_SERVER,
                &binaries.api_server,
                &flags::api_server(dir, chosen),
                dir,
            )
            .await?;
        let answers = servers
            .wait(API_SERVER, dir, deadline, async |last| {
                match get(&client, "/livez").await {
                    Ok(_) | Err(kube::Error::Api(_)) => true,
                    Err(problem) => {
                        *last = problem.to_string();
                        false
                    }
                }
            })
            .await;
        match answers {
            Ok(()) => return Ok((url, client)),
            Err(Error::Ended(ended)) if port_was_taken(&ended) => match port {
                // A program took it between our look and the server's.
                Some(port) => return Err(Error::PortInUse { port }),
                None if tries < PORTS => {}
                None => return Err(Error::Ended(ended)),
            },
            Err(problem) => return Err(problem),
        }
    }
}

impl Servers {
    /// Waits until `ready` is true, asking again and again; what it leaves in its argument
    /// says what was missing the last time.
    async fn wait(
        &mut self,
        name: &'static str,
        dir: &Path,
        deadline: Instant,
        mut ready: impl AsyncFnMut(&mut String) -> bool,
    ) -> Result<(), Error> {
        let mut last = "it gave no answer".to_owned();
        let poll = async {
            while !ready(&mut last).await {
                sleep(POLL).await;
            }
        };
        let in_time = tokio::select! {
            ended = self.ended() => return Err(Error::Ended(ended)),
            in_time = timeout_at(deadline, poll) => in_time,
        };
        in_time.map_err(|_| Error::NotReady {
            server: name,
            seconds: PATIENCE.as_secs(),
            last,
            log: log_of(dir, name),
        })
    }
}

async fn get(client: &Client, path: &str) -> Result<String, kube::Error> {
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(kube::Error::HttpError)?;
    client.request_text(request).await
}

fn check_port(port: u16) -> Result<(), Error> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(source) if source.kind() == std::io::ErrorKind::AddrInUse => {
            Err(Error::PortInUse { port })
        }
        Err(source) => Err(Error::Port { port, source }),
    }
}

fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address
        .map_err(|source| Error::Port { port: 0, source })?
        .port())
}

fn random_token() -> Result<String, Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|problem| Error::system("get random numbers")(problem.into()))?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(32), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        }))
}
