//! The resource of a CustomResourceDefinition in one version: what the verbs need to know of it.

mod age;
mod body;
mod compiled;
mod discovery;
mod nested;
mod scale;
mod select;
mod table;
#[cfg(test)]
mod tests;
mod types;
mod validate;
mod write;

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::definition::{self, Column, Names, Scale};
use super::jsonpath::JsonPath;
use crate::sandbox::memory::resource::Resource;
use compiled::Compiled;

pub use discovery::compare as compare_versions;
pub use scale::NOT_SET;

/// A version of a custom resource that is served. What is costly is made of its schema when it is
/// first needed.
#[derive(Debug)]
pub struct Version {
    family: Arc<Family>,
    /// Which of the family's shapes it has
    at: usize,
    columns: Vec<Column>,
    /// Labels of selectable fields, with the paths that are in `selectable_paths`
    selectable: Vec<String>,
    selectable_paths: Vec<Option<JsonPath>>,
    deprecation: Option<String>,
    resource: Arc<Resource>,
}

/// What the versions of a resource have in common.
#[derive(Debug)]
struct Family {
    uid: String,
    generation: i64,
    group: String,
    names: Names,
    namespaced: bool,
    is_terminating: bool,
    /// Which of the shapes is stored
    stored: usize,
    shapes: Vec<Shape>,
}

/// What an object is in one version, whether it is served or not.
#[derive(Debug)]
struct Shape {
    version: String,
    /// JSON, which takes much less than what is made of it
    schema: Box<str>,
    is_served: bool,
    has_status: bool,
    scale: Option<Scale>,
    compiled: OnceLock<Compiled>,
}

/// The versions that a definition serves; none while it is not established.
pub fn versions(definition: &Value) -> Vec<Arc<Version>> {
    if !definition::is_established(definition) {
        return Vec::new();
    }
    let spec = &definition["spec"];
    let all = spec["versions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let family = Arc::new(Family::new(definition, all));
    let served = all
        .iter()
        .enumerate()
        .filter(|(_, version)| version["served"] == true);
    served
        .map(|(at, version)| Arc::new(Version::new(&family, at, version, all)))
        .collect()
}

impl Family {
    fn new(definition: &Value, versions: &[Value]) -> Self {
        let is_stored = |version: &Value| version["storage"] == true;
        Family {
            uid: text(&definition["metadata"]["uid"]),
            generation: definition["metadata"]["generation"]
                .as_i64()
                .unwrap_or_default(),
            group: text(&definition["spec"]["group"]),
            names: Names::read(&definition["status"]["acceptedNames"]),
            namespaced: definition["spec"]["scope"] == "Namespaced",
            is_terminating: definition::is_terminating(definition),
            stored: versions.iter().position(is_stored).unwrap_or_default(),
            shapes: versions.iter().map(Shape::new).collect(),
        }
    }

    fn api_version(&self, version: &str) -> String {
        format!("{}/{version}", self.group)
    }

    /// The shape of objects of that apiVersion.
    fn shape(&self, api_version: &str) -> Option<&Shape> {
        let version = api_version.strip_prefix(&self.group)?.strip_prefix('/')?;
        self.shapes.iter().find(|shape| shape.version == version)
    }
}

impl Shape {
    fn new(version: &Value) -> Self {
        Shape {
            version: text(&version["name"]),
            schema: version["schema"]["openAPIV3Schema"]
                .to_string()
                .into_boxed_str(),
            is_served: version["served"] == true,
            has_status: version["subresources"]["status"].is_object(),
            scale: Scale::read(&version["subresources"]["scale"]),
            compiled: OnceLock::new(),
        }
    }

    fn compiled(&self) -> &Compiled {
        self.compiled
            .get_or_init(|| Compiled::new(&self.schema, self.has_status))
    }
}

impl Version {
    fn new(family: &Arc<Family>, at: usize, version: &Value, all: &[Value]) -> Self {
        let columns = version["additionalPrinterColumns"].as_array();
        let fields = version["selectableFields"].as_array().into_iter().flatten();
        let paths: Vec<String> = fields.map(|field| text(&field["jsonPath"])).collect();
        let label = |path: &String| path.strip_prefix('.').unwrap_or(path).to_owned();
        Version {
            family: Arc::clone(family),
            at,
            columns: columns.into_iter().flatten().map(Column::read).collect(),
            selectable: paths.iter().map(label).collect(),
            selectable_paths: paths.iter().map(|path| JsonPath::parse(path)).collect(),
            deprecation: write::deprecation(family, version, all),
            resource: Arc::new(discovery::resource(family, at)),
        }
    }

    fn shape(&self) -> &Shape {
        &self.family.shapes[self.at]
    }

    fn api_version(&self) -> String {
        self.family.api_version(&self.shape().version)
    }

    /// What discovery says about it, and the types of its objects.
    pub fn resource(&self) -> Arc<Resource> {
        Arc::clone(&self.resource)
    }

    /// The version in which objects are stored.
    pub fn stored_version(&self) -> &str {
        &self.family.shapes[self.family.stored].version
    }

    /// What its OpenAPI document is made of: the resource, its schema as JSON, selectable fields.
    pub(super) fn resource_and_schema(&self) -> (&Resource, &str, &[String]) {
        (&self.resource, &self.shape().schema, &self.selectable)
    }

    /// Whether it is what the definition defines as it is now: its names may have been accepted, or
    /// it may be going, without a change of its spec.
    pub fn is_of(&self, definition: &Value) -> bool {
        let family = &self.family;
        let metadata = &definition["metadata"];
        family.uid == metadata["uid"].as_str().unwrap_or_default()
            && metadata["generation"].as_i64().unwrap_or_default() == family.generation
            && definition::is_terminating(definition) == family.is_terminating
            && Names::read(&definition["status"]["acceptedNames"]) == family.names
    }

    /// Whether no objects may be created any more, because the definition goes:
    /// [`TERMINATING`](super::TERMINATING) says so.
    pub fn is_terminating(&self) -> bool {
        self.family.is_terminating
    }

    /// The text of a warning that every request gets, when the version is deprecated.
    pub fn deprecation(&self) -> Option<&str> {
        self.deprecation.as_deref()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
