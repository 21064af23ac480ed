//! What a person types: the command line, its global flags, and one flat match.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cluster::{ConnectFlags, Server};
use crate::discovery::{self, Cache, CacheMode, Discovery};
use crate::output::{ColorChoice, Printer};

mod apps;
mod complete;
mod completion;
mod crds;
mod demo;
mod discover;
pub mod exit;
mod explain;
mod family;
mod install;
mod name;
mod private;
mod raw;
mod run;
mod sandbox;
mod tree;
mod uninstall;
mod verbosity;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "appop",
    version,
    about,
    disable_help_subcommand = true,
    propagate_version = true
)]
pub struct Cli {
    /// What is the same for every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every subcommand takes, before or after its name.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// How to reach the server.
    #[command(flatten)]
    pub connect: ConnectFlags,
    /// Ask a Kubernetes API that is started in memory for this command alone, with an example App
    #[arg(long = "sandbox", global = true, help_heading = "Connection")]
    pub private: bool,
    /// Directory of what is kept between runs; otherwise $KUBECACHEDIR, otherwise ~/.kube/cache
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "DIR",
        help_heading = "Connection"
    )]
    pub cache_dir: Option<PathBuf>,
    /// When to colour the output; NO_COLOR and TERM=dumb are respected under auto
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Output"
    )]
    pub color: ColorChoice,
    /// Say on stderr what is sent: -v one line a request, -vv headers and a curl line, -vvv bodies;
    /// or kubectl's -v=6, -v=8, -v=9
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
}

/// The subcommands; each has its file in this folder.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What the server serves: groups, versions, resources, verbs
    Discover(discover::Args),
    /// Send one request to the server and print its answer
    Raw(raw::Args),
    /// Custom resources: versions, storage, schema, health
    Crds(crds::Args),
    /// What a kind's fields are: type, default, bounds, rules; and an object to start from
    Explain(explain::Args),
    /// Run the operator: bring Apps up, keep them up, say how they are
    #[command(alias = "operator")]
    Run(run::Args),
    /// Put the App resource and its operator into the cluster
    Install(install::Args),
    /// Take the operator out of the cluster again, and what install made
    Uninstall(uninstall::Args),
    /// Apps and how they are; or one App with what it owns and what has happened to it
    Apps(apps::Args),
    /// Any object with what it owns, and how each of them is
    Tree(tree::Args),
    /// Run a Kubernetes API on this machine, for as long as you need it
    Sandbox(sandbox::Args),
    /// Print the script that makes a shell complete appop's command lines
    Completion(completion::Args),
}

impl Command {
    async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        match self {
            Command::Discover(args) => args.run(context).await,
            Command::Raw(args) => args.run(context).await,
            Command::Crds(args) => args.run(context).await,
            Command::Explain(args) => args.run(context).await,
            Command::Run(args) => args.run(context).await,
            Command::Install(args) => args.run(context).await,
            Command::Uninstall(args) => args.run(context).await,
            Command::Apps(args) => args.run(context).await,
            Command::Tree(args) => args.run(context).await,
            Command::Sandbox(args) => args.run(context).await,
            Command::Completion(args) => args.run(context),
        }
    }
}

/// What every subcommand gets: the resolved global flags.
#[derive(Debug)]
pub struct Context {
    /// Where words and data go.
    pub printer: Printer,
    global: Global,
}

impl Context {
    /// Reads the kubeconfig, applies the flags and makes a client. Sends nothing yet, but may run
    /// the user's credential plugin.
    ///
    /// Errors: a sentence that says what is wrong with the configuration.
    pub fn connect(&self) -> anyhow::Result<Server> {
        Ok(Server::connect(
            &self.global.connect,
            self.global.verbose,
            self.printer,
        )?)
    }

    /// The directory of what is kept about `server` between runs.
    pub fn cache(&self, server: &Server) -> Option<Cache> {
        Cache::of(&server.url(), self.global.cache_dir.as_deref())
    }

    /// Asks `server` what it serves, with what is kept of it revalidated.
    ///
    /// Errors: see [`discovery::load`].
    pub async fn discover(&self, server: &Server) -> anyhow::Result<Discovery> {
        let cache = self.cache(server);
        Ok(discovery::load(server, cache.as_ref(), CacheMode::Revalidate).await?)
    }
}

/// Parses, resolves, runs. The exit code follows [`exit`].
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = completion::answer(&args) {
        return code;
    }
    let args = verbosity::expand(args);
    let command = name::rename(Cli::command(), &args);
    let cli = match command
        .try_get_matches_from(&args)
        .and_then(|m| Cli::from_arg_matches(&m))
    {
        Ok(cli) => cli,
        Err(problem) => problem.exit(),
    };
    let printer = Printer::new(cli.global.color);
    // The operator has a log of its own.
    if !matches!(cli.command, Command::Run(_)) {
        trace(cli.global.verbose);
    }
    exit::code(printer, run(cli, printer))
}

/// With -v, what our own modules have to say on the way goes to stderr; the libraries' words do not.
fn trace(verbose: u8) {
    if verbose > 0 {
        tracing_subscriber::fmt()
            .with_env_filter("appop=debug")
            .with_writer(std::io::stderr)
            .with_target(false)
            .without_time()
            .init();
    }
}

fn run(cli: Cli, printer: Printer) -> anyhow::Result<ExitCode> {
    let is_private = cli.global.private;
    // A server has many clients at once; everything else is one.
    let mut runtime = match is_private || matches!(cli.command, Command::Sandbox(_)) {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build()?;
    let Cli { global, command } = cli;
    let context = Context { printer, global };
    let ended = match is_private {
        true => runtime.block_on(private::run(&command, context)),
        false => runtime.block_on(command.run(&context)),
    };
    // A read of stdin that never ends must not keep the program alive.
    runtime.shutdown_background();
    ended
}
