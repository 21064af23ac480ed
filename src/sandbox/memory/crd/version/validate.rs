//! What is wrong with custom objects (`pkg/registry/customresource/{strategy,status_strategy,
//! validator}.go`).

use serde_json::Value;

use super::super::cel::Outcome;
use super::super::correlate::Correlated;
use super::super::go;
use super::super::object::validate_embedded;
use super::super::{list_type, validate};
use super::compiled::Compiled;
use super::{Version, nested};
use crate::sandbox::memory::field::{FieldError, Path, Wrong};
use crate::sandbox::memory::kinds::meta;

/// Rules are told only about objects that are otherwise of the right form.
const NOT_CHECKED: &str = "some validation rules were not checked because the object was invalid; \
     correct the existing errors to complete validation";

impl Version {
    /// What is wrong with a new object.
    pub fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let compiled = self.shape().compiled();
        let mut errors = self.names(object);
        if errors.is_empty() {
            errors = meta::object_meta(object, self.family.namespaced, meta::dns_subdomain);
            errors.extend(validate::validate(&compiled.node, None, object));
            self.scale_spec(object, &mut errors);
            self.scale_status(object, &mut errors);
        }
        let root = Path::root();
        validate_embedded(&root, object, &compiled.schema, false, &mut errors);
        errors.extend(list_type::validate(&root, &compiled.schema, object));
        rules(compiled, object, None, &mut errors);
        errors
    }

    /// What is wrong with a change; `subresource` is empty for one of the object itself. What was
    /// wrong before and is not touched is let pass; of rules that is told in `warnings`.
    pub fn validate_update(
        &self,
        subresource: &str,
        object: &Value,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Vec<FieldError> {
        let compiled = self.shape().compiled();
        let change = Correlated {
            schema: &compiled.schema,
            new: object,
            old,
        };
        let is_status = subresource == "status";
        let root = Path::root();
        let mut errors = self.names(object);
        if errors.is_empty() {
            errors = meta::object_meta_update(object, old);
            if is_status {
                errors.extend(status(compiled, change));
            } else {
                errors.extend(validate::validate_update(&compiled.node, None, change));
                self.scale_spec(object, &mut errors);
            }
            self.scale_status(object, &mut errors);
        }
        if !is_status {
            validate_embedded(&root, object, &compiled.schema, false, &mut errors);
        }
        if list_type::validate(&root, &compiled.schema, old).is_empty() {
            errors.extend(list_type::validate(&root, &compiled.schema, object));
        }
        warnings.extend(rules(compiled, object, Some(change), &mut errors));
        // What is asked of every kind is asked first, and does not keep rules from being checked.
        let mut all = meta::common_update(object, old);
        all.extend(errors);
        all
    }

    /// `kind` and `apiVersion`.
    fn names(&self, object: &Value) -> Vec<FieldError> {
        let (kind, version) = (&self.family.names.kind, self.api_version());
        let wanted = [("kind", kind), ("apiVersion", &version)];
        let wrong = wanted.into_iter().filter_map(|(field, wanted)| {
            let found = object[field].as_str().unwrap_or_default();
            let path = Path::new(field);
            (found != wanted).then(|| go::invalid_text(&path, found, format!("must be {wanted}")))
        });
        wrong.collect()
    }

    fn scale_spec(&self, object: &Value, errors: &mut Vec<FieldError>) {
        if let Some(scale) = &self.shape().scale {
            replicas(object, &scale.spec_replicas, errors);
        }
    }

    fn scale_status(&self, object: &Value, errors: &mut Vec<FieldError>) {
        let Some(scale) = &self.shape().scale else {
            return;
        };
        replicas(object, &scale.status_replicas, errors);
        if let Some(path) = &scale.label_selector
            && let Err(problem) = nested::text(object, path)
        {
            errors.push(go::invalid_text(&Path::new(path), "", problem));
        }
    }
}

fn status(compiled: &Compiled, change: Correlated<'_>) -> Vec<FieldError> {
    let (Some(node), Some(status)) = (&compiled.status, change.new.get("status")) else {
        return Vec::new();
    };
    let path = Path::new("status");
    match change.key("status") {
        Some(change) => validate::validate_update(node, Some(&path), change),
        None => validate::validate(node, Some(&path), status),
    }
}

fn replicas(object: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (value, problem) = match nested::integer(object, path) {
        Err(problem) => (0, problem),
        Ok(Some(value)) if value < 0 => (value, "should be a non-negative integer".to_owned()),
        Ok(Some(value)) if value > i64::from(i32::MAX) => (
            value,
            format!("should be less than or equal to {}", i32::MAX),
        ),
        Ok(_) => return,
    };
    errors.push(FieldError::invalid(&Path::new(path), value, problem));
}

/// Adds what rules say; gives what they would say of what has not changed.
fn rules(
    compiled: &Compiled,
    object: &Value,
    change: Option<Correlated<'_>>,
    errors: &mut Vec<FieldError>,
) -> Vec<String> {
    let blocks = |error: &FieldError| {
        matches!(
            error.wrong,
            Wrong::NotSupported
                | Wrong::Required
                | Wrong::TooLong
                | Wrong::TooMany
                | Wrong::TypeInvalid
        )
    };
    if errors.iter().any(blocks) {
        if !super::super::cel::has_rules(&compiled.schema) {
            return Vec::new();
        }
        errors.push(go::invalid(&Path::root(), &Value::Null, NOT_CHECKED));
        return Vec::new();
    }
    let old = change.map(|change| change.old);
    let outcome = compiled
        .rules
        .validate(None, &compiled.schema, object, old, change);
    let Outcome {
        errors: broken,
        warnings,
    } = outcome;
    errors.extend(broken);
    warnings
}
