//! What is known of the cluster: what the watches told, and what the answers to our own writes told
//! before them. Pure.

mod entry;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::queue::{Cause, Key};
use super::watch::{Broken, Kind, News, Object, Scope, Source, Thing};
use crate::app::live::Live;
use crate::app::pods::Trouble;
use crate::app::{App, Child, Observed};
pub(super) use entry::Known;
use entry::{BrokenApp, Entry, number, same_deployment, same_service, version_of, wish};

/// All that is known.
#[derive(Debug)]
pub(super) struct Cache {
    scopes: Vec<Scope>,
    progress: HashMap<Source, Progress>,
    entries: HashMap<Key, Entry>,
    /// By namespace and name: the Deployment that it scales
    autoscalers: HashMap<Key, String>,
    /// The pods in trouble, by namespace and name: whose they are by their label, which may change
    troubled: HashMap<Key, Arc<str>>,
    /// How many entries have an App
    apps: usize,
}

/// How far a watch has come.
#[derive(Debug, Default)]
struct Progress {
    /// What it has told since it began anew, until that is complete
    fresh: Option<HashSet<Key>>,
    /// Whether it was complete once, or need not be waited for
    answered: bool,
    /// The newest version that it told of
    newest: u64,
    /// Why it is broken
    broken: Option<Broken>,
}

/// What a worker gets to decide on.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) app: Known,
    pub(super) observed: Observed,
}

/// What follows from some news.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Apps to look at
    pub(super) look: Vec<(Key, Cause)>,
    /// All of this scope has been read for the first time
    pub(super) synced: bool,
    /// The watch has begun to fail, or to fail otherwise
    pub(super) broken: Option<Broken>,
    /// The watch tells something again
    pub(super) mended: bool,
}

impl Cache {
    /// Nothing is known yet of these scopes.
    pub(super) fn new(scopes: Vec<Scope>) -> Self {
        let places = 0..scopes.len();
        let sources = places.flat_map(|scope| Kind::ALL.map(|kind| Source { kind, scope }));
        Cache {
            progress: sources
                .map(|source| (source, Progress::default()))
                .collect(),
            scopes,
            entries: HashMap::new(),
            autoscalers: HashMap::new(),
            troubled: HashMap::new(),
            apps: 0,
        }
    }

    /// Takes in what a watch told.
    pub(super) fn take_in(&mut self, source: Source, news: News) -> Effect {
        let was_synced = self.is_synced(source.scope);
        let progress = self.progress.entry(source).or_default();
        let mut effect = Effect::default();
        if let News::Broken(broken) = &news {
            // What only says why is done without where it may not be seen or is not served.
            let is_refused = matches!(broken.code, Some(403 | 404));
            progress.answered |= is_refused && !source.kind.is_needed();
            if progress.broken.as_ref() != Some(broken) {
                progress.broken = Some(broken.clone());
                effect.broken = Some(broken.clone());
            }
        } else if !matches!(news, News::Begin) {
            // That it begins is said before the server has answered.
            effect.mended = progress.broken.take().is_some();
        }
        match news {
            News::Broken(_) => {}
            News::Begin => progress.fresh = Some(HashSet::new()),
            News::Put(object) => {
                progress.newest = progress.newest.max(object.version);
                if let Some(fresh) = &mut progress.fresh {
                    fresh.insert(Key::new(&object.namespace, &object.name));
                }
                let relisted = progress.fresh.is_some();
                self.put(object, relisted, &mut effect.look);
            }
            News::Gone(object) => {
                progress.newest = progress.newest.max(object.version);
                self.gone(object, &mut effect.look);
            }
            News::Complete => {
                progress.answered = true;
                if let Some(fresh) = progress.fresh.take() {
                    self.forget_all_but(source, &fresh, &mut effect.look);
                }
            }
        }
        let is_synced = self.is_synced(source.scope);
        if !is_synced {
            // Half of the truth is no ground for a decision.
            effect.look.clear();
        } else if !was_synced {
            effect.synced = true;
            effect.look = self.apps_in(source.scope);
        }
        effect
    }

    /// What is known about an App; `None` when there is none.
    pub(super) fn snapshot(&self, key: &Key) -> Option<Snapshot> {
        let entry = self.entries.get(key)?;
        let mut observed = entry.observed.clone();
        observed.troubles = entry.troubles.values().cloned().collect();
        Some(Snapshot {
            app: entry.app.clone()?,
            observed,
        })
    }

    /// What is known about every App.
    pub(super) fn snapshots(&self) -> Vec<(Key, Snapshot)> {
        let all = self.entries.keys();
        all.filter_map(|key| Some((key.clone(), self.snapshot(key)?)))
            .collect()
    }

    /// Takes in what a worker knows in the end, who began with the App `begun`: the children as its
    /// writes left them, and the App as the answer to its status had it. Where a watch has told of
    /// something newer, that counts.
    pub(super) fn merge(
        &mut self,
        key: &Key,
        begun: &App,
        worked: Observed,
        app: Option<App>,
    ) -> Effect {
        let mut effect = Effect::default();
        let newest = |kind| self.newest(kind, &key.namespace);
        let seen = [newest(Kind::Deployment), newest(Kind::Service)];
        let seen_apps = newest(Kind::App);
        let Some(entry) = self.entries.get_mut(key) else {
            return effect;
        };
        let Some(Known::Whole(known)) = &entry.app else {
            return effect;
        };
        let is_same = |app: &App| app.metadata.uid == known.metadata.uid;
        if let Some(app) = app.filter(is_same) {
            let version = version_of(&app);
            if version > seen_apps && version > version_of(known) {
                if wish(known) != wish(&app) {
                    effect.look.push((key.clone(), Cause::Wish));
                }
                entry.app = Some(Known::Whole(Arc::new(app)));
            }
        }
        entry.merge(begun, worked, seen);
        effect
    }

    /// How many Apps there are.
    pub(super) fn apps(&self) -> usize {
        self.apps
    }

    /// Whether every scope has been read, but for those that cannot be; and at least one has.
    pub(super) fn is_ready(&self) -> bool {
        let mut synced = (0..self.scopes.len()).map(|scope| {
            let broken = Kind::ALL.iter().any(|kind| {
                let progress = self.progress.get(&Source { kind: *kind, scope });
                progress.is_some_and(|p| p.broken.is_some() && !p.answered)
            });
            (self.is_synced(scope), broken)
        });
        synced.clone().any(|(synced, _)| synced) && synced.all(|(synced, broken)| synced || broken)
    }

    /// Whether every scope has been read.
    pub(super) fn is_complete(&self) -> bool {
        (0..self.scopes.len()).all(|scope| self.is_synced(scope))
    }

    fn is_synced(&self, scope: usize) -> bool {
        Kind::ALL.iter().all(|kind| {
            let progress = self.progress.get(&Source { kind: *kind, scope });
            progress.is_some_and(|progress| progress.answered)
        })
    }

    fn newest(&self, kind: Kind, namespace: &str) -> u64 {
        let scope = self.scopes.iter().position(|scope| scope.holds(namespace));
        let progress = scope.and_then(|scope| self.progress.get(&Source { kind, scope }));
        progress.map_or(0, |progress| progress.newest)
    }

    fn apps_in(&self, scope: usize) -> Vec<(Key, Cause)> {
        let scope = &self.scopes[scope];
        let own = self
            .entries
            .iter()
            .filter(|(key, entry)| entry.app.is_some() && scope.holds(&key.namespace));
        own.map(|(key, _)| (key.clone(), Cause::Wish)).collect()
    }

    fn put(&mut self, object: Object, relisted: bool, look: &mut Vec<(Key, Cause)>) {
        let key = Key::new(&object.namespace, &object.name);
        let version = object.version;
        // In a list that is read anew an older version is the truth too: of a restored backup.
        let is_news = |known: u64| version > known || (relisted && version != known);
        match object.thing {
            Thing::App(app) => {
                let entry = self.entries.entry(key.clone()).or_default();
                if !is_news(entry.app.as_ref().map_or(0, Known::version)) {
                    return;
                }
                self.apps += usize::from(entry.app.is_none());
                let cause = entry.know(*app);
                look.extend(cause.map(|cause| (key, cause)));
            }
            Thing::BrokenApp { uid, problem } => {
                let entry = self.entries.entry(key.clone()).or_default();
                if is_news(entry.app.as_ref().map_or(0, Known::version)) {
                    self.apps += usize::from(entry.app.is_none());
                    entry.app = Some(Known::Broken(Arc::new(BrokenApp {
                        uid,
                        problem,
                        version,
                    })));
                    look.push((key, Cause::Wish));
                }
            }
            Thing::Deployment(new) => {
                let entry = self.entries.entry(key.clone()).or_default();
                let old = entry.observed.deployment.as_ref();
                if is_news(old.map_or(0, |old| number(&old.live))) {
                    let changed = old.is_none_or(|old| !same_deployment(old, &new));
                    let same = old.map(|old| (&old.live.uid, old.generation));
                    entry.renew(same != Some((&new.live.uid, new.generation)));
                    entry.observed.deployment = Some(*new);
                    look.extend(entry.news(key, changed));
                }
            }
            Thing::Service(new) => {
                let entry = self.entries.entry(key.clone()).or_default();
                let old = entry.observed.service.as_ref();
                if is_news(old.map_or(0, |old| number(&old.live))) {
                    let changed = old.is_none_or(|old| !same_service(old, &new));
                    entry.renew(true);
                    entry.observed.service = Some(*new);
                    look.extend(entry.news(key, changed));
                }
            }
            Thing::Pod(app, trouble) => {
                self.trouble(key, trouble.map(|trouble| (app, trouble)), look);
            }
            Thing::Autoscaler(target) => self.aim(key, target, look),
        }
    }

    fn gone(&mut self, object: Object, look: &mut Vec<(Key, Cause)>) {
        let key = Key::new(&object.namespace, &object.name);
        match object.thing {
            Thing::App(_) | Thing::BrokenApp { .. } => {
                let gone = self.change(&key, |entry| {
                    let known = entry.app.as_ref().map(Known::version);
                    let gone = known.is_some_and(|known| object.version >= known);
                    if gone {
                        entry.app = None;
                        entry.observed.failure = None;
                    }
                    gone
                });
                self.apps -= usize::from(gone == Some(true));
            }
            Thing::Deployment(_) | Thing::Service(_) => {
                let child = match object.thing {
                    Thing::Deployment(_) => Child::Deployment,
                    _ => Child::Service,
                };
                let is_older = |live: &Live| number(live) <= object.version;
                let news = self.change(&key, |entry| {
                    let gone = entry.observed.live(child).is_some_and(is_older);
                    gone.then(|| entry.lose(child));
                    entry.news(key.clone(), gone)
                });
                look.extend(news.flatten());
            }
            Thing::Pod(..) => self.trouble(key, None, look),
            Thing::Autoscaler(_) => self.aim(key, None, look),
        }
    }

    /// After a list: what it does not have is gone.
    fn forget_all_but(
        &mut self,
        source: Source,
        fresh: &HashSet<Key>,
        look: &mut Vec<(Key, Cause)>,
    ) {
        let scope = self.scopes[source.scope].clone();
        if source.kind == Kind::Autoscaler {
            let lost = self.autoscalers.keys();
            let lost = lost.filter(|key| scope.holds(&key.namespace) && !fresh.contains(*key));
            let lost: Vec<Key> = lost.cloned().collect();
            lost.into_iter().for_each(|key| self.aim(key, None, look));
            return;
        }
        if source.kind == Kind::Pod {
            let lost = self.troubled.keys();
            let lost = lost.filter(|key| scope.holds(&key.namespace) && !fresh.contains(*key));
            let lost: Vec<Key> = lost.cloned().collect();
            lost.into_iter()
                .for_each(|key| self.trouble(key, None, look));
            return;
        }
        for (key, entry) in &mut self.entries {
            if !scope.holds(&key.namespace) {
                continue;
            }
            let is_lost = !fresh.contains(key);
            let changed = match source.kind {
                Kind::App => {
                    self.apps -= usize::from(is_lost && entry.app.take().is_some());
                    false
                }
                Kind::Deployment => is_lost && entry.lose(Child::Deployment),
                Kind::Service => is_lost && entry.lose(Child::Service),
                Kind::Pod | Kind::Autoscaler => false,
            };
            look.extend(entry.news(key.clone(), changed));
        }
        self.entries.retain(|_, entry| !entry.is_empty());
    }

    /// A pod has a trouble, which is the App's of its label; or none (any more).
    fn trouble(
        &mut self,
        pod: Key,
        trouble: Option<(String, Trouble)>,
        look: &mut Vec<(Key, Cause)>,
    ) {
        let before = self.troubled.remove(&pod);
        let (app, trouble) = trouble.unzip();
        let after = app.map(Arc::<str>::from);
        let of = |app: Arc<str>| Key {
            namespace: Arc::clone(&pod.namespace),
            name: app,
        };
        if let Some(before) = before.filter(|before| Some(before) != after.as_ref()) {
            let key = of(before);
            let news = self.change(&key, |entry| {
                let changed = entry.troubles.remove(&*pod.name).is_some();
                entry.news(key.clone(), changed)
            });
            look.extend(news.flatten());
        }
        if let (Some(app), Some(trouble)) = (after, trouble) {
            let key = of(Arc::clone(&app));
            let entry = self.entries.entry(key.clone()).or_default();
            let old = entry.troubles.insert(pod.name.to_string(), trouble);
            let changed = old.as_ref() != entry.troubles.get(&*pod.name);
            look.extend(entry.news(key, changed));
            self.troubled.insert(pod, app);
        }
    }

    /// An autoscaler is aimed at a Deployment, or at none any more.
    fn aim(&mut self, autoscaler: Key, target: Option<String>, look: &mut Vec<(Key, Cause)>) {
        let before = match target.clone() {
            Some(target) => self.autoscalers.insert(autoscaler.clone(), target),
            None => self.autoscalers.remove(&autoscaler),
        };
        if before == target {
            return;
        }
        for name in before.into_iter().chain(target) {
            let key = Key::new(&autoscaler.namespace, &name);
            let aimed = self
                .autoscalers
                .iter()
                .find(|(scaler, target)| scaler.namespace == key.namespace && **target == name);
            let aimed = aimed.map(|(scaler, _)| scaler.name.to_string());
            if aimed.is_some() {
                self.entries.entry(key.clone()).or_default();
            }
            let news = self.change(&key, |entry| {
                let changed = entry.observed.autoscaler != aimed;
                entry.observed.autoscaler = aimed;
                entry.news(key.clone(), changed)
            });
            look.extend(news.flatten());
        }
    }

    /// Changes an entry that is there, and drops it when nothing is left in it.
    fn change<T>(&mut self, key: &Key, how: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.entries.get_mut(key)?;
        let result = how(entry);
        if entry.is_empty() {
            self.entries.remove(key);
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests;
