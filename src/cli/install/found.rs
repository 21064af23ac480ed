//! What is installed already: what belongs to the operator of a namespace, and what stands where
//! something of it would.

use std::collections::BTreeSet;

use serde_json::Value;

use super::manifests::{ELECTION, LEASE, NAME, OURS};
use super::object::{Id, Kind};
use super::request::{code, get};
use crate::cluster::{Error, Server};

/// An object on the server.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Live {
    pub(in crate::cli) id: Id,
    /// The server's own identifier of it
    pub(in crate::cli) uid: String,
}

/// What there is of the installation in a namespace.
#[derive(Debug, Default)]
pub(in crate::cli) struct Found {
    /// What belongs to it, in the order in which it is removed
    pub(in crate::cli) objects: Vec<Live>,
    /// Roles given under our name to the operator of another namespace, with that namespace
    pub(in crate::cli) elsewhere: Vec<(Id, String)>,
    /// Objects with a name of ours but without our labels
    pub(in crate::cli) strange: Vec<Id>,
    /// What may not be looked at
    pub(in crate::cli) unseen: Vec<Id>,
}

impl Found {
    /// Looks for what belongs to the operator in `namespace`. `watched` are namespaces that may
    /// have roles of it, for somebody who may not look into all.
    ///
    /// Errors: the operator's own namespace cannot be looked into, or the server does not answer.
    pub(in crate::cli) async fn look(
        server: &Server,
        namespace: &str,
        watched: &[String],
    ) -> Result<Found, Error> {
        let mut found = Found::default();
        let own = |kind, name| Id::within(namespace, kind, name);
        let deployment = get(server, &own(Kind::Deployment, NAME)).await?;
        let mut places: BTreeSet<String> = watched.iter().cloned().collect();
        places.extend(deployment.iter().flat_map(watched_by));
        found.add(own(Kind::Deployment, NAME), deployment.as_ref());
        let clusters = Id::wide(Kind::ClusterRoleBinding, NAME);
        found
            .add_pair(server, clusters, Kind::ClusterRole, namespace)
            .await?;
        if deployment
            .as_ref()
            .is_some_and(|it| !watched_by(it).is_empty())
        {
            // An operator of single namespaces has no rights in the whole cluster to be looked at.
            found.unseen.clear();
        }
        if let Some(bound) = bound_everywhere(server).await? {
            places.extend(bound);
        }
        for place in &places {
            let binding = Id::within(place, Kind::RoleBinding, NAME);
            found
                .add_pair(server, binding, Kind::Role, namespace)
                .await?;
        }
        let election = own(Kind::RoleBinding, ELECTION);
        found
            .add_pair(server, election, Kind::Role, namespace)
            .await?;
        let account = own(Kind::ServiceAccount, NAME);
        let live = get(server, &account).await?;
        found.add(account, live.as_ref());
        Ok(found)
    }

    /// Takes an object that is there: as ours if it says so.
    fn add(&mut self, id: Id, live: Option<&Value>) {
        let Some(live) = live else { return };
        if is_ours(live) {
            let uid = uid(live);
            self.objects.push(Live { id, uid });
        } else {
            self.strange.push(id);
        }
    }

    /// A binding, if the operator of `namespace` is bound by it, and the role of its name.
    async fn add_pair(
        &mut self,
        server: &Server,
        binding: Id,
        role: Kind,
        namespace: &str,
    ) -> Result<(), Error> {
        let role = Id {
            kind: role,
            ..binding.clone()
        };
        let live = match get(server, &binding).await {
            Err(problem) if code(&problem) == Some(403) => {
                self.unseen.push(binding);
                return Ok(());
            }
            live => live?,
        };
        if let Some(live) = &live
            && is_ours(live)
            && let Some(other) = bound_namespace(live).filter(|other| other != namespace)
        {
            self.elsewhere.push((binding, other));
            return Ok(());
        }
        self.add(binding, live.as_ref());
        match get(server, &role).await {
            Err(problem) if code(&problem) == Some(403) => self.unseen.push(role),
            live => self.add(role, live?.as_ref()),
        }
        Ok(())
    }
}

/// The lease that the operator has left behind, if it is one of ours.
///
/// Errors: the server does not answer or refuses.
pub(in crate::cli) async fn lease(server: &Server, namespace: &str) -> Result<Option<Live>, Error> {
    let id = Id::within(namespace, Kind::Lease, LEASE);
    let live = get(server, &id).await?;
    // It bears no labels: the operator makes it, and calls itself after its pod.
    let ours = live.filter(|lease| {
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        holder.is_empty() || holder.starts_with("appop-")
    });
    Ok(ours.map(|lease| Live {
        id,
        uid: uid(&lease),
    }))
}

/// The namespaces other than `namespace` that an operator is installed in.
///
/// Errors: the server does not answer; who may not look sees none.
pub(in crate::cli) async fn others(
    server: &Server,
    namespace: &str,
) -> Result<BTreeSet<String>, Error> {
    let mut found = list(server, Kind::Deployment).await?.unwrap_or_default();
    found.retain(|object| object["metadata"]["name"] == NAME);
    let mut found: BTreeSet<String> = found.iter().filter_map(namespace_of).collect();
    found.remove(namespace);
    Ok(found)
}

/// The namespaces that have a binding of our name; `None` for who may not look everywhere.
async fn bound_everywhere(server: &Server) -> Result<Option<Vec<String>>, Error> {
    let bindings = list(server, Kind::RoleBinding).await?;
    Ok(bindings.map(|bindings| {
        let ours = bindings
            .iter()
            .filter(|binding| binding["metadata"]["name"] == NAME);
        ours.filter_map(namespace_of).collect()
    }))
}

/// What bears our labels, in all namespaces; `None` for who may not look everywhere.
async fn list(server: &Server, kind: Kind) -> Result<Option<Vec<Value>>, Error> {
    let selector = OURS.map(|(key, value)| format!("{key}%3D{value}"));
    let path = format!("{}?labelSelector={}", kind.everywhere(), selector.join(","));
    match server.get_json::<Value>(&path, "application/json").await {
        Ok(mut list) => Ok(list["items"].as_array_mut().map(std::mem::take)),
        Err(problem) if code(&problem) == Some(403) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Whether an object bears our labels.
pub(in crate::cli) fn is_ours(live: &Value) -> bool {
    let labels = &live["metadata"]["labels"];
    OURS.iter().all(|(key, value)| labels[*key] == *value)
}

/// The uid of an object; empty for one that no server made.
pub(in crate::cli) fn uid(live: &Value) -> String {
    let uid = live["metadata"]["uid"].as_str();
    uid.unwrap_or_default().to_owned()
}

fn namespace_of(live: &Value) -> Option<String> {
    live["metadata"]["namespace"].as_str().map(str::to_owned)
}

/// The namespace of the service account that a binding of ours names.
fn bound_namespace(binding: &Value) -> Option<String> {
    let namespace = binding["subjects"][0]["namespace"].as_str();
    namespace.map(str::to_owned)
}

/// The namespaces that a Deployment of ours was told to watch.
fn watched_by(deployment: &Value) -> Vec<String> {
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let variables = env.as_array().into_iter().flatten();
    let watched = variables.filter(|variable| variable["name"] == "WATCH_NAMESPACE");
    watched
        .filter_map(|variable| variable["value"].as_str())
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::manifests::{Wanted, operator};
    use super::*;

    #[test]
    fn a_deployment_of_ours_tells_what_it_watches() {
        let watched = |names: &[&str]| {
            let objects = operator(&Wanted {
                namespace: "ops".to_owned(),
                watched: names.iter().map(|name| (*name).to_owned()).collect(),
                image: "appop:1".to_owned(),
            });
            watched_by(&objects.last().unwrap().value)
        };
        assert_eq!(watched(&["a", "b"]), ["a", "b"]);
        assert_eq!(watched(&[]), [] as [&str; 0]);
        assert_eq!(watched_by(&json!({ "spec": 3 })), [] as [&str; 0]);
    }

    #[test]
    fn an_app_called_appop_is_none_of_ours() {
        let labels = json!({
            "app.kubernetes.io/name": "appop", "app.kubernetes.io/managed-by": "appop",
        });
        assert!(!is_ours(&json!({ "metadata": { "labels": labels } })));
        assert!(is_ours(&super::super::manifests::crd().value));
    }
}
