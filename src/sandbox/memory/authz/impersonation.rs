//! Who may act as somebody else (apiserver's `pkg/endpoints/filters/impersonation.go`).

use super::{Attributes, Authorizer};
use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::Store;

/// Groups that everybody is given, and nobody has to ask for.
const GIVEN: [&str; 2] = ["system:authenticated", "system:unauthenticated"];

/// Asks whether `user` may be `other`: its name, each group, and all that is said of it.
///
/// Errors: 403.
pub fn check(
    authorizer: &Authorizer,
    store: &Store,
    user: &User,
    other: &User,
) -> Result<(), Status> {
    let ask = |attributes: Attributes<'_>| {
        let attributes = Attributes {
            verb: "impersonate",
            ..attributes
        };
        authorizer.authorize(store, &attributes)
    };
    let base = Attributes::of(user);
    let account = other.name.strip_prefix("system:serviceaccount:");
    let mut implied = Vec::new();
    match account.and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => {
            implied = User::service_account(namespace, name, "").groups;
            ask(Attributes {
                resource: "serviceaccounts",
                namespace,
                name,
                ..base
            })?;
        }
        None => ask(Attributes {
            resource: "users",
            name: &other.name,
            ..base
        })?,
    }
    for group in &other.groups {
        if !GIVEN.contains(&group.as_str()) && !implied.contains(group) {
            ask(Attributes {
                resource: "groups",
                name: group,
                ..base
            })?;
        }
    }
    let of_authentication = Attributes {
        group: "authentication.k8s.io",
        ..base
    };
    if !other.uid.is_empty() {
        ask(Attributes {
            resource: "uids",
            name: &other.uid,
            ..of_authentication
        })?;
    }
    for (key, values) in &other.extra {
        for value in values {
            ask(Attributes {
                resource: "userextras",
                subresource: key,
                name: value,
                ..of_authentication
            })?;
        }
    }
    Ok(())
}
