//! What every namespace is given: the ServiceAccount `default`, and the CA of the server
//! (`pkg/controller/serviceaccount`, `pkg/controller/certificates/rootcacertpublisher`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::sandbox::memory::status::Status;

use super::context::{Again, Context, Controller, Name};
use super::index::{Index, Kind, Seen};

const ACCOUNT: &str = "default";
const CA_MAP: &str = "kube-root-ca.crt";
const CA_KEY: &str = "ca.crt";
const DESCRIPTION: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
     endpoints such as the internal service IP or kubernetes.default.svc. No other usage is \
     guaranteed across distributions of Kubernetes clusters.",
);

/// The controller of ServiceAccounts.
pub(super) struct Accounts;

impl Controller for Accounts {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        match seen.kind {
            Kind::Namespace if !seen.gone() && !seen.after.deleted => {
                due(Name::new("", seen.name()))
            }
            Kind::ServiceAccount if seen.gone() && seen.name() == ACCOUNT => {
                due(Name::new("", seen.namespace()));
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        if !is_active(cx, &name.name)
            || cx
                .cluster
                .typed::<ServiceAccount>(&name.name, ACCOUNT)
                .is_some()
        {
            return Ok(None);
        }
        let account = ServiceAccount {
            metadata: ObjectMeta {
                name: Some(ACCOUNT.to_owned()),
                namespace: Some(name.name.clone()),
                ..ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        unless_there(cx.cluster.create_typed(&account))
    }
}

/// The publisher of the CA.
pub(super) struct RootCa {
    pem: String,
}

impl RootCa {
    pub(super) fn new(pem: &str) -> Self {
        RootCa {
            pem: pem.to_owned(),
        }
    }
}

impl Controller for RootCa {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        match seen.kind {
            Kind::Namespace if !seen.gone() && !seen.after.deleted => {
                due(Name::new("", seen.name()))
            }
            Kind::ConfigMap if seen.name() == CA_MAP => due(Name::new("", seen.namespace())),
            _ => {}
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        if !is_active(cx, &name.name) {
            return Ok(None);
        }
        let data = BTreeMap::from([(CA_KEY.to_owned(), self.pem.clone())]);
        let (label, text) = DESCRIPTION;
        let Some(mut map) = cx.cluster.typed::<ConfigMap>(&name.name, CA_MAP) else {
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some(CA_MAP.to_owned()),
                    namespace: Some(name.name.clone()),
                    annotations: Some(BTreeMap::from([(label.to_owned(), text.to_owned())])),
                    ..ObjectMeta::default()
                },
                data: Some(data),
                ..ConfigMap::default()
            };
            return unless_there(cx.cluster.create_typed(&map));
        };
        let described = map
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|all| all.contains_key(label));
        if map.data.as_ref() != Some(&data) || !described {
            map.data = Some(data);
            let annotations = map.metadata.annotations.get_or_insert_default();
            annotations
                .entry(label.to_owned())
                .or_insert_with(|| text.to_owned());
            cx.cluster.update_typed("", &map)?;
        }
        Ok(None)
    }
}

fn is_active(cx: &Context<'_>, namespace: &str) -> bool {
    let namespace = cx.cluster.typed::<Namespace>("", namespace);
    namespace.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_none())
}

fn unless_there<T>(created: Result<T, Status>) -> Result<Again, Status> {
    match created {
        Err(problem) if problem.reason != "AlreadyExists" => Err(problem),
        _ => Ok(None),
    }
}
