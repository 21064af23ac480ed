//! One resource in detail.

use serde_json::{Value, json};

use crate::cluster::Server;
use crate::discovery::origin::{self, Details, Origin};
use crate::discovery::{Discovery, Resource, lifecycle};
use crate::output::{Page, Printer};

use super::{facts, item, lifecycle_document};

/// What more than discovery is known; `None` where the server was not to be asked.
pub(super) struct Detail(Option<Details>);

/// Asks for what discovery does not tell, unless only the cache may be used.
pub(super) async fn load(server: &Server, versions: &[&Resource], cached: bool) -> Detail {
    let names: Vec<&str> = versions.iter().map(|r| r.version.as_str()).collect();
    Detail(match cached {
        true => None,
        false => Some(origin::details(server, versions[0], &names).await),
    })
}

impl Detail {
    /// For programs.
    pub(super) fn document(&self, discovery: &Discovery, versions: &[&Resource]) -> Value {
        let resource = versions[0];
        let mut document = item(discovery, resource);
        document["paths"] = paths(resource).into_iter().map(|(path, _)| path).collect();
        document["versions"] = versions
            .iter()
            .map(|r| {
                let mut version = json!({
                    "version": r.version,
                    "preferred": discovery.is_preferred(r),
                });
                if let Some(storage) = self.0.as_ref().and_then(|d| d.storage.as_ref()) {
                    version["storage"] = json!(*storage == r.version);
                }
                if let Some(facts) = facts(r) {
                    version["lifecycle"] = lifecycle_document(facts);
                }
                version
            })
            .collect();
        if let Some(details) = &self.0 {
            document["origin"] = match &details.origin {
                Origin::BuiltIn => json!({ "type": "BuiltIn" }),
                Origin::Crd(name) => json!({ "type": "CustomResourceDefinition", "name": name }),
                Origin::Aggregated { service, trouble } => json!({
                    "type": "Aggregated",
                    "service": service,
                    "available": trouble.is_none(),
                    "reason": trouble,
                }),
                Origin::Unknown(reason) => json!({ "type": "Unknown", "reason": reason }),
            };
        }
        document
    }

    /// For people.
    pub(super) fn text(
        &self,
        printer: Printer,
        discovery: &Discovery,
        versions: &[&Resource],
    ) -> String {
        let resource = versions[0];
        let mut page = Page::new(printer);
        page.field("Name", &resource.name());
        page.field("Kind", &resource.kind);
        page.field(
            "Group",
            if resource.group.is_empty() {
                "core"
            } else {
                &resource.group
            },
        );
        for (at, version) in versions.iter().enumerate() {
            page.field(
                if at == 0 { "Versions" } else { "" },
                &self.version(discovery, version),
            );
        }
        page.field(
            "Scope",
            if resource.namespaced {
                "Namespaced"
            } else {
                "Cluster"
            },
        );
        page.field("Singular", &resource.singular);
        page.field("Short names", &resource.short_names.join(", "));
        page.field("Categories", &resource.categories.join(", "));
        page.field("Verbs", &resource.verbs.join(", "));
        if let Some(details) = &self.0 {
            page.field("Comes from", &origin_text(&details.origin));
        }
        if !resource.subresources.is_empty() {
            page.heading("Subresources");
            let longest = resource
                .subresources
                .iter()
                .map(|s| s.name.len())
                .max()
                .unwrap_or(0);
            for sub in &resource.subresources {
                let own = sub.kind == resource.kind && sub.group == resource.group;
                let kind = match own || sub.version.is_empty() {
                    true => sub.kind.clone(),
                    false => format!(
                        "{} ({})",
                        sub.kind,
                        crate::discovery::group_version(&sub.group, &sub.version)
                    ),
                };
                page.line(&format!(
                    "{:<longest$}  {}: {kind}",
                    sub.name,
                    sub.verbs.join(",")
                ));
            }
        }
        page.heading("Paths for appop raw");
        let all = paths(resource);
        let longest = all.iter().map(|(path, _)| path.len()).max().unwrap_or(0);
        let most = all.iter().map(|(_, verbs)| verbs.len()).max().unwrap_or(0);
        let beside = printer
            .width()
            .is_none_or(|width| longest + most + 4 <= width);
        for (path, verbs) in all {
            if beside {
                page.line(&format!("{path:<longest$}  {verbs}"));
            } else {
                page.line(&path);
                page.line(&format!("    {verbs}"));
            }
        }
        page.heading("More");
        page.line(&format!("appop explain {}", resource.name()));
        if let Some(Details {
            origin: Origin::Crd(name),
            ..
        }) = &self.0
        {
            page.line(&format!("appop crds {name}"));
        }
        page.finish()
    }

    fn version(&self, discovery: &Discovery, resource: &Resource) -> String {
        let mut marks = Vec::new();
        if discovery.is_preferred(resource) {
            marks.push("preferred".to_owned());
        }
        let storage = self.0.as_ref().and_then(|d| d.storage.as_ref());
        if storage == Some(&resource.version) {
            marks.push("storage".to_owned());
        }
        if discovery
            .version(&resource.group, &resource.version)
            .is_some_and(|v| v.stale)
        {
            marks.push("unavailable".to_owned());
        }
        marks.extend(facts(resource).and_then(|f| f.describe(lifecycle::recorded())));
        let marks = marks.join(", ");
        if marks.is_empty() {
            resource.version.clone()
        } else {
            format!("{} ({marks})", resource.version)
        }
    }
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => "the API server itself (built in)".to_owned(),
        Origin::Crd(name) => format!("the CustomResourceDefinition {name}"),
        Origin::Aggregated {
            service,
            trouble: None,
        } => {
            format!("an aggregated server behind the Service {service}, which is up")
        }
        Origin::Aggregated {
            service,
            trouble: Some(why),
        } => {
            format!("an aggregated server behind the Service {service}, which is down: {why}")
        }
        Origin::Unknown(why) => format!("unknown ({why})"),
    }
}

/// The paths below which a resource is reached, each with the verbs that it takes.
fn paths(resource: &Resource) -> Vec<(String, String)> {
    let some = |wanted: &[&str]| {
        let have: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|verb| resource.can(verb))
            .collect();
        have.join(",")
    };
    let mut paths = Vec::new();
    let namespace = resource.namespaced.then_some("NAMESPACE");
    if namespace.is_some() {
        paths.push((resource.path(None), some(&["list", "watch"])));
    }
    let list = resource.path(namespace);
    paths.push((
        list.clone(),
        some(&["list", "watch", "create", "deletecollection"]),
    ));
    paths.push((
        format!("{list}/NAME"),
        some(&["get", "update", "patch", "delete"]),
    ));
    for sub in &resource.subresources {
        paths.push((format!("{list}/NAME/{}", sub.name), sub.verbs.join(",")));
    }
    paths.retain(|(_, verbs)| !verbs.is_empty());
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::testing::resource;

    #[test]
    fn paths_name_only_what_can_be_done() {
        let node = resource("", "v1", "nodes", "Node")
            .cluster_scoped()
            .sub("status", &["get"])
            .done();
        let of = |r: &Resource| paths(r).into_iter().map(|(p, _)| p).collect::<Vec<_>>();
        assert_eq!(
            of(&node),
            [
                "/api/v1/nodes",
                "/api/v1/nodes/NAME",
                "/api/v1/nodes/NAME/status"
            ]
        );
        let review = resource(
            "authorization.k8s.io",
            "v1",
            "subjectaccessreviews",
            "SubjectAccessReview",
        )
        .cluster_scoped()
        .verbs(&["create"])
        .done();
        assert_eq!(
            of(&review),
            ["/apis/authorization.k8s.io/v1/subjectaccessreviews"]
        );
    }
}
