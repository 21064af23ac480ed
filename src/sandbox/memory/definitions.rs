//! CustomResourceDefinitions at work: their names are settled, what they define is served, and when
//! they go their objects go first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::controllers::cluster::{Cluster, Delete, Gvr, Propagation};
use super::crd::{self, Deletion};
use super::object::{self, meta};
use super::registry::{Behaviour, Served};
use super::store::{Event, Query, ShelfId, What};
use super::within::{Within, gvr};

/// How long to wait for objects that are held by finalizers before looking again; their own end is
/// noticed at once.
const AGAIN: Duration = Duration::from_secs(5);

/// See the module.
pub struct Definitions {
    shelf: ShelfId,
    due: BTreeSet<String>,
    /// Definitions that go, with the shelf of the objects that they wait for
    waiting: Vec<(String, ShelfId)>,
    /// What of each definition matters to the names of others, by group and name
    names: HashMap<String, BTreeMap<String, Value>>,
}

impl Definitions {
    /// Where definitions are stored.
    pub fn shelf(api: &Api) -> ShelfId {
        api.store
            .shelf("apiextensions.k8s.io", "customresourcedefinitions")
    }

    /// Nothing is due yet.
    pub fn new(api: &Api) -> Self {
        Definitions {
            shelf: Self::shelf(api),
            due: BTreeSet::new(),
            waiting: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// Something changed.
    pub fn changed(&mut self, shelf: ShelfId, event: &Event) {
        if shelf == self.shelf {
            let name = event.object.facts.name.to_string();
            let group = self.names.entry(group_of(&name).to_owned()).or_default();
            if event.what == What::Deleted {
                self.waiting.retain(|(waiting, _)| *waiting != name);
                group.remove(&name);
            } else {
                group.insert(name.clone(), names_of(&event.object.value()));
            }
            self.due.insert(name);
        } else if event.what == What::Deleted {
            let due = self.waiting.iter().filter(|(_, of)| *of == shelf);
            self.due.extend(due.map(|(name, _)| name.clone()));
        }
    }

    /// Does what is due. Answers when to be called again at the latest.
    pub fn turn(&mut self, api: &Arc<Api>, within: &Within) -> Option<Duration> {
        while let Some(name) = self.due.pop_first() {
            self.settle(api, within, &name);
        }
        (!self.waiting.is_empty()).then_some(AGAIN)
    }

    fn settle(&mut self, api: &Arc<Api>, within: &Within, name: &str) {
        let resource = definitions();
        let Some(definition) = within.get(&resource, "", name) else {
            api.registry.define(name, Vec::new());
            // Somebody may have waited for its names.
            let others = self.names.get(group_of(name)).into_iter().flatten();
            let waiting = others.filter(|(_, other)| !crd::has_its_names(other));
            self.due.extend(waiting.map(|(other, _)| other.clone()));
            return;
        };
        if object::is_deleting(&definition) {
            self.end(api, within, name, &definition);
            return;
        }
        let now = api.now();
        // Names can be taken only by definitions of the same group.
        let group = self.names.get(group_of(name)).into_iter().flatten();
        let others = group
            .filter(|(other, _)| *other != name)
            .map(|(_, other)| other);
        let others: Vec<&Value> = others.collect();
        match crd::settle(&definition, &others, &now) {
            Some(settled) => {
                // Served before it says so, so that nobody finds less than was promised.
                Self::serve(api, &settled);
                if within.update(&resource, "status", settled).is_err() {
                    self.due.insert(name.to_owned());
                }
            }
            None => Self::serve(api, &definition),
        }
    }

    /// Serves what a definition defines.
    pub fn serve(api: &Api, definition: &Value) {
        let name = meta(definition, "name");
        let known = api.registry.of_definition(name);
        let is_known = known.first().is_some_and(|served| match &served.behaviour {
            Behaviour::Custom(version) => version.is_of(definition),
            Behaviour::BuiltIn(_) => false,
        });
        if is_known {
            return;
        }
        let since = api.store.version();
        let served = crd::versions(definition).into_iter().map(|version| {
            let resource = version.resource();
            Served {
                shelf: api.store.shelf(&resource.group, &resource.plural),
                resource,
                stored_version: version.stored_version().to_owned(),
                stored: None,
                behaviour: Behaviour::Custom(version),
                since,
            }
        });
        api.registry.define(name, served.collect());
    }

    /// Deletes the objects of a definition that goes, then lets it go.
    fn end(&mut self, api: &Arc<Api>, within: &Within, name: &str, definition: &Value) {
        let holds = object::finalizers(definition).any(|finalizer| finalizer == crd::FINALIZER);
        if !holds {
            return;
        }
        let served = api.registry.of_definition(name);
        let Some(first) = served.first() else {
            self.mark(api, within, definition, &Deletion::NeverEstablished);
            return;
        };
        let resource = gvr(first);
        let query = Query::everything();
        let objects = api.store.list(first.shelf, &query).map(|page| page.items);
        let objects = objects.unwrap_or_default();
        if objects.is_empty() {
            self.waiting.retain(|(waiting, _)| waiting != name);
            self.mark(api, within, definition, &Deletion::Completed);
            return;
        }
        if !self.waiting.iter().any(|(waiting, _)| waiting == name) {
            self.waiting.push((name.to_owned(), first.shelf));
            self.mark(api, within, definition, &Deletion::InProgress);
        }
        for object in objects.iter().filter(|object| !object.facts.is_deleting) {
            let how = Delete {
                propagation: Propagation::Background,
                ..Delete::default()
            };
            let facts = &object.facts;
            // What is gone already is what was wanted; anything else is tried again.
            let _ = within.delete(&resource, &facts.namespace, &facts.name, how);
        }
    }

    fn mark(&mut self, api: &Api, within: &Within, definition: &Value, deletion: &Deletion) {
        let mut marked = definition.clone();
        crd::mark(&mut marked, deletion, &api.now());
        if within.update(&definitions(), "status", marked).is_err() {
            self.due.insert(meta(definition, "name").to_owned());
        }
    }
}

fn definitions() -> Gvr {
    Gvr {
        group: "apiextensions.k8s.io".to_owned(),
        version: "v1".to_owned(),
        plural: "customresourcedefinitions".to_owned(),
    }
}

/// The group in a definition's name.
fn group_of(name: &str) -> &str {
    name.split_once('.')
        .map(|(_, group)| group)
        .unwrap_or_default()
}

/// A definition without its versions, which are nearly all of it.
fn names_of(definition: &Value) -> Value {
    json!({
        "metadata": {"name": definition["metadata"]["name"]},
        "spec": {
            "group": definition["spec"]["group"],
            "names": definition["spec"]["names"],
        },
        "status": definition["status"],
    })
}
