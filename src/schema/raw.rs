//! A schema as the server writes it: the part of OpenAPI v3 and of CRD schemas that Kubernetes uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

/// A schema that several fields may share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node(Arc<Raw>);

impl Node {
    pub(super) fn new(raw: Raw) -> Self {
        Node(Arc::new(raw))
    }
}

impl std::ops::Deref for Node {
    type Target = Raw;

    fn deref(&self) -> &Raw {
        &self.0
    }
}

impl Node {
    /// Reads a schema. What is not as a schema has it is passed over, member by member: one odd
    /// value must not hide the rest. `None` if it is no object at all.
    ///
    /// By hand, because derived code takes kilobytes of stack a level, and documents may nest as
    /// deep as the JSON parser lets them.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let mut raw = Raw::default();
        for (key, value) in value.as_object()? {
            raw.set(key, value);
        }
        Some(Node::new(raw))
    }
}

/// The keywords of one schema. Sorted properties are what the server and kubectl print.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Raw {
    pub(super) reference: Option<String>,
    pub(super) type_: Option<String>,
    pub(super) format: Option<String>,
    pub(super) description: Option<String>,
    pub(super) default: Option<Value>,
    pub(super) enum_: Option<Vec<Value>>,
    pub(super) properties: Option<BTreeMap<String, Node>>,
    pub(super) required: Option<Vec<String>>,
    pub(super) items: Option<Node>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) all_of: Option<Vec<Node>>,
    pub(super) any_of: Option<Vec<Value>>,
    pub(super) one_of: Option<Vec<Value>>,
    pub(super) not: Option<Value>,
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<bool>,
    pub(super) exclusive_maximum: Option<bool>,
    pub(super) multiple_of: Option<Number>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) unique_items: Option<bool>,
    pub(super) pattern: Option<String>,
    pub(super) nullable: Option<bool>,
    pub(super) external_docs: Option<ExternalDocs>,
    pub(super) int_or_string: Option<bool>,
    pub(super) preserve_unknown: Option<bool>,
    pub(super) embedded: Option<bool>,
    pub(super) list_type: Option<String>,
    pub(super) list_map_keys: Option<Vec<String>>,
    pub(super) map_type: Option<String>,
    pub(super) patch_strategy: Option<String>,
    pub(super) patch_merge_key: Option<String>,
    pub(super) validations: Option<Vec<super::Rule>>,
    pub(super) unions: Option<Vec<RawUnion>>,
}

/// Where more is written about a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct ExternalDocs {
    /// What is found there
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The address
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Fields of which at most one may be set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct RawUnion {
    pub(super) discriminator: Option<String>,
    #[serde(rename = "fields-to-discriminateBy")]
    pub(super) fields: BTreeMap<String, String>,
}

/// `additionalProperties`: a schema, or whether there may be any.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Additional {
    Allowed(bool),
    Schema(Node),
}

impl Raw {
    fn set(&mut self, key: &str, value: &Value) {
        match key {
            "$ref" => self.reference = text(value),
            "type" => self.type_ = text(value),
            "format" => self.format = text(value),
            "description" => self.description = text(value),
            // A default of null is a default too.
            "default" => self.default = Some(value.clone()),
            "enum" => self.enum_ = value.as_array().cloned(),
            "properties" => {
                let read =
                    |(name, value): (&String, &Value)| Some((name.clone(), Node::read(value)?));
                self.properties = value
                    .as_object()
                    .map(|p| p.iter().filter_map(read).collect());
            }
            "required" => self.required = texts(value),
            "items" => self.items = Node::read(value),
            "additionalProperties" => {
                self.additional_properties = match value {
                    Value::Bool(allowed) => Some(Additional::Allowed(*allowed)),
                    value => Node::read(value).map(Additional::Schema),
                }
            }
            "allOf" => {
                self.all_of = value
                    .as_array()
                    .map(|all| all.iter().filter_map(Node::read).collect());
            }
            "anyOf" => self.any_of = value.as_array().cloned(),
            "oneOf" => self.one_of = value.as_array().cloned(),
            "not" => self.not = Some(value.clone()),
            "pattern" => self.pattern = text(value),
            "nullable" => self.nullable = value.as_bool(),
            "externalDocs" => self.external_docs = typed(value),
            key => match key.strip_prefix("x-kubernetes-") {
                Some(key) => self.set_extension(key, value),
                None => self.set_bound(key, value),
            },
        }
    }

    fn set_bound(&mut self, key: &str, value: &Value) {
        match key {
            "minimum" => self.minimum = number(value),
            "maximum" => self.maximum = number(value),
            "exclusiveMinimum" => self.exclusive_minimum = value.as_bool(),
            "exclusiveMaximum" => self.exclusive_maximum = value.as_bool(),
            "multipleOf" => self.multiple_of = number(value),
            "minLength" => self.min_length = value.as_u64(),
            "maxLength" => self.max_length = value.as_u64(),
            "minItems" => self.min_items = value.as_u64(),
            "maxItems" => self.max_items = value.as_u64(),
            "minProperties" => self.min_properties = value.as_u64(),
            "maxProperties" => self.max_properties = value.as_u64(),
            "uniqueItems" => self.unique_items = value.as_bool(),
            _ => {}
        }
    }

    fn set_extension(&mut self, key: &str, value: &Value) {
        match key {
            "int-or-string" => self.int_or_string = value.as_bool(),
            "preserve-unknown-fields" => self.preserve_unknown = value.as_bool(),
            "embedded-resource" => self.embedded = value.as_bool(),
            "list-type" => self.list_type = text(value),
            "list-map-keys" => self.list_map_keys = texts(value),
            "map-type" => self.map_type = text(value),
            "patch-strategy" => self.patch_strategy = text(value),
            "patch-merge-key" => self.patch_merge_key = text(value),
            "validations" => self.validations = typed_list(value),
            "unions" => self.unions = typed_list(value),
            _ => {}
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(text).collect())
}

fn number(value: &Value) -> Option<Number> {
    value.as_number().cloned()
}

fn typed<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value.clone()).ok()
}

fn typed_list<T: DeserializeOwned>(value: &Value) -> Option<Vec<T>> {
    Some(value.as_array()?.iter().filter_map(typed).collect())
}

impl Raw {
    /// The schema of the list's items, if this is a list that says what is in it.
    pub(super) fn items(&self) -> Option<&Node> {
        self.items.as_ref().filter(|n| ***n != Raw::default())
    }

    /// The schema of a map's values, if this is a map that says what is in it.
    pub(super) fn values(&self) -> Option<&Node> {
        match &self.additional_properties {
            Some(Additional::Schema(node)) if **node != Raw::default() => Some(node),
            _ => None,
        }
    }

    /// Whether any key is allowed with any value.
    pub(super) fn values_are_free(&self) -> bool {
        match &self.additional_properties {
            Some(Additional::Allowed(allowed)) => *allowed,
            Some(Additional::Schema(node)) => **node == Raw::default(),
            None => false,
        }
    }

    pub(super) fn all_of(&self) -> &[Node] {
        self.all_of.as_deref().unwrap_or_default()
    }

    pub(super) fn has_properties(&self) -> bool {
        self.properties.as_ref().is_some_and(|p| !p.is_empty())
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        self.required
            .as_ref()
            .is_some_and(|all| all.iter().any(|r| r == name))
    }
}
