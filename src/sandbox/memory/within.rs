//! The server for whoever is inside it: controllers read what is stored and write by the path of all.

use std::sync::{Arc, MutexGuard};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::api::Api;
use super::authn::User;
use super::controllers::cluster::{Cluster, Delete, Gvr, Key, Propagation};
use super::object::meta;
use super::registry::Served;
use super::route::options;
use super::status::Status;
use super::store::{Place, Query, Stored};
use super::verbs::delete::delete;
use super::verbs::render::Written;
use super::verbs::write::{Change, Writer, key};
use super::{patch, verbs};

/// See the module.
pub struct Within {
    api: Arc<Api>,
    user: User,
    manager: &'static str,
}

impl Within {
    /// Writes are made by that user, who manages fields under its last word:
    /// `system:kube-controller-manager`.
    pub fn new(api: Arc<Api>, manager: &'static str) -> Self {
        let user = User::component(&format!("system:{manager}"));
        Within { api, user, manager }
    }

    /// The resource, in the version of its name.
    fn served(&self, resource: &Gvr) -> Result<Arc<Served>, Status> {
        let Gvr {
            group,
            version,
            plural,
        } = resource;
        let found = self.api.registry.find(group, version, plural);
        found.ok_or_else(Status::no_such_path)
    }

    fn writer<'a>(
        &'a self,
        served: &'a Served,
        namespace: &'a str,
        subresource: &'a str,
    ) -> Writer<'a> {
        Writer {
            api: &self.api,
            served,
            namespace,
            subresource,
            user: &self.user,
            manager: self.manager,
            dry_run: false,
            is_patch: false,
            is_upsert: false,
            warnings: Vec::new(),
        }
    }

    /// Reads an object as one that a client sends.
    fn decode(served: &Served, object: Value) -> Result<Value, Status> {
        verbs::body::take(served, object).map(|taken| taken.object)
    }

    fn shown(served: &Served, written: Written) -> Result<Value, Status> {
        let object = match written {
            Written::Stored(stored) => return shown(served, &stored),
            Written::Dry(object) => object,
        };
        served.shown(object)
    }

    fn items<T>(
        &self,
        resource: &Gvr,
        namespace: Option<&str>,
        read: impl Fn(&Served, &Stored) -> Option<T>,
    ) -> Vec<T> {
        let Ok(served) = self.served(resource) else {
            return Vec::new();
        };
        let query = Query {
            namespace,
            ..Query::everything()
        };
        let page = self.api.store.list(served.shelf, &query);
        let items = page.map(|page| page.items).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| read(&served, item))
            .collect()
    }

    fn key_at(&self, place: &Place) -> Option<Key> {
        let each = self.api.registry.served_at(place.shelf)?;
        let stored = self.api.store.get(place.shelf, &place.key)?;
        Some(Key {
            resource: gvr(&each),
            namespace: stored.facts.namespace.to_string(),
            name: stored.facts.name.to_string(),
        })
    }
}

/// The names of a resource.
pub fn gvr(served: &Served) -> Gvr {
    let resource = &served.resource;
    Gvr {
        group: resource.group.clone(),
        version: resource.version.clone(),
        plural: resource.plural.clone(),
    }
}

fn shown(served: &Served, stored: &Stored) -> Result<Value, Status> {
    let object = stored.value();
    if served.is_as_stored(stored) {
        return Ok(object);
    }
    served.shown(object)
}

fn json(served: &Served, stored: &Stored) -> Option<Bytes> {
    if served.is_as_stored(stored) {
        return Some(stored.json().clone());
    }
    let object = served.shown(stored.value()).ok()?;
    Some(object.to_string().into())
}

impl Cluster for Within {
    fn token(&self, namespace: &str, account: &str, uid: &str, secret: &str) -> Option<String> {
        let tokens = &self.api.tokens;
        tokens.issue_for_secret(namespace, account, uid, secret)
    }

    fn resources(&self) -> Vec<Gvr> {
        let each = self.api.registry.each();
        let listed = each.iter().filter(|served| {
            served.resource.has_verb("list") && served.resource.has_verb("delete")
        });
        listed.map(|served| gvr(served)).collect()
    }

    fn served(&self, api_version: &str, kind: &str) -> Option<(Gvr, bool)> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resources = self.api.registry.version(group, version)?;
        let found = resources
            .iter()
            .find(|resource| resource.kind == kind && resource.has_verb("get"))?;
        let gvr = Gvr {
            group: found.group.clone(),
            version: found.version.clone(),
            plural: found.plural.clone(),
        };
        Some((gvr, found.namespaced))
    }

    fn get(&self, resource: &Gvr, namespace: &str, name: &str) -> Option<Value> {
        let served = self.served(resource).ok()?;
        let stored = self.api.store.get(served.shelf, &key(namespace, name))?;
        shown(&served, &stored).ok()
    }

    fn json(&self, resource: &Gvr, namespace: &str, name: &str) -> Option<Bytes> {
        let served = self.served(resource).ok()?;
        let stored = self.api.store.get(served.shelf, &key(namespace, name))?;
        json(&served, &stored)
    }

    fn list(&self, resource: &Gvr, namespace: Option<&str>) -> Vec<Value> {
        self.items(resource, namespace, |served, item| shown(served, item).ok())
    }

    fn list_json(&self, resource: &Gvr, namespace: Option<&str>) -> Vec<Bytes> {
        self.items(resource, namespace, json)
    }

    fn hold_quotas(&self) -> Option<MutexGuard<'_, ()>> {
        Some(self.api.hold_quotas())
    }

    fn dependents(&self, uid: &str) -> Vec<Key> {
        let places = self.api.store.owned_by(uid);
        places
            .iter()
            .filter_map(|place| self.key_at(place))
            .collect()
    }

    fn by_uid(&self, uid: &str) -> Option<Key> {
        let place = self.api.store.by_uid(uid)?;
        self.key_at(&place)
    }

    fn create(&self, resource: &Gvr, object: Value) -> Result<Value, Status> {
        let served = self.served(resource)?;
        let namespace = meta(&object, "namespace").to_owned();
        let object = Within::decode(&served, object)?;
        let made = self.writer(&served, &namespace, "").create(Change {
            object,
            is_managed: false,
        })?;
        Within::shown(&served, made)
    }

    fn update(&self, resource: &Gvr, subresource: &str, object: Value) -> Result<Value, Status> {
        let served = self.served(resource)?;
        let (namespace, name) = (
            meta(&object, "namespace").to_owned(),
            meta(&object, "name").to_owned(),
        );
        let object = Within::decode(&served, object)?;
        let mut writer = self.writer(&served, &namespace, subresource);
        let (made, _) = writer.update(&name, false, |_, _| {
            Ok(Change {
                object: object.clone(),
                is_managed: false,
            })
        })?;
        Within::shown(&served, made)
    }

    fn patch(
        &self,
        resource: &Gvr,
        subresource: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> Result<Value, Status> {
        let served = self.served(resource)?;
        let mut writer = self.writer(&served, namespace, subresource);
        writer.is_patch = true;
        let (made, _) = writer.update(name, false, |live, _| {
            let live = live.cloned().unwrap_or_default();
            let mut object = served.shown(live)?;
            patch::merge(&mut object, &patch);
            let object = Within::decode(&served, object)?;
            Ok(Change {
                object,
                is_managed: false,
            })
        })?;
        Within::shown(&served, made)
    }

    fn delete(
        &self,
        resource: &Gvr,
        namespace: &str,
        name: &str,
        how: Delete<'_>,
    ) -> Result<(), Status> {
        let served = self.served(resource)?;
        let options = options::DeleteOptions {
            grace: how.grace,
            propagation: Some(match how.propagation {
                Propagation::Background => options::Propagation::Background,
                Propagation::Foreground => options::Propagation::Foreground,
                Propagation::Orphan => options::Propagation::Orphan,
            }),
            uid: how.uid.map(str::to_owned),
            resource_version: how.resource_version.map(str::to_owned),
            ..options::DeleteOptions::default()
        };
        delete(&self.api, &served, namespace, name, &options).map(|_| ())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
