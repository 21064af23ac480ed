//! Nobody gives others rights that they do not have (`pkg/registry/rbac/validation`,
//! `pkg/registry/rbac/*/policybased`).

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::Value;

use super::{Attributes, Authorizer};
use crate::sandbox::memory::authn::User;
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::Store;

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// Who writes
    pub user: &'a User,
    /// The plural, such as `roles`
    pub plural: &'a str,
    /// Where; empty for the whole cluster
    pub namespace: &'a str,
    /// The object as it is to be
    pub object: &'a Value,
    /// As it was
    pub old: Option<&'a Value>,
}

const GROUP: &str = "rbac.authorization.k8s.io";

/// Asks whether somebody may write a role or a binding.
///
/// Errors: 403 with the rights that are missing.
pub fn check(authorizer: &Authorizer, store: &Store, grant: Grant<'_>) -> Result<(), Status> {
    if !authorizer.enforces() {
        return Ok(());
    }
    let name = meta(grant.object, "name");
    let rules = match grant.plural {
        "roles" | "clusterroles" => {
            let same = grant
                .old
                .is_some_and(|old| old["rules"] == grant.object["rules"]);
            if same || may(authorizer, store, grant, "escalate", grant.plural, name) {
                return Ok(());
            }
            serde_json::from_value(grant.object["rules"].clone()).unwrap_or_default()
        }
        "rolebindings" | "clusterrolebindings" => {
            let same = grant.old.is_some_and(|old| {
                old["roleRef"] == grant.object["roleRef"]
                    && old["subjects"] == grant.object["subjects"]
            });
            let role = &grant.object["roleRef"];
            let kind = role["kind"].as_str().unwrap_or_default();
            let role = role["name"].as_str().unwrap_or_default();
            let plural = if kind == "ClusterRole" {
                "clusterroles"
            } else {
                "roles"
            };
            if same || may(authorizer, store, grant, "bind", plural, role) {
                return Ok(());
            }
            match authorizer.rules_of(store, kind, grant.namespace, role) {
                Some(rules) => rules,
                None => return Err(Status::not_found(GROUP, plural, role)),
            }
        }
        _ => return Ok(()),
    };
    let held = authorizer.rules(store, grant.user, grant.namespace);
    let missing: Vec<String> = rules
        .iter()
        .flat_map(single)
        .filter(|wanted| !held.iter().any(|rule| covers(rule, wanted)))
        .map(|rule| shown(&rule))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let user = grant.user;
    let groups: Vec<String> = user
        .groups
        .iter()
        .map(|group| format!("{group:?}"))
        .collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(Status::forbidden(GROUP, grant.plural, name, &why))
}

fn may(
    authorizer: &Authorizer,
    store: &Store,
    grant: Grant<'_>,
    verb: &str,
    plural: &str,
    name: &str,
) -> bool {
    let attributes = Attributes {
        verb,
        group: GROUP,
        version: "v1",
        resource: plural,
        namespace: grant.namespace,
        name,
        ..Attributes::of(grant.user)
    };
    authorizer.decide(store, &attributes).allowed
}

/// A rule as rules that each name one of everything.
fn single(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut all = Vec::new();
    let names: Vec<Option<String>> = match rule.resource_names.as_deref() {
        None | Some([]) => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    };
    for verb in &rule.verbs {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for name in &names {
                    all.push(PolicyRule {
                        verbs: vec![verb.clone()],
                        api_groups: Some(vec![group.clone()]),
                        resources: Some(vec![resource.clone()]),
                        resource_names: name.clone().map(|name| vec![name]),
                        non_resource_urls: None,
                    });
                }
            }
        }
        for url in rule.non_resource_urls.iter().flatten() {
            all.push(PolicyRule {
                verbs: vec![verb.clone()],
                non_resource_urls: Some(vec![url.clone()]),
                ..PolicyRule::default()
            });
        }
    }
    all
}

fn covers(held: &PolicyRule, wanted: &PolicyRule) -> bool {
    let has = |known: &Option<Vec<String>>, word: &Option<Vec<String>>| {
        let mut wanted = word.iter().flatten();
        wanted.all(|word| known.iter().flatten().any(|k| k == "*" || k == word))
    };
    let verbs = wanted
        .verbs
        .iter()
        .all(|verb| held.verbs.iter().any(|k| k == "*" || k == verb));
    let resources = wanted.resources.iter().flatten().all(|resource| {
        held.resources.iter().flatten().any(|known| {
            let by_part = known
                .strip_prefix("*/")
                .is_some_and(|sub| resource.split_once('/').is_some_and(|(_, own)| own == sub));
            known == "*" || known == resource || by_part
        })
    });
    let held_names = held.resource_names.as_deref().unwrap_or_default();
    let names = held_names.is_empty()
        || wanted.resource_names.as_deref().is_some_and(|names| {
            !names.is_empty() && names.iter().all(|name| held_names.contains(name))
        });
    let urls = wanted.non_resource_urls.iter().flatten().all(|url| {
        held.non_resource_urls
            .iter()
            .flatten()
            .any(|known| match known.strip_suffix('*') {
                Some(prefix) => url.starts_with(prefix),
                None => known == url,
            })
    });
    verbs && has(&held.api_groups, &wanted.api_groups) && resources && names && urls
}

/// As Go's `CompactString`.
fn shown(rule: &PolicyRule) -> String {
    let quoted = |words: &Option<Vec<String>>| {
        let words: Vec<String> = words
            .iter()
            .flatten()
            .map(|word| format!("{word:?}"))
            .collect();
        words.join(" ")
    };
    let mut parts = Vec::new();
    for (name, words) in [
        ("APIGroups", &rule.api_groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.non_resource_urls),
        ("ResourceNames", &rule.resource_names),
    ] {
        if words.iter().flatten().next().is_some() {
            parts.push(format!("{name}:[{}]", quoted(words)));
        }
    }
    parts.push(format!("Verbs:[{}]", quoted(&Some(rule.verbs.clone()))));
    format!("{{{}}}", parts.join(", "))
}
