//! The servers in order, each as soon as the one before it can be used.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout_at};

use super::binaries::{API_SERVER, Binaries, ETCD};
use super::credentials::Credentials;
use super::flags::{self, file};
use super::process::{Servers, log_of, port_was_taken};
use crate::sandbox::directory::Directory;
use crate::sandbox::error::{CONTROLLER_MANAGER, Error};
use crate::sandbox::kubeconfig;
use crate::sandbox::simulator::{self, Simulator};

/// How long the servers together may take; on an idle machine they need about three seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a starting server is asked whether it is ready: far less than what it takes.
const POLL: Duration = Duration::from_millis(25);
/// How many free ports are tried when other programs keep taking them first.
const PORTS: usize = 5;

/// A control plane that is being started.
pub(super) struct Startup<'a> {
    servers: Servers,
    binaries: &'a Binaries,
    directory: &'a Directory,
    deadline: Instant,
}

impl<'a> Startup<'a> {
    pub(super) fn begin(binaries: &'a Binaries, directory: &'a Directory) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        Ok(Startup {
            servers: Servers::new()?,
            binaries,
            directory,
            deadline,
        })
    }

    /// All that was started.
    pub(super) fn finish(self) -> Servers {
        self.servers
    }

    /// Starts etcd and waits until it listens; meanwhile the certificates are made.
    pub(super) async fn etcd(&mut self) -> Result<Credentials, Error> {
        let arguments = flags::etcd(self.dir());
        self.start(ETCD, &self.binaries.etcd, &arguments).await?;
        let credentials = Credentials::generate()?;
        credentials.write(self.directory)?;
        let socket = self.dir().join(file::ETCD_SOCKET);
        let listens = async |last: &mut String| {
            *last = "it does not listen".to_owned();
            socket.exists()
        };
        self.wait(ETCD, listens).await?;
        Ok(credentials)
    }

    /// Starts kube-apiserver on the port, or on a free one, and waits until it answers anything at
    /// all. Gives its address, and a client for it.
    pub(super) async fn api_server(
        &mut self,
        credentials: &Credentials,
        port: Option<u16>,
    ) -> Result<(String, Client), Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let chosen = port.map_or_else(free_port, Ok)?;
            let url = format!("https://127.0.0.1:{chosen}");
            let client = credentials.client(&url)?;
            let arguments = flags::api_server(self.dir(), chosen);
            self.start(API_SERVER, &self.binaries.api_server, &arguments)
                .await?;
            let answers = async |last: &mut String| match get(&client, "/livez").await {
                Ok(_) | Err(kube::Error::Api(_)) => true,
                Err(problem) => {
                    *last = problem.to_string();
                    false
                }
            };
            match self.wait(API_SERVER, answers).await {
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

    /// Starts kube-controller-manager, and waits for nothing.
    pub(super) async fn controller_manager(
        &mut self,
        credentials: &Credentials,
        url: &str,
    ) -> Result<(), Error> {
        let ca = &credentials.pki.ca.certificate;
        let text = kubeconfig::text(url, ca, &credentials.controller_manager_token);
        self.directory
            .write(file::CONTROLLER_MANAGER_KUBECONFIG, &text)?;
        let arguments = flags::controller_manager(self.dir());
        self.start(
            CONTROLLER_MANAGER,
            &self.binaries.controller_manager,
            &arguments,
        )
        .await
    }

    /// Waits until `/readyz` says ok.
    pub(super) async fn api_server_is_ready(&mut self, client: &Client) -> Result<(), Error> {
        let ready = async |last: &mut String| match get(client, "/readyz").await {
            Ok(_) => true,
            Err(problem) => {
                *last = problem.to_string();
                false
            }
        };
        self.wait(API_SERVER, ready).await
    }

    /// Registers the simulated nodes and waits until the controllers have done the first things
    /// that people rely on. Gives the servers' version, too.
    pub(super) async fn simulator(
        &mut self,
        client: &Client,
        nodes: u16,
        pods: simulator::Options,
    ) -> Result<(Simulator, String), Error> {
        let register = async {
            let version = client.apiserver_version().await?.git_version;
            Ok((
                Simulator::start(client.clone(), nodes, &version, pods).await?,
                version,
            ))
        };
        let what = "register the simulated nodes";
        let (mut simulator, version) = self
            .within(API_SERVER, what, register)
            .await?
            .map_err(Error::api(what))?;

        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
        let work = async |last: &mut String| {
            *last = "the simulated nodes still have their taint `not-ready`".to_owned();
            simulator.ready().await;
            *last = "the service account default/default is missing".to_owned();
            accounts
                .get_opt("default")
                .await
                .is_ok_and(|found| found.is_some())
        };
        self.wait(CONTROLLER_MANAGER, work).await?;
        Ok((simulator, version))
    }

    fn dir(&self) -> &'a Path {
        self.directory.path()
    }

    async fn start(
        &mut self,
        name: &'static str,
        binary: &Path,
        arguments: &[String],
    ) -> Result<(), Error> {
        let dir = self.dir();
        self.servers.start(name, binary, arguments, dir).await
    }

    /// Waits until `ready` is true, asking again and again; what it leaves in its argument says
    /// what was missing the last time.
    async fn wait(
        &mut self,
        name: &'static str,
        mut ready: impl AsyncFnMut(&mut String) -> bool,
    ) -> Result<(), Error> {
        let mut last = "it gave no answer".to_owned();
        let poll = async {
            while !ready(&mut last).await {
                sleep(POLL).await;
            }
        };
        match self.within(name, "", poll).await {
            Err(Error::NotReady {
                server,
                seconds,
                log,
                ..
            }) => Err(Error::NotReady {
                server,
                seconds,
                last,
                log,
            }),
            other => other,
        }
    }

    /// What `task` gives, unless a server ends before or the time is up.
    ///
    /// Errors: [`Error::Ended`]; [`Error::NotReady`] of the server `name`, with `last`.
    async fn within<T>(
        &mut self,
        name: &'static str,
        last: &str,
        task: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let in_time = tokio::select! {
            ended = self.servers.ended() => return Err(Error::Ended(ended)),
            in_time = timeout_at(self.deadline, task) => in_time,
        };
        in_time.map_err(|_| Error::NotReady {
            server: name,
            seconds: PATIENCE.as_secs(),
            last: last.to_owned(),
            log: log_of(self.dir(), name),
        })
    }
}

async fn get(client: &Client, path: &str) -> Result<String, kube::Error> {
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(kube::Error::HttpError)?;
    client.request_text(request).await
}

/// Refuses a port that another program listens on, before anything is started.
pub(super) fn check_port(port: u16) -> Result<(), Error> {
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
