//! Defaults within schemas: what they hold must be valid and known
//! (`pkg/apiserver/schema/defaulting/validation.go` and `prune.go`).

use serde_json::{Value, json};

use super::super::cel;
use super::super::go;
use super::super::object::{self, Coercion, coerce, is_meta, prune, validate_embedded};
use super::super::schema::{Additional, Items, Schema};
use super::super::validate::{Node, validate as validate_value};
use crate::sandbox::memory::field::{FieldError, Path, aggregate};

/// What is wrong with the defaults of a resource's schema.
pub(super) fn validate(path: &Path, schema: &Schema) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let place = Place {
        root: schema,
        is_root_resource: true,
        steps: Vec::new(),
    };
    level(path, schema, place, false, &mut errors);
    errors
}

/// Where a schema is within the resource that it is part of.
#[derive(Clone)]
struct Place<'a> {
    root: &'a Schema,
    /// Whether `root` is the whole resource, which no schema says.
    is_root_resource: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item,
}

impl Place<'_> {
    /// A resource with nothing but this value in it.
    fn surround(&self, value: Value) -> Value {
        let wrapped = self
            .steps
            .iter()
            .rev()
            .fold(value, |value, step| match step {
                Step::Field(name) => json!({*name: value}),
                Step::Item => json!([value]),
            });
        let mut resource = json!({"apiVersion": "validation/v1", "kind": "Validation"});
        if let (Value::Object(resource), Value::Object(wrapped)) = (&mut resource, wrapped) {
            resource.extend(wrapped);
        }
        resource
    }

    /// The value again; `None` when it was removed.
    fn find<'v>(&self, resource: &'v Value) -> Option<&'v Value> {
        self.steps
            .iter()
            .try_fold(resource, |value, step| match step {
                Step::Field(name) => value.get(*name),
                Step::Item => value.get(0),
            })
    }
}

fn level<'a>(
    path: &Path,
    schema: &'a Schema,
    mut place: Place<'a>,
    mut in_meta: bool,
    errors: &mut Vec<FieldError>,
) {
    let is_root = place.steps.is_empty() && place.is_root_resource;
    if schema.embedded_resource {
        in_meta = false;
        place = Place {
            root: schema,
            is_root_resource: false,
            steps: Vec::new(),
        };
    }
    let is_resource = schema.embedded_resource || is_root;
    if let Some(default) = &schema.default {
        let path = path.child("default");
        errors.extend(if in_meta {
            in_metadata(&path, schema, default, &place)
        } else {
            elsewhere(&path, schema, default, is_resource)
        });
    }
    if let Some(item) = schema.item() {
        let mut place = place.clone();
        place.steps.push(Step::Item);
        level(&path.child("items"), item, place, in_meta, errors);
    }
    for (name, property) in &schema.properties {
        let mut place = place.clone();
        place.steps.push(Step::Field(name));
        let in_meta = in_meta || (is_resource && is_meta(name));
        let path = path.child("properties").key(name);
        level(&path, property, place, in_meta, errors);
    }
}

fn in_metadata(
    path: &Path,
    schema: &Schema,
    default: &Value,
    place: &Place<'_>,
) -> Vec<FieldError> {
    let mut resource = place.surround(default.clone());
    let none = Path::root();
    let mut coercion = Coercion::default();
    let invalid = |why: String| {
        go::invalid(
            path,
            default,
            format!("must result in valid metadata: {why}"),
        )
    };
    if let Err(error) = coerce(&none, &mut resource, place.root, true, &mut coercion) {
        return vec![invalid(error.to_string())];
    }
    let mut wrong = Vec::new();
    validate_embedded(&none, &resource, place.root, true, &mut wrong);
    if !wrong.is_empty() {
        return vec![invalid(aggregate(&wrong))];
    }
    by_schema(path, schema, default, false)
}

fn elsewhere(path: &Path, schema: &Schema, default: &Value, is_resource: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut pruned = default.clone();
    if is_resource {
        object::prune_resource(&mut pruned, schema, false);
    } else {
        prune(&mut pruned, Some(schema));
    }
    if pruned != *default {
        errors.push(go::invalid(path, default, "must not have unknown fields"));
    }
    let mut coerced = default.clone();
    if let Err(error) = coerce(
        path,
        &mut coerced,
        schema,
        is_resource,
        &mut Coercion::default(),
    ) {
        errors.push(error);
        return errors;
    }
    let mut wrong = Vec::new();
    validate_embedded(path, &coerced, schema, is_resource, &mut wrong);
    if wrong.is_empty() {
        wrong = by_schema(path, schema, &coerced, is_resource);
    }
    errors.extend(wrong);
    errors
}

/// Values and rules. A default stands for an object that was, and for one that was not.
fn by_schema(path: &Path, schema: &Schema, default: &Value, is_resource: bool) -> Vec<FieldError> {
    let errors = validate_value(&Node::new(schema), Some(path), default);
    if !errors.is_empty() || !cel::has_rules(schema) {
        return errors;
    }
    let rules = cel::Rules::new(schema, is_resource);
    let errors = rules
        .validate(Some(path), schema, default, Some(default), None)
        .errors;
    if !errors.is_empty() {
        return errors;
    }
    rules
        .validate(Some(path), schema, default, None, None)
        .errors
}

/// Removes from defaults what their schemas do not know, so that what is set from them is as if
/// it had been sent.
pub(crate) fn prune_defaults(schema: &mut Schema) {
    if !schema.any(&mut |schema| schema.default.is_some()) {
        return;
    }
    let root = schema.clone();
    prune_level(schema, &root, &mut Vec::new());
}

/// A step as it is owned while the schema changes.
enum Owned {
    Field(String),
    Item,
}

fn prune_level(schema: &mut Schema, root: &Schema, steps: &mut Vec<Owned>) {
    if let Some(default) = schema.default.take() {
        let place = Place {
            root,
            is_root_resource: true,
            steps: steps
                .iter()
                .map(|step| match step {
                    Owned::Field(name) => Step::Field(name),
                    Owned::Item => Step::Item,
                })
                .collect(),
        };
        let mut resource = place.surround(default);
        let mut coercion = Coercion {
            drops_invalid: true,
            ..Coercion::default()
        };
        // Nothing is an error when what is invalid is dropped.
        let _ = coerce(&Path::root(), &mut resource, root, true, &mut coercion);
        object::prune_resource(&mut resource, root, false);
        schema.default = place.find(&resource).cloned();
    }
    if let Some(Additional::Of(additional)) = &mut schema.additional_properties {
        steps.push(Owned::Field("*".to_owned()));
        prune_level(additional, root, steps);
        steps.pop();
    }
    if let Some(Items::One(item)) = &mut schema.items {
        steps.push(Owned::Item);
        prune_level(item, root, steps);
        steps.pop();
    }
    for (name, property) in &mut schema.properties {
        steps.push(Owned::Field(name.clone()));
        prune_level(property, root, steps);
        steps.pop();
    }
}
