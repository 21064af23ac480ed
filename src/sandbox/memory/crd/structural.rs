//! What makes a schema structural: types everywhere, and junctors that only validate
//! (`pkg/apiserver/schema` of apiextensions-apiserver: `convert.go`, `validation.go`,
//! `complete.go`).

use crate::sandbox::memory::field::{FieldError, Path};

use super::go;
use super::regexp;
use super::schema::{Additional, Items, Schema};

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// The keyword that cannot be in a structural schema at all, as an error of its conversion.
pub(super) fn unsupported(schema: &Schema) -> Option<String> {
    let keyword = if !schema.id.is_empty() {
        "id"
    } else if !schema.schema.is_empty() {
        "schema"
    } else if schema.reference.as_ref().is_some_and(|r| !r.is_empty()) {
        "$ref"
    } else if !schema.pattern_properties.is_empty() {
        "patternProperties"
    } else if schema.dependencies.as_ref().is_some_and(|d| !d.is_empty()) {
        "dependencies"
    } else if schema.additional_items.is_some() {
        "additionalItems"
    } else if !schema.definitions.is_empty() {
        "definitions"
    } else {
        return unsupported_within(schema);
    };
    Some(format!("OpenAPIV3Schema '{keyword}' is not supported"))
}

fn unsupported_within(schema: &Schema) -> Option<String> {
    let junctors = schema.not.as_deref().into_iter();
    let junctors = junctors
        .chain(&schema.all_of)
        .chain(&schema.any_of)
        .chain(&schema.one_of);
    if let Some(error) = junctors.into_iter().find_map(unsupported) {
        return Some(error);
    }
    if schema.preserve_unknown_fields == Some(false) {
        return Some(
            "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
                .to_owned(),
        );
    }
    if matches!(&schema.items, Some(Items::Many(items)) if !items.is_empty()) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    let children = schema.item().into_iter();
    let children = children
        .chain(schema.properties.values())
        .chain(schema.additional());
    children.into_iter().find_map(unsupported)
}

/// What is not structural, sorted by the words of the errors. The schema must not be
/// [`unsupported`].
pub(super) fn validate(path: &Path, schema: &Schema) -> Vec<FieldError> {
    let mut errors = Vec::new();
    invariants(schema, Level::Root, path, &mut errors);
    completeness(schema, schema, path, path, &mut errors);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

fn invariants(schema: &Schema, level: Level, path: &Path, errors: &mut Vec<FieldError>) {
    if schema.type_ == "array" && schema.item().is_none() {
        errors.push(FieldError::required(
            &path.child("items"),
            "must be specified",
        ));
    }
    if let Some(item) = schema.item() {
        invariants(item, Level::Item, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in &schema.properties {
        invariants(property, Level::Field, &properties.key(name), errors);
    }
    if schema.additional_properties.is_some() {
        let path = path.child("additionalProperties");
        if level == Level::Root {
            errors.push(FieldError::forbidden(&path, "must not be used at the root"));
        }
        if let Some(additional) = schema.additional() {
            invariants(additional, Level::Field, &path, errors);
        }
    }
    extensions(schema, path, errors);
    let skip_any_of = is_int_or_string(&schema.any_of);
    let first = schema.all_of.first();
    let skip_first = first.is_some_and(|first| is_int_or_string(&first.any_of));
    value_validation(schema, skip_any_of, skip_first, path, errors);
    types(schema, level, path, errors);
    metadata(schema, level, path, errors);
    let is_bare = schema.embedded_resource && !schema.preserves() && schema.properties.is_empty();
    if is_bare {
        errors.push(FieldError::required(
            &properties,
            "must not be empty if x-kubernetes-embedded-resource is true without \
             x-kubernetes-preserve-unknown-fields",
        ));
    }
}

fn extensions(schema: &Schema, path: &Path, errors: &mut Vec<FieldError>) {
    let both = [
        (schema.preserves(), "x-kubernetes-preserve-unknown-fields"),
        (schema.embedded_resource, "x-kubernetes-embedded-resource"),
    ];
    for (_, name) in both
        .into_iter()
        .filter(|(is, _)| *is && schema.int_or_string)
    {
        let detail = "must be false if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(&path.child(name), true, detail));
    }
}

fn types(schema: &Schema, level: Level, path: &Path, errors: &mut Vec<FieldError>) {
    let type_path = path.child("type");
    let type_ = schema.type_.as_str();
    if schema.embedded_resource && type_ != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(if type_.is_empty() {
            FieldError::required(&type_path, detail)
        } else {
            go::invalid_text(&type_path, type_, detail)
        });
    } else if type_.is_empty() && !schema.int_or_string && !schema.preserves() {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(&type_path, detail));
    }
    if schema.embedded_resource && schema.additional_properties.is_some() {
        errors.push(FieldError::forbidden(
            &path.child("additionalProperties"),
            "must not be used if x-kubernetes-embedded-resource is set",
        ));
    }
    if level == Level::Root && !type_.is_empty() && type_ != "object" {
        let detail = "must be object at the root";
        errors.push(go::invalid_text(&type_path, type_, detail));
    }
}

fn metadata(schema: &Schema, level: Level, path: &Path, errors: &mut Vec<FieldError>) {
    let is_resource = level == Level::Root || schema.embedded_resource;
    let properties = path.child("properties");
    for name in ["kind", "apiVersion"] {
        if let Some(property) = schema.properties.get(name)
            && is_resource
            && property.type_ != "string"
        {
            let path = properties.key(name).child("type");
            errors.push(go::invalid_text(&path, &property.type_, "must be string"));
        }
    }
    let Some(metadata) = schema.properties.get("metadata") else {
        return;
    };
    let path = properties.key("metadata");
    if is_resource && metadata.type_ != "object" {
        let type_ = metadata.type_.as_str();
        errors.push(go::invalid_text(
            &path.child("type"),
            type_,
            "must be object",
        ));
    }
    if level == Level::Root && !names_only(metadata) {
        errors.push(FieldError::forbidden(
            &path,
            "must not specify anything other than name and generateName, but metadata is \
             implicitly specified",
        ));
    }
}

/// Whether a schema says nothing but its type and what `name` and `generateName` are.
fn names_only(metadata: &Schema) -> bool {
    let mut rest = Schema {
        type_: String::new(),
        default: None,
        ..metadata.clone()
    };
    if rest
        .properties
        .keys()
        .all(|name| name == "name" || name == "generateName")
    {
        rest.properties.clear();
    }
    rest == Schema::default()
}

fn is_int_or_string(any_of: &[Schema]) -> bool {
    let only = |schema: &Schema, type_: &str| {
        schema.type_ == type_
            && *schema
                == Schema {
                    type_: type_.to_owned(),
                    ..Schema::default()
                }
    };
    matches!(any_of, [first, second] if only(first, "integer") && only(second, "string"))
}

fn value_validation(
    schema: &Schema,
    skip_any_of: bool,
    skip_first: bool,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    if !skip_any_of {
        for (at, junctor) in schema.any_of.iter().enumerate() {
            nested(junctor, false, &path.child("anyOf").index(at), errors);
        }
    }
    for (at, junctor) in schema.all_of.iter().enumerate() {
        nested(
            junctor,
            skip_first && at == 0,
            &path.child("allOf").index(at),
            errors,
        );
    }
    for (at, junctor) in schema.one_of.iter().enumerate() {
        nested(junctor, false, &path.child("oneOf").index(at), errors);
    }
    if let Some(not) = &schema.not {
        nested(not, false, &path.child("not"), errors);
    }
    if !schema.pattern.is_empty()
        && let Err(error) = regexp::compile(&schema.pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(go::invalid_text(
            &path.child("pattern"),
            &schema.pattern,
            detail,
        ));
    }
}

fn nested(schema: &Schema, skip_any_of: bool, path: &Path, errors: &mut Vec<FieldError>) {
    value_validation(schema, skip_any_of, false, path, errors);
    if let Some(item) = schema.item() {
        nested(item, false, &path.child("items"), errors);
    }
    let properties = path.child("properties");
    for (name, property) in &schema.properties {
        nested(property, false, &properties.key(name), errors);
    }
    // In a junctor, `additionalProperties: false` counts as absent.
    let has_additional = !matches!(
        schema.additional_properties,
        None | Some(Additional::Allowed(false))
    );
    for (is_wrong, name, what) in [
        (!schema.type_.is_empty(), "type", "empty"),
        (has_additional, "additionalProperties", "undefined"),
        (schema.default.is_some(), "default", "undefined"),
        (!schema.title.is_empty(), "title", "empty"),
        (!schema.description.is_empty(), "description", "empty"),
        (schema.nullable, "nullable", "false"),
        (
            schema.preserves(),
            "x-kubernetes-preserve-unknown-fields",
            "false",
        ),
        (
            schema.embedded_resource,
            "x-kubernetes-embedded-resource",
            "false",
        ),
        (schema.int_or_string, "x-kubernetes-int-or-string", "false"),
        (
            !schema.list_map_keys.is_empty(),
            "x-kubernetes-list-map-keys",
            "empty",
        ),
        (
            schema.list_type.is_some(),
            "x-kubernetes-list-type",
            "undefined",
        ),
        (
            schema.map_type.is_some(),
            "x-kubernetes-map-type",
            "undefined",
        ),
        (
            !schema.validations.is_empty(),
            "x-kubernetes-validations",
            "empty",
        ),
    ] {
        if is_wrong {
            let detail = format!("must be {what} to be structural");
            errors.push(FieldError::forbidden(&path.child(name), detail));
        }
    }
    if schema.properties.contains_key("metadata") {
        let path = properties.key("metadata");
        errors.push(FieldError::forbidden(
            &path,
            "must not be specified in a nested context",
        ));
    }
}

/// Whatever a junctor speaks of must be defined outside of junctors.
fn completeness(
    junctors: &Schema,
    schema: &Schema,
    schema_path: &Path,
    junctor_path: &Path,
    errors: &mut Vec<FieldError>,
) {
    if let Some(not) = &junctors.not {
        complete(not, schema, schema_path, &junctor_path.child("not"), errors);
    }
    for (name, all) in [
        ("allOf", &junctors.all_of),
        ("anyOf", &junctors.any_of),
        ("oneOf", &junctors.one_of),
    ] {
        for (at, junctor) in all.iter().enumerate() {
            let junctor_path = junctor_path.child(name).index(at);
            complete(junctor, schema, schema_path, &junctor_path, errors);
        }
    }
}

fn complete(
    junctor: &Schema,
    schema: &Schema,
    schema_path: &Path,
    junctor_path: &Path,
    errors: &mut Vec<FieldError>,
) {
    completeness(junctor, schema, schema_path, junctor_path, errors);
    let missing = |path: &Path, junctor_path: &Path| {
        FieldError::required(path, format!("because it is defined in {junctor_path}"))
    };
    if let Some(junctor) = junctor.item() {
        let schema_path = schema_path.child("items");
        let junctor_path = junctor_path.child("items");
        match schema.item() {
            Some(item) => complete(junctor, item, &schema_path, &junctor_path, errors),
            None => errors.push(missing(&schema_path, &junctor_path)),
        }
    }
    for (name, junctor) in &junctor.properties {
        let schema_path = schema_path.child("properties").key(name);
        let junctor_path = junctor_path.child("properties").key(name);
        match schema.properties.get(name) {
            Some(property) => complete(junctor, property, &schema_path, &junctor_path, errors),
            None => errors.push(missing(&schema_path, &junctor_path)),
        }
    }
}
