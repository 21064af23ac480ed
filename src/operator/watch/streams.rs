//! The watches themselves. The kube crate keeps them alive: it goes on where a connection broke,
//! and reads everything anew when the server has forgotten that point (410).

use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll, StreamExt};
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::runtime::watcher;
use kube::runtime::watcher::{Config, Event};
use kube::{Api, Client};
use tokio::time::sleep;

use super::object::Seen;
use super::{Broken, Kind, News, Source};
use crate::app::labels;
use crate::operator::{backoff, failure};

/// The longest rest of a watch that cannot be started: short, for there are few, and whoever
/// restarts a server wants to see its Apps move again.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How many seconds the server is to keep a watch before it ends it in good order and the next one
/// goes on from there. Less than the silence that counts as a dead connection
/// ([`SILENCE`](crate::operator::SILENCE)): bookmarks come about once a minute, but for a kind of which
/// nothing changes there may be none.
const LASTS: u32 = 100;

/// Where Apps are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Scope {
    Cluster,
    Namespace(String),
}

impl Scope {
    pub(in super::super) fn holds(&self, namespace: &str) -> bool {
        match self {
            Scope::Cluster => true,
            Scope::Namespace(own) => own == namespace,
        }
    }

    /// For sentences.
    pub(in super::super) fn words(&self) -> String {
        match self {
            Scope::Cluster => "in the whole cluster".to_owned(),
            Scope::Namespace(name) => format!("in namespace {name}"),
        }
    }
}

/// All watches in one stream, which has no end.
pub(in super::super) type Watching = SelectAll<BoxStream<'static, (Source, News)>>;

/// Watches all kinds in all scopes; of the Apps those that the label selector takes.
pub(in super::super) fn streams(
    client: &Client,
    scopes: &[Scope],
    selector: Option<&str>,
) -> Watching {
    let mut all = SelectAll::new();
    for (place, scope) in scopes.iter().enumerate() {
        let source = |kind| Source { kind, scope: place };
        let labelled = Some(labels::LABEL);
        all.push(stream::<0>(client, scope, source(Kind::App), selector));
        all.push(stream::<1>(
            client,
            scope,
            source(Kind::Deployment),
            labelled,
        ));
        all.push(stream::<2>(client, scope, source(Kind::Service), labelled));
        all.push(stream::<3>(client, scope, source(Kind::Pod), labelled));
        all.push(stream::<4>(client, scope, source(Kind::Autoscaler), None));
    }
    all
}

fn stream<const KIND: usize>(
    client: &Client,
    scope: &Scope,
    source: Source,
    selector: Option<&str>,
) -> BoxStream<'static, (Source, News)> {
    let resource = resource(source.kind);
    let api: Api<Seen<KIND>> = match scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespace(name) => Api::namespaced_with(client.clone(), name, &resource),
    };
    let config = Config {
        label_selector: selector.map(str::to_owned),
        timeout: Some(LASTS),
        ..Config::default()
    };
    // One object at a time in place of pages of 500: half the memory at the start.
    let first = watcher(api.clone(), config.clone().streaming_lists()).boxed();
    let events = Events {
        paged: Some(Box::new(move || {
            watcher(api.clone(), config.clone()).boxed()
        })),
        events: first,
        failures: 0,
        rest: None,
    };
    stream::unfold(events, Events::next)
        .filter_map(move |event| async move { Some((source, news(event)?)) })
        .boxed()
}

type Watched<const KIND: usize> = BoxStream<'static, Result<Event<Seen<KIND>>, watcher::Error>>;

/// A watch that rests after failures and takes to pages where it has to.
struct Events<const KIND: usize> {
    events: Watched<KIND>,
    paged: Option<Box<dyn Fn() -> Watched<KIND> + Send>>,
    failures: u32,
    rest: Option<Duration>,
}

impl<const KIND: usize> Events<KIND> {
    async fn next(mut self) -> Option<(Result<Event<Seen<KIND>>, watcher::Error>, Self)> {
        if let Some(rest) = self.rest.take() {
            sleep(rest).await;
        }
        loop {
            let event = self.events.next().await?;
            if refuses_streaming(&event)
                && let Some(paged) = self.paged.take()
            {
                self.events = paged();
                continue;
            }
            match &event {
                Err(_) => {
                    self.failures = self.failures.saturating_add(1);
                    self.rest = Some(backoff::wait(self.failures, None).min(LONGEST_REST));
                }
                // Said before the first request: it is no success yet.
                Ok(Event::Init) => {}
                Ok(_) => self.failures = 0,
            }
            return Some((event, self));
        }
    }
}

/// Servers before 1.32, and those where it is switched off, know no streaming lists (422 or 400).
fn refuses_streaming<K>(event: &Result<Event<K>, watcher::Error>) -> bool {
    match event {
        Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) => {
            matches!(status.code, 400 | 422)
        }
        _ => false,
    }
}

fn news<const KIND: usize>(event: Result<Event<Seen<KIND>>, watcher::Error>) -> Option<News> {
    Some(match event {
        Ok(Event::Init) => News::Begin,
        Ok(Event::InitApply(seen) | Event::Apply(seen)) => News::Put(seen.object?),
        Ok(Event::Delete(seen)) => News::Gone(seen.object?),
        Ok(Event::InitDone) => News::Complete,
        Err(problem) => News::Broken(broken(problem)),
    })
}

fn broken(problem: watcher::Error) -> Broken {
    let of = |problem: &kube::Error| Broken {
        words: failure::words(problem),
        code: match problem {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        },
    };
    match problem {
        watcher::Error::InitialListFailed(problem)
        | watcher::Error::WatchStartFailed(problem)
        | watcher::Error::WatchFailed(problem) => of(&problem),
        watcher::Error::WatchError(status) => of(&kube::Error::Api(status)),
        watcher::Error::NoResourceVersion => Broken {
            words: problem.to_string(),
            code: None,
        },
    }
}

fn resource(kind: Kind) -> ApiResource {
    let (group, version, name) = match kind {
        Kind::App => ("app.example.com", "v1", "App"),
        Kind::Deployment => ("apps", "v1", "Deployment"),
        Kind::Service => ("", "v1", "Service"),
        Kind::Pod => ("", "v1", "Pod"),
        Kind::Autoscaler => ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    };
    let kind_of = GroupVersionKind::gvk(group, version, name);
    ApiResource::from_gvk_with_plural(&kind_of, kind.plural())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use http::{Request, Response};
    use kube::client::Body;
    use tower::{BoxError, service_fn};

    use super::*;

    #[tokio::test]
    async fn every_watch_ends_before_its_silence_counts_as_death() {
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let notes = Arc::clone(&asked);
        let server = service_fn(move |request: Request<Body>| {
            notes.lock().unwrap().insert(request.uri().to_string());
            async { Err::<Response<Body>, BoxError>("nobody is there".into()) }
        });
        let client = Client::new(server, "default");
        let mut watching = streams(&client, &[Scope::Cluster], None);
        while asked.lock().unwrap().len() < Kind::ALL.len() {
            watching.next().await;
        }
        for uri in asked.lock().unwrap().iter() {
            let limit = uri.split("timeoutSeconds=").nth(1).unwrap_or_default();
            let limit: String = limit.chars().take_while(char::is_ascii_digit).collect();
            let lasts = Duration::from_secs(limit.parse().unwrap());
            assert!(lasts < crate::operator::SILENCE, "{uri}");
        }
    }
}
