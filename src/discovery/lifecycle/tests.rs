use super::*;

fn release(text: &str) -> Release {
    text.parse().unwrap()
}

fn kind(group: &str, version: &str, kind: &str, server: &str) -> Option<String> {
    of_kind(group, version, kind)
        .unwrap()
        .describe(release(server))
}

fn whole(group: &str, version: &str, server: &str) -> Option<String> {
    of_group_version(group, version)
        .unwrap()
        .describe(release(server))
}

#[test]
fn releases_are_read_as_servers_write_them() {
    for text in [
        "1.22",
        "v1.22.3",
        "v1.22.1-gke.100",
        "1.22+",
        "v1.22.0-alpha.1+0a1b2c",
    ] {
        assert_eq!(
            release(text),
            Release {
                major: 1,
                minor: 22
            },
            "{text}"
        );
    }
    for text in ["", "1", "v1", "one.two", "1.", "1.x", "-1.2"] {
        assert!(text.parse::<Release>().is_err(), "{text}");
    }
    assert!(release("1.9") < release("1.22"));
}

#[test]
fn the_file_is_sorted_and_every_replacement_is_known_and_newer() {
    let kinds = &facts().kinds;
    assert!(kinds.is_sorted_by_key(|k| (k.group, k.version, k.kind)));
    assert!(kinds.len() > 200);
    for one in kinds {
        if let Some(r) = one.replacement {
            let replacement = of_kind(r.group, r.version, r.kind);
            assert!(
                replacement.is_some_and(|r| r.removed.is_none_or(|gone| Some(gone) > one.removed)),
                "{r}"
            );
            assert!(one.deprecated.is_some() || one.removed.is_some());
        }
        for server in 15..60 {
            one.describe(Release {
                major: 1,
                minor: server,
            });
        }
    }
}

#[test]
fn a_removed_version_names_what_to_use() {
    assert_eq!(
        whole("apiextensions.k8s.io", "v1beta1", "1.36").unwrap(),
        "deprecated since 1.16, removed in 1.22; use apiextensions.k8s.io/v1"
    );
    assert_eq!(
        whole("extensions", "v1beta1", "1.36").unwrap(),
        "deprecated since 1.14, removed in 1.22; use apps/v1 or networking.k8s.io/v1, \
         depending on the kind"
    );
    assert_eq!(
        of_resource("extensions", "v1beta1", "ingresses")
            .unwrap()
            .describe(release("1.36"))
            .unwrap(),
        "deprecated since 1.14, removed in 1.22; use networking.k8s.io/v1 Ingress"
    );
    assert_eq!(
        kind("autoscaling", "v2beta2", "HorizontalPodAutoscaler", "1.36").unwrap(),
        "deprecated since 1.23, removed in 1.26; use autoscaling/v2 HorizontalPodAutoscaler"
    );
}

#[test]
fn what_was_removed_depends_on_the_server() {
    let ingress = of_kind("networking.k8s.io", "v1beta1", "Ingress").unwrap();
    for (server, state) in [
        ("1.13", State::NotYet),
        ("1.14", State::Served),
        ("1.18", State::Served),
        ("1.19", State::Deprecated),
        ("1.21", State::Deprecated),
        ("1.22", State::Removed),
        ("1.99", State::Removed),
    ] {
        assert_eq!(ingress.state(release(server)), state, "{server}");
    }
    assert_eq!(
        ingress.describe(release("1.13")).unwrap(),
        "introduced in 1.14"
    );
    assert_eq!(ingress.describe(release("1.18")), None);
    assert_eq!(
        ingress.describe(release("1.20")).unwrap(),
        "deprecated since 1.19, will be removed in 1.22; use networking.k8s.io/v1 Ingress"
    );
    // An old server does not have the replacement yet.
    assert_eq!(
        kind("extensions", "v1beta1", "Ingress", "1.16").unwrap(),
        "deprecated since 1.14, will be removed in 1.22; \
         use networking.k8s.io/v1 Ingress (from 1.19 on)"
    );
}

#[test]
fn a_replacement_that_is_gone_too_is_followed() {
    let flow = of_kind("flowcontrol.apiserver.k8s.io", "v1beta2", "FlowSchema").unwrap();
    let versions: Vec<_> = ["1.27", "1.29", "1.36"]
        .map(|s| flow.successor(release(s)).unwrap().version)
        .into();
    assert_eq!(versions, ["v1beta3", "v1", "v1"]);

    let policy = of_kind("extensions", "v1beta1", "PodSecurityPolicy").unwrap();
    assert_eq!(policy.successor(release("1.20")).unwrap().group, "policy");
    assert_eq!(
        policy.describe(release("1.36")).unwrap(),
        "deprecated since 1.11, removed in 1.16; no replacement is known"
    );
}

#[test]
fn alpha_versions_without_a_stated_life_are_known() {
    for (group, version, plural, said) in [
        (
            "batch",
            "v2alpha1",
            "cronjobs",
            "removed in 1.21; use batch/v1 CronJob",
        ),
        (
            "rbac.authorization.k8s.io",
            "v1alpha1",
            "roles",
            "removed in 1.23; use rbac.authorization.k8s.io/v1 Role",
        ),
        (
            "scheduling.k8s.io",
            "v1alpha1",
            "priorityclasses",
            "removed in 1.23; use scheduling.k8s.io/v1 PriorityClass",
        ),
        (
            "settings.k8s.io",
            "v1alpha1",
            "podpresets",
            "removed in 1.20; no replacement is known",
        ),
    ] {
        let found = of_resource(group, version, plural).unwrap();
        assert_eq!(found.describe(release("1.36")).unwrap(), said);
        assert_eq!(found.state(release("1.19")), State::Served, "{plural}");
    }
}

/// The versions of the deprecation guide of kubernetes.io, and when the guide says they went.
#[test]
fn the_deprecation_guide_agrees() {
    for (group, version, removed) in [
        ("apps", "v1beta1", "1.16"),
        ("apps", "v1beta2", "1.16"),
        ("apiregistration.k8s.io", "v1beta1", "1.22"),
        ("authorization.k8s.io", "v1beta1", "1.22"),
        ("rbac.authorization.k8s.io", "v1beta1", "1.22"),
        ("scheduling.k8s.io", "v1beta1", "1.22"),
        ("networking.k8s.io", "v1beta1", "1.37"),
        ("batch", "v1beta1", "1.25"),
        ("discovery.k8s.io", "v1beta1", "1.25"),
        ("events.k8s.io", "v1beta1", "1.25"),
        ("autoscaling", "v2beta1", "1.25"),
        ("policy", "v1beta1", "1.25"),
        ("node.k8s.io", "v1beta1", "1.25"),
        ("flowcontrol.apiserver.k8s.io", "v1beta1", "1.26"),
        ("autoscaling", "v2beta2", "1.26"),
        ("flowcontrol.apiserver.k8s.io", "v1beta2", "1.29"),
        ("flowcontrol.apiserver.k8s.io", "v1beta3", "1.32"),
    ] {
        let found = of_group_version(group, version).unwrap();
        assert_eq!(found.removed(), Some(release(removed)), "{group}/{version}");
    }
    for (group, version, plural, removed) in [
        (
            "admissionregistration.k8s.io",
            "v1beta1",
            "mutatingwebhookconfigurations",
            "1.22",
        ),
        ("authentication.k8s.io", "v1beta1", "tokenreviews", "1.22"),
        (
            "certificates.k8s.io",
            "v1beta1",
            "certificatesigningrequests",
            "1.22",
        ),
        ("coordination.k8s.io", "v1beta1", "leases", "1.22"),
        ("networking.k8s.io", "v1beta1", "ingressclasses", "1.22"),
        ("storage.k8s.io", "v1beta1", "csidrivers", "1.22"),
        ("storage.k8s.io", "v1beta1", "csistoragecapacities", "1.27"),
        ("policy", "v1beta1", "podsecuritypolicies", "1.25"),
    ] {
        let found = of_resource(group, version, plural).unwrap();
        assert_eq!(
            found.removed,
            Some(release(removed)),
            "{plural}.{version}.{group}"
        );
    }
}

#[test]
fn the_core_group_and_the_unknown_are_no_surprise() {
    assert_eq!(
        of_resource("", "v1", "endpoints").unwrap().kind,
        "Endpoints"
    );
    assert_eq!(of_kind("", "v1", "Pod").unwrap().describe(recorded()), None);
    assert_eq!(whole("apps", "v1", "1.36"), None);
    assert!(of_group_version("example.com", "v1").is_none());
    assert!(of_kind("apps", "v1", "Nothing").is_none());
    let versions: Vec<_> = of_group("apps").map(|v| v.version).collect();
    assert_eq!(versions, ["v1", "v1beta1", "v1beta2"]);
}
