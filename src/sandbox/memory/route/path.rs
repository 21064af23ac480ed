//! Which resource a path is about (apiserver's `pkg/endpoints/request/requestinfo.go`).

use percent_encoding::percent_decode_str;

/// What stands below `/api/VERSION` or `/apis/GROUP/VERSION`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Empty for the core group
    pub group: String,
    /// Such as `v1`
    pub version: String,
    /// Empty where none is named
    pub namespace: String,
    /// The resource
    pub plural: String,
    /// Empty for collections
    pub name: String,
    /// Empty for objects themselves
    pub subresource: String,
    /// What stands behind the subresource, such as the path of a proxy
    pub rest: Vec<String>,
    /// Whether the path begins with the old word `watch`
    pub is_watch: bool,
}

/// Subresources of namespaces, which look like resources in one.
const OF_NAMESPACES: [&str; 2] = ["status", "finalize"];

impl Target {
    /// Reads a path; `None` where it names no resource.
    pub fn parse(path: &str) -> Option<Self> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        if path.starts_with("//") {
            return None;
        }
        // Behind the version nothing may be empty.
        if path.starts_with("/api/v1//") {
            return Some(Target {
                version: "v1".to_owned(),
                ..Target::default()
            });
        }
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        let mut target = Target::default();
        match parts.next()? {
            "api" => {}
            "apis" => target.group = parts.next()?.to_owned(),
            _ => return None,
        }
        target.version = parts.next()?.to_owned();
        target.is_watch = parts.next_if(|part| *part == "watch").is_some();
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        if parts.first()? == "namespaces" && parts.len() > 1 {
            target.namespace = parts[1].clone();
            if parts.len() > 2 && !OF_NAMESPACES.contains(&parts[2].as_str()) {
                parts.drain(..2);
            }
        }
        let mut parts = parts.into_iter();
        target.plural = parts.next()?;
        target.name = parts.next().unwrap_or_default();
        target.subresource = parts.next().unwrap_or_default();
        target.rest = parts.collect();
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Vec<String> {
        let t = Target::parse(path).unwrap();
        let api = format!("{}/{}", t.group, t.version);
        vec![api, t.namespace, t.plural, t.name, t.subresource]
    }

    #[test]
    fn paths_name_resources() {
        for (path, expected) in [
            ("/api/v1/pods", ["/v1", "", "pods", "", ""]),
            ("/api/v1/namespaces", ["/v1", "", "namespaces", "", ""]),
            ("/api/v1/namespaces/a", ["/v1", "a", "namespaces", "a", ""]),
            (
                "/api/v1/namespaces/a/status",
                ["/v1", "a", "namespaces", "a", "status"],
            ),
            ("/api/v1/namespaces/a/pods/", ["/v1", "a", "pods", "", ""]),
            (
                "/api/v1/namespaces//pods",
                ["/v1", "pods", "namespaces", "pods", ""],
            ),
            (
                "/apis/apps/v1/namespaces/a/deployments/d/scale",
                ["apps/v1", "a", "deployments", "d", "scale"],
            ),
            ("/api/v1/nodes/a%20b", ["/v1", "", "nodes", "a b", ""]),
            ("/api/v1/nodes/a%2Fb", ["/v1", "", "nodes", "a", "b"]),
        ] {
            assert_eq!(parse(path), expected, "{path}");
        }
        assert!(Target::parse("/api/v1/watch/pods").unwrap().is_watch);
        for path in ["/", "/api", "/api/v1", "/apis/apps/v1", "/healthz"] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }
}
