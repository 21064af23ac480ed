//! Which resources there are: the built-in ones, and those of CustomResourceDefinitions as they come
//! and go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use super::catalog::catalog;
use super::convert;
use super::crd;
use super::kinds::{self, Kind};
use super::resource::Resource;
use super::store::{ShelfId, Store};

/// A resource in one version, with all that a verb needs to know.
#[derive(Clone)]
pub struct Served {
    /// What discovery says
    pub resource: Arc<Resource>,
    /// Where its objects are
    pub shelf: ShelfId,
    /// The version in which they are stored
    pub stored_version: String,
    /// The resource in that version, where this is another
    pub stored: Option<Arc<Resource>>,
    /// What is particular to it
    pub behaviour: Behaviour,
    /// The version of the store from which on objects were written by its schema; 0: all were
    pub since: u64,
}

/// See [`Served`].
#[derive(Clone)]
pub enum Behaviour {
    /// A kind of Kubernetes
    BuiltIn(&'static dyn Kind),
    /// A kind of a CustomResourceDefinition, in this version
    Custom(Arc<crd::Version>),
}

/// A group, as discovery shows it.
#[derive(Clone, Debug)]
pub struct Group {
    /// Empty for the core group
    pub name: String,
    /// The preferred one first
    pub versions: Vec<Version>,
    /// Whether it is of CustomResourceDefinitions
    pub is_custom: bool,
}

/// A version of a [`Group`].
#[derive(Clone, Debug)]
pub struct Version {
    /// Such as `v1`
    pub name: String,
    /// In the order of discovery
    pub resources: Vec<Arc<Resource>>,
}

/// See the module.
pub struct Registry {
    built_in: HashMap<Key, Arc<Served>>,
    by_shelf: HashMap<ShelfId, Arc<Served>>,
    groups: Vec<Group>,
    custom: RwLock<Custom>,
    /// Told of each change of `custom`
    redefined: watch::Sender<u64>,
}

type Key = (String, String, String);

#[derive(Default)]
struct Custom {
    /// By the name of the CustomResourceDefinition
    definitions: BTreeMap<String, Vec<Arc<Served>>>,
    served: HashMap<Key, Arc<Served>>,
    /// Whose objects are where
    shelves: HashMap<ShelfId, String>,
    /// Counts changes, so that what is made of all this is made anew only after one.
    generation: u64,
}

impl Served {
    /// Whether objects are stored in the version that this is.
    pub fn is_stored_version(&self) -> bool {
        self.stored_version == self.resource.version
    }

    /// The resource in the version that is stored, whose types its objects have.
    pub fn stored_resource(&self) -> &Resource {
        self.stored.as_deref().unwrap_or(&self.resource)
    }

    /// Whether it is of a CustomResourceDefinition.
    pub fn is_custom(&self) -> bool {
        matches!(self.behaviour, Behaviour::Custom(_))
    }

    fn key(&self) -> Key {
        let resource = &self.resource;
        (
            resource.group.clone(),
            resource.version.clone(),
            resource.plural.clone(),
        )
    }
}

impl Registry {
    /// The built-in resources alone.
    pub fn new(store: &Store) -> Self {
        let catalog = catalog();
        let mut built_in = HashMap::new();
        for resource in catalog.resources() {
            let (group, plural) = (resource.group.as_str(), resource.plural.as_str());
            let (stored_group, stored_version) =
                convert::stored(group, plural).unwrap_or((group, resource.version.as_str()));
            let is_stored = |r: &&Arc<Resource>| {
                (r.group.as_str(), r.version.as_str(), r.plural.as_str())
                    == (stored_group, stored_version, plural)
            };
            let stored = catalog.resources().iter().find(is_stored);
            let served = Served {
                stored: stored
                    .filter(|stored| !Arc::ptr_eq(stored, resource))
                    .cloned(),
                resource: Arc::clone(resource),
                shelf: store.shelf(stored_group, plural),
                stored_version: stored_version.to_owned(),
                behaviour: Behaviour::BuiltIn(kinds::of(group, plural)),
                since: 0,
            };
            built_in.insert(served.key(), Arc::new(served));
        }
        let groups = catalog.groups().iter().map(|group| {
            let of = |version: &String| {
                let all = catalog.resources().iter();
                let own = all.filter(|r| r.group == group.name && r.version == *version);
                Version {
                    name: version.clone(),
                    resources: own.cloned().collect(),
                }
            };
            Group {
                name: group.name.clone(),
                versions: group.versions.iter().map(of).collect(),
                is_custom: false,
            }
        });
        let mut by_shelf: HashMap<ShelfId, Arc<Served>> = HashMap::new();
        for served in built_in.values() {
            let known = by_shelf
                .entry(served.shelf)
                .or_insert_with(|| Arc::clone(served));
            if served.is_stored_version() && served.is_stored_group() {
                *known = Arc::clone(served);
            }
        }
        Registry {
            built_in,
            by_shelf,
            groups: groups.collect(),
            custom: RwLock::default(),
            redefined: watch::Sender::default(),
        }
    }

    /// The resource of that path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Served>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        if let Some(served) = self.built_in.get(&key) {
            return Some(Arc::clone(served));
        }
        self.read().served.get(&key).cloned()
    }

    /// Whether that group is one of Kubernetes.
    pub fn is_built_in(&self, group: &str) -> bool {
        self.groups.iter().any(|known| known.name == group)
    }

    /// What is served in a version; `None` when the version is not served.
    pub fn version(&self, group: &str, version: &str) -> Option<Vec<Arc<Resource>>> {
        if let Some(known) = self.groups.iter().find(|known| known.name == group) {
            let version = known.versions.iter().find(|v| v.name == version)?;
            return Some(version.resources.clone());
        }
        let custom = self.custom_of(group, version);
        let resources: Vec<_> = custom.iter().map(|s| Arc::clone(&s.resource)).collect();
        (!resources.is_empty()).then_some(resources)
    }

    /// All groups, in the order of discovery: the built-in ones, then the others by name.
    pub fn groups(&self) -> Vec<Group> {
        let custom = self.read();
        let mut found: BTreeMap<&str, BTreeMap<&str, Vec<Arc<Resource>>>> = BTreeMap::new();
        for served in custom.definitions.values().flatten() {
            let resource = &served.resource;
            let versions = found.entry(&resource.group).or_default();
            let resources = versions.entry(&resource.version).or_default();
            resources.push(Arc::clone(resource));
        }
        let mut groups = self.groups.clone();
        for (name, versions) in found {
            let mut versions: Vec<Version> = versions
                .into_iter()
                .map(|(name, resources)| Version {
                    name: name.to_owned(),
                    resources,
                })
                .collect();
            versions.sort_by(|a, b| crd::compare_versions(&a.name, &b.name));
            groups.push(Group {
                name: name.to_owned(),
                versions,
                is_custom: true,
            });
        }
        groups
    }

    /// Each resource once, in the version that controllers use: the stored one where it is served.
    pub fn each(&self) -> Vec<Arc<Served>> {
        let shelves: BTreeSet<ShelfId> = {
            let custom = self.read();
            let custom = custom
                .definitions
                .values()
                .flatten()
                .map(|served| served.shelf);
            self.by_shelf.keys().copied().chain(custom).collect()
        };
        shelves
            .into_iter()
            .filter_map(|shelf| self.served_at(shelf))
            .collect()
    }

    /// The resource whose objects are there, in the version that controllers use.
    pub fn served_at(&self, shelf: ShelfId) -> Option<Arc<Served>> {
        if let Some(served) = self.by_shelf.get(&shelf) {
            return Some(Arc::clone(served));
        }
        let custom = self.read();
        let own = custom.definitions.get(custom.shelves.get(&shelf)?)?;
        let stored = own.iter().find(|served| served.is_stored_version());
        stored.or(own.first()).cloned()
    }

    /// The versions in which a resource is served.
    pub fn versions_of(&self, group: &str, plural: &str) -> Vec<String> {
        let known = self.groups.iter().find(|known| known.name == group);
        let versions = known.into_iter().flat_map(|group| &group.versions);
        let own = versions.filter(|v| v.resources.iter().any(|r| r.plural == plural));
        let own: Vec<String> = own.map(|version| version.name.clone()).collect();
        if !own.is_empty() {
            return own;
        }
        let own = self.of_definition(&format!("{plural}.{group}"));
        own.iter().map(|s| s.resource.version.clone()).collect()
    }

    /// What custom definitions serve in a group-version.
    pub fn custom_of(&self, group: &str, version: &str) -> Vec<Arc<Served>> {
        let custom = self.read();
        let all = custom.definitions.values().flatten();
        let own = all.filter(|s| s.resource.group == group && s.resource.version == version);
        own.cloned().collect()
    }

    /// Counts the changes of what is served.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    /// The definitions whose resources are served, by name.
    pub fn definitions(&self) -> Vec<String> {
        self.read().definitions.keys().cloned().collect()
    }

    /// The versions of a definition that are served.
    pub fn of_definition(&self, name: &str) -> Vec<Arc<Served>> {
        self.read()
            .definitions
            .get(name)
            .cloned()
            .unwrap_or_default()
    }

    /// Serves what a definition defines, in place of what it defined before; nothing, when it
    /// defines nothing.
    pub fn define(&self, name: &str, served: Vec<Served>) {
        let mut custom = self.write();
        for old in custom.definitions.remove(name).unwrap_or_default() {
            custom.served.remove(&old.key());
            custom.shelves.remove(&old.shelf);
        }
        let served: Vec<Arc<Served>> = served.into_iter().map(Arc::new).collect();
        for version in &served {
            custom.served.insert(version.key(), Arc::clone(version));
            custom.shelves.insert(version.shelf, name.to_owned());
        }
        if !served.is_empty() {
            custom.definitions.insert(name.to_owned(), served);
        }
        custom.generation += 1;
        self.redefined.send_replace(custom.generation);
    }

    /// Told whenever something custom is served otherwise than before.
    pub fn redefined(&self) -> watch::Receiver<u64> {
        self.redefined.subscribe()
    }

    // A writer that panicked may have left one definition half served, no more.
    fn read(&self) -> RwLockReadGuard<'_, Custom> {
        self.custom.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Custom> {
        self.custom.write().unwrap_or_else(PoisonError::into_inner)
    }
}
