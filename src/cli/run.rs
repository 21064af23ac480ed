//! `appop run`: the operator.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Context;
use super::exit::Usage;
use super::install::namespace;
use crate::cluster::Server;
use crate::operator::logs::{self, Style};
use crate::operator::{self, End, LeaseOptions, Options};

mod diff;
mod signals;
mod summary;

/// The seed's lock was called so.
const LEASE: &str = "app-lock";
/// Work that was begun may go on for so long; a pod's default is to be killed after 30 s.
const GRACE: Duration = Duration::from_secs(20);

/// Arguments of `appop run`.
///
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// Look for Apps in this namespace; may be repeated. Otherwise in $WATCH_NAMESPACE (names with
    /// commas between them), otherwise in all
    // The same id as the global flag, whose place it takes: that one knows a single name.
    #[arg(long, short, value_name = "NAME", help_heading = None)]
    namespace: Vec<String>,
    /// Only the Apps with these labels, such as tier=front,track!=canary
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// How many Apps are worked on at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Write only while holding a lease, so that of several operators one works and the others wait
    #[arg(long, conflicts_with_all = ["once", "dry_run"])]
    leader_elect: bool,
    /// The lease's name
    #[arg(long, value_name = "NAME", default_value = LEASE, hide_short_help = true)]
    lease_name: String,
    /// The lease's namespace; otherwise the pod's own, otherwise the kubeconfig context's
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    lease_namespace: Option<String>,
    /// Where to answer /metrics, /healthz and /readyz; 0 for nowhere
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:60000", conflicts_with_all = ["once", "dry_run"])]
    metrics_bind_address: String,
    /// Bring up what there is, print what became of it, and end: with exit code 1 if an App cannot
    /// become ready by itself
    #[arg(long)]
    once: bool,
    /// Print what would be written, as a diff, and write nothing
    #[arg(long)]
    dry_run: bool,
}

const NOTES: &str = "\
Examples:
  appop run                      all namespaces, until Ctrl-C
  appop run -n shop -n blog      these two
  appop run --dry-run            what would be written
  appop run --once && echo fine  one pass

Watches Apps, and what they own, and makes the cluster what they say: for each App a Deployment and,
where it has ports, a Service. It needs the CustomResourceDefinition that appop install makes.
Ctrl-C or SIGTERM stops it when what was begun is finished; a second one, at once. The log is on
stderr: JSON, unless that is a terminal; -v logs requests too, and RUST_LOG chooses.
POD_NAME and OPERATOR_NAME are how the lease and Events call it.
Exit code 1: it could not begin, lost its lease, or had to abandon work.";

impl Args {
    /// Runs until told to stop.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let lists = self.once || self.dry_run;
        logs::start(Style {
            readable: printer.stderr_is_terminal(),
            colored: printer.stderr_is_colored(),
            // What a person asked for is the list; the log tells what is wrong.
            quiet: lists,
            verbose: context.global.verbose,
        });
        let server = self.connect(context)?;
        let options = self.options(&server)?;
        if self.once && !self.dry_run {
            let outcomes = operator::once(&server, &options).await?;
            return summary::print(&outcomes, printer);
        }
        if self.dry_run {
            let proposals = operator::dry_run(&server, &options).await?;
            return diff::print(proposals.boxed(), printer).await;
        }
        self.operate(&server, &options).await
    }

    async fn operate(&self, server: &Server, options: &Options) -> anyhow::Result<ExitCode> {
        let mut signals = signals::catch()?;
        let listener = self.listen().await?;
        let address = listener.as_ref().and_then(|l| l.local_addr().ok());
        let (url, version) = (server.url(), env!("CARGO_PKG_VERSION"));
        let namespaces = match options.namespaces.as_slice() {
            [] => "all".to_owned(),
            some => some.join(","),
        };
        tracing::info!(
            server = url,
            namespaces,
            metrics = address.map(tracing::field::display),
            "appop {version}"
        );
        let (tell, told) = oneshot::channel();
        let twice = async {
            let signal = signals.next().await;
            tracing::info!(signal, "told to stop; once more to leave at once");
            // Nobody listens when the operator has ended by itself.
            let _ = tell.send(());
            signals.next().await
        };
        let stop = async {
            let _ = told.await;
        };
        let end = tokio::select! {
            end = operator::run(server, options, listener, stop) => end?,
            signal = twice => anyhow::bail!("left at once on a second {signal}"),
        };
        match end {
            End::Stopped => {
                tracing::info!("stopped");
                Ok(ExitCode::SUCCESS)
            }
            End::Abandoned(apps) => {
                tracing::warn!(apps, "stopped in the middle of work");
                Ok(ExitCode::FAILURE)
            }
            End::Lost(why) => anyhow::bail!("the lease {} is lost: {why}", self.lease_name),
        }
    }

    /// What the operator sends is in its log; the lines of -v would be no JSON.
    fn connect(&self, context: &Context) -> anyhow::Result<Server> {
        let mut flags = context.global.connect.clone();
        // Where to look for Apps is not where a kubeconfig's context works.
        flags.namespace = None;
        Ok(Server::connect(&flags, 0, context.printer)?)
    }

    fn options(&self, server: &Server) -> Result<Options, Usage> {
        let instance = set("POD_NAME")
            .or_else(|| set("HOSTNAME"))
            .unwrap_or_else(host);
        // Two processes of one name are still two.
        let instance = format!(
            "{instance}_{:08x}",
            getrandom::u32().unwrap_or(std::process::id())
        );
        Ok(Options {
            namespaces: namespaces(&self.namespace, set("WATCH_NAMESPACE").as_deref())?,
            selector: self
                .selector
                .clone()
                .filter(|selector| !selector.is_empty()),
            workers: usize::from(self.workers),
            lease: self.leader_elect.then(|| LeaseOptions {
                namespace: self
                    .lease_namespace
                    .clone()
                    .unwrap_or_else(|| server.namespace().to_owned()),
                name: self.lease_name.clone(),
            }),
            name: set("OPERATOR_NAME").unwrap_or_else(|| "appop".to_owned()),
            instance,
            grace: GRACE,
        })
    }

    async fn listen(&self) -> anyhow::Result<Option<TcpListener>> {
        let wanted = self.metrics_bind_address.as_str();
        if wanted == "0" {
            return Ok(None);
        }
        let wrong = |problem: std::net::AddrParseError| {
            Usage(format!(
                "--metrics-bind-address {wanted:?} is not an address with a port, such as \
                 127.0.0.1:60000 or 0.0.0.0:60000: {problem}"
            ))
        };
        let address: SocketAddr = wanted.parse().map_err(wrong)?;
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Some(listener)),
            Err(problem) if problem.kind() == io::ErrorKind::AddrInUse => anyhow::bail!(
                "port {} on {} is in use, perhaps by another appop run. Choose another with \
                 --metrics-bind-address, or 0 for none",
                address.port(),
                address.ip()
            ),
            Err(problem) => anyhow::bail!("cannot listen on {address}: {problem}"),
        }
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn host() -> String {
    // The system's own file where there is one; a name is only there to be read by people.
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    match name.trim() {
        "" => "appop".to_owned(),
        name => name.to_owned(),
    }
}

/// Flags win over the environment, as operator-sdk had it; nothing means all.
///
/// Errors: one of them cannot be a namespace: in a path it could mean anything, and what the server
/// says to that would mislead.
fn namespaces(flags: &[String], environment: Option<&str>) -> Result<Vec<String>, Usage> {
    let given = match flags {
        [] => vec![environment.unwrap_or_default()],
        flags => flags.iter().map(String::as_str).collect(),
    };
    let names = given.iter().flat_map(|names| names.split(','));
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            namespace(name).map_err(|why| Usage(format!("{name:?} is no namespace: {why}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_environment() {
        let read = |flags: &[&str], environment| {
            let flags: Vec<String> = flags.iter().map(|n| (*n).to_owned()).collect();
            namespaces(&flags, environment).map_err(|usage| usage.0)
        };
        let names = |names: &[&str]| Ok(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(read(&[], None), names(&[]));
        assert_eq!(read(&[], Some("")), names(&[]));
        assert_eq!(read(&[], Some("a, b,")), names(&["a", "b"]));
        assert_eq!(read(&["c"], Some("a")), names(&["c"]));
        assert_eq!(read(&["c,d", "e"], None), names(&["c", "d", "e"]));
        for (flags, environment) in [(&["a/b"][..], None), (&[], Some("a,B"))] {
            let why = read(flags, environment).unwrap_err();
            assert!(why.contains("is no namespace"), "{why}");
        }
    }
}
