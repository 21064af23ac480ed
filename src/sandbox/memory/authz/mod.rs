//! Who may do what: everybody who is known everything, or what Roles and their bindings say
//! (`plugin/pkg/auth/authorizer/rbac`).

mod compiled;
pub mod escalation;
pub mod impersonation;
mod rule;

use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::authn::{self, MASTERS, User};
use super::status::{Details, Status};
use super::store::{ShelfId, Store};
use compiled::Compiled;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// Who
    pub user: &'a User,
    /// Such as `list`; of paths that are no resources, the method in lower case
    pub verb: &'a str,
    /// Of the resource
    pub group: &'a str,
    /// Of the resource
    pub version: &'a str,
    /// Empty for a path that is no resource
    pub resource: &'a str,
    /// Such as `status`
    pub subresource: &'a str,
    /// Empty for all, and for what lives in none
    pub namespace: &'a str,
    /// Empty for all
    pub name: &'a str,
    /// Of what is no resource
    pub path: &'a str,
}

/// See the module.
#[derive(Debug)]
pub struct Authorizer {
    enforces: bool,
    shelves: [ShelfId; 4],
    compiled: Mutex<([u64; 4], Arc<Compiled>)>,
}

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed
    pub allowed: bool,
    /// By what, where a binding allows it
    pub reason: String,
}

/// Paths that everybody may see (the ClusterRole `system:public-info-viewer`).
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

impl<'a> Attributes<'a> {
    /// Nothing yet, by that user.
    pub fn of(user: &'a User) -> Self {
        Attributes {
            user,
            verb: "",
            group: "",
            version: "",
            resource: "",
            subresource: "",
            namespace: "",
            name: "",
            path: "",
        }
    }
}

impl Authorizer {
    /// Without `enforces`, everybody with credentials may do everything.
    pub fn new(store: &Store, enforces: bool) -> Self {
        let shelf = |plural| store.shelf("rbac.authorization.k8s.io", plural);
        Authorizer {
            enforces,
            shelves: [
                shelf("clusterrolebindings"),
                shelf("rolebindings"),
                shelf("clusterroles"),
                shelf("roles"),
            ],
            compiled: Mutex::new(([u64::MAX; 4], Arc::default())),
        }
    }

    /// Whether Roles decide.
    pub fn enforces(&self) -> bool {
        self.enforces
    }

    /// Decides about a request.
    ///
    /// Errors: 403; 401 for somebody without credentials where Roles do not decide.
    pub fn authorize(&self, store: &Store, attributes: &Attributes<'_>) -> Result<(), Status> {
        if self.decide(store, attributes).allowed {
            return Ok(());
        }
        if !self.enforces {
            return Err(authn::unauthorized());
        }
        Err(forbidden(attributes))
    }

    /// Decides.
    pub fn decide(&self, store: &Store, attributes: &Attributes<'_>) -> Decision {
        let is_master = attributes.user.groups.iter().any(|group| group == MASTERS);
        if is_master {
            return Decision {
                allowed: true,
                reason: String::new(),
            };
        }
        if !self.enforces {
            let is_public = attributes.resource.is_empty() && PUBLIC.contains(&attributes.path);
            return Decision {
                allowed: is_public || !attributes.user.is_anonymous(),
                reason: String::new(),
            };
        }
        let compiled = self.compiled(store);
        let found = compiled
            .rules_for(attributes.user, attributes.namespace)
            .find(|(_, rule)| rule::allows(rule, attributes));
        match found {
            Some((source, _)) => Decision {
                allowed: true,
                reason: format!("RBAC: allowed by {source}"),
            },
            None => Decision::default(),
        }
    }

    /// All rules that speak of a user in a namespace; only those for the whole cluster where it is
    /// empty.
    pub fn rules(&self, store: &Store, user: &User, namespace: &str) -> Vec<PolicyRule> {
        let compiled = self.compiled(store);
        let rules = compiled
            .rules_for(user, namespace)
            .map(|(_, rule)| rule.clone());
        rules.collect()
    }

    /// The rules of a role; `None` when it is not there.
    pub fn rules_of(
        &self,
        store: &Store,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Vec<PolicyRule>> {
        let compiled = self.compiled(store);
        compiled.role(kind, namespace, name).map(<[_]>::to_vec)
    }

    fn compiled(&self, store: &Store) -> Arc<Compiled> {
        let now = self.shelves.map(|shelf| store.latest(shelf));
        let mut known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != now {
            *known = (now, Arc::new(Compiled::read(store, self.shelves)));
        }
        Arc::clone(&known.1)
    }
}

/// 403, in the words of `pkg/endpoints/handlers/responsewriters/errors.go`.
fn forbidden(attributes: &Attributes<'_>) -> Status {
    let Attributes {
        user,
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
        path,
        ..
    } = attributes;
    let who = &user.name;
    if resource.is_empty() {
        let message = format!("forbidden: User {who:?} cannot {verb} path {path:?}");
        return Status::new(403, "Forbidden", message).with(Details::default());
    }
    let whole = match subresource.is_empty() {
        true => (*resource).to_owned(),
        false => format!("{resource}/{subresource}"),
    };
    let place = match namespace.is_empty() {
        true => "at the cluster scope".to_owned(),
        false => format!("in the namespace {namespace:?}"),
    };
    let why =
        format!("User {who:?} cannot {verb} resource {whole:?} in API group {group:?} {place}");
    Status::forbidden(group, resource, name, &why)
}
