use super::*;
use crate::discovery::model::GroupVersionFailure;
use crate::discovery::testing::{discovery, resource};

fn sample() -> Discovery {
    let mut sample = discovery(vec![
        resource("", "v1", "pods", "Pod")
            .short("po")
            .sub("log", &["get"])
            .sub("eviction", &["create"])
            .sub("status", &["get", "patch", "update"])
            .done(),
        resource("", "v1", "nodes", "Node").cluster_scoped().done(),
        resource("", "v1", "namespaces", "Namespace")
            .cluster_scoped()
            .verbs(&[
                "create", "delete", "get", "list", "patch", "update", "watch",
            ])
            .sub("status", &["get"])
            .done(),
        resource("", "v1", "configmaps", "ConfigMap")
            .short("cm")
            .done(),
        resource("apps", "v1", "deployments", "Deployment")
            .short("deploy")
            .done(),
        resource(
            "apiextensions.k8s.io",
            "v1",
            "customresourcedefinitions",
            "CustomResourceDefinition",
        )
        .short("crd")
        .cluster_scoped()
        .done(),
        resource("networking.k8s.io", "v1", "ingresses", "Ingress")
            .short("ing")
            .done(),
        resource("batch", "v1", "jobs", "Job").done(),
        resource("batch", "v1", "cronjobs", "CronJob").done(),
        resource("example.com", "v2", "widgets", "Widget").done(),
        resource("example.com", "v1", "gadgets", "Gadget").done(),
        resource(
            "authorization.k8s.io",
            "v1",
            "selfsubjectaccessreviews",
            "SelfSubjectAccessReview",
        )
        .cluster_scoped()
        .verbs(&["create"])
        .done(),
        resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics")
            .cluster_scoped()
            .done(),
    ]);
    let metrics = sample.groups.last_mut().unwrap();
    metrics.versions[0].stale = true;
    metrics.versions[0].resources.clear();
    sample.failures.push(GroupVersionFailure {
        group: "metrics.k8s.io".into(),
        version: "v1beta1".into(),
        reason: "no endpoints".into(),
    });
    sample
}

fn at(method: &str, path: &str, code: u16) -> Option<Explanation> {
    let asked = Asked {
        method,
        path,
        code,
        missing: None,
        namespace: "work",
        release: "1.36".parse().unwrap(),
    };
    explain(&sample(), &asked)
}

#[track_caller]
fn leads(path: &str, why: &str, instead: &str) {
    let explanation = at("GET", path, 404).unwrap_or_else(|| panic!("{path} is not explained"));
    assert!(explanation.why.contains(why), "{path}: {}", explanation.why);
    assert_eq!(
        explanation.instead.as_deref(),
        (!instead.is_empty()).then_some(instead),
        "{path}"
    );
}

#[test]
fn removed_apis_name_their_release_and_their_successor() {
    let why = "apiextensions.k8s.io/v1beta1 was removed in Kubernetes 1.22; this server is 1.36. \
               Use apiextensions.k8s.io/v1.";
    leads(
        "/apis/apiextensions.k8s.io/v1beta1",
        why,
        "/apis/apiextensions.k8s.io/v1",
    );
    leads(
        "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions/x?pretty=true",
        "CustomResourceDefinition of apiextensions.k8s.io/v1beta1 was removed in Kubernetes 1.22",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x?pretty=true",
    );
    leads(
        "/apis/extensions/v1beta1/namespaces/a/ingresses",
        "Use networking.k8s.io/v1.",
        "/apis/networking.k8s.io/v1/namespaces/a/ingresses",
    );
    leads("/apis/extensions/v1beta1", "depending on the kind", "");
    leads("/apis/extensions", "was removed in Kubernetes", "");
    leads(
        "/apis/policy/v1beta1/podsecuritypolicies",
        "was removed in Kubernetes 1.25; this server is 1.36. Nothing has taken its place.",
        "",
    );
}

#[test]
fn wrong_prefixes_are_mended_with_what_follows() {
    leads(
        "/api/apps/v1/deployments",
        "below /apis",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/api/apps/v1/deploy",
        "below /apis",
        "/apis/apps/v1/deployments",
    );
    leads("/apis/v1/pods", "below /api;", "/api/v1/pods");
    leads("/apis/core/v1/pods", "below /api;", "/api/v1/pods");
    leads("/v1/pods", "begin with /api", "/api/v1/pods");
    leads(
        "/apps/v1/deployments",
        "begin with /api",
        "/apis/apps/v1/deployments",
    );
    leads("/pods", "pods are in v1.", "/api/v1/pods");
    leads(
        "/namespaces/a/pods",
        "begin with /api",
        "/api/v1/namespaces/a/pods",
    );
    leads("/api/v2/pods", "served as v1, not as v2", "/api/v1/pods");
    leads("/ap/v1/pods", "Did you mean /api", "/api/v1/pods");
    leads(
        "/heathz?verbose",
        "Did you mean /healthz",
        "/healthz?verbose",
    );
}

#[test]
fn parts_that_only_file_systems_resolve_are_named() {
    leads("//api/v1//pods?limit=1", "as it is", "/api/v1/pods?limit=1");
    leads("/api/../version", "do not resolve", "/version");
    leads("/..", "do not resolve", "/");
    // Below `proxy` stands the path of another server.
    let proxied = at("GET", "/api/v1/namespaces/a/pods/b/proxy//x", 404);
    assert!(proxied.is_none_or(|explanation| !explanation.why.contains("resolve")));
}

#[test]
fn missing_parts_are_put_in() {
    leads(
        "/apis/apps/deployments",
        "version is missing",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/apis/apps/namespaces/a/deploy",
        "version is missing",
        "/apis/apps/v1/namespaces/a/deployments",
    );
    leads(
        "/apis/deployments",
        "are in apps/v1",
        "/apis/apps/v1/deployments",
    );
    leads("/api/pods", "version is missing", "/api/v1/pods");
    leads(
        "/apis/networking/v1/ingresses",
        "whole name is networking.k8s.io",
        "/apis/networking.k8s.io/v1/ingresses",
    );
    leads(
        "/apis/apps/v2/deployments",
        "not served as \"v2\", but as v1",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/apis/example.com/v3/gadgets",
        "but as v2, v1",
        "/apis/example.com/v1/gadgets",
    );
}

#[test]
fn resources_go_by_their_plural_in_their_version() {
    leads(
        "/apis/apps/v1/deployment",
        "singular of deployments",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/apis/apps/v1/Deployment",
        "kind of deployments",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/api/v1/namespaces/a/po/x/log",
        "short name of pods",
        "/api/v1/namespaces/a/pods/x/log",
    );
    leads(
        "/apis/apps/v1/deploymets",
        "Did you mean deployments?",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/api/v1/deployments",
        "are in apps/v1",
        "/apis/apps/v1/deployments",
    );
    leads(
        "/apis/example.com/v2/gadgets",
        "are not in example.com/v2, but in example.com/v1",
        "/apis/example.com/v1/gadgets",
    );
    leads(
        "/apis/batch/v1/zebra",
        "It has jobs, cronjobs.",
        "/apis/batch/v1",
    );
    leads(
        "/apis/bacth/v1/jobs",
        "Did you mean batch?",
        "/apis/batch/v1/jobs",
    );
    leads("/apis/zebra.example/v1", "not installed", "");
}

#[test]
fn namespaces_are_where_they_belong() {
    leads(
        "/api/v1/namespaces/a/nodes",
        "not in a namespace",
        "/api/v1/nodes",
    );
    leads(
        "/api/v1/pods/x",
        "are in namespaces",
        "/api/v1/namespaces/work/pods/x",
    );
    let created = at("POST", "/api/v1/pods", 405).unwrap();
    assert_eq!(
        created.instead.as_deref(),
        Some("/api/v1/namespaces/work/pods")
    );
    leads(
        "/api/v1/namespaces/a/pods/x/logs",
        "no subresource \"logs\"; those that they have: log, eviction",
        "/api/v1/namespaces/a/pods/x/log",
    );
}

#[test]
fn objects_that_are_not_there_point_to_their_list() {
    let at = |method, path, missing| {
        let asked = Asked {
            method,
            path,
            code: 404,
            missing: Some(missing),
            namespace: "work",
            release: "1.36".parse().unwrap(),
        };
        explain(&sample(), &asked)
    };
    for (path, missing, why, list) in [
        (
            "/api/v1/namespaces/a/pods/x/log?follow=true",
            ("pods", "x"),
            "There is no pod \"x\" in the namespace \"a\";",
            "/api/v1/namespaces/a/pods",
        ),
        (
            "/api/v1/nodes/x",
            ("nodes", "x"),
            "There is no node \"x\";",
            "/api/v1/nodes",
        ),
        (
            "/api/v1/namespaces/a",
            ("namespaces", "a"),
            "There is no namespace \"a\";",
            "/api/v1/namespaces",
        ),
    ] {
        let found = at("GET", path, missing).unwrap();
        assert!(found.why.starts_with(why), "{}", found.why);
        assert_eq!(found.instead.as_deref(), Some(list));
    }
    let pods = "/api/v1/namespaces/a/pods";
    let created = at("POST", pods, ("namespaces", "a")).unwrap();
    assert!(
        created.why.contains("no namespace \"a\" yet"),
        "{}",
        created.why
    );
    let log = "/api/v1/namespaces/a/pods/x/log";
    assert_eq!(at("GET", log, ("pods", "the-node")), None);
}

#[test]
fn refused_methods_name_those_that_are_taken() {
    let refused = |method, path| at(method, path, 405).unwrap();
    let post = refused("POST", "/api/v1/namespaces/a/pods/x");
    assert_eq!(post.instead.as_deref(), Some("/api/v1/namespaces/a/pods"));
    let put = refused("PUT", "/api/v1/namespaces/a/pods");
    assert_eq!(
        put.instead.as_deref(),
        Some("/api/v1/namespaces/a/pods/NAME")
    );
    // Never a path that would delete more than was named.
    let all = refused("DELETE", "/api/v1/pods");
    assert_eq!(
        all.instead.as_deref(),
        Some("/api/v1/namespaces/work/pods/NAME")
    );
    let review = refused(
        "GET",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    );
    assert!(
        review
            .why
            .contains("only sent to, not kept: their path takes POST."),
        "{}",
        review.why
    );
    let sub = refused("GET", "/api/v1/namespaces/a/pods/x/eviction");
    assert!(sub.why.contains("pods/eviction takes POST."), "{}", sub.why);
    let collection = refused("DELETE", "/api/v1/namespaces");
    assert!(collection.why.contains("one by one"), "{}", collection.why);
    let nodes = refused("BREW", "/api/v1/namespaces");
    assert!(
        nodes
            .why
            .contains("takes GET, POST; one of them takes GET, PUT, PATCH, DELETE"),
        "{}",
        nodes.why
    );
    let version = refused("POST", "/version");
    assert!(version.why.contains("only be read"), "{}", version.why);
}

#[test]
fn what_is_down_says_why() {
    let down = at("GET", "/apis/metrics.k8s.io/v1beta1/nodes", 503).unwrap();
    assert!(down.why.contains("no endpoints"), "{}", down.why);
    leads(
        "/apis/metrics.k8s.io/v1beta1/nodes",
        "cannot reach: no endpoints",
        "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
    );
}

#[test]
fn right_paths_need_no_explanation() {
    for path in [
        "/",
        "/api",
        "/apis",
        "/apis/apps",
        "/apis/apps/v1",
        "/apis/apps/v1/deployments",
        "/api/v1/namespaces/a/pods",
        "/api/v1/watch/pods",
        "/metrics",
        "/version",
    ] {
        assert_eq!(at("GET", path, 404), None, "{path}");
        assert_eq!(at("GET", path, 403), None, "{path}");
    }
    assert_eq!(at("GET", "/api/v1/namespaces/a/pods/x", 403), None);
}

#[test]
fn nothing_makes_it_go_in_circles() {
    let mut odd = discovery(vec![
        resource("v1", "v1", "api", "Api").done(),
        resource("api", "apis", "apis", "Apis").done(),
        resource("core", "core", "v1", "V1").done(),
    ]);
    odd.groups.push(crate::discovery::Group {
        name: "apis".into(),
        versions: Vec::new(),
    });
    let words = ["api", "apis", "v1", "core", "namespaces", "watch", "x", ""];
    for a in words {
        for b in words {
            for c in words {
                for d in words {
                    let path = format!("/{a}/{b}/{c}/{d}");
                    for code in [403, 404, 405, 503] {
                        let asked = Asked {
                            method: "POST",
                            path: &path,
                            code,
                            missing: Some((a, b)),
                            namespace: "work",
                            release: "1.36".parse().unwrap(),
                        };
                        let _ = explain(&odd, &asked);
                    }
                }
            }
        }
    }
}
