//! What it means that the server did not take a write.

use kube::core::Status;

use super::children::Child;

/// Why a write to a child failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server does not take what the App asks for. It is not sent again before the App changes.
    Refused {
        /// Of which child.
        child: Child,
        /// The server's words.
        message: String,
    },
    /// Something that may pass: it is tried again.
    Failing {
        /// Of which child.
        child: Child,
        /// In CamelCase, such as the reason of the server's Status: `Forbidden`.
        reason: String,
        /// The server's words.
        message: String,
    },
}

/// What to do after a write that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Something else is there than was looked at (409, or another uid): read this child from the
    /// server, for a cache may be behind or may not hold it at all, and decide anew, at once.
    LookAgain,
    /// The namespace is going or gone: leave it in peace.
    Leave,
    /// Say so in the App's status.
    Tell(Failure),
}

/// How SMD refuses a payload that does not fit the kind's schema. The API server has no reason for
/// it and answers 500; it is no passing failure all the same.
const TYPED: &str = "failed to create typed patch object";

/// What to do after the server answered an apply of `child` with a failure.
pub fn reaction(child: Child, status: &Status) -> Reaction {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    let terminating = causes
        .clone()
        .any(|cause| cause.reason == "NamespaceTerminating");
    let another = causes.any(|cause| cause.field == "metadata.uid");
    let message = words(&status.message);
    match status.code {
        409 => Reaction::LookAgain,
        422 if another => Reaction::LookAgain,
        403 if terminating => Reaction::Leave,
        // An apply makes what is not there: only the namespace can be missing.
        404 => Reaction::Leave,
        400 | 413 | 422 => Reaction::Tell(Failure::Refused { child, message }),
        500 if status.message.starts_with(TYPED) => {
            Reaction::Tell(Failure::Refused { child, message })
        }
        _ => {
            let reason = match status.reason.as_str() {
                "" => "ServerError".to_owned(),
                reason => reason.to_owned(),
            };
            Reaction::Tell(Failure::Failing {
                child,
                reason,
                message,
            })
        }
    }
}

/// The server's words without the name of the child, which is said anyway.
fn words(message: &str) -> String {
    let after = if message.starts_with(TYPED) {
        message.split_once("): ")
    } else {
        message.split_once(" is invalid: ")
    };
    after.map_or(message, |(_, words)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(code: u16, reason: &str, message: &str) -> Status {
        Status {
            code,
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..Status::default()
        }
    }

    #[test]
    fn a_conflict_is_looked_at_again() {
        let conflict = status(409, "Conflict", "the object has been modified");
        assert_eq!(reaction(Child::Service, &conflict), Reaction::LookAgain);
        let mut another = status(422, "Invalid", "metadata.uid: field is immutable");
        let causes = json!({"causes": [{"reason": "FieldValueInvalid", "field": "metadata.uid"}]});
        another.details = Some(serde_json::from_value(causes).unwrap());
        assert_eq!(reaction(Child::Service, &another), Reaction::LookAgain);
    }

    #[test]
    fn a_namespace_that_is_going_is_left() {
        let mut going = status(403, "Forbidden", "namespace ns is being terminated");
        let causes = json!({"causes": [{"reason": "NamespaceTerminating", "field": "metadata"}]});
        going.details = Some(serde_json::from_value(causes).unwrap());
        assert_eq!(reaction(Child::Deployment, &going), Reaction::Leave);
        let gone = status(404, "NotFound", "namespaces \"ns\" not found");
        assert_eq!(reaction(Child::Deployment, &gone), Reaction::Leave);
    }

    #[test]
    fn what_is_wrong_with_the_app_is_refused() {
        for (code, reason, message, words) in [
            (
                422,
                "Invalid",
                "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1",
                "spec.replicas: Invalid value: -1",
            ),
            (
                500,
                "",
                "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): \
                 .spec.template.spec.hostNetwrk: field not declared in schema",
                ".spec.template.spec.hostNetwrk: field not declared in schema",
            ),
            (400, "BadRequest", "no", "no"),
        ] {
            let refused = Failure::Refused {
                child: Child::Deployment,
                message: words.to_owned(),
            };
            let status = status(code, reason, message);
            let told = reaction(Child::Deployment, &status);
            assert_eq!(told, Reaction::Tell(refused));
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for (code, reason, told) in [
            (403, "Forbidden", "Forbidden"),
            (429, "TooManyRequests", "TooManyRequests"),
            (500, "InternalError", "InternalError"),
            (502, "", "ServerError"),
        ] {
            let failing = Failure::Failing {
                child: Child::Service,
                reason: told.to_owned(),
                message: "words".to_owned(),
            };
            let status = status(code, reason, "words");
            assert_eq!(reaction(Child::Service, &status), Reaction::Tell(failing));
        }
    }
}
