//! Tokens in Secrets: what a Secret of type `kubernetes.io/service-account-token` is filled with, for as
//! long as its ServiceAccount lives (`pkg/controller/serviceaccount/tokens_controller.go`).

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};

use crate::sandbox::memory::status::Status;

use super::cluster::{Cluster, Delete, Gvr};
use super::context::{Again, Context, Controller, Name};
use super::index::{Index, Kind, Seen};

const TYPE: &str = "kubernetes.io/service-account-token";
/// The annotations that name the account.
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";

/// See the module.
pub(super) struct Tokens {
    ca: ByteString,
}

impl Tokens {
    /// `root_ca` is the PEM of the server's CA.
    pub(super) fn new(root_ca: &str) -> Self {
        Tokens {
            ca: ByteString(root_ca.into()),
        }
    }

    fn fill(
        &self,
        cluster: &dyn Cluster,
        secret: &mut Secret,
        account: &ServiceAccount,
    ) -> Result<(), Status> {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let namespace = text(&secret.metadata.namespace);
        let data = secret.data.get_or_insert_default();
        let lacks = |data: &std::collections::BTreeMap<String, ByteString>, key: &str| {
            data.get(key).is_none_or(|value| value.0.is_empty())
        };
        let (needs_namespace, needs_token) = (lacks(data, "namespace"), lacks(data, "token"));
        if data.get("ca.crt") == Some(&self.ca) && !needs_namespace && !needs_token {
            return Ok(());
        }
        data.insert("ca.crt".to_owned(), self.ca.clone());
        if needs_namespace {
            let value = ByteString(namespace.clone().into_bytes());
            data.insert("namespace".to_owned(), value);
        }
        let meta = &account.metadata;
        let (name, uid) = (text(&meta.name), text(&meta.uid));
        if needs_token {
            let of = text(&secret.metadata.name);
            let token = cluster.token(&namespace, &name, &uid, &of);
            // Without randomness there is none, now or later.
            let Some(token) = token else {
                return Ok(());
            };
            data.insert("token".to_owned(), ByteString(token.into_bytes()));
        }
        let annotations = secret.metadata.annotations.get_or_insert_default();
        annotations.insert(ACCOUNT.to_owned(), name);
        annotations.insert(UID.to_owned(), uid);
        cluster.update_typed("", secret).map(drop)
    }
}

impl Controller for Tokens {
    fn due(&mut self, seen: &Seen<'_>, _index: &Index, due: &mut dyn FnMut(Name)) {
        let resource = &seen.change.key.resource;
        let is_secret = resource.group.is_empty() && resource.plural == "secrets";
        let annotations = &seen.change.object["metadata"]["annotations"];
        let is_of_account = is_secret && annotations[ACCOUNT].is_string();
        let account_goes = seen.kind == Kind::ServiceAccount && seen.gone();
        if (is_of_account && !seen.gone()) || account_goes {
            due(Name::of(&seen.change.key));
        }
    }

    fn reconcile(&mut self, cx: &mut Context<'_>, name: &Name) -> Result<Again, Status> {
        let namespace = &name.namespace;
        let secrets = Gvr::of::<Secret>();
        if name.resource.as_ref() != Some(&secrets) {
            let all: Vec<Secret> = cx.cluster.all(Some(namespace));
            for secret in all {
                if account_of(&secret) == Some(&name.name) {
                    self.settle(cx.cluster, secret)?;
                }
            }
            return Ok(None);
        }
        if let Some(secret) = cx.cluster.typed::<Secret>(namespace, &name.name) {
            self.settle(cx.cluster, secret)?;
        }
        Ok(None)
    }
}

impl Tokens {
    fn settle(&self, cluster: &dyn Cluster, mut secret: Secret) -> Result<(), Status> {
        let Some(account) = account_of(&secret) else {
            return Ok(());
        };
        let meta = &secret.metadata;
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (namespace, name) = (text(&meta.namespace), text(&meta.name));
        let annotations = meta.annotations.as_ref();
        let wanted = annotations.and_then(|all| all.get(UID)).cloned();
        let account = cluster.typed::<ServiceAccount>(&namespace, account);
        let account = account.filter(|account| {
            let wanted = wanted.as_ref().filter(|uid| !uid.is_empty());
            wanted.is_none_or(|uid| account.metadata.uid.as_ref() == Some(uid))
        });
        let done = match account {
            Some(account) => self.fill(cluster, &mut secret, &account),
            None => {
                let only = Delete {
                    uid: secret.metadata.uid.as_deref(),
                    ..Delete::default()
                };
                let secrets = Gvr::of::<Secret>();
                cluster.delete(&secrets, &namespace, &name, only)
            }
        };
        match done {
            // Somebody else was faster, and this will be told.
            Err(problem) if matches!(problem.code, 404 | 409) => Ok(()),
            done => done,
        }
    }
}

/// The name of the account whose token a Secret is to hold.
fn account_of(secret: &Secret) -> Option<&String> {
    if secret.type_.as_deref() != Some(TYPE) {
        return None;
    }
    let annotations = secret.metadata.annotations.as_ref()?;
    annotations.get(ACCOUNT).filter(|name| !name.is_empty())
}
