//! What a failed request means for the App that it was made for.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use kube::core::Status;

use super::gate::Closed;
use crate::app::{self, Child, Reaction};

/// A failed write, by what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The object is not what we thought: look again, at once
    Outdated,
    /// Its namespace is being deleted, or is gone: there is nothing to do any more
    Leaving,
    /// To be told, and tried again if it may pass: not sooner than the server asks
    Told(app::Failure, Option<Duration>),
    /// The lease is not ours: nothing was sent
    Closed,
}

/// Tells failures of a write to a child apart.
pub(super) fn classify(child: Child, problem: &kube::Error) -> Failure {
    let status = match problem {
        kube::Error::Api(status) => status,
        other if is_closed(other) => return Failure::Closed,
        other => {
            let failing = app::Failure::Failing {
                child,
                reason: "NoAnswer".to_owned(),
                message: words(other),
            };
            return Failure::Told(failing, None);
        }
    };
    let details = status.details.as_ref();
    let causes = details.map(|d| d.causes.as_slice()).unwrap_or_default();
    // An apply names the uid of what it changes; another object has the name now.
    if status.code == 422 && causes.iter().any(|cause| cause.field == "metadata.uid") {
        return Failure::Outdated;
    }
    match app::reaction(child, status) {
        Reaction::LookAgain => Failure::Outdated,
        Reaction::Leave => Failure::Leaving,
        Reaction::Tell(failure) => {
            let asked = details
                .map(|d| u64::from(d.retry_after_seconds))
                .filter(|s| *s > 0);
            Failure::Told(failure, asked.map(Duration::from_secs))
        }
    }
}

/// Whether the gate has kept a request back, or the rest of it.
fn is_closed(problem: &(dyn StdError + 'static)) -> bool {
    let inner = |problem: &io::Error| problem.get_ref().is_some_and(|inner| inner.is::<Closed>());
    problem.is::<Closed>()
        || problem.downcast_ref::<io::Error>().is_some_and(inner)
        || problem.source().is_some_and(is_closed)
}

/// An error in one line, each cause said once.
pub(super) fn words(problem: &kube::Error) -> String {
    match problem {
        kube::Error::Api(status) => words_of(status),
        other => crate::cluster::chain(other),
    }
}

fn words_of(status: &Status) -> String {
    match status.message.as_str() {
        "" => format!("the server answered {}", status.code),
        message => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(json: serde_json::Value) -> kube::Error {
        kube::Error::Api(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn each_failure_has_its_consequence() {
        use serde_json::json;
        let terminating = json!([{"reason": "NamespaceTerminating", "message": "", "field": ""}]);
        let uid = json!([{"reason": "FieldValueInvalid", "message": "", "field": "metadata.uid"}]);
        let of = |answer| classify(Child::Service, &api(answer));
        assert_eq!(of(json!({"code": 409})), Failure::Outdated);
        assert_eq!(
            of(json!({"code": 422, "details": {"causes": uid}})),
            Failure::Outdated
        );
        assert_eq!(
            of(json!({"code": 403, "details": {"causes": terminating}})),
            Failure::Leaving
        );
        let refused = of(json!({"code": 422, "message": "no"}));
        assert!(matches!(
            refused,
            Failure::Told(app::Failure::Refused { .. }, None)
        ));
        let busy = of(json!({"code": 429, "details": {"retryAfterSeconds": 3}}));
        let asked = Some(Duration::from_secs(3));
        assert!(matches!(busy, Failure::Told(app::Failure::Failing { .. }, wait) if wait == asked));
        let closed = kube::Error::Service(Box::new(Closed));
        assert_eq!(classify(Child::Service, &closed), Failure::Closed);
        let cut = kube::Error::Service(Box::new(io::Error::other(Closed)));
        assert_eq!(classify(Child::Service, &cut), Failure::Closed);
    }
}
