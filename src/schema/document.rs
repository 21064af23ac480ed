//! An OpenAPI v3 document: the named schemas of one group-version, read only where looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::raw::{Node, Raw};

/// A group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Gvk {
    /// The group, `""` for core
    pub group: String,
    /// The version
    pub version: String,
    /// The kind
    pub kind: String,
}

impl Gvk {
    /// From its three parts.
    pub fn new(
        group: impl Into<String>,
        version: impl Into<String>,
        kind: impl Into<String>,
    ) -> Self {
        Gvk {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
        }
    }

    /// `apps/v1`, or `v1` for core: what stands in `apiVersion`.
    pub fn api_version(&self) -> String {
        crate::discovery::group_version(&self.group, &self.version)
    }
}

/// The schemas of a document. Cheap to clone; schemas are parsed when they are first needed, since
/// a document of a megabyte holds hundreds of which one look needs a few.
#[derive(Clone, Debug, Default)]
pub struct Document {
    schemas: Arc<BTreeMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    text: Box<RawValue>,
    node: OnceLock<Node>,
}

/// Before every name in a `$ref`.
const PREFIX: &str = "#/components/schemas/";

impl Document {
    /// Reads a document as `/openapi/v3/apis/apps/v1` serves it. Paths and all else but the schemas
    /// are skipped.
    ///
    /// Errors: it is not JSON, or not of this form.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(default)]
            components: Components,
        }
        #[derive(Default, Deserialize)]
        struct Components {
            #[serde(default)]
            schemas: BTreeMap<String, Box<RawValue>>,
        }
        let outer: Outer = serde_json::from_slice(json)?;
        let entry = |text| Entry {
            text,
            node: OnceLock::new(),
        };
        let schemas = outer.components.schemas.into_iter();
        Ok(Document {
            schemas: Arc::new(schemas.map(|(name, text)| (name, entry(text))).collect()),
        })
    }

    /// The names of its schemas, such as `io.k8s.api.apps.v1.Deployment`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schemas.keys().map(String::as_str)
    }

    /// The name of the schema of a kind.
    pub fn name_of(&self, gvk: &Gvk) -> Option<&str> {
        // The name ends in the kind nearly always; looking there first saves parsing the rest.
        let ending = format!(".{}", gvk.kind);
        let (likely, rest): (Vec<&str>, Vec<&str>) =
            self.names().partition(|n| n.ends_with(&ending));
        likely
            .into_iter()
            .chain(rest)
            .find(|name| self.kinds(name).contains(gvk))
    }

    /// Which kinds a schema says to be.
    fn kinds(&self, name: &str) -> Vec<Gvk> {
        #[derive(Deserialize)]
        struct Kinds {
            #[serde(rename = "x-kubernetes-group-version-kind", default)]
            kinds: Vec<Gvk>,
        }
        let read = |e: &Entry| serde_json::from_str::<Kinds>(e.text.get()).ok();
        self.schemas
            .get(name)
            .and_then(read)
            .map(|k| k.kinds)
            .unwrap_or_default()
    }

    /// A schema by name. One that cannot be read becomes one that says so in its description.
    pub(super) fn schema(&self, name: &str) -> Option<&Node> {
        let entry = self.schemas.get(name)?;
        Some(entry.node.get_or_init(|| {
            let unreadable = |problem: &dyn std::fmt::Display| {
                Node::new(Raw {
                    description: Some(format!("(the schema {name} cannot be read: {problem})")),
                    ..Raw::default()
                })
            };
            match serde_json::from_str::<Value>(entry.text.get()) {
                Ok(value) => Node::read(&value).unwrap_or_else(|| unreadable(&"it is no object")),
                Err(problem) => unreadable(&problem),
            }
        }))
    }

    /// What a `$ref` refers to: the name and the schema.
    pub(super) fn resolve<'a>(&self, reference: &'a str) -> Option<(&'a str, &Node)> {
        let name = reference.strip_prefix(PREFIX)?;
        Some((name, self.schema(name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_what_its_schema_says() {
        let json = br#"{"paths":{"/x":1},"components":{"schemas":{
            "a.Pod":{"x-kubernetes-group-version-kind":[{"group":"other","version":"v1","kind":"Pod"}]},
            "b.PodThing":{"x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"Pod"}]},
            "c.Bad":7,"d.Odd":{"type":7,"required":["a",1],"format":"x"}}}}"#;
        let document = Document::parse(json).unwrap();
        assert_eq!(
            document.name_of(&Gvk::new("", "v1", "Pod")),
            Some("b.PodThing")
        );
        assert_eq!(document.name_of(&Gvk::new("", "v2", "Pod")), None);
        let bad = document.schema("c.Bad").unwrap();
        assert!(bad.description.as_ref().unwrap().contains("cannot be read"));
        let odd = document.schema("d.Odd").unwrap();
        assert_eq!(
            (odd.type_.as_deref(), odd.format.as_deref()),
            (None, Some("x"))
        );
        assert!(odd.requires("a"));
        assert!(Document::parse(b"[").is_err());
    }

    #[test]
    fn nesting_without_end_is_refused_not_followed() {
        let deep = "{\"items\":".repeat(100_000) + "1" + &"}".repeat(100_000);
        let kind = r#""x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"X"}]"#;
        let json = format!(r#"{{"components":{{"schemas":{{"a.X":{{{kind},"items":{deep}}}}}}}}}"#);
        // Read or refused, the stack holds.
        if let Ok(document) = Document::parse(json.as_bytes()) {
            let name = document.name_of(&Gvk::new("", "v1", "X"));
            let schema = document.schema("a.X").unwrap();
            assert!(
                schema
                    .description
                    .as_ref()
                    .unwrap()
                    .contains("cannot be read"),
                "{name:?}"
            );
        }
    }
}
