//! Whether one rule allows something.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::Attributes;

pub(super) fn allows(rule: &PolicyRule, attributes: &Attributes<'_>) -> bool {
    let verbs = rule
        .verbs
        .iter()
        .any(|verb| verb == "*" || verb == attributes.verb);
    if !verbs {
        return false;
    }
    if attributes.resource.is_empty() {
        let urls = rule.non_resource_urls.iter().flatten();
        return urls
            .into_iter()
            .any(|url| url_matches(url, attributes.path));
    }
    let mut groups = rule.api_groups.iter().flatten();
    let mut names = rule.resource_names.iter().flatten().peekable();
    groups.any(|group| group == "*" || group == attributes.group)
        && resource_matches(rule, attributes)
        && (names.peek().is_none() || names.any(|name| name == attributes.name))
}

fn url_matches(url: &str, path: &str) -> bool {
    match url.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => url == path,
    }
}

fn resource_matches(rule: &PolicyRule, attributes: &Attributes<'_>) -> bool {
    let (resource, sub) = (attributes.resource, attributes.subresource);
    rule.resources.iter().flatten().any(|known| {
        if known == "*" {
            return true;
        }
        match known.split_once('/') {
            None => sub.is_empty() && known == resource,
            Some(("*", of)) => !sub.is_empty() && of == sub,
            Some((own, of)) => !sub.is_empty() && own == resource && of == sub,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::memory::authn::User;

    fn rule(resources: &[&str], names: &[&str]) -> PolicyRule {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        PolicyRule {
            verbs: owned(&["get"]),
            api_groups: Some(owned(&[""])),
            resources: Some(owned(resources)),
            resource_names: Some(owned(names)),
            ..PolicyRule::default()
        }
    }

    #[test]
    fn resources_and_subresources_are_told_apart() {
        let user = User::anonymous();
        for (resources, names, subresource, expected) in [
            (&["pods"][..], &[][..], "", true),
            (&["pods"], &[], "log", false),
            (&["pods/log"], &[], "log", true),
            (&["*/log"], &[], "log", true),
            (&["*/log"], &[], "", false),
            (&["*"], &[], "log", true),
            (&["pods"], &["a"], "", true),
            (&["pods"], &["b"], "", false),
        ] {
            let attributes = Attributes {
                verb: "get",
                resource: "pods",
                name: "a",
                subresource,
                ..Attributes::of(&user)
            };
            let rule = rule(resources, names);
            assert_eq!(
                allows(&rule, &attributes),
                expected,
                "{rule:?} {subresource}"
            );
        }
    }

    #[test]
    fn paths_match_by_their_beginning() {
        assert!(url_matches("/apis/*", "/apis/apps"));
        assert!(!url_matches("/apis/*", "/api"));
        assert!(url_matches("*", "/x"));
        assert!(!url_matches("/api", "/api/v1"));
    }
}
