//! A schema as the server writes it: the part of OpenAPI v3 and of CRD schemas that Kubernetes uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

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

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Raw::deserialize(from).map(Node::new)
    }
}

/// The keywords of one schema. Sorted properties are what the server and kubectl print.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Raw {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    #[serde(rename = "type")]
    pub(super) type_: Option<String>,
    pub(super) format: Option<String>,
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) default: Option<Value>,
    #[serde(rename = "enum")]
    pub(super) enum_: Option<Vec<Value>>,
    pub(super) properties: Option<BTreeMap<String, Node>>,
    pub(super) required: Option<Vec<String>>,
    pub(super) items: Option<Node>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) all_of: Option<Vec<Node>>,
    pub(super) any_of: Option<Vec<Value>>,
    pub(super) one_of: Option<Vec<Value>>,
    pub(super) not: Option<Value>,
    pub(super) minimum: Option<serde_json::Number>,
    pub(super) maximum: Option<serde_json::Number>,
    pub(super) exclusive_minimum: Option<bool>,
    pub(super) exclusive_maximum: Option<bool>,
    pub(super) multiple_of: Option<serde_json::Number>,
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
    #[serde(rename = "x-kubernetes-int-or-string")]
    pub(super) int_or_string: Option<bool>,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    pub(super) preserve_unknown: Option<bool>,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    pub(super) embedded: Option<bool>,
    #[serde(rename = "x-kubernetes-list-type")]
    pub(super) list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    pub(super) list_map_keys: Option<Vec<String>>,
    #[serde(rename = "x-kubernetes-map-type")]
    pub(super) map_type: Option<String>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    pub(super) patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    pub(super) patch_merge_key: Option<String>,
    #[serde(rename = "x-kubernetes-validations")]
    pub(super) validations: Option<Vec<super::Rule>>,
    #[serde(rename = "x-kubernetes-unions")]
    pub(super) unions: Option<Vec<RawUnion>>,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    pub(super) kinds: Option<Vec<super::Gvk>>,
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

impl<'de> Deserialize<'de> for Additional {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Additional;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a schema or a boolean")
            }

            fn visit_bool<E>(self, allowed: bool) -> Result<Additional, E> {
                Ok(Additional::Allowed(allowed))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<Additional, A::Error> {
                Raw::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(|raw| Additional::Schema(Node::new(raw)))
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// A default of `null` is a default too.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
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
