//! A schema as a CustomResourceDefinition has it: `JSONSchemaProps` of apiextensions/v1, read from
//! JSON.

mod read;
mod show;

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use read::read;
pub(super) use show::Writer;

/// One level of a schema, all keywords included that a CRD may write, allowed or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Schema {
    pub(super) id: String,
    pub(super) schema: String,
    pub(super) reference: Option<String>,
    pub(super) description: String,
    pub(super) type_: String,
    pub(super) nullable: bool,
    pub(super) format: String,
    pub(super) title: String,
    pub(super) default: Option<Value>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) max_length: Option<i64>,
    pub(super) min_length: Option<i64>,
    pub(super) pattern: String,
    pub(super) max_items: Option<i64>,
    pub(super) min_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) enum_: Vec<Value>,
    pub(super) max_properties: Option<i64>,
    pub(super) min_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) items: Option<Items>,
    pub(super) all_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) pattern_properties: BTreeMap<String, Schema>,
    pub(super) dependencies: Option<BTreeMap<String, Dependency>>,
    pub(super) additional_items: Option<Additional>,
    pub(super) definitions: BTreeMap<String, Schema>,
    pub(super) external_docs: Option<ExternalDocs>,
    pub(super) example: Option<Value>,
    pub(super) preserve_unknown_fields: Option<bool>,
    pub(super) embedded_resource: bool,
    pub(super) int_or_string: bool,
    pub(super) list_map_keys: Vec<String>,
    pub(super) list_type: Option<String>,
    pub(super) map_type: Option<String>,
    pub(super) validations: Vec<Rule>,
}

/// `items`: one schema, or one for each place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Items {
    One(Box<Schema>),
    Many(Vec<Schema>),
}

/// `additionalProperties`: whether there may be others, or what they are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Additional {
    Allowed(bool),
    Of(Box<Schema>),
}

/// A value of `dependencies`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Dependency {
    Schema(Box<Schema>),
    Properties(Vec<String>),
}

/// `externalDocs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ExternalDocs {
    pub(super) description: String,
    pub(super) url: String,
}

/// One of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rule {
    pub(super) rule: String,
    pub(super) message: String,
    pub(super) message_expression: String,
    pub(super) reason: Option<String>,
    pub(super) field_path: String,
    pub(super) optional_old_self: Option<bool>,
}

impl Schema {
    /// What every item of a list is.
    pub(super) fn item(&self) -> Option<&Schema> {
        match &self.items {
            Some(Items::One(item)) => Some(item),
            _ => None,
        }
    }

    /// What every value of a map is.
    pub(super) fn additional(&self) -> Option<&Schema> {
        match &self.additional_properties {
            Some(Additional::Of(schema)) => Some(schema),
            _ => None,
        }
    }

    /// What the field of that name is: a property of its own, or else a value of the map.
    pub(super) fn field(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or_else(|| self.additional())
    }

    /// Whether unknown fields stay.
    pub(super) fn preserves(&self) -> bool {
        self.preserve_unknown_fields == Some(true)
    }

    /// Whether this or any schema within satisfies a condition, junctors included
    /// (`SchemaHas` of apiextensions' validation).
    pub(super) fn any(&self, is: &mut dyn FnMut(&Schema) -> bool) -> bool {
        if is(self) {
            return true;
        }
        let items = match &self.items {
            Some(Items::One(item)) => std::slice::from_ref(&**item),
            Some(Items::Many(items)) => items,
            None => &[],
        };
        let additional = [&self.additional_properties, &self.additional_items];
        let additional = additional.into_iter().filter_map(|one| match one {
            Some(Additional::Of(schema)) => Some(&**schema),
            _ => None,
        });
        let dependencies = self.dependencies.iter().flatten();
        let dependencies = dependencies.filter_map(|(_, one)| match one {
            Dependency::Schema(schema) => Some(&**schema),
            Dependency::Properties(_) => None,
        });
        let mut children = items
            .iter()
            .chain(&self.all_of)
            .chain(&self.any_of)
            .chain(&self.one_of)
            .chain(self.not.as_deref())
            .chain(self.properties.values())
            .chain(additional)
            .chain(self.pattern_properties.values())
            .chain(self.definitions.values())
            .chain(dependencies);
        children.any(|child| child.any(is))
    }
}
