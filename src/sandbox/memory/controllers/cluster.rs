//! What controllers see of the server, and what they ask of it.

use std::sync::{Arc, MutexGuard};

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, NamespaceResourceScope, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sandbox::memory::status::Status;

/// A resource by its names, in the version that controllers use.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvr {
    /// Empty for the core group
    pub group: String,
    /// Such as `v1`
    pub version: String,
    /// Such as `deployments`
    pub plural: String,
}

/// An object by its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Its resource
    pub resource: Gvr,
    /// Empty where it lives in none
    pub namespace: String,
    /// Its name
    pub name: String,
}

/// What becomes of what an object owns (`propagationPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// It is deleted afterwards
    #[default]
    Background,
    /// It is deleted first
    Foreground,
    /// It is let go
    Orphan,
}

/// A deletion.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delete<'a> {
    /// Only the object with this uid
    pub uid: Option<&'a str>,
    /// Only in this version
    pub resource_version: Option<&'a str>,
    /// Seconds until it goes; the kind's own when `None`
    pub grace: Option<i64>,
    /// What becomes of what it owns
    pub propagation: Propagation,
}

/// The server, from within: reads are of what is stored at this moment, so no cache is needed and no
/// expectation of an own write to be seen. Writes take the path of any client's, with its checks.
/// A namespace is empty for resources that live in none; to list, `None` is all namespaces.
pub trait Cluster: Send + Sync {
    /// All resources that are served and can be listed and deleted, custom ones included, each once.
    fn resources(&self) -> Vec<Gvr>;
    /// The resource of a kind in a group and version (`apps/v1`), and whether its objects live in
    /// namespaces; `None` when it is not served. The version may be any that is served.
    fn served(&self, api_version: &str, kind: &str) -> Option<(Gvr, bool)>;
    /// One object.
    fn get(&self, resource: &Gvr, namespace: &str, name: &str) -> Option<Value>;
    /// The same as JSON, for who reads it into a type.
    fn json(&self, resource: &Gvr, namespace: &str, name: &str) -> Option<Bytes> {
        let object = self.get(resource, namespace, name)?;
        Some(object.to_string().into())
    }
    /// All objects, ordered by namespace and name.
    fn list(&self, resource: &Gvr, namespace: Option<&str>) -> Vec<Value>;
    /// The same as JSON.
    fn list_json(&self, resource: &Gvr, namespace: Option<&str>) -> Vec<Bytes> {
        let all = self.list(resource, namespace).into_iter();
        all.map(|object| object.to_string().into()).collect()
    }
    /// Keeps everybody from charging ResourceQuotas, as long as the guard lives.
    fn hold_quotas(&self) -> Option<MutexGuard<'_, ()>> {
        None
    }
    /// A token without an end, of an account (namespace, name, uid), for the Secret of that name.
    fn token(&self, _namespace: &str, _account: &str, _uid: &str, _secret: &str) -> Option<String> {
        None
    }
    /// Who has an ownerReference with that uid, whatever their resource.
    fn dependents(&self, uid: &str) -> Vec<Key>;
    /// The object with that uid, if there is one.
    fn by_uid(&self, uid: &str) -> Option<Key>;
    /// Creates; `metadata.namespace` says where.
    fn create(&self, resource: &Gvr, object: Value) -> Result<Value, Status>;
    /// Replaces, at the resourceVersion in the object (409 when it is stale).
    fn update(&self, resource: &Gvr, subresource: &str, object: Value) -> Result<Value, Status>;
    /// A JSON merge patch.
    fn patch(
        &self,
        resource: &Gvr,
        subresource: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> Result<Value, Status>;
    /// Deletes.
    fn delete(
        &self,
        resource: &Gvr,
        namespace: &str,
        name: &str,
        how: Delete<'_>,
    ) -> Result<(), Status>;
    /// The time, which tests set.
    fn now(&self) -> jiff::Timestamp;
}

/// Something that changed. Sent in the order of resourceVersions.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose
    pub key: Key,
    /// What became of it
    pub what: What,
    /// The object after the change; before it, when it is gone. Its metadata alone, where
    /// controllers [read](super::manager::reads) no more.
    pub object: Arc<Value>,
}

/// See [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new
    Added,
    /// It is another
    Modified,
    /// It is gone
    Deleted,
}

impl Gvr {
    /// The resource of a type of k8s-openapi.
    pub fn of<T: Resource>() -> Self {
        Gvr {
            group: T::GROUP.to_owned(),
            version: T::VERSION.to_owned(),
            plural: T::URL_PATH_SEGMENT.to_owned(),
        }
    }
}

/// The same with the types of k8s-openapi.
impl dyn Cluster + '_ {
    /// See [`Cluster::get`]. An object that does not fit the type counts as absent.
    pub fn typed<T: Resource + DeserializeOwned>(&self, namespace: &str, name: &str) -> Option<T> {
        let object = self.json(&Gvr::of::<T>(), namespace, name)?;
        serde_json::from_slice(&object).ok()
    }

    /// See [`Cluster::list`].
    pub fn all<T: Resource + DeserializeOwned>(&self, namespace: Option<&str>) -> Vec<T> {
        let all = self.list_json(&Gvr::of::<T>(), namespace);
        all.iter()
            .filter_map(|object| serde_json::from_slice(object).ok())
            .collect()
    }

    /// Objects of that type in the namespace with that uid as their controller.
    pub fn controlled<T>(&self, namespace: &str, uid: &str) -> Vec<T>
    where
        T: Resource<Scope = NamespaceResourceScope> + DeserializeOwned + Metadata<Ty = ObjectMeta>,
    {
        let resource = Gvr::of::<T>();
        let keys = self.dependents(uid).into_iter();
        let keys = keys.filter(|key| key.resource == resource && key.namespace == namespace);
        let objects = keys.filter_map(|key| self.typed::<T>(&key.namespace, &key.name));
        objects
            .filter(|object| {
                let owners = object.metadata().owner_references.iter().flatten();
                owners
                    .into_iter()
                    .any(|o| o.controller == Some(true) && o.uid == uid)
            })
            .collect()
    }

    /// See [`Cluster::create`].
    pub fn create_typed<T>(&self, object: &T) -> Result<T, Status>
    where
        T: Resource + Serialize + DeserializeOwned,
    {
        let object = serde_json::to_value(object).map_err(Status::internal)?;
        let made = self.create(&Gvr::of::<T>(), object)?;
        serde_json::from_value(made).map_err(Status::internal)
    }

    /// See [`Cluster::update`].
    pub fn update_typed<T>(&self, subresource: &str, object: &T) -> Result<T, Status>
    where
        T: Resource + Serialize + DeserializeOwned,
    {
        let object = serde_json::to_value(object).map_err(Status::internal)?;
        let made = self.update(&Gvr::of::<T>(), subresource, object)?;
        serde_json::from_value(made).map_err(Status::internal)
    }
}
