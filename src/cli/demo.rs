//! An App on a sandbox, and the operator that brings it up, in this process.

use std::path::Path;
use std::thread;
use std::time::Duration;

use kube::Api;
use kube::api::PostParams;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::install;
use crate::app::App;
use crate::cluster::{ConnectFlags, Server};
use crate::operator::{self, End, Options};
use crate::output::Printer;
use crate::output::progress::Progress;

/// The App that is made, the one of `deploy/`.
const EXAMPLE: &str = include_str!("../../deploy/examples/app.yaml");
/// Its name.
pub(super) const NAME: &str = "example-app";
const NAMESPACE: &str = "default";
/// On simulated nodes an App takes less than a second, unless it was asked for otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Connects to the sandbox that wrote `kubeconfig`.
pub(super) fn connect(kubeconfig: &Path, printer: Printer) -> anyhow::Result<Server> {
    Ok(Server::connect(&flags(kubeconfig), 0, printer)?)
}

fn flags(kubeconfig: &Path) -> ConnectFlags {
    ConnectFlags {
        kubeconfig: Some(kubeconfig.to_owned()),
        ..ConnectFlags::default()
    }
}

/// Makes the CRD and the example App. What is there already, kept from an earlier run, stays.
pub(super) async fn furnish(server: &Server) -> anyhow::Result<()> {
    install::crd(server).await?;
    let app: App = serde_saphyr::from_str(EXAMPLE)?;
    let parameters = PostParams {
        field_manager: Some("appop-sandbox".to_owned()),
        ..PostParams::default()
    };
    match apps(server).create(&parameters, &app).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        made => Ok(made.map(drop)?),
    }
}

/// Makes the example App and starts the operator, which has brought it up when this returns, if that
/// can be.
///
/// Errors: the server or the operator does not work.
pub(super) async fn bring_up(
    kubeconfig: &Path,
    printer: Printer,
) -> anyhow::Result<(Operator, State)> {
    let _progress = Progress::start(printer, "bringing an App up");
    let server = connect(kubeconfig, printer)?;
    furnish(&server).await?;
    let mut operator = Operator::start(kubeconfig, printer)?;
    let state = operator.bring_up(&server).await?;
    Ok((operator, state))
}

/// What became of the example App.
pub(super) enum State {
    /// All its replicas are ready: how many of how many, such as `2/2`
    Ready(String),
    /// Why it is not
    Waiting(String),
}

impl State {
    /// Says so where it is not ready.
    pub(super) fn warn(&self, printer: Printer) {
        if let State::Waiting(why) = self {
            printer.warn(&format!("the App {NAME} is not ready: {why}"));
        }
    }
}

/// The operator, on a thread of its own. Dropping it tells it to stop.
pub(super) struct Operator {
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<anyhow::Result<End>>,
}

impl Operator {
    /// Starts it on the sandbox that wrote `kubeconfig`, which [`furnish`] has been at.
    ///
    /// Errors: the system gives no thread.
    fn start(kubeconfig: &Path, printer: Printer) -> anyhow::Result<Self> {
        let flags = flags(kubeconfig);
        let (stop, stopped) = oneshot::channel();
        let (tell, ended) = mpsc::channel(1);
        thread::Builder::new()
            .name("operator".to_owned())
            .spawn(move || {
                let stop = async {
                    let _ = stopped.await;
                };
                // Nobody listens when the sandbox has ended first.
                let _ = tell.try_send(operate(&flags, printer, stop));
            })?;
        Ok(Operator {
            stop: Some(stop),
            ended,
        })
    }

    /// Waits until the example App is ready, cannot become so by itself, or 10 s have passed.
    ///
    /// Errors: the operator or the server does not work.
    async fn bring_up(&mut self, server: &Server) -> anyhow::Result<State> {
        let until = Instant::now() + PATIENCE;
        let apps = apps(server);
        loop {
            let waiting = match judge(apps.get_opt(NAME).await?.as_ref()) {
                Judged::Final(state) => return Ok(state),
                Judged::Waiting(why) => why,
            };
            if Instant::now() > until {
                return Ok(State::Waiting(waiting));
            }
            tokio::select! {
                ended = self.ended.recv() => match ended {
                    Some(Err(problem)) => return Err(problem.context("the operator ended")),
                    _ => anyhow::bail!("the operator ended by itself"),
                },
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Lets it finish what it has begun.
    pub(super) async fn stop(mut self) {
        self.stop = None;
        let _ = self.ended.recv().await;
    }
}

fn operate(
    flags: &ConnectFlags,
    printer: Printer,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<End> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let options = Options {
        namespaces: Vec::new(),
        selector: None,
        workers: 8,
        lease: None,
        name: "appop".to_owned(),
        instance: format!("appop-sandbox_{}", std::process::id()),
        grace: Duration::from_secs(2),
    };
    runtime.block_on(async {
        let server = Server::connect(flags, 0, printer)?;
        Ok(operator::run(&server, &options, None, stop).await?)
    })
}

fn apps(server: &Server) -> Api<App> {
    Api::namespaced(server.client(), NAMESPACE)
}

enum Judged {
    Final(State),
    Waiting(String),
}

fn judge(app: Option<&App>) -> Judged {
    let Some(app) = app else {
        return Judged::Final(State::Waiting("it was deleted".to_owned()));
    };
    let status = app.status.as_ref();
    let seen = status.and_then(|status| status.observed_generation);
    let conditions = status.map_or(&[][..], |status| status.conditions.as_slice());
    if seen != app.metadata.generation {
        return Judged::Waiting("the operator has not looked at it yet".to_owned());
    }
    let of = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    let holds = |kind| of(kind).is_some_and(|condition| condition.status == "True");
    let ready = status.map(|status| status.ready.clone());
    let why = of("Ready").map(|condition| condition.message.clone());
    let why = why.unwrap_or_default();
    if holds("Ready") {
        Judged::Final(State::Ready(ready.unwrap_or_default()))
    } else if holds("Stalled") {
        Judged::Final(State::Waiting(why))
    } else {
        Judged::Waiting(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_one_that_is_waited_for() {
        let app: App = serde_saphyr::from_str(EXAMPLE).unwrap();
        assert_eq!(app.metadata.name.as_deref(), Some(NAME));
        assert_eq!(app.metadata.namespace, None);
    }
}
