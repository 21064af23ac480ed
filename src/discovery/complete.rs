//! Paths for a shell to complete, one part at a time.

use super::model::{Discovery, Group, Resource};

/// What a server serves beside its resources.
const ROOTS: [(&str, &str); 10] = [
    ("/api/", "the core group"),
    ("/apis/", "all other groups"),
    ("/version", "the server's version"),
    ("/healthz", "is it healthy"),
    ("/livez", "is it alive"),
    ("/readyz", "is it ready; ?verbose shows its checks"),
    ("/metrics", "its metrics"),
    ("/openapi/v2", "all schemas in one document"),
    ("/openapi/v3", "the schemas of each group-version"),
    ("/logs/", "its log files, where it gives them"),
];
/// Namespaces that a cluster has from the start.
const NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];

/// A path, complete or to be gone on with (it ends in `/` then).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathCandidate {
    /// The whole path
    pub path: String,
    /// What it is, in few words
    pub help: Option<String>,
}

/// The paths that `word`, as far as it is typed, may become. `discovery` is what the server
/// serves, if that is known; `namespace` is the one in use.
pub fn complete(discovery: Option<&Discovery>, namespace: &str, word: &str) -> Vec<PathCandidate> {
    // All up to the last slash is taken as typed.
    let (begin, _) = word.split_at(word.rfind('/').map_or(0, |at| at + 1));
    let parts: Vec<&str> = begin.split('/').filter(|part| !part.is_empty()).collect();
    let mut found = Vec::new();
    let mut add = |path: String, help: Option<&str>| {
        if path.starts_with(word) && path != word {
            let help = help.filter(|help| !help.is_empty()).map(str::to_owned);
            found.push(PathCandidate { path, help });
        }
    };
    match (parts.as_slice(), discovery) {
        ([], _) | (["openapi"], _) => {
            for (path, help) in ROOTS {
                add(path.to_owned(), Some(help));
            }
        }
        (["openapi", "v3", rest @ ..], Some(discovery)) => {
            openapi(discovery, rest, |name| add(format!("{begin}{name}"), None));
        }
        (["api"], discovery) => {
            let core = discovery.and_then(|d| d.group(""));
            for version in core.map_or(vec!["v1"], versions) {
                add(format!("{begin}{version}/"), None);
            }
        }
        (["apis"], Some(discovery)) => {
            for group in discovery.groups.iter().filter(|g| !g.name.is_empty()) {
                add(format!("{begin}{}/", group.name), None);
            }
        }
        (["apis", group], Some(discovery)) => {
            for version in discovery.group(group).map_or(Vec::new(), versions) {
                add(format!("{begin}{version}/"), None);
            }
        }
        (["api", version, rest @ ..], Some(discovery)) => {
            in_version(discovery, "", version, rest, namespace, |name, help| {
                add(format!("{begin}{name}"), help);
            });
        }
        (["apis", group, version, rest @ ..], Some(discovery)) => {
            in_version(discovery, group, version, rest, namespace, |name, help| {
                add(format!("{begin}{name}"), help);
            });
        }
        _ => {}
    }
    found
}

fn versions(group: &Group) -> Vec<&str> {
    group.versions.iter().map(|v| v.version.as_str()).collect()
}

/// The documents of OpenAPI v3: one for each group-version.
fn openapi(discovery: &Discovery, rest: &[&str], mut add: impl FnMut(String)) {
    match rest {
        [] => ["api/", "apis/"]
            .map(str::to_owned)
            .into_iter()
            .for_each(add),
        ["api"] => discovery
            .group("")
            .map_or(Vec::new(), versions)
            .iter()
            .for_each(|v| add((*v).to_owned())),
        ["apis"] => {
            let named = discovery.groups.iter().filter(|g| !g.name.is_empty());
            named.for_each(|g| add(format!("{}/", g.name)));
        }
        ["apis", group] => {
            discovery
                .group(group)
                .map_or(Vec::new(), versions)
                .iter()
                .for_each(|v| add((*v).to_owned()));
        }
        _ => {}
    }
}

fn in_version(
    discovery: &Discovery,
    group: &str,
    version: &str,
    rest: &[&str],
    namespace: &str,
    mut add: impl FnMut(String, Option<&str>),
) {
    let Some(served) = discovery.version(group, version) else {
        return;
    };
    let resources = || served.resources.iter().filter(|r| !r.kind.is_empty());
    let subresources = |plural: &str| {
        let resource = served.resources.iter().find(|r| r.plural == plural);
        resource.map_or(&[][..], |r| &r.subresources)
    };
    let has_namespaced = resources().any(|r| r.namespaced);
    match rest {
        [] => {
            for resource in resources() {
                add(resource.plural.clone(), Some(&resource.kind));
            }
            if has_namespaced {
                add("namespaces/".into(), Some("what is in one namespace"));
            }
        }
        ["namespaces"] if has_namespaced => {
            let others = NAMESPACES.into_iter().filter(|name| *name != namespace);
            for name in std::iter::once(namespace).chain(others) {
                add(format!("{name}/"), None);
            }
        }
        ["namespaces", _] => {
            let namespaced: Vec<&Resource> = resources().filter(|r| r.namespaced).collect();
            for resource in namespaced {
                add(resource.plural.clone(), Some(&resource.kind));
            }
            for sub in subresources("namespaces") {
                add(sub.name.clone(), Some("of the namespace itself"));
            }
        }
        ["namespaces", _, plural, _] | [plural, _] => {
            for sub in subresources(plural) {
                add(sub.name.clone(), Some(&sub.kind));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testing::{discovery, resource};

    fn paths(word: &str) -> Vec<String> {
        let discovery = discovery(vec![
            resource("", "v1", "pods", "Pod")
                .sub("log", &["get"])
                .sub("exec", &["create"])
                .done(),
            resource("", "v1", "nodes", "Node")
                .cluster_scoped()
                .sub("status", &["get"])
                .done(),
            resource("apps", "v1", "deployments", "Deployment")
                .sub("scale", &["get"])
                .done(),
            resource("batch", "v1", "jobs", "Job").done(),
            resource("batch", "v1beta1", "cronjobs", "CronJob").done(),
        ]);
        complete(Some(&discovery), "work", word)
            .into_iter()
            .map(|c| c.path)
            .collect()
    }

    #[test]
    fn paths_grow_part_by_part() {
        assert_eq!(paths("").len(), ROOTS.len());
        assert_eq!(paths("/ap"), ["/api/", "/apis/"]);
        assert_eq!(paths("/openapi/"), ["/openapi/v2", "/openapi/v3"]);
        assert_eq!(paths("/openapi/v3/apis/b"), ["/openapi/v3/apis/batch/"]);
        assert_eq!(paths("/api/"), ["/api/v1/"]);
        assert_eq!(paths("/apis/"), ["/apis/apps/", "/apis/batch/"]);
        assert_eq!(
            paths("/apis/batch/v"),
            ["/apis/batch/v1/", "/apis/batch/v1beta1/"]
        );
        assert_eq!(paths("/api/v1/n"), ["/api/v1/nodes", "/api/v1/namespaces/"]);
        assert_eq!(paths("/api/v1/namespaces/w"), ["/api/v1/namespaces/work/"]);
        assert_eq!(
            paths("/api/v1/namespaces/x/"),
            ["/api/v1/namespaces/x/pods"]
        );
        assert_eq!(
            paths("/apis/apps/v1/namespaces/x/deployments/web/"),
            ["/apis/apps/v1/namespaces/x/deployments/web/scale"]
        );
        assert_eq!(paths("/api/v1/nodes/n1/"), ["/api/v1/nodes/n1/status"]);
    }

    #[test]
    fn what_is_unknown_has_no_completion() {
        for word in [
            "/apis/none/",
            "/api/v9/",
            "/api/v1/pods",
            "pods",
            "/version/",
            "/é",
        ] {
            assert!(paths(word).is_empty(), "{word}: {:?}", paths(word));
        }
        let unknown = complete(None, "default", "/api/");
        assert_eq!(unknown[0].path, "/api/v1/");
        assert!(complete(None, "default", "/apis/").is_empty());
    }
}
