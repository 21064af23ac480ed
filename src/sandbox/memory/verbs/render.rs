//! Objects as they are answered: whole, as rows of a table, or their metadata alone; in lists and in
//! the events of watches.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Call;
use crate::sandbox::memory::decode::Parsed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::registry::{Behaviour, Served};
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media::{Form, Shape};
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::{Page, Stored, What};
use crate::sandbox::memory::{apply, convert, object, table};

/// How the objects of one request are answered.
pub struct Renderer {
    served: Arc<Served>,
    form: Form,
    include: Include,
    has_headers: AtomicBool,
}

/// What a row of a table holds of its object (`includeObject`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

/// What a write has made.
pub enum Written {
    /// It is stored
    Stored(Arc<Stored>),
    /// It would be stored: the object in the stored version
    Dry(Value),
}

impl Renderer {
    pub(super) fn new(call: &Call<'_>) -> Result<Self, Status> {
        let include = match call
            .request
            .query
            .first("includeObject")
            .unwrap_or_default()
        {
            "" | "Metadata" => Include::Metadata,
            "None" => Include::Nothing,
            "Object" => Include::Object,
            other if matches!(call.form.shape, Shape::Table { .. }) => {
                let path = Path::new("includeObject");
                let why = "must be 'Metadata', 'Object', 'None', or empty";
                let error = FieldError::invalid(&path, other, why);
                let message = format!("Unable to convert to Table as requested: {error}");
                return Err(Status::bad_request(message));
            }
            _ => Include::Metadata,
        };
        Ok(Renderer {
            served: Arc::clone(&call.served),
            form: call.form.clone(),
            include,
            has_headers: AtomicBool::new(call.request.query.first("noHeaders") != Some("true")),
        })
    }

    /// The Content-Type of a watch.
    pub fn stream_type(&self) -> &'static str {
        if self.form.is_yaml {
            "application/yaml;stream=watch"
        } else {
            "application/json"
        }
    }

    /// One object.
    pub fn object(&self, code: u16, written: &Written) -> Result<Answer, Status> {
        match (&self.form.shape, written) {
            (Shape::Whole, Written::Stored(stored)) => {
                let json = self.json(stored)?;
                Ok(Answer::json(code, vec![json], &self.form))
            }
            (Shape::Metadata { is_list: true, .. }, _) => Err(wrong_shape(&self.served)),
            _ => {
                let object = match written {
                    Written::Stored(stored) => self.value(stored)?,
                    Written::Dry(object) => self.served.shown(object.clone())?,
                };
                let version = object::meta(&object, "resourceVersion").to_owned();
                let shaped = match &self.form.shape {
                    Shape::Whole => object,
                    Shape::Metadata { version, .. } => metadata(&object, version),
                    Shape::Table { version: v } => {
                        self.table(v, &version, Map::new(), &[object], true)
                    }
                };
                Ok(Answer::value(code, &shaped, &self.form))
            }
        }
    }

    /// A Scale of the resource.
    pub fn scale(&self, scale: Value) -> Result<Answer, Status> {
        let shaped = match &self.form.shape {
            Shape::Whole => scale,
            Shape::Metadata { is_list: true, .. } => return Err(wrong_shape(&self.served)),
            Shape::Metadata { version, .. } => metadata(&scale, version),
            Shape::Table { version } => {
                let at = object::meta(&scale, "resourceVersion").to_owned();
                let columns = table::scale_columns(self.served.is_custom());
                let row = |scale: &Value| table::scale_row(scale, Timestamp::now());
                self.table_of(version, &at, Map::new(), &[scale], columns, row)
            }
        };
        Ok(Answer::value(200, &shaped, &self.form))
    }

    /// A list.
    pub fn list(&self, page: &Page, next: Option<String>) -> Result<Answer, Status> {
        let version = page.version.to_string();
        let mut more = Map::new();
        if let Some(next) = next {
            more.insert("continue".to_owned(), json!(next));
        }
        if let Some(remaining) = page.remaining {
            more.insert("remainingItemCount".to_owned(), json!(remaining));
        }
        match &self.form.shape {
            Shape::Whole => {
                let json = self.whole_list(page, &version, more)?;
                Ok(Answer::json(200, json, &self.form))
            }
            Shape::Table { version: v } => {
                let mut objects = self.values(page)?;
                table::arrange(&self.served, &mut objects);
                let table = self.table(v, &version, more, &objects, true);
                Ok(Answer::value(200, &table, &self.form))
            }
            Shape::Metadata { is_list: false, .. } => Err(wrong_shape(&self.served)),
            Shape::Metadata { version: v, .. } => {
                let objects = self.values(page)?;
                let items: Vec<Value> = objects.iter().map(|object| metadata(object, v)).collect();
                let list = json!({
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": format!("meta.k8s.io/{v}"),
                    "metadata": list_metadata(&version, more),
                    "items": items,
                });
                Ok(Answer::value(200, &list, &self.form))
            }
        }
    }

    /// A list of whole objects, made of the JSON that is stored.
    fn whole_list(
        &self,
        page: &Page,
        version: &str,
        more: Map<String, Value>,
    ) -> Result<Vec<Bytes>, Status> {
        let resource = &self.served.resource;
        let (kind, api) = (json!(resource.list_kind), json!(resource.api_version()));
        let mut metadata = Value::Object(list_metadata(version, more));
        if self.served.is_custom() && metadata.get("continue").is_none() {
            // Lists without a Go type always have it.
            metadata["continue"] = json!("");
        }
        let (before, after) = if self.served.is_custom() {
            let before = format!("{{\"apiVersion\":{api},\"items\":[");
            (
                before,
                format!("],\"kind\":{kind},\"metadata\":{metadata}}}"),
            )
        } else {
            let before = format!(
                "{{\"kind\":{kind},\"apiVersion\":{api},\"metadata\":{metadata},\"items\":["
            );
            (before, "]}".to_owned())
        };
        let mut json = Vec::with_capacity(2 * page.items.len() + 2);
        json.push(Bytes::from(before));
        for (at, item) in page.items.iter().enumerate() {
            if at > 0 {
                json.push(Bytes::from_static(b","));
            }
            let item = self.json(item)?;
            if self.served.is_custom() {
                json.push(item);
            } else {
                // Items of built-in kinds do not repeat what the list says.
                json.push(Bytes::from_static(b"{"));
                json.push(item.slice(self.head().len()..));
            }
        }
        json.push(Bytes::from(after));
        Ok(json)
    }

    /// How the JSON of a built-in kind begins.
    fn head(&self) -> String {
        let resource = &self.served.resource;
        let (kind, api) = (json!(resource.kind), json!(resource.api_version()));
        format!("{{\"kind\":{kind},\"apiVersion\":{api},")
    }

    /// An event of a watch.
    pub fn event(&self, what: What, stored: &Stored) -> Bytes {
        let name = word(what);
        if self.form.shape == Shape::Whole && !self.form.is_yaml {
            return match self.json(stored) {
                Ok(json) => framed(name, &json),
                Err(problem) => self.failure(&problem),
            };
        }
        match self.value(stored) {
            Ok(object) => self.shaped_event(name, &object),
            Err(problem) => self.failure(&problem),
        }
    }

    /// An event about an object as it was, at a later version.
    pub fn event_at(&self, what: What, stored: &Stored, version: u64) -> Bytes {
        let name = word(what);
        match self.value(stored) {
            Ok(mut object) => {
                let version = json!(version.to_string());
                object::set_meta(&mut object, "resourceVersion", Some(version));
                self.shaped_event(name, &object)
            }
            Err(problem) => self.failure(&problem),
        }
    }

    /// That nothing else has happened up to a version; `ends_initial` after what there was.
    pub fn bookmark(&self, version: u64, ends_initial: bool) -> Bytes {
        let resource = &self.served.resource;
        let mut object = match &self.served.behaviour {
            Behaviour::BuiltIn(_) => apply::zero(&resource.types, resource.type_),
            Behaviour::Custom(_) => json!({}),
        };
        object::set_kind(&mut object, &resource.api_version(), &resource.kind);
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        object["metadata"] = metadata;
        self.shaped_event("BOOKMARK", &object)
    }

    /// A failure within a watch.
    pub fn failure(&self, status: &Status) -> Bytes {
        self.written_event("ERROR", &status.to_json())
    }

    fn shaped_event(&self, name: &str, object: &Value) -> Bytes {
        match &self.form.shape {
            Shape::Whole => self.written_event(name, object),
            Shape::Metadata { version, .. } => self.written_event(name, &metadata(object, version)),
            Shape::Table { version } => {
                let at = object::meta(object, "resourceVersion").to_owned();
                // Only the first table of a watch has its columns.
                let has_headers = self.has_headers.swap(false, Ordering::Relaxed);
                let rows: &[Value] = std::slice::from_ref(object);
                let table = self.table(version, &at, Map::new(), rows, has_headers);
                self.written_event(name, &table)
            }
        }
    }

    fn written_event(&self, name: &str, object: &Value) -> Bytes {
        if self.form.is_yaml {
            let event = json!({"type": name, "object": object});
            let text = self.form.encode(&event);
            let mut framed = Vec::with_capacity(text.len() + 4);
            framed.extend_from_slice(&text);
            framed.extend_from_slice(b"---\n");
            return framed.into();
        }
        framed(name, object.to_string().as_bytes())
    }

    /// The object's JSON in the version that was asked for.
    fn json(&self, stored: &Stored) -> Result<Bytes, Status> {
        if self.served.is_as_stored(stored) {
            return Ok(stored.json().clone());
        }
        Ok(Bytes::from(self.value(stored)?.to_string()))
    }

    fn value(&self, stored: &Stored) -> Result<Value, Status> {
        let object = stored.value();
        if self.served.is_as_stored(stored) {
            return Ok(object);
        }
        self.served.shown(object)
    }

    fn values(&self, page: &Page) -> Result<Vec<Value>, Status> {
        page.items.iter().map(|item| self.value(item)).collect()
    }

    fn table(
        &self,
        version: &str,
        at: &str,
        more: Map<String, Value>,
        objects: &[Value],
        has_headers: bool,
    ) -> Value {
        let now = Timestamp::now();
        let row = |object: &Value| table::row(&self.served, object, now);
        let columns = match has_headers {
            true => table::columns(&self.served),
            false => Value::Null,
        };
        self.table_of(version, at, more, objects, columns, row)
    }

    fn table_of(
        &self,
        version: &str,
        at: &str,
        more: Map<String, Value>,
        objects: &[Value],
        columns: Value,
        row: impl Fn(&Value) -> Value,
    ) -> Value {
        let rows: Vec<Value> = objects
            .iter()
            .map(|object| {
                let mut row = row(object);
                match self.include {
                    Include::Nothing => {}
                    Include::Metadata => row["object"] = metadata(object, version),
                    Include::Object => row["object"] = object.clone(),
                }
                if self.include == Include::Nothing {
                    row["object"] = Value::Null;
                }
                row
            })
            .collect();
        json!({
            "kind": "Table",
            "apiVersion": format!("meta.k8s.io/{version}"),
            "metadata": list_metadata(at, more),
            "columnDefinitions": columns,
            "rows": rows,
        })
    }
}

impl Served {
    /// Whether objects are stored in the group that this is: Events are served in two.
    pub fn is_stored_group(&self) -> bool {
        let resource = &self.resource;
        let stored = convert::stored(&resource.group, &resource.plural);
        stored.is_none_or(|(group, _)| group == resource.group)
    }

    /// Whether what is stored is what is answered, in the version that this is.
    pub fn is_as_stored(&self, stored: &Stored) -> bool {
        self.is_stored_group()
            && *stored.facts.version == *self.resource.version
            && self.is_current(stored)
    }

    /// An object in the stored version, as the schema of now has it: without what that does not
    /// know, with what it sets.
    pub fn live(&self, stored: &Stored) -> Value {
        match &self.behaviour {
            Behaviour::Custom(version) if !self.is_current(stored) => {
                version.refresh(stored.value())
            }
            _ => stored.value(),
        }
    }

    /// Whether it was written by the schema of now.
    fn is_current(&self, stored: &Stored) -> bool {
        self.since == 0 || stored.version > self.since
    }

    /// An object of the stored version in the version that this is.
    ///
    /// Errors: when it cannot be converted.
    pub fn shown(&self, object: Value) -> Result<Value, Status> {
        let resource = &self.resource;
        match &self.behaviour {
            Behaviour::BuiltIn(_) if self.stored.is_none() => Ok(object),
            Behaviour::BuiltIn(_) => {
                let (group, version, kind) = (&resource.group, &resource.version, &resource.kind);
                let object = convert::to(group, version, kind, object)?;
                let decoded = Parsed::of(object).decode(&resource.types, resource.type_);
                let mut object = decoded.map_err(Status::internal)?.value;
                object::set_kind_first(&mut object, &resource.api_version(), kind);
                Ok(object)
            }
            Behaviour::Custom(version) => Ok(version.convert(object)),
        }
    }
}

/// The type of an event of a watch.
fn word(what: What) -> &'static str {
    match what {
        What::Added => "ADDED",
        What::Modified => "MODIFIED",
        What::Deleted => "DELETED",
    }
}

fn framed(name: &str, json: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(json.len() + 40);
    event.extend_from_slice(b"{\"type\":\"");
    event.extend_from_slice(name.as_bytes());
    event.extend_from_slice(b"\",\"object\":");
    event.extend_from_slice(json);
    event.extend_from_slice(b"}\n");
    event.into()
}

fn list_metadata(version: &str, more: Map<String, Value>) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), json!(version));
    metadata.extend(more);
    metadata
}

fn metadata(object: &Value, version: &str) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": object.get("metadata").map_or(Cow::Owned(json!({})), Cow::Borrowed),
    })
}

fn wrong_shape(served: &Served) -> Status {
    let kind = &served.resource.kind;
    let message = format!(
        "only the following media types are accepted when converting to {kind}: application/json"
    );
    Status::new(406, "NotAcceptable", message)
}
