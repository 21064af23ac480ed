//! What is wrong with a CRD, or soon will be, and what to do about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::backend::Backend;
use super::model::{Crd, ServiceReference};
use super::names::{Taken, taken};
use super::state::{State, waits_for_objects};
use super::stored;
use super::usage::Writers;

/// The class of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// The server does not serve it
    NotEstablished,
    /// Another CRD of the group has one of its names
    NameConflict,
    /// It was deleted and does not go
    Terminating,
    /// None of its versions is served
    NothingServed,
    /// Objects are, or may be, stored in a version that is not served
    StoredVersionNotServed,
    /// Objects may be stored in a version that is not the storage version, which keeps that version
    /// from being removed
    StoredVersionBlocksUpgrade,
    /// Its schema is not structural
    NonStructuralSchema,
    /// Nobody answers its conversion webhook
    ConversionWebhook,
    /// Objects are stored in, or written through, a deprecated version
    DeprecatedVersionInUse,
}

impl Kind {
    /// The name, as in JSON.
    pub fn text(self) -> &'static str {
        match self {
            Kind::NotEstablished => "NotEstablished",
            Kind::NameConflict => "NameConflict",
            Kind::Terminating => "Terminating",
            Kind::NothingServed => "NothingServed",
            Kind::StoredVersionNotServed => "StoredVersionNotServed",
            Kind::StoredVersionBlocksUpgrade => "StoredVersionBlocksUpgrade",
            Kind::NonStructuralSchema => "NonStructuralSchema",
            Kind::ConversionWebhook => "ConversionWebhook",
            Kind::DeprecatedVersionInUse => "DeprecatedVersionInUse",
        }
    }
}

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its class
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is wrong, in a sentence
    pub message: String,
    /// What to do about it, in a sentence
    pub advice: String,
}

/// What is known besides the CRD itself.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// The CRDs of its group, as far as they were read
    pub others: &'a [Crd],
    /// The backends of conversion webhooks that were looked at
    pub backends: BTreeMap<ServiceReference, Backend>,
    /// Who wrote its objects, by version; empty where nobody looked
    pub writers: BTreeMap<String, Writers>,
}

/// All that is wrong with `crd`.
pub fn problems(crd: &Crd, context: &Context<'_>) -> Vec<Problem> {
    let mut all = Vec::new();
    all.extend(state(crd, context.others));
    all.extend(stored_versions(crd));
    all.extend(schema(crd));
    all.extend(webhook(crd, &context.backends));
    all.extend(written_through(crd, &context.writers));
    all
}

fn problem(kind: Kind, message: String, advice: impl Into<String>) -> Problem {
    Problem {
        kind,
        message,
        advice: advice.into(),
    }
}

fn state(crd: &Crd, others: &[Crd]) -> Option<Problem> {
    let name = crd.name();
    Some(match State::of(crd) {
        State::Established | State::Unknown => return None,
        State::OldNames(why) => name_conflict(crd, others, "serves its older names", &why),
        State::NotEstablished(why) if is_conflict(crd) => {
            name_conflict(crd, others, "is not served", &why)
        }
        State::NotEstablished(why) => problem(
            Kind::NotEstablished,
            format!("it is not served: {why}"),
            "Mend what the server names; it tries again by itself.",
        ),
        State::New => problem(
            Kind::NotEstablished,
            "it is not served: the server has not looked at it yet".to_owned(),
            "Look again in a moment; if it stays so, see the API server's log.",
        ),
        State::Terminating(what) => problem(
            Kind::Terminating,
            format!("it was deleted, but {what}"),
            match waits_for_objects(crd) {
                true => format!(
                    "See which of its objects are left, and their finalizers: kubectl get {name} -A \
                     -o yaml. Whoever put a finalizer there must take it away; if that controller \
                     is gone, take it away yourself."
                ),
                false => format!(
                    "Whoever put the finalizer there must take it away; if that controller is gone, \
                     take it away yourself: kubectl edit crd {name}."
                ),
            },
        ),
    })
}

fn is_conflict(crd: &Crd) -> bool {
    crd.condition("NamesAccepted")
        .is_some_and(|c| c.status == "False")
}

fn name_conflict(crd: &Crd, others: &[Crd], effect: &str, why: &str) -> Problem {
    let taken = taken(crd, others);
    let holders = if taken.is_empty() {
        String::new()
    } else {
        let words: Vec<String> = taken.iter().map(Taken::words).collect();
        format!("; {}", words.join(", "))
    };
    problem(
        Kind::NameConflict,
        format!("it {effect}: {why}{holders}"),
        "Give it other names, or delete the CRD that has them; the server then accepts them by \
         itself.",
    )
}

impl Taken {
    fn words(&self) -> String {
        format!("the {} {} belongs to {}", self.what, self.name, self.holder)
    }
}

fn stored_versions(crd: &Crd) -> Vec<Problem> {
    let mut all = Vec::new();
    let name = crd.name();
    let nothing_served = !crd.spec.versions.iter().any(|v| v.served);
    if nothing_served && !crd.spec.versions.is_empty() {
        all.push(problem(
            Kind::NothingServed,
            "none of its versions is served, so its objects cannot be reached".to_owned(),
            "Serve a version again, or delete the CRD if its objects are no longer needed.",
        ));
    } else if let Some(storage) = crd.storage().filter(|v| !v.served) {
        all.push(problem(
            Kind::StoredVersionNotServed,
            format!(
                "objects are stored as {}, which is not served",
                storage.name
            ),
            "Make a version that is served the storage version.",
        ));
    }
    if let Some(storage) = crd.storage().filter(|v| v.deprecated) {
        all.push(problem(
            Kind::DeprecatedVersionInUse,
            format!(
                "objects are stored as {}, which is deprecated",
                storage.name
            ),
            "Make a newer version the storage version, then move the objects to it.",
        ));
    }
    for left in stored::left(crd) {
        let version = &left.version;
        let may = format!("objects may still be stored as {version}");
        let (kind, message) = match (left.served, left.deprecated) {
            (false, _) => (
                Kind::StoredVersionNotServed,
                format!("{may}, which is no longer served and cannot be removed from the CRD"),
            ),
            (true, true) => (
                Kind::DeprecatedVersionInUse,
                format!("{may}, which is deprecated; an upgrade that removes it is refused"),
            ),
            (true, false) => (
                Kind::StoredVersionBlocksUpgrade,
                format!("{may}; an upgrade that removes {version} from the CRD is refused"),
            ),
        };
        all.push(problem(
            kind,
            message,
            format!("Move the objects to the storage version: appop crds {name} says how."),
        ));
    }
    all
}

fn schema(crd: &Crd) -> Option<Problem> {
    let condition = crd
        .condition("NonStructuralSchema")
        .filter(|c| c.status == "True")?;
    Some(problem(
        Kind::NonStructuralSchema,
        format!("its schema is not structural: {}", condition.message),
        "Give every field a type and mend what the server names: without that nothing is pruned or \
         defaulted, and the CRD cannot be written as apiextensions.k8s.io/v1.",
    ))
}

fn webhook(crd: &Crd, backends: &BTreeMap<ServiceReference, Backend>) -> Option<Problem> {
    let service = super::backend::service_of(&crd.spec.conversion)?;
    let config = &crd.spec.conversion.webhook.as_ref()?.client_config;
    if let Some(Backend::NotReady(why)) = backends.get(service) {
        return Some(problem(
            Kind::ConversionWebhook,
            format!("its conversion webhook cannot answer: {why}"),
            "Bring the webhook back, or, where the versions differ in apiVersion alone, set the \
             conversion strategy to None. Until then objects cannot be read or written in a version \
             other than the one they are stored in.",
        ));
    }
    (!config.has_ca_bundle).then(|| {
        problem(
            Kind::ConversionWebhook,
            "its conversion webhook has no CA bundle, so the server cannot verify it".to_owned(),
            "Put the authority's certificate into spec.conversion.webhook.clientConfig.caBundle, or \
             see why what injects it (often cert-manager) does not.",
        )
    })
}

/// A version that is no longer served cannot be written through: what managedFields say of it is
/// history.
fn written_through(crd: &Crd, writers: &BTreeMap<String, Writers>) -> Vec<Problem> {
    let is_bad = |name: &str| crd.version(name).is_some_and(|v| v.deprecated && v.served);
    let found = writers.iter().filter(|(version, _)| is_bad(version));
    found
        .map(|(version, who)| {
            let managers: Vec<&str> = who.managers.iter().map(String::as_str).collect();
            let objects = match who.objects {
                1 => "1 object was".to_owned(),
                many => format!("{many} objects were"),
            };
            problem(
                Kind::DeprecatedVersionInUse,
                format!(
                    "{objects} written through {version}, which is deprecated, by {}",
                    managers.join(", ")
                ),
                "Let these write through a newer version; each then replaces its entry in \
                 managedFields.",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;

    fn found(crd: &Crd, context: &Context<'_>) -> Vec<String> {
        let all = problems(crd, context).into_iter();
        all.map(|p| format!("{}: {}", p.kind.text(), p.message))
            .collect()
    }

    #[test]
    fn a_good_crd_has_none() {
        let crd = crd("a.b.c")
            .version("v1 storage")
            .version("v1beta1 deprecated")
            .stored(&["v1"])
            .established()
            .webhook("ns", "conv")
            .done();
        let mut context = Context::default();
        assert!(found(&crd, &context).is_empty());
        let service = super::super::backend::service_of(&crd.spec.conversion).unwrap();
        for backend in [Backend::Ready(1), Backend::Unknown("forbidden".into())] {
            context.backends.insert(service.clone(), backend);
            assert!(found(&crd, &context).is_empty());
        }
    }

    #[test]
    fn a_name_conflict_names_the_holder() {
        let holder = [crd("widgets.a.com").established().done()];
        let loser = crd("gadgets.a.com")
            .kind("Widget")
            .version("v1 storage")
            .condition(
                "NamesAccepted",
                "False",
                "KindConflict",
                "\"Widget\" is in use",
            )
            .condition("Established", "False", "NotAccepted", "not all names")
            .done();
        let context = Context {
            others: &holder,
            ..Context::default()
        };
        assert_eq!(
            found(&loser, &context),
            [
                "NameConflict: it is not served: KindConflict: \"Widget\" is in use; the kind Widget \
              belongs to widgets.a.com, the list kind WidgetList belongs to widgets.a.com"
            ]
        );
    }

    #[test]
    fn each_version_in_the_way_is_said_once() {
        let crd = crd("a.b.c")
            .version("v2 storage")
            .version("v1")
            .version("v1beta1 deprecated")
            .version("v1alpha1 unserved")
            .stored(&["v1alpha1", "v1beta1", "v1", "v2"])
            .established()
            .done();
        assert_eq!(
            found(&crd, &Context::default()),
            [
                "StoredVersionNotServed: objects may still be stored as v1alpha1, which is no longer \
                 served and cannot be removed from the CRD",
                "DeprecatedVersionInUse: objects may still be stored as v1beta1, which is deprecated; \
                 an upgrade that removes it is refused",
                "StoredVersionBlocksUpgrade: objects may still be stored as v1; an upgrade that \
                 removes v1 from the CRD is refused",
            ]
        );
    }

    #[test]
    fn an_unserved_storage_version_is_said() {
        let of = |versions: &[&str]| {
            let crd = versions.iter().fold(crd("a.b"), |crd, v| crd.version(v));
            found(&crd.established().done(), &Context::default())
        };
        let all = of(&["v1 storage unserved", "v2 unserved"]);
        assert!(all[0].starts_with("NothingServed"), "{all:?}");
        let all = of(&["v1 storage unserved", "v2"]);
        assert!(all[0].starts_with("StoredVersionNotServed"), "{all:?}");
        let all = of(&["v1 storage deprecated"]);
        assert!(all[0].starts_with("DeprecatedVersionInUse"), "{all:?}");
    }

    #[test]
    fn a_webhook_needs_a_backend_and_an_authority() {
        let mut crd = crd("a.b")
            .version("v1 storage")
            .established()
            .webhook("ns", "conv")
            .done();
        let service = super::super::backend::service_of(&crd.spec.conversion).unwrap();
        let gone = Backend::NotReady("the Service ns/conv does not exist".into());
        let context = Context {
            backends: BTreeMap::from([(service.clone(), gone)]),
            ..Context::default()
        };
        assert!(found(&crd, &context)[0].contains("ns/conv does not exist"));
        let webhook = crd.spec.conversion.webhook.as_mut().unwrap();
        webhook.client_config.has_ca_bundle = false;
        let all = found(&crd, &Context::default());
        assert!(all[0].contains("no CA bundle"), "{all:?}");
    }

    #[test]
    fn writers_of_deprecated_versions_are_named() {
        let crd = crd("a.b")
            .version("v1 storage")
            .version("v1beta1 deprecated")
            .version("v1alpha1 deprecated unserved")
            .established()
            .done();
        let writers = |objects, manager: &str| Writers {
            objects,
            managers: [manager.to_owned()].into(),
        };
        let context = Context {
            writers: BTreeMap::from([
                ("v1".to_owned(), writers(5, "op")),
                ("v1beta1".to_owned(), writers(2, "helm")),
                ("v1alpha1".to_owned(), writers(1, "old")),
            ]),
            ..Context::default()
        };
        assert_eq!(
            found(&crd, &context),
            [
                "DeprecatedVersionInUse: 2 objects were written through v1beta1, which is \
              deprecated, by helm"
            ]
        );
    }

    #[test]
    fn what_keeps_a_deleted_crd_decides_the_advice() {
        let advice = |finalizers: &[&str]| {
            let crd = crd("a.b").established().deleted(finalizers).done();
            problems(&crd, &Context::default()).remove(0).advice
        };
        assert!(
            advice(&["customresourcecleanup.apiextensions.k8s.io"]).contains("kubectl get a.b")
        );
        assert!(advice(&["x.com/hold"]).contains("kubectl edit crd a.b"));
    }
}
