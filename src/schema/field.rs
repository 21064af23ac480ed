//! A field of a kind, with everything that its schema says of it and its own fields below.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bounds::Bounds;
use super::document::{Document, Gvk};
use super::immutable;
use super::raw::{ExternalDocs, Node};
use super::resolve::{Layer, layers};
use super::type_text::type_text;

/// A field: a node of the tree that a schema is.
///
/// Lists and maps are see-through: the children of `containers` are the fields of a container.
/// What is said of each item or value is in [`Field::element`]. Children are made when they are
/// first asked for, so that a schema that contains itself is a tree without end; walk it with
/// [`Field::flatten`], which stops there.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name; empty at the root, `[]` for a list's item, `{}` for a map's value
    pub name: String,
    /// Its type as kubectl explain shows it: `string`, `[]Container`, `map[string]string`,
    /// `Object`; but `IntOrString` where kubectl shows `Object` for an int-or-string
    pub type_: String,
    /// The format of a string or number, such as `date-time` or `int32`
    pub format: Option<String>,
    /// What the field is for; where nothing is said, what its type is for; may be empty
    pub description: String,
    /// What its type is for, where that is said apart from the field; may be empty
    pub type_description: String,
    /// Where more is written
    pub external_docs: Option<ExternalDocs>,
    /// Whether the object it is in must have it
    pub required: bool,
    /// The value that the server puts in where there is none. The zero values that the documents of
    /// built-in kinds give for required fields are left out: the server does not put those in.
    pub default: Option<Value>,
    /// The values it may have; empty if any
    pub enum_: Vec<Value>,
    /// How large, long or many
    pub bounds: Bounds,
    /// The regular expressions that a string must match, all of them
    pub patterns: Vec<String>,
    /// Whether it may be null
    pub nullable: bool,
    /// Whether it may be an integer or a string
    pub int_or_string: bool,
    /// Whether fields that the schema does not name are kept
    pub preserve_unknown: bool,
    /// Whether it holds a whole object with apiVersion, kind and metadata
    pub embedded: bool,
    /// How a list is merged
    pub list: Option<ListSemantics>,
    /// How a map or object is merged: `atomic` or `granular`
    pub map_type: Option<String>,
    /// How strategic merge patch treats it
    pub patch: Option<PatchSemantics>,
    /// CEL rules that it must satisfy
    pub rules: Vec<Rule>,
    /// Why it cannot be changed once set: a CEL rule, or the sentence of its description
    pub immutable: Option<Immutable>,
    /// Groups of fields of which at most one may be set
    pub unions: Vec<Union>,
    /// Further conditions, as the schema has them: `anyOf`, `oneOf` and `not`
    pub conditions: Vec<Condition>,
    /// The name of its type in the document, such as `io.k8s.api.core.v1.PodSpec`
    pub schema_name: Option<String>,
    pub(super) element_kind: Option<ElementKind>,
    element: OnceLock<Option<Box<Field>>>,
    children: OnceLock<Vec<Field>>,
    layers: Vec<Layer>,
    document: Document,
    /// Whether its schema was generated from Go types, whose zero values are no defaults
    generated: bool,
    /// How many lists and maps it is an element of, directly within each other
    nested: usize,
}

/// Lists of lists of lists: no real schema goes further, and a list may be said to contain itself.
const MOST_NESTED: usize = 8;

/// What a field has many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementKind {
    /// Items of a list
    Item,
    /// Values of a map
    Value,
}

/// How a list is merged by server-side apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListSemantics {
    /// `atomic`, `set` or `map`
    #[serde(rename = "type")]
    pub type_: String,
    /// The fields that tell the items of a `map` apart
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// How strategic merge patch treats a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchSemantics {
    /// `merge`, `replace`, `retainKeys`, or several with commas between
    pub strategy: String,
    /// The field that tells the items of a list apart
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_key: Option<String>,
}

/// A CEL rule: `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// The expression that must be true
    pub rule: String,
    /// What the server says where it is not
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// An expression that makes that sentence
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_expression: Option<String>,
    /// The reason in the server's answer, such as `FieldValueInvalid`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The field to blame, from here
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
    /// Whether a rule about `oldSelf` is asked on creation too
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_old_self: Option<bool>,
}

/// Why a field cannot be changed once set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "because", content = "text")]
pub enum Immutable {
    /// A CEL rule forbids it
    Rule(String),
    /// A sentence of the description says so
    Description(String),
}

/// Fields of which at most one may be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Union {
    /// The field that names which one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<String>,
    /// The fields, each with the discriminator's value for it
    pub fields: Vec<(String, String)>,
}

/// A condition on a value that is a schema itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// `anyOf`, `oneOf` or `not`
    pub kind: &'static str,
    /// The schemas
    pub schemas: Vec<Value>,
}

impl Field {
    /// The tree of a CRD version's `schema.openAPIV3Schema`.
    ///
    /// Errors: it is no schema.
    pub fn from_crd(schema: &Value) -> Result<Self, serde_json::Error> {
        let no_object = || serde::de::Error::custom("a schema is an object");
        let node = Node::read(schema).ok_or_else(no_object)?;
        Ok(Field::new("", &node, &Document::default(), false, false))
    }

    /// The tree of a kind in an OpenAPI v3 document; `None` if the document does not describe it.
    pub fn from_openapi(document: &Document, gvk: &Gvk) -> Option<Self> {
        let name = document.name_of(gvk)?;
        let node = document.schema(name)?;
        // Only generated documents give the metadata of a kind a default.
        let metadata = node.properties.as_ref().and_then(|p| p.get("metadata"));
        let generated = metadata.is_some_and(|m| m.default.is_some());
        let mut field = Field::new("", node, document, false, generated);
        field.schema_name = Some(name.to_owned());
        field.type_.clone_from(&gvk.kind);
        Some(field)
    }

    fn new(name: &str, node: &Node, document: &Document, required: bool, generated: bool) -> Self {
        let layers = layers(node, document);
        let own = &layers[0].node;
        let said = |layer: &Layer| layer.node.description.clone().filter(|d| !d.is_empty());
        let mut descriptions = layers.iter().filter_map(said);
        let description = descriptions.next().unwrap_or_default();
        let mut type_description = descriptions.next().unwrap_or_default();
        if type_description == description {
            type_description.clear();
        }
        let mut field = Field {
            name: name.to_owned(),
            type_: type_text(own, document),
            format: layers.iter().find_map(|l| l.node.format.clone()),
            description,
            type_description,
            external_docs: layers.iter().find_map(|l| l.node.external_docs.clone()),
            required,
            default: own.default.clone(),
            enum_: Vec::new(),
            bounds: Bounds::default(),
            patterns: Vec::new(),
            nullable: layers.iter().any(|l| l.node.nullable == Some(true)),
            int_or_string: false,
            preserve_unknown: layers.iter().any(|l| l.node.preserve_unknown == Some(true)),
            embedded: layers.iter().any(|l| l.node.embedded == Some(true)),
            list: None,
            map_type: layers.iter().find_map(|l| l.node.map_type.clone()),
            patch: own.patch_strategy.clone().map(|strategy| PatchSemantics {
                strategy,
                merge_key: own.patch_merge_key.clone(),
            }),
            rules: Vec::new(),
            immutable: None,
            unions: Vec::new(),
            conditions: Vec::new(),
            schema_name: layers.iter().find_map(|l| l.name.clone()),
            element_kind: None,
            element: OnceLock::new(),
            children: OnceLock::new(),
            layers: Vec::new(),
            document: document.clone(),
            generated,
            nested: 0,
        };
        for layer in &layers {
            field.constrain(layer);
        }
        let has_items = layers.iter().any(|l| l.node.items().is_some());
        let has_values = layers.iter().any(|l| l.node.values().is_some());
        field.element_kind = match (has_items, has_values) {
            (true, _) => Some(ElementKind::Item),
            (_, true) => Some(ElementKind::Value),
            _ => None,
        };
        if field.int_or_string && own.type_.is_none() && field.type_ == "Object" {
            field.type_ = "IntOrString".to_owned();
        }
        if generated && field.has_zero_default() {
            field.default = None;
        }
        field.immutable = immutable::by_rule(&field.rules, "self")
            .or_else(|| immutable::by_description(&field.description));
        field.layers = layers;
        field
    }

    fn constrain(&mut self, layer: &Layer) {
        let raw = &layer.node;
        if let Some(values) = &raw.enum_ {
            if self.enum_.is_empty() {
                self.enum_.clone_from(values);
            } else {
                self.enum_.retain(|v| values.contains(v));
            }
        }
        self.bounds.tighten(Bounds::of(raw));
        self.patterns.extend(raw.pattern.clone());
        self.rules.extend(raw.validations.iter().flatten().cloned());
        self.int_or_string |=
            raw.int_or_string == Some(true) || raw.format.as_deref() == Some("int-or-string");
        if self.list.is_none()
            && let Some(type_) = &raw.list_type
        {
            self.list = Some(ListSemantics {
                type_: type_.clone(),
                keys: raw.list_map_keys.clone().unwrap_or_default(),
            });
        }
        self.unions
            .extend(raw.unions.iter().flatten().map(|u| Union {
                discriminator: u.discriminator.clone(),
                fields: u.fields.clone().into_iter().collect(),
            }));
        // That an int-or-string is an integer or a string needs no saying twice.
        let lists = [("anyOf", &raw.any_of), ("oneOf", &raw.one_of)];
        for (kind, schemas) in lists {
            let Some(schemas) = schemas else { continue };
            if !schemas.iter().all(is_type_only) {
                self.conditions.push(Condition {
                    kind,
                    schemas: schemas.clone(),
                });
            }
        }
        self.conditions
            .extend(raw.not.clone().map(|schema| Condition {
                kind: "not",
                schemas: vec![schema],
            }));
    }

    fn has_zero_default(&self) -> bool {
        match &self.default {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::String(text)) => self.required && text.is_empty(),
            Some(Value::Number(number)) => self.required && number.as_f64() == Some(0.0),
            Some(Value::Bool(on)) => self.required && !on,
            _ => false,
        }
    }

    /// What is said of each item of a list or each value of a map; `None` for all else.
    pub fn element(&self) -> Option<&Field> {
        let make = || {
            let kind = self.element_kind.filter(|_| self.nested < MOST_NESTED)?;
            let (name, layer, node) = self.layers.iter().find_map(|layer| match kind {
                ElementKind::Item => Some(("[]", layer, layer.node.items()?)),
                ElementKind::Value => Some(("{}", layer, layer.node.values()?)),
            })?;
            let generated = self.generated || layer.name.is_some();
            let mut field = Field::new(name, node, &self.document, generated, generated);
            field.required = false;
            field.nested = self.nested + 1;
            Some(Box::new(field))
        };
        self.element.get_or_init(make).as_deref()
    }

    /// All that is said of what it is for: its own description, its type's, and that of its items
    /// or values; each once.
    pub fn descriptions(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let mut next = Some(self);
        // A list of lists has a description a level; more than a few are not read.
        for _ in 0..4 {
            let Some(field) = next else { break };
            all.extend([field.description.as_str(), field.type_description.as_str()]);
            next = field.element();
        }
        let mut seen = std::collections::HashSet::new();
        all.retain(|text| !text.is_empty() && seen.insert(*text));
        all
    }

    /// Whether it is a list or a map, and of which kind its elements are.
    pub fn element_kind(&self) -> Option<ElementKind> {
        self.element_kind
    }

    /// Its fields, by name; those of its items or values if it is a list or map.
    pub fn children(&self) -> &[Field] {
        self.children.get_or_init(|| {
            let mut children: Vec<Field> = Vec::new();
            for layer in &self.layers {
                let generated = self.generated || layer.name.is_some();
                for (name, node) in layer.node.properties.iter().flatten() {
                    if children.iter().any(|c| c.name == *name) {
                        continue;
                    }
                    let required = self.layers.iter().any(|l| l.node.requires(name));
                    let mut child = Field::new(name, node, &self.document, required, generated);
                    if child.immutable.is_none() {
                        child.immutable = immutable::by_rule(&self.rules, &format!("self.{name}"));
                    }
                    children.push(child);
                }
            }
            if children.is_empty()
                && let Some(element) = self.element()
            {
                return element.children().to_vec();
            }
            children.sort_by(|a, b| a.name.cmp(&b.name));
            children
        })
    }

    /// The child of that name.
    pub fn child(&self, name: &str) -> Option<&Field> {
        self.children().iter().find(|c| c.name == name)
    }

    /// Whether it has fields itself, not its items or values.
    pub fn has_own_children(&self) -> bool {
        self.layers.iter().any(|l| l.node.has_properties())
    }

    /// Whether there are fields below, without making them.
    pub fn has_children(&self) -> bool {
        self.has_own_children() || self.element().is_some_and(Field::has_children)
    }

    /// Whether any key with any value is taken (`additionalProperties: true`).
    pub fn takes_any_key(&self) -> bool {
        self.layers.iter().any(|l| l.node.values_are_free())
    }

    /// The type in JSON Schema's words (`object`, `array`, `string`...); empty where none is said.
    pub fn json_type(&self) -> &str {
        let types = self.layers.iter().filter_map(|l| l.node.type_.as_deref());
        types.into_iter().next().unwrap_or_default()
    }

    /// The types that `oneOf` or `anyOf` leave, where that is all that they say.
    pub(super) fn alternative_types(&self) -> Vec<&str> {
        let raws = self.layers.iter().map(|l| &l.node);
        let schemas = raws
            .flat_map(|n| [&n.one_of, &n.any_of])
            .flatten()
            .flatten();
        schemas.filter_map(|s| s.get("type")?.as_str()).collect()
    }
}

fn is_type_only(schema: &Value) -> bool {
    schema
        .as_object()
        .is_some_and(|s| s.len() == 1 && s.contains_key("type"))
}
