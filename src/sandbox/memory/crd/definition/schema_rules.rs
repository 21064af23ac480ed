//! What a CustomResourceDefinition may write in a schema
//! (`ValidateCustomResourceDefinitionOpenAPISchema` of apiextensions' validation).

use super::super::cel;
use super::super::go;
use super::super::object::is_meta;
use super::super::schema::{Additional, Dependency, Items, Rule, Schema};
use super::paths;
use crate::sandbox::memory::field::{FieldError, Path, Wrong};

/// Reasons that a rule may give.
const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What is wrong: first what concerns schemas, then what concerns CEL rules.
#[derive(Default)]
struct Errors {
    schema: Vec<FieldError>,
    cel: Vec<FieldError>,
}

/// What holds for a schema because of where it is.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// Why there may be no default
    no_defaults: Option<&'a str>,
    /// Within `metadata`, `kind` or `apiVersion` of a resource
    in_meta: bool,
    /// Below a list whose items cannot be told apart
    uncorrelatable: Option<&'a Path>,
    /// Whether rules are compiled: the schema is structural and this is no junctor
    compiles: bool,
    is_root: bool,
}

/// Checks a whole schema. `compiles`: it is structural, so that its rules can be looked at.
pub(super) fn validate(path: &Path, schema: &Schema, compiles: bool) -> Vec<FieldError> {
    let scope = Scope {
        no_defaults: None,
        in_meta: false,
        uncorrelatable: None,
        compiles,
        is_root: true,
    };
    let mut errors = level(path, schema, scope);
    errors.schema.append(&mut errors.cel);
    errors.schema
}

impl Errors {
    fn add(&mut self, mut others: Errors) {
        self.schema.append(&mut others.schema);
        self.cel.append(&mut others.cel);
    }

    fn forbid(&mut self, path: &Path, name: &str, detail: &str) {
        self.schema
            .push(FieldError::forbidden(&path.child(name), detail));
    }

    fn require(&mut self, path: &Path, detail: &str) {
        self.schema.push(FieldError::required(path, detail));
    }

    /// An error whose value is written already.
    fn invalid(&mut self, path: &Path, value: String, detail: &str) {
        self.schema
            .push(go::error(Wrong::Invalid, path, value, detail));
    }
}

fn level(path: &Path, schema: &Schema, scope: Scope<'_>) -> Errors {
    let mut errors = Errors::default();
    keywords(path, schema, scope, &mut errors);
    children(path, schema, scope, &mut errors);
    extensions(path, schema, &mut errors);
    rules(path, schema, scope, &mut errors);
    errors
}

/// Keywords that are not supported.
fn keywords(path: &Path, schema: &Schema, scope: Scope<'_>, errors: &mut Errors) {
    let type_ = schema.type_.as_str();
    if !type_.is_empty() && !TYPES.contains(&type_) {
        errors.schema.push(FieldError::not_supported(
            &path.child("type"),
            type_,
            &TYPES,
        ));
    }
    if let (Some(_), Some(reason)) = (&schema.default, scope.no_defaults) {
        errors.forbid(path, "default", &format!("must not be set {reason}"));
    }
    for (is_there, name) in [
        (!schema.id.is_empty(), "id"),
        (schema.additional_items.is_some(), "additionalItems"),
        (!schema.pattern_properties.is_empty(), "patternProperties"),
        (!schema.definitions.is_empty(), "definitions"),
        (schema.dependencies.is_some(), "dependencies"),
        (schema.reference.is_some(), "$ref"),
    ] {
        if is_there {
            errors.forbid(path, name, &format!("{name} is not supported"));
        }
    }
    if type_ == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.forbid(path, "type", detail);
    }
    if matches!(&schema.items, Some(Items::Many(items)) if !items.is_empty()) {
        errors.forbid(
            path,
            "items",
            "items must be a schema object and not an array",
        );
    }
    if scope.in_meta && schema.embedded_resource {
        let detail = "must not be used inside of resource meta";
        errors.forbid(path, "x-kubernetes-embedded-resource", detail);
    }
    if schema.unique_items {
        errors.forbid(
            path,
            "uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
}

fn children(path: &Path, schema: &Schema, scope: Scope<'_>, errors: &mut Errors) {
    let below = Scope {
        is_root: false,
        ..scope
    };
    if let Some(additional) = &schema.additional_properties {
        let is_open = matches!(additional, Additional::Allowed(true));
        if !schema.properties.is_empty() && !is_open {
            errors.forbid(
                path,
                "additionalProperties",
                "additionalProperties and properties are mutual exclusive",
            );
        }
        if let Additional::Of(additional) = additional {
            let reason = "inside additionalProperties applying to object metadata";
            let scope = Scope {
                no_defaults: if scope.in_meta {
                    Some(reason)
                } else {
                    scope.no_defaults
                },
                ..below
            };
            errors.add(level(
                &path.child("additionalProperties"),
                additional,
                scope,
            ));
        }
    }
    let properties = path.child("properties");
    for (name, property) in &schema.properties {
        let is_meta = (scope.is_root || schema.embedded_resource) && is_meta(name);
        let reason = format!("in top-level {name}");
        let of_root = scope.is_root && is_meta;
        let scope = Scope {
            in_meta: scope.in_meta || is_meta,
            no_defaults: if of_root {
                Some(&reason)
            } else {
                scope.no_defaults
            },
            ..uncorrelated(below, path, is_map_correlatable(schema))
        };
        errors.add(level(&properties.key(name), property, scope));
    }
    let junctor = Scope {
        compiles: false,
        ..below
    };
    if let Some(not) = &schema.not {
        errors.add(level(&path.child("not"), not, junctor));
    }
    for (name, junctors) in [
        ("allOf", &schema.all_of),
        ("oneOf", &schema.one_of),
        ("anyOf", &schema.any_of),
    ] {
        for (at, schema) in junctors.iter().enumerate() {
            errors.add(level(&path.child(name).index(at), schema, junctor));
        }
    }
    for (name, definition) in &schema.definitions {
        errors.add(level(
            &path.child("definitions").key(name),
            definition,
            junctor,
        ));
    }
    let items = path.child("items");
    let is_list_map = schema.list_type.as_deref() == Some("map");
    let scope = uncorrelated(below, path, is_list_map);
    match &schema.items {
        Some(Items::One(item)) => errors.add(level(&items, item, scope)),
        Some(Items::Many(many)) => {
            for (at, item) in many.iter().enumerate() {
                errors.add(level(&items.index(at), item, scope));
            }
        }
        None => {}
    }
    for (name, dependency) in schema.dependencies.iter().flatten() {
        if let Dependency::Schema(schema) = dependency {
            errors.add(level(
                &path.child("dependencies").key(name),
                schema,
                junctor,
            ));
        }
    }
}

/// The scope of what is below a schema; the first schema on the way down that keeps values from
/// being told apart is named in errors.
fn uncorrelated<'a>(scope: Scope<'a>, path: &'a Path, is_correlatable: bool) -> Scope<'a> {
    let uncorrelatable = scope.uncorrelatable.or((!is_correlatable).then_some(path));
    Scope {
        uncorrelatable,
        ..scope
    }
}

fn is_map_correlatable(schema: &Schema) -> bool {
    matches!(
        schema.map_type.as_deref(),
        None | Some("granular" | "atomic")
    )
}

/// `x-kubernetes-*`, but for rules.
fn extensions(path: &Path, schema: &Schema, errors: &mut Errors) {
    if schema.preserve_unknown_fields == Some(false) {
        errors.invalid(
            &path.child("x-kubernetes-preserve-unknown-fields"),
            "false".to_owned(),
            "must be true or undefined",
        );
    }
    let map_type = path.child("x-kubernetes-map-type");
    let list_type = path.child("x-kubernetes-list-type");
    if schema.map_type.is_some() && schema.type_ != "object" {
        must_be(
            path,
            schema,
            "object if x-kubernetes-map-type is specified",
            errors,
        );
    }
    if let Some(kind) = schema.map_type.as_deref()
        && !["atomic", "granular"].contains(&kind)
    {
        let error = FieldError::not_supported(&map_type, kind, &["atomic", "granular"]);
        errors.schema.push(error);
    }
    if schema.list_type.is_some() && schema.type_ != "array" {
        must_be(
            path,
            schema,
            "array if x-kubernetes-list-type is specified",
            errors,
        );
    } else if schema.list_type.as_deref() == Some("set")
        && let Some(item) = schema.item()
    {
        atomic_items(&path.child("items"), item, errors);
    }
    if let Some(kind) = schema.list_type.as_deref()
        && !["atomic", "set", "map"].contains(&kind)
    {
        let error = FieldError::not_supported(&list_type, kind, &["atomic", "set", "map"]);
        errors.schema.push(error);
    }
    if !schema.list_map_keys.is_empty() {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        match schema.list_type.as_deref() {
            None => errors.require(&list_type, detail),
            Some("map") => {}
            Some(kind) => errors.invalid(&list_type, go::quote(kind), detail),
        }
    }
    if schema.list_type.as_deref() == Some("map") {
        list_map(path, schema, errors);
    }
    items_of_sets_and_maps(path, schema, errors);
}

fn must_be(path: &Path, schema: &Schema, what: &str, errors: &mut Errors) {
    let path = path.child("type");
    let detail = format!("must be {what}");
    if schema.type_.is_empty() {
        errors.require(&path, &detail);
    } else {
        errors.invalid(&path, go::quote(&schema.type_), &detail);
    }
}

fn atomic_items(path: &Path, item: &Schema, errors: &mut Errors) {
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    // Both show the item's list type, as the real server does.
    let shown = item
        .list_type
        .as_deref()
        .map_or("null".to_owned(), go::quote);
    match item.type_.as_str() {
        "array" if !matches!(item.list_type.as_deref(), None | Some("atomic")) => {
            errors.invalid(&path.child("x-kubernetes-list-type"), shown, detail);
        }
        "object" if item.map_type.as_deref() != Some("atomic") => {
            errors.invalid(&path.child("x-kubernetes-map-type"), shown, detail);
        }
        _ => {}
    }
}

fn list_map(path: &Path, schema: &Schema, errors: &mut Errors) {
    let keys_path = path.child("x-kubernetes-list-map-keys");
    let items = path.child("items");
    if schema.list_map_keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.require(&keys_path, detail);
    }
    let item = match &schema.items {
        None => {
            let detail = "must have a schema if x-kubernetes-list-type is map";
            errors.require(&items, detail);
            return;
        }
        Some(many @ Items::Many(_)) => {
            let detail = "must only have a single schema if x-kubernetes-list-type is map";
            errors.invalid(&items, many.show(), detail);
            return;
        }
        Some(Items::One(item)) => item,
    };
    if item.type_ != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.invalid(&items.child("type"), go::quote(&item.type_), detail);
        return;
    }
    let shown = || go::json(&schema.list_map_keys.iter().map(String::as_str).collect());
    for (at, key) in schema.list_map_keys.iter().enumerate() {
        match item.properties.get(key) {
            Some(property) if matches!(property.type_.as_str(), "array" | "object") => {
                let path = items.child("properties").key(key).child("type");
                let detail =
                    "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.invalid(&path, go::quote(&item.type_), detail);
            }
            Some(_) => {}
            None => {
                let detail = "entries must all be names of item properties";
                errors.invalid(&keys_path, shown(), detail);
            }
        }
        if schema.list_map_keys[..at].contains(key) {
            errors.invalid(&keys_path, shown(), "must not contain duplicate entries");
        }
    }
}

/// `validateMapListKeysMapSet`
fn items_of_sets_and_maps(path: &Path, schema: &Schema, errors: &mut Errors) {
    let (Some(item), Some(kind @ ("set" | "map"))) = (schema.item(), schema.list_type.as_deref())
    else {
        return;
    };
    let items = path.child("items");
    if item.nullable {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {kind}");
        errors.forbid(&items, "nullable", &detail);
    }
    if kind == "set" {
        return;
    }
    for key in &schema.list_map_keys {
        let Some(property) = item.properties.get(key) else {
            continue;
        };
        let path = items.child("properties").key(key);
        if !item.required.contains(key) && property.default.is_none() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default \
                          or be a required property";
            errors.require(&path.child("default"), detail);
        }
        if property.nullable {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.forbid(&path, "nullable", detail);
        }
    }
}

fn rules(path: &Path, schema: &Schema, scope: Scope<'_>, errors: &mut Errors) {
    if schema.validations.is_empty() {
        return;
    }
    let path = path.child("x-kubernetes-validations");
    for (at, rule) in schema.validations.iter().enumerate() {
        rule_fields(&path.index(at), rule, schema, errors);
    }
    // Rules of a schema that is wrong itself are not looked at.
    if !errors.schema.is_empty() || !scope.compiles {
        return;
    }
    let compiled = match cel::compile(schema, scope.is_root || schema.embedded_resource) {
        Ok(compiled) => compiled,
        Err(problem) => {
            errors.cel.push(FieldError::internal(
                &path,
                format!(
                    "internal error: failed to construct type information for \
                     x-kubernetes-validations rules: {problem}"
                ),
            ));
            return;
        }
    };
    for (at, (rule, compiled)) in schema.validations.iter().zip(compiled).enumerate() {
        let path = path.index(at);
        let invalid = |name: &str, detail: &str| {
            go::error(Wrong::Invalid, &path.child(name), rule.show(), detail)
        };
        if let Some(problem) = &compiled.error {
            errors.cel.push(invalid("rule", problem));
        }
        if let Some(problem) = &compiled.message_error {
            errors.cel.push(invalid("messageExpression", problem));
        }
        if compiled.uses_old_self {
            if let Some(within) = scope.uncorrelatable {
                let detail = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within \
                     {within}"
                );
                let path = path.child("rule");
                errors.cel.push(go::invalid_text(&path, &rule.rule, detail));
            }
        } else if let Some(optional) = rule.optional_old_self {
            errors.cel.push(go::error(
                Wrong::Invalid,
                &path.child("optionalOldSelf"),
                optional.to_string(),
                "may not be set if oldSelf is not used in rule",
            ));
        }
    }
}

fn rule_fields(path: &Path, rule: &Rule, schema: &Schema, errors: &mut Errors) {
    let has_lines = |text: &str| text.contains(['\n', '\r']);
    let (trimmed, message) = (rule.rule.trim(), rule.message.trim());
    let message_path = path.child("message");
    let shown = || go::quote(&rule.message);
    if trimmed.is_empty() {
        errors.require(&path.child("rule"), "rule is not specified");
    } else if !rule.message.is_empty() && message.is_empty() {
        errors.invalid(&message_path, shown(), "must be non-empty if specified");
    } else if has_lines(message) {
        errors.invalid(&message_path, shown(), "must not contain line breaks");
    } else if has_lines(trimmed) && message.is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        errors.require(&message_path, detail);
    }
    if !rule.message_expression.is_empty() && rule.message_expression.trim().is_empty() {
        let detail = "messageExpression must be non-empty if specified";
        errors.require(&path.child("messageExpression"), detail);
    }
    if let Some(reason) = rule.reason.as_deref()
        && !REASONS.contains(&reason)
    {
        let error = FieldError::not_supported(&path.child("reason"), reason, &REASONS);
        errors.schema.push(error);
    }
    if rule.field_path.is_empty() {
        return;
    }
    let field_path = path.child("fieldPath");
    let mut wrong = |detail: &str| {
        errors.invalid(&field_path, go::quote(&rule.field_path), detail);
    };
    if rule.field_path.trim().is_empty() {
        wrong("must be non-empty if specified");
    }
    if has_lines(&rule.field_path) {
        wrong("must not contain line breaks");
    }
    if paths::find(&rule.field_path, schema, true).is_err() {
        wrong("must be a valid path");
    }
}
