//! PriorityLevelConfiguration: `pkg/apis/flowcontrol` and
//! `pkg/registry/flowcontrol/prioritylevelconfiguration`.

use serde_json::{Value, json};

use super::super::workloads::read::{
    at, entry, fill, fill_zero, given, given_mut, int, number, put, text,
};
use super::{flowcontrol, status_metadata};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

const PRESERVE_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
/// The most bits that shuffle sharding takes from a hash.
const HASH_BITS: f64 = 60.0;

/// See the module.
pub(crate) struct PriorityLevelConfiguration;

impl Kind for PriorityLevelConfiguration {
    fn default(&self, object: &mut Value) {
        if let Some(exempt) = given_mut(object, "spec.exempt") {
            fill(exempt, "nominalConcurrencyShares", 0);
            fill(exempt, "lendablePercent", 0);
        }
        if let Some(limited) = given_mut(object, "spec.limited") {
            fill(limited, "nominalConcurrencyShares", 30);
            fill(limited, "lendablePercent", 0);
        }
        if let Some(queuing) = given_mut(object, "spec.limited.limitResponse.queuing") {
            fill_zero(queuing, "handSize", 8);
            fill_zero(queuing, "queues", 64);
            fill_zero(queuing, "queueLengthLimit", 50);
        }
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            status_metadata::keep_all(object, old);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        if entry(object, "metadata.annotations", PRESERVE_ZERO).is_some() {
            let words = format!("annotation '{PRESERVE_ZERO}' is forbidden");
            errors.push(FieldError::forbidden(
                &Path::new("metadata.annotations"),
                words,
            ));
        }
        errors.extend(validate_spec(
            text(object, "metadata.name"),
            at(object, "spec"),
        ));
        errors.extend(flowcontrol::validate_conditions(object));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if write.subresource == "status" {
            errors.extend(flowcontrol::validate_conditions(object));
            return errors;
        }
        errors.extend(self.validate_create(object));
        let name = text(object, "metadata.name");
        let spec = at(object, "spec");
        let mut expected = at(old, "spec").clone();
        if name == "exempt" {
            put(&mut expected, "exempt", at(spec, "exempt").clone());
        }
        if flowcontrol::is_mandatory(name) && *spec != expected {
            let exception = if name == "exempt" {
                " except the 'spec.exempt' field"
            } else {
                ""
            };
            let words = format!("spec of '{name}'{exception} must equal the fixed value");
            errors.push(FieldError::invalid(&Path::new("spec"), spec.clone(), words));
        }
        errors
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_spec(name: &str, spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let type_ = text(spec, "type");
    let type_path = path.child("type");
    if (name == "exempt") != (type_ == "Exempt") {
        let words = "must be 'Exempt' if and only if `name` is 'exempt'";
        errors.push(FieldError::invalid(&type_path, type_, words));
    }
    let (limited_path, exempt_path) = (path.child("limited"), path.child("exempt"));
    let (limited, exempt) = (given(spec, "limited"), given(spec, "exempt"));
    match type_ {
        "Exempt" => {
            if limited.is_some() {
                let words = "must be nil if the type is not Limited";
                errors.push(FieldError::forbidden(&limited_path, words));
            }
            if let Some(exempt) = exempt {
                errors.extend(validate_exempt(exempt, &exempt_path));
            }
        }
        "Limited" => {
            if exempt.is_some() {
                let words = "must be nil if the type is Limited";
                errors.push(FieldError::forbidden(&exempt_path, words));
            }
            match limited {
                Some(limited) => errors.extend(validate_limited(limited, &limited_path)),
                None => errors.push(FieldError::required(
                    &limited_path,
                    "must not be empty when type is Limited",
                )),
            }
        }
        "" => errors.push(FieldError::required(&type_path, "")),
        _ => errors.push(FieldError::not_supported(
            &type_path,
            type_,
            &["Exempt", "Limited"],
        )),
    }
    errors
}

fn validate_shares(level: &Value, path: &Path) -> Option<FieldError> {
    let field = "nominalConcurrencyShares";
    let shares = number(level, field).filter(|shares| *shares < 0)?;
    let words = "must be a non-negative integer";
    Some(FieldError::invalid(&path.child(field), shares, words))
}

fn validate_lendable(level: &Value, path: &Path) -> Option<FieldError> {
    let field = "lendablePercent";
    let share = number(level, field).filter(|share| !(0..=100).contains(share))?;
    let words = "must be between 0 and 100, inclusive";
    Some(FieldError::invalid(&path.child(field), share, words))
}

fn validate_exempt(exempt: &Value, path: &Path) -> Vec<FieldError> {
    validate_shares(exempt, path)
        .into_iter()
        .chain(validate_lendable(exempt, path))
        .collect()
}

fn validate_limited(limited: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    errors.extend(validate_shares(limited, path));
    let response_path = path.child("limitResponse");
    let queuing_path = response_path.child("queuing");
    let queuing = given(limited, "limitResponse.queuing");
    match (text(limited, "limitResponse.type"), queuing) {
        ("Reject", Some(_)) => {
            let words = "must be nil if limited.limitResponse.type is not Limited";
            errors.push(FieldError::forbidden(&queuing_path, words));
        }
        ("Reject", None) => {}
        ("Queue", None) => {
            let words = "must not be empty if limited.limitResponse.type is Limited";
            errors.push(FieldError::required(&queuing_path, words));
        }
        ("Queue", Some(queuing)) => errors.extend(validate_queuing(queuing, &queuing_path)),
        ("", _) => errors.push(FieldError::required(&response_path.child("type"), "")),
        (type_, _) => {
            let path = response_path.child("type");
            errors.push(FieldError::not_supported(
                &path,
                type_,
                &["Queue", "Reject"],
            ));
        }
    }
    errors.extend(validate_lendable(limited, path));
    if let Some(share) = number(limited, "borrowingLimitPercent").filter(|share| *share < 0) {
        let words = "if specified, must be a non-negative integer";
        errors.push(FieldError::invalid(
            &path.child("borrowingLimitPercent"),
            share,
            words,
        ));
    }
    errors
}

fn validate_queuing(queuing: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let [length, queues, hand] =
        ["queueLengthLimit", "queues", "handSize"].map(|field| int(queuing, field));
    if length <= 0 {
        let path = path.child("queueLengthLimit");
        errors.push(FieldError::invalid(&path, length, "must be positive"));
    }
    let queues_path = path.child("queues");
    if queues <= 0 {
        errors.push(FieldError::invalid(
            &queues_path,
            queues,
            "must be positive",
        ));
    } else if queues > 10_000_000 {
        let words = "must not be greater than 10000000";
        errors.push(FieldError::invalid(&queues_path, queues, words));
    }
    // Both are 32 bits wide, which a float holds exactly.
    let bits = ((queues as f64).log2() * hand as f64).ceil();
    let wrong = if hand <= 0 {
        "must be positive".to_owned()
    } else if hand > queues {
        format!("should not be greater than queues ({queues})")
    } else if bits > HASH_BITS {
        format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater \
             than 60"
        )
    } else {
        return errors;
    };
    errors.push(FieldError::invalid(
        &path.child("handSize"),
        json!(hand),
        wrong,
    ));
    errors
}
