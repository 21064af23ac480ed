//! Why the server did not take an object, and what to do about it.

use anyhow::anyhow;

use super::object::{Kind, Object};
use super::request::Write;
use crate::cluster::{Error, Failure};

/// An error that says what was tried, what the server said, and what to do.
pub(super) fn explain(problem: anyhow::Error, object: &Object, write: Write) -> anyhow::Error {
    let Some(failure) = problem.downcast_ref::<Error>().and_then(Error::failure) else {
        return problem;
    };
    let sofar = match write {
        Write::Trial => "Nothing was written.",
        Write::Really => "What is listed above was written; the same command goes on from there.",
    };
    let advice = advice(failure, object);
    let headline = failure.headline();
    anyhow!(
        "cannot install {}: {headline}\n{advice}\n{sofar}",
        object.id
    )
}

fn advice(failure: &Failure, object: &Object) -> String {
    let message = failure.message();
    let id = &object.id;
    match failure.code.as_u16() {
        403 if message.contains("being terminated") => format!(
            "Its namespace is being deleted. Wait until namespace {} is gone, and run this again.",
            id.namespace.as_deref().unwrap_or_default()
        ),
        403 => forbidden(failure, object),
        404 if message.starts_with("namespaces ") => format!(
            "Namespace {0} is watched and must be there first: kubectl create namespace {0}",
            id.namespace.as_deref().unwrap_or_default()
        ),
        409 if failure.reason() == "Conflict" && message.starts_with("Apply failed") => {
            "Somebody else has set these fields otherwise, and they are not overwritten unasked. \
             Take them over with --force-conflicts, or ask for what they have."
                .to_owned()
        }
        422 if matches!(
            id.kind,
            Kind::Deployment | Kind::RoleBinding | Kind::ClusterRoleBinding
        ) =>
        {
            format!(
                "What the server names cannot be changed in an object that is there. If it is not \
                 somebody else's, delete it, and run this again: kubectl delete {}{}",
                id.name_line(),
                id.namespace
                    .as_ref()
                    .map(|namespace| format!(" --namespace {namespace}"))
                    .unwrap_or_default()
            )
        }
        _ => failure.advice().unwrap_or_default(),
    }
}

/// Installing grants rights, and the server lets nobody grant what he does not have.
/// Source: k8s.io/kubernetes/pkg/registry/rbac/validation (`ConfirmNoEscalation`).
fn forbidden(failure: &Failure, object: &Object) -> String {
    let first = if failure
        .message()
        .contains("attempting to grant RBAC permissions")
    {
        "Rights can be granted only by somebody who has them, or who may do anything to roles."
            .to_owned()
    } else {
        failure.advice().unwrap_or_default()
    };
    let way = match object.id.kind {
        Kind::Crd => {
            "The CustomResourceDefinition is for the whole cluster: an administrator installs it \
             with appop install --crd-only; then install the operator with --skip-crd."
        }
        Kind::ClusterRole | Kind::ClusterRoleBinding => {
            "Watching all namespaces takes an administrator of the cluster. To watch single \
             namespaces, the rights of an administrator there are enough: --watch-namespace."
        }
        _ => {
            "Installing takes an administrator's rights. Somebody who has them can apply what \
             appop install --dry-run -o yaml prints."
        }
    };
    format!("{first}\n{way}")
}
