//! One App, brought to what it asks for: the decisions are [`crate::app`]'s, the writes happen here.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::events::{self, Regarding};
use super::failure::{self, Failure};
use super::metrics::Metrics;
use super::queue::{Ended, Key};
use super::room;
use super::watch::read_app;
use super::write::{Given, Writer};
use crate::app::live::Live;
use crate::app::{
    self, Action, App, Child, LiveDeployment, LiveService, MANAGER, Observed, Ownership,
};

/// How often an App is looked at anew within one go, when the cluster is not as the watches told.
const LOOKS: usize = 4;
/// From so many failures in a row on, the status says so: what passes by itself is not worth it.
const PASSING: u32 = 2;

/// What a worker needs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) writer: Writer,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: events::Sender,
}

/// What became of an App.
#[derive(Debug)]
pub(super) struct Worked {
    pub(super) begun: Arc<App>,
    /// The children as they are now, as far as is known
    pub(super) observed: Observed,
    /// The App as it was stored last, when its status was written
    pub(super) answer: Option<App>,
    pub(super) ended: Ended,
    /// Why it did not end well, in words
    pub(super) problem: Option<String>,
    /// Children that were written although the App had not changed: somebody else had
    pub(super) corrected: bool,
    /// The children that were written or deleted
    pub(super) written: Vec<Child>,
    /// The status still says what it said before that
    pub(super) untold: bool,
}

/// How an attempt on the children went.
enum Went {
    Through,
    /// The cluster is not as was thought
    Outdated,
    Stopped(Ended, String),
}

impl Worked {
    /// Whether an object that no watch may tell of has the name of one that the App wants.
    pub(super) fn is_in_the_way(&self) -> bool {
        !in_the_way(&self.begun, &self.observed).is_empty()
    }
}

impl Worker {
    /// Brings an App up and says how it is; that can be left for later with `pressed`, when children
    /// were written. `failures` is how often in a row it has failed before.
    pub(super) async fn reconcile(
        &self,
        key: &Key,
        app: Arc<App>,
        observed: Observed,
        failures: u32,
        pressed: bool,
    ) -> Worked {
        let mut worked = Worked {
            begun: app,
            observed,
            answer: None,
            ended: Ended::Well,
            problem: None,
            corrected: false,
            written: Vec::new(),
            untold: false,
        };
        if matches!(worked.observed.failure, Some(app::Failure::Failing { .. })) {
            worked.observed.failure = None;
        }
        let went = self.bring_up(key, &mut worked).await;
        if let Went::Stopped(ended, problem) = went {
            worked.ended = ended;
            worked.problem = Some(problem);
        }
        let told = match worked.ended {
            Ended::Leaving | Ended::Closed => false,
            Ended::Failed(_) => failures >= PASSING || is_forbidden(&worked.observed),
            _ => true,
        };
        worked.untold = pressed && worked.ended == Ended::Well && !worked.written.is_empty();
        if told && !worked.untold {
            self.tell(key, &mut worked).await;
        }
        worked
    }

    /// The children.
    async fn bring_up(&self, key: &Key, worked: &mut Worked) -> Went {
        let app = Arc::clone(&worked.begun);
        for _ in 0..LOOKS {
            match self.attempt(key, &app, worked).await {
                Went::Outdated => {}
                other => return other,
            }
        }
        let problem = "the children change while they are written";
        Went::Stopped(Ended::Again, problem.to_owned())
    }

    async fn attempt(&self, key: &Key, app: &App, worked: &mut Worked) -> Went {
        for child in in_the_way(app, &worked.observed) {
            // The watches do not see what does not bear our label; it may be gone by now.
            if let Err(problem) = self.look(key, child, &mut worked.observed).await {
                return stopped(&problem, child, &mut worked.observed);
            }
        }
        let actions = app::plan(app, &worked.observed);
        match self.is_still_wished(key, app, &actions, worked).await {
            Ok(true) => {}
            Ok(false) => return Went::Stopped(Ended::Leaving, "the App has changed".to_owned()),
            Err(problem) => return stopped(&problem, Child::Deployment, &mut worked.observed),
        }
        self.count_what_is_right(app, &actions, &worked.observed);
        for action in actions {
            let (child, result) = match &action {
                Action::Apply {
                    child,
                    manager,
                    payload,
                } => (
                    *child,
                    self.apply(key, app, *child, manager, payload, worked).await,
                ),
                Action::Delete { child, uid } => {
                    (*child, self.delete(key, *child, uid, worked).await)
                }
                Action::PatchStatus(_) | Action::Event(_) => continue,
            };
            match result {
                Ok(()) => worked.written.push(child),
                Err(problem) if failure::classify(child, &problem) == Failure::Outdated => {
                    return match self.look(key, child, &mut worked.observed).await {
                        Ok(()) => Went::Outdated,
                        Err(problem) => stopped(&problem, child, &mut worked.observed),
                    };
                }
                Err(problem) => return stopped(&problem, child, &mut worked.observed),
            }
        }
        Went::Through
    }

    /// Whether the App is still as it was when we decided. Asked before a child is made that was
    /// there before: it is gone, and so may be the App, of which another watch tells.
    async fn is_still_wished(
        &self,
        key: &Key,
        app: &App,
        actions: &[Action],
        worked: &mut Worked,
    ) -> Result<bool, kube::Error> {
        let is_made = |action: &Action| match action {
            Action::Apply { child, .. } => worked.observed.live(*child).is_none(),
            _ => false,
        };
        if told_generation(app).is_none() || !actions.iter().any(is_made) {
            return Ok(true);
        }
        let Some(now) = self.writer.read_app(key).await? else {
            return Ok(false);
        };
        let (then, metadata) = (&app.metadata, &now["metadata"]);
        let same = metadata["uid"].as_str() == then.uid.as_deref()
            && metadata["generation"].as_i64() == then.generation
            && metadata["deletionTimestamp"].is_null() == then.deletion_timestamp.is_none();
        if !same {
            worked.answer = read_app(now).ok();
        }
        Ok(same)
    }

    async fn apply(
        &self,
        key: &Key,
        app: &App,
        child: Child,
        manager: &str,
        payload: &Value,
        worked: &mut Worked,
    ) -> Result<(), kube::Error> {
        let observed = &mut worked.observed;
        let live = observed.live(child).cloned();
        let given = given(app, live.as_ref());
        let answer = match self.writer.apply(key, child, manager, payload, given).await {
            Err(kube::Error::Api(status)) if status.code == 409 && live.is_none() => {
                self.create_otherwise(key, child, manager, payload, kube::Error::Api(status))
                    .await?
            }
            Err(kube::Error::Api(status))
                if status.code == 422 && live.is_some() && manager == MANAGER =>
            {
                match self.apply_with_room(key, child, payload, given).await? {
                    Some(answer) => answer,
                    None => return Err(kube::Error::Api(status)),
                }
            }
            answer => answer?,
        };
        self.metrics.applied(child.kind());
        let stored = answer["metadata"]["generation"].as_i64();
        if manager == MANAGER {
            observed.applied(child, payload, &answer);
        } else {
            put(observed, child, Some(&answer));
        }
        let told = told_generation(app);
        let is_old_wish = told.is_some() && told == app.metadata.generation;
        match &live {
            None => tracing::info!(app = %key, kind = child.kind(), "created"),
            Some(_) if is_old_wish => {
                worked.corrected = true;
                tracing::info!(app = %key, kind = child.kind(), generation = stored, "put right");
            }
            Some(_) => {
                tracing::info!(app = %key, kind = child.kind(), generation = stored, "updated")
            }
        }
        Ok(())
    }

    /// After a conflict on what should not be there. A server that minds the version of what does
    /// not exist, as ours do not, gets an apply that takes nothing from anybody.
    async fn create_otherwise(
        &self,
        key: &Key,
        child: Child,
        manager: &str,
        payload: &Value,
        conflict: kube::Error,
    ) -> Result<Value, kube::Error> {
        if self.writer.read(key, child).await?.is_some() {
            return Err(conflict);
        }
        self.writer
            .apply(key, child, manager, payload, Given::Nothing)
            .await
    }

    /// After a refusal: takes away what others have put where ours belongs, and applies again. Gives
    /// the child as it is then; `None` when nothing was in the way.
    async fn apply_with_room(
        &self,
        key: &Key,
        child: Child,
        payload: &Value,
        given: Given<'_>,
    ) -> Result<Option<Value>, kube::Error> {
        let live = self.writer.read(key, child).await?;
        let patch = live.and_then(|live| room::before(child, payload, &live));
        let Some(patch) = patch else { return Ok(None) };
        self.clear(key, child, &patch).await?;
        let mut answer = self
            .writer
            .apply(key, child, MANAGER, payload, given)
            .await?;
        if let Some(patch) = room::after(child, payload, &answer) {
            answer = self.clear(key, child, &patch).await?;
        }
        tracing::info!(app = %key, kind = child.kind(), "made room for its own ports");
        Ok(Some(answer))
    }

    async fn clear(&self, key: &Key, child: Child, patch: &Value) -> Result<Value, kube::Error> {
        match self.writer.patch(key, child, patch).await {
            // What was to be taken away is not there any more, or not so: a conflict by its nature.
            Err(kube::Error::Api(mut status)) if status.code == 422 => {
                status.code = 409;
                Err(kube::Error::Api(status))
            }
            done => done,
        }
    }

    async fn delete(
        &self,
        key: &Key,
        child: Child,
        uid: &str,
        worked: &mut Worked,
    ) -> Result<(), kube::Error> {
        match self.writer.delete(key, child, uid).await {
            // Somebody else has deleted it already.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            done => done?,
        }
        tracing::info!(app = %key, kind = child.kind(), "deleted");
        // The watch tells when it is gone; until then it is going.
        match child {
            Child::Deployment => {
                if let Some(deployment) = &mut worked.observed.deployment {
                    deployment.live.deleting = true;
                }
            }
            Child::Service => {
                if let Some(service) = &mut worked.observed.service {
                    service.live.deleting = true;
                }
            }
        }
        Ok(())
    }

    /// Reads a child from the server.
    pub(super) async fn look(
        &self,
        key: &Key,
        child: Child,
        observed: &mut Observed,
    ) -> Result<(), kube::Error> {
        let found = self.writer.read(key, child).await?;
        put(observed, child, found.as_ref());
        Ok(())
    }

    /// The status, and the Event that it is worth.
    async fn tell(&self, key: &Key, worked: &mut Worked) {
        let app = Arc::clone(&worked.begun);
        for action in app::report(&app, &worked.observed, Timestamp::now()) {
            match action {
                Action::PatchStatus(status) => {
                    let answer = self.writer.status(key, &app, &status).await;
                    match answer.map(read_app) {
                        Ok(Ok(app)) => worked.answer = Some(app),
                        // Written all the same; the watch brings it too.
                        Ok(Err(problem)) => tracing::warn!(app = %key, %problem, "strange answer"),
                        Err(problem) => {
                            status_failed(&problem, worked);
                            return;
                        }
                    }
                }
                Action::Event(note) => {
                    tracing::info!(app = %key, reason = note.reason, "{}", note.note);
                    self.events.send(Regarding::of(&app), note);
                }
                Action::Apply { .. } | Action::Delete { .. } => {}
            }
        }
    }

    fn count_what_is_right(&self, app: &App, actions: &[Action], observed: &Observed) {
        for child in Child::ALL {
            let is_written = actions.iter().any(|action| {
                matches!(action, Action::Apply { child: c, .. } | Action::Delete { child: c, .. } if *c == child)
            });
            let ours = |live: &Live| live.ownership(app) == Ownership::Ours;
            if !is_written && observed.live(child).is_some_and(ours) {
                self.metrics.left_alone(child.kind());
            }
        }
    }
}

fn status_failed(problem: &kube::Error, worked: &mut Worked) {
    let words = failure::words(problem);
    // The kind of failure counts here, not whose it is.
    let ended = match failure::classify(Child::Deployment, problem) {
        // The App is gone, or another one has its name: the watch tells.
        Failure::Outdated | Failure::Leaving => return,
        Failure::Closed => Ended::Closed,
        Failure::Told(app::Failure::Refused { .. }, _) => Ended::Refused,
        Failure::Told(app::Failure::Failing { .. }, asked) => Ended::Failed(asked),
    };
    worked.ended = ended;
    worked.problem = Some(format!("its status cannot be written: {words}"));
}

/// What an apply may rely on: it creates, or it changes this very object, and takes over an orphan
/// only as it was seen.
pub(super) fn given<'a>(app: &App, live: Option<&'a Live>) -> Given<'a> {
    match live {
        None => Given::Absent,
        Some(live) if live.ownership(app) == Ownership::Ours => Given::Is(live),
        Some(live) => Given::Unchanged(live),
    }
}

fn stopped(problem: &kube::Error, child: Child, observed: &mut Observed) -> Went {
    let words = failure::words(problem);
    let ended = match failure::classify(child, problem) {
        Failure::Told(failure, asked) => {
            let is_refused = matches!(failure, app::Failure::Refused { .. });
            observed.failure = Some(failure);
            if is_refused {
                Ended::Refused
            } else {
                Ended::Failed(asked)
            }
        }
        Failure::Leaving => Ended::Leaving,
        Failure::Closed => Ended::Closed,
        Failure::Outdated => Ended::Again,
    };
    Went::Stopped(ended, words)
}

/// The generation of which the App's status speaks; none for an App that was never brought up.
fn told_generation(app: &App) -> Option<i64> {
    app.status.as_ref()?.observed_generation
}

fn is_forbidden(observed: &Observed) -> bool {
    matches!(&observed.failure, Some(app::Failure::Failing { reason, .. }) if reason == "Forbidden")
}

/// The children whose names objects have that are not ours, of those that the App wants, and that
/// no watch may tell of: somebody else's, and what is going and has lost its label.
pub(super) fn in_the_way(app: &App, observed: &Observed) -> Vec<Child> {
    let wanted = |child: &Child| *child != Child::Service || !app.spec.ports.is_empty();
    let is_in_the_way = |child: &Child| {
        let live = observed.live(*child);
        live.is_some_and(|live| match live.ownership(app) {
            Ownership::Foreign(_) => true,
            Ownership::Predecessor => !live.labelled,
            Ownership::Ours | Ownership::Orphan => live.deleting && !live.labelled,
        })
    };
    Child::ALL
        .into_iter()
        .filter(wanted)
        .filter(is_in_the_way)
        .collect()
}

fn put(observed: &mut Observed, child: Child, object: Option<&Value>) {
    match child {
        Child::Deployment => observed.deployment = object.map(LiveDeployment::read),
        Child::Service => observed.service = object.map(LiveService::read),
    }
}
