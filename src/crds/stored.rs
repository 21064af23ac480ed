//! Versions that objects may still be stored in, and how to move them.

use super::model::Crd;

/// A version in `status.storedVersions` that is not the storage version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its name
    pub version: String,
    /// Whether the server still answers for it
    pub served: bool,
    /// Whether requests for it get a warning
    pub deprecated: bool,
}

/// The versions that objects may still be stored in although new ones are not.
pub fn left(crd: &Crd) -> Vec<Left> {
    let storage = crd.storage().map(|v| v.name.as_str());
    let stored = crd.status.stored_versions.iter();
    stored
        .filter(|name| Some(name.as_str()) != storage)
        .map(|name| {
            let version = crd.version(name);
            Left {
                version: name.clone(),
                served: version.is_some_and(|v| v.served),
                deprecated: version.is_some_and(|v| v.deprecated),
            }
        })
        .collect()
}

/// A step of a migration: why, and the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does
    pub what: String,
    /// The command for a POSIX shell
    pub command: String,
}

/// How to get rid of the versions in [`left`]; nothing where there are none.
///
/// Every object is written back unchanged, which stores it in the storage version; the server does
/// not look whether that is done, so `status.storedVersions` is then set by hand.
/// Source: "Upgrade existing objects to a new stored version" in the Kubernetes documentation.
pub fn migration(crd: &Crd) -> Vec<Step> {
    let (Some(storage), false) = (crd.storage(), left(crd).is_empty()) else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    // kubectl must name a version that is served: its own cache may prefer one that is not.
    if let Some(ask) = crd.version_to_ask() {
        let resource = format!("{}.{}.{}", crd.spec.names.plural, ask.name, crd.spec.group);
        let everywhere = if crd.spec.scope == "Namespaced" {
            " --all-namespaces"
        } else {
            ""
        };
        steps.push(Step {
            what: format!(
                "Write every object back unchanged, so that it is stored as {}:",
                storage.name
            ),
            command: format!("kubectl get {resource}{everywhere} -o json | kubectl replace -f -"),
        });
    } else {
        steps.push(Step {
            what: "Serve a version again: without one, objects cannot be written back:".to_owned(),
            command: format!("kubectl edit crd {}", crd.name()),
        });
    }
    let path = format!("{}/{}/status", super::PATH, crd.name());
    let patch = serde_json::json!({ "status": { "storedVersions": [storage.name] } });
    steps.push(Step {
        what: "When all are written, and not before, say that no other version is stored:"
            .to_owned(),
        command: format!("appop raw -X PATCH --patch merge {path} -d '{patch}'"),
    });
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::testing::crd;

    #[test]
    fn a_storage_version_alone_leaves_nothing_to_do() {
        let crd = crd("a.b.c").version("v1 storage").stored(&["v1"]).done();
        assert!(left(&crd).is_empty() && migration(&crd).is_empty());
    }

    #[test]
    fn what_was_stored_before_is_to_be_moved() {
        let crd = crd("moves.b.c")
            .version("v1beta1 unserved deprecated")
            .version("v1 storage")
            .stored(&["v1beta1", "v1"])
            .done();
        assert_eq!(
            left(&crd),
            [Left {
                version: "v1beta1".into(),
                served: false,
                deprecated: true
            }]
        );
        let commands: Vec<String> = migration(&crd).into_iter().map(|s| s.command).collect();
        assert_eq!(
            commands,
            [
                "kubectl get moves.v1.b.c --all-namespaces -o json | kubectl replace -f -",
                "appop raw -X PATCH --patch merge \
                 /apis/apiextensions.k8s.io/v1/customresourcedefinitions/moves.b.c/status \
                 -d '{\"status\":{\"storedVersions\":[\"v1\"]}}'"
            ]
        );
    }

    #[test]
    fn without_a_served_version_nothing_can_be_written() {
        let crd = crd("moves.b.c")
            .version("v1beta1 unserved")
            .version("v1 storage unserved")
            .stored(&["v1beta1", "v1"])
            .done();
        assert_eq!(migration(&crd)[0].command, "kubectl edit crd moves.b.c");
    }
}
