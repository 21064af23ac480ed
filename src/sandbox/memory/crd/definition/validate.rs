//! What is wrong with a CustomResourceDefinition
//! (`pkg/apis/apiextensions/validation/validation.go`), in the real server's order.
//!
//! What is not estimated is the cost of CEL rules: the real server refuses rules that could be slow
//! on large objects, this one takes them.

use serde_json::Value;

use super::super::go;
use super::super::structural;
use super::spec::{Column, Names, Parts, Spec, Subresources, Validation, Version};
use super::{approval, defaults, paths, schema_rules};
use crate::sandbox::memory::field::{FieldError, Path, Wrong};
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;

const COLUMN_TYPES: &str = "boolean,date,integer,number,string";
const COLUMN_FORMATS: &str = "byte,date,date-time,double,float,int32,int64,password";
const MAX_SELECTABLE_FIELDS: usize = 8;
const IMMUTABLE: &str = "field is immutable";

/// A new definition.
pub(super) fn create(definition: &Value, spec: &Spec) -> Vec<FieldError> {
    let mut errors = metadata(definition, spec);
    validate_spec(spec, &mut errors);
    status(definition, spec, &mut errors);
    errors.extend(approval::validate(&spec.group, definition, None));
    preserve(spec.preserve_unknown_fields, false, &mut errors);
    errors
}

/// A change of one.
pub(super) fn update(new: &Value, spec: &Spec, old: &Value, old_spec: &Spec) -> Vec<FieldError> {
    let mut errors = meta::common_update(new, old);
    errors.extend(meta::object_meta_update(new, old));
    validate_spec(spec, &mut errors);
    let path = Path::new("spec");
    let mut immutable = |name: &str, new: &str, old: &str| {
        if new != old {
            errors.push(go::invalid_text(&path.child(name), new, IMMUTABLE));
        }
    };
    if super::conditions::is_true(old, "Established") {
        immutable("scope", &spec.scope, &old_spec.scope);
        immutable("names.kind", &spec.names.kind, &old_spec.names.kind);
    }
    immutable("group", &spec.group, &old_spec.group);
    immutable("names.plural", &spec.names.plural, &old_spec.names.plural);
    status(new, spec, &mut errors);
    errors.extend(approval::validate(&spec.group, new, Some(old)));
    preserve(
        spec.preserve_unknown_fields,
        old_spec.preserve_unknown_fields,
        &mut errors,
    );
    errors
}

/// A change of the status.
pub(super) fn update_status(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = meta::common_update(new, old);
    errors.extend(meta::object_meta_update(new, old));
    accepted_names(new, &mut errors);
    errors
}

fn metadata(definition: &Value, spec: &Spec) -> Vec<FieldError> {
    let mut errors = meta::object_meta(definition, false, meta::dns_subdomain);
    let required = format!("{}.{}", spec.names.plural, spec.group);
    // Behind what else is wrong with the same name.
    for field in ["generateName", "name"] {
        let name = definition["metadata"][field].as_str().unwrap_or_default();
        if name.is_empty() || name == required {
            continue;
        }
        let path = Path::new("metadata").child(field);
        let at = errors.iter().rposition(|error| error.path == path);
        let before = || {
            errors
                .iter()
                .take_while(|e| e.path.to_string().ends_with("Name"))
                .count()
        };
        let at = at.map_or_else(before, |at| at + 1);
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.insert(at, go::invalid_text(&path, name, detail));
    }
    errors
}

fn preserve(is: bool, was: bool, errors: &mut Vec<FieldError>) {
    if is && !was {
        errors.push(FieldError::invalid(
            &Path::new("spec.preserveUnknownFields"),
            true,
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
             spec.versions[*].schema instead",
        ));
    }
}

fn status(definition: &Value, spec: &Spec, errors: &mut Vec<FieldError>) {
    accepted_names(definition, errors);
    let path = Path::new("status.storedVersions");
    let stored = &definition["status"]["storedVersions"];
    let names = super::texts(stored);
    if names.is_empty() {
        let detail = "must have at least one stored version";
        errors.push(go::invalid(&path, stored, detail));
        return;
    }
    let storage = spec.versions.iter().filter(|version| version.storage);
    for version in storage.filter(|version| !names.contains(&version.name.as_str())) {
        let detail = format!("must have the storage version {}", version.name);
        errors.push(go::invalid(&path, stored, detail));
    }
    for (at, name) in names.iter().enumerate() {
        if !spec.versions.iter().any(|version| version.name == *name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must \
                 remain in spec.versions until a storage migration ensures no data remains \
                 persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(go::invalid_text(&path.index(at), name, detail));
        }
    }
}

fn accepted_names(definition: &Value, errors: &mut Vec<FieldError>) {
    let names = Names::read(&definition["status"]["acceptedNames"]);
    validate_names(&names, &Path::new("status.acceptedNames"), errors);
}

fn validate_spec(spec: &Spec, errors: &mut Vec<FieldError>) {
    let path = Path::new("spec");
    let group = path.child("group");
    let wrong = names::dns1123_subdomain(&spec.group);
    if spec.group.is_empty() {
        errors.push(FieldError::required(&group, ""));
    } else if !wrong.is_empty() {
        errors.push(go::invalid_text(&group, &spec.group, wrong.join(",")));
    } else if !spec.group.contains('.') {
        let detail = "should be a domain with at least one dot";
        errors.push(go::invalid_text(&group, &spec.group, detail));
    }
    one_of(
        &path.child("scope"),
        &spec.scope,
        &["Cluster", "Namespaced"],
        errors,
    );
    let versions = path.child("versions");
    let has_schema = |parts: &Parts| {
        parts
            .validation
            .as_ref()
            .is_some_and(|v| v.schema.is_some())
    };
    if !has_schema(&spec.common) {
        for (at, version) in spec.versions.iter().enumerate() {
            if !has_schema(&version.parts) {
                let path = versions.index(at).child("schema.openAPIV3Schema");
                errors.push(FieldError::required(&path, ""));
            }
        }
    }
    let has_default = spec
        .schemas()
        .any(|schema| schema.any(&mut |s| s.default.is_some()));
    if has_default && spec.preserve_unknown_fields {
        errors.push(FieldError::invalid(
            &path.child("preserveUnknownFields"),
            true,
            "must be false in order to use defaults in the schema",
        ));
    }
    for (at, version) in spec.versions.iter().enumerate() {
        let path = versions.index(at);
        let wrong = names::dns1035_label(&version.name);
        if !wrong.is_empty() {
            errors.push(go::invalid_text(
                &path.child("name"),
                &version.name,
                wrong.join(","),
            ));
        }
        validate_version(spec, version, &path, errors);
    }
    same_in_all(spec, &versions, errors);
    let whole = |errors: &mut Vec<FieldError>, detail: &str| {
        errors.push(go::error(
            Wrong::Invalid,
            &versions,
            spec.show_versions(),
            detail,
        ));
    };
    let is_repeated = |(at, version): (usize, &Version)| {
        spec.versions[..at]
            .iter()
            .any(|other| other.name == version.name)
    };
    if spec.versions.iter().enumerate().any(is_repeated) {
        whole(errors, "must contain unique version names");
    }
    if spec
        .versions
        .iter()
        .filter(|version| version.storage)
        .count()
        != 1
    {
        whole(
            errors,
            "must have exactly one version marked as storage version",
        );
    }
    if let Some(first) = spec.versions.first() {
        // The first version's name is that of the definition, in the internal form.
        let wrong = names::dns1035_label(&first.name);
        if !first.name.is_empty() && !wrong.is_empty() {
            let path = path.child("version");
            errors.push(go::invalid_text(&path, &first.name, wrong.join(",")));
        }
    }
    required_names(spec, &path.child("names"), errors);
    let has_status = |parts: &Parts| parts.subresources.as_ref().is_some_and(|s| s.status);
    let any_status = has_status(&spec.common)
        || spec
            .versions
            .iter()
            .any(|version| has_status(&version.parts));
    let common = &spec.common;
    validation(
        common.validation.as_ref(),
        any_status,
        &path.child("validation"),
        errors,
    );
    subresources(
        common.subresources.as_ref(),
        &path.child("subresources"),
        errors,
    );
    columns(
        &common.columns,
        &path.child("additionalPrinterColumns"),
        errors,
    );
    let without = "may only be set when validations.schema is included";
    selectable_fields(common, &path, without, errors);
    conversion(spec, &path.child("conversion"), errors);
}

fn required_names(spec: &Spec, path: &Path, errors: &mut Vec<FieldError>) {
    let names = &spec.names;
    for (field, name) in [
        ("plural", &names.plural),
        ("singular", &names.singular),
        ("kind", &names.kind),
        ("listKind", &names.list_kind),
    ] {
        if name.is_empty() {
            errors.push(FieldError::required(&path.child(field), ""));
        }
    }
    validate_names(names, path, errors);
}

fn one_of(path: &Path, value: &str, accepted: &[&str], errors: &mut Vec<FieldError>) {
    if value.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else if !accepted.contains(&value) {
        errors.push(FieldError::not_supported(path, value, accepted));
    }
}

/// What all versions have in common is to stand at the top. The conversion from v1 sees to it, but
/// for a schema-less `schema` beside others.
fn same_in_all(spec: &Spec, path: &Path, errors: &mut Vec<FieldError>) {
    let Some((first, others)) = spec.versions.split_first() else {
        return;
    };
    let validation = &first.parts.validation;
    if validation.is_some()
        && others
            .iter()
            .all(|other| other.parts.validation == *validation)
    {
        let detail = "per-version schemas may not all be set to identical values (top-level \
                      validation should be used instead)";
        errors.push(go::error(
            Wrong::Invalid,
            path,
            spec.show_versions(),
            detail,
        ));
    }
}

fn validate_version(spec: &Spec, version: &Version, path: &Path, errors: &mut Vec<FieldError>) {
    deprecation_warning(version, &path.child("deprecationWarning"), errors);
    let any_own = spec
        .versions
        .iter()
        .any(|version| version.parts.subresources.is_some());
    let own = if any_own {
        &version.parts
    } else {
        &spec.common
    };
    let has_status = own.subresources.as_ref().is_some_and(|s| s.status);
    let parts = &version.parts;
    validation(
        parts.validation.as_ref(),
        has_status,
        &path.child("schema"),
        errors,
    );
    subresources(
        parts.subresources.as_ref(),
        &path.child("subresources"),
        errors,
    );
    columns(
        &parts.columns,
        &path.child("additionalPrinterColumns"),
        errors,
    );
    let without = "may only be set when `version.schema.openAPIV3Schema` is not included";
    selectable_fields(parts, path, without, errors);
}

fn deprecation_warning(version: &Version, path: &Path, errors: &mut Vec<FieldError>) {
    let Some(warning) = &version.deprecation_warning else {
        return;
    };
    let mut wrong = |detail: String| {
        let shown = go::json(&Value::from(warning.as_str()));
        errors.push(go::error(Wrong::Invalid, path, shown, detail));
    };
    if !version.deprecated {
        wrong("can only be set for deprecated versions".to_owned());
        return;
    }
    if warning.len() > 256 {
        wrong("must be <= 256 characters long".to_owned());
    }
    if warning.is_empty() {
        wrong("must not be an empty string".to_owned());
    }
    let unprintable = warning.char_indices().find(|(_, c)| !go::is_printable(*c));
    if let Some((at, _)) = unprintable {
        wrong(format!(
            "must only contain printable UTF-8 characters; non-printable character found at index \
             {at}"
        ));
    }
}

fn validation(
    validation: Option<&Validation>,
    has_status: bool,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    let Some(schema) = validation.and_then(|validation| validation.schema.as_ref()) else {
        return;
    };
    let before = errors.len();
    let root = path.child("openAPIV3Schema");
    if has_status {
        errors.extend(super::root::validate(&root, schema));
    }
    if schema.nullable {
        let detail = "nullable cannot be true at the root";
        errors.push(FieldError::forbidden(&root.child("nullable"), detail));
    }
    let mut late = Vec::new();
    let mut is_structural = false;
    if let Some(problem) = structural::unsupported(schema) {
        // The schema's own errors say it better, where there are any.
        late.push(go::invalid_text(&root, "", problem));
    } else {
        let mut wrong = structural::validate(&root, schema);
        if wrong.is_empty() {
            wrong = defaults::validate(&root, schema);
        }
        is_structural = wrong.is_empty();
        errors.append(&mut wrong);
    }
    errors.extend(schema_rules::validate(&root, schema, is_structural));
    if errors.len() == before {
        errors.append(&mut late);
    }
}

fn subresources(subresources: Option<&Subresources>, path: &Path, errors: &mut Vec<FieldError>) {
    let Some(scale) = subresources.and_then(|subresources| subresources.scale.as_ref()) else {
        return;
    };
    for (field, json_path, below) in [
        ("specReplicasPath", &scale.spec_replicas, ".spec"),
        ("statusReplicasPath", &scale.status_replicas, ".status"),
    ] {
        let path = path.child("scale").child(field);
        if json_path.is_empty() {
            errors.push(FieldError::required(&path, ""));
        } else if !json_path.starts_with('.') {
            errors.push(go::invalid_text(&path, json_path, SIMPLE_PATH));
        } else if !json_path.starts_with(&format!("{below}.")) {
            let detail = format!("should be a json path under {below}");
            errors.push(go::invalid_text(&path, json_path, detail));
        }
    }
    let selector = scale
        .label_selector
        .as_ref()
        .filter(|path| !path.is_empty());
    if let Some(json_path) = selector {
        let path = path.child("scale.labelSelectorPath");
        if !json_path.starts_with('.') {
            errors.push(go::invalid_text(&path, json_path, SIMPLE_PATH));
        } else if ![".spec.", ".status."]
            .iter()
            .any(|below| json_path.starts_with(below))
        {
            let detail = "should be a json path under either .spec or .status";
            errors.push(go::invalid_text(&path, json_path, detail));
        }
    }
}

const SIMPLE_PATH: &str = "must be a simple json path starting with .";

fn columns(columns: &[Column], path: &Path, errors: &mut Vec<FieldError>) {
    for (at, column) in columns.iter().enumerate() {
        let path = path.index(at);
        if column.name.is_empty() {
            errors.push(FieldError::required(&path.child("name"), ""));
        }
        let type_path = path.child("type");
        let detail = format!("must be one of {COLUMN_TYPES}");
        if column.type_.is_empty() {
            errors.push(FieldError::required(&type_path, detail));
        } else if !COLUMN_TYPES.split(',').any(|type_| type_ == column.type_) {
            errors.push(go::invalid_text(&type_path, &column.type_, detail));
        }
        let is_format = COLUMN_FORMATS
            .split(',')
            .any(|format| format == column.format);
        if !column.format.is_empty() && !is_format {
            let detail = format!("must be one of {COLUMN_FORMATS}");
            errors.push(go::invalid_text(
                &path.child("format"),
                &column.format,
                detail,
            ));
        }
        let path = path.child("JSONPath");
        if column.json_path.is_empty() {
            errors.push(FieldError::required(&path, ""));
        } else if !column.json_path.starts_with('.') {
            errors.push(go::invalid_text(&path, &column.json_path, SIMPLE_PATH));
        }
    }
}

fn selectable_fields(
    parts: &Parts,
    path: &Path,
    without_schema: &str,
    errors: &mut Vec<FieldError>,
) {
    if parts.selectable_fields.is_empty() {
        return;
    }
    let path = path.child("selectableFields");
    let schema = parts
        .validation
        .as_ref()
        .and_then(|validation| validation.schema.as_ref());
    let Some(schema) = schema else {
        errors.push(go::invalid_text(&path, "", without_schema));
        return;
    };
    let mut seen: Vec<String> = Vec::new();
    for (at, json_path) in parts.selectable_fields.iter().enumerate() {
        let path = path.index(at).child("jsonPath");
        if json_path.is_empty() {
            errors.push(FieldError::required(&path, ""));
            continue;
        }
        let found = match paths::find(json_path, schema, false) {
            Ok(found) => found,
            Err(problem) => {
                let detail = format!("is an invalid path: {problem}");
                errors.push(go::invalid_text(&path, json_path, detail));
                continue;
            }
        };
        if found.first == "metadata" {
            let detail = "must not point to fields in metadata";
            errors.push(go::invalid_text(&path, json_path, detail));
        }
        let type_ = found.schema.map_or("", |schema| &schema.type_);
        if !["string", "boolean", "integer"].contains(&type_) {
            errors.push(go::invalid_text(
                &path,
                json_path,
                "must point to a field of type string, boolean or integer. Enum string fields and \
                 strings with formats are allowed.",
            ));
        }
        let text = found.path.unwrap_or_default().to_string();
        if seen.contains(&text) {
            errors.push(go::error(Wrong::Duplicate, &path, go::quote(json_path), ""));
        } else {
            seen.push(text);
        }
    }
    if seen.len() > MAX_SELECTABLE_FIELDS {
        errors.push(FieldError::too_many(
            &path,
            seen.len(),
            MAX_SELECTABLE_FIELDS,
        ));
    }
}

fn conversion(spec: &Spec, path: &Path, errors: &mut Vec<FieldError>) {
    let Some(conversion) = &spec.conversion else {
        return;
    };
    let strategy = path.child("strategy");
    if conversion.strategy != "None" && spec.preserve_unknown_fields {
        let detail = "must be None if spec.preserveUnknownFields is true";
        errors.push(go::invalid_text(&strategy, &conversion.strategy, detail));
    }
    one_of(
        &strategy,
        &conversion.strategy,
        &["None", "Webhook"],
        errors,
    );
    if conversion.strategy == "Webhook" {
        // Refused as not built before it comes to this.
        return;
    }
    for (is_set, field) in [
        (conversion.has_client_config, "webhookClientConfig"),
        (conversion.has_review_versions, "conversionReviewVersions"),
    ] {
        if is_set {
            let detail = "should not be set when strategy is not set to Webhook";
            errors.push(FieldError::forbidden(&path.child(field), detail));
        }
    }
}

fn validate_names(names: &Names, path: &Path, errors: &mut Vec<FieldError>) {
    let mut label = |path: Path, name: &str, prefix: &str| {
        let checked = if prefix.is_empty() {
            name.to_owned()
        } else {
            name.to_lowercase()
        };
        let wrong = names::dns1035_label(&checked);
        if !name.is_empty() && !wrong.is_empty() {
            let detail = format!("{prefix}{}", wrong.join(","));
            errors.push(go::invalid_text(&path, name, detail));
        }
    };
    let mixed = "may have mixed case, but should otherwise match: ";
    label(path.child("plural"), &names.plural, "");
    label(path.child("singular"), &names.singular, "");
    label(path.child("kind"), &names.kind, mixed);
    label(path.child("listKind"), &names.list_kind, mixed);
    let labels = |field: &str, all: &[String], errors: &mut Vec<FieldError>| {
        for (at, name) in all.iter().enumerate() {
            let wrong = names::dns1035_label(name);
            if !wrong.is_empty() {
                let path = path.child(field).index(at);
                errors.push(go::invalid_text(&path, name, wrong.join(",")));
            }
        }
    };
    labels("shortNames", &names.short_names, errors);
    if !names.kind.is_empty() && names.kind == names.list_kind {
        let detail = "kind and listKind may not be the same";
        errors.push(go::invalid_text(
            &path.child("listKind"),
            &names.list_kind,
            detail,
        ));
    }
    labels("categories", &names.categories, errors);
}
