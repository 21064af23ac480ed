//! CertificateSigningRequest: `pkg/apis/certificates` and `pkg/registry/certificates/certificates`.
//! The request itself is looked at as PEM only: neither its content nor its signature is checked. Who
//! asks (`spec.username` and so on) is for the server to fill in.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::workloads::read::{
    at, given, items, items_mut, keep, number, put, remove, text, texts,
};
use super::{now, pem, signer};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

const CONDITIONS: &str = "status.conditions";
const FINAL: [&str; 3] = ["Approved", "Denied", "Failed"];
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// See the module.
pub(crate) struct CertificateSigningRequest;

impl Kind for CertificateSigningRequest {
    fn prepare_create(&self, object: &mut Value) {
        for field in ["username", "uid", "groups", "extra"] {
            remove(object, &format!("spec.{field}"));
        }
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        keep(object, old, "spec");
        match write.subresource {
            "status" => {
                for type_ in ["Approved", "Denied"] {
                    keep_conditions(object, old, type_);
                }
                set_times(object, old);
            }
            "approval" => {
                set_times(object, old);
                let conditions = at(object, CONDITIONS).clone();
                keep(object, old, "status");
                put(object, CONDITIONS, conditions);
            }
            _ => keep(object, old, "status"),
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object, None)
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(validate(object, Some(old)));
        let path = Path::new(CONDITIONS);
        let count = |object: &Value, type_: &str| conditions(object, type_).count();
        for type_ in FINAL {
            if count(object, type_) < count(old, type_) {
                let words = format!("updates may not remove a condition of type {type_:?}");
                errors.push(FieldError::forbidden(&path, words));
            }
        }
        if write.subresource != "approval" {
            for type_ in ["Approved", "Denied"] {
                let (new, old_count) = (count(object, type_), count(old, type_));
                if new > old_count {
                    let words = format!("updates may not add a condition of type {type_:?}");
                    errors.push(FieldError::forbidden(&path, words));
                } else if new == old_count && !conditions(object, type_).eq(conditions(old, type_))
                {
                    let words = format!("updates may not modify a condition of type {type_:?}");
                    errors.push(FieldError::forbidden(&path, words));
                }
            }
        }
        let (certificate, before) = (
            text(object, "status.certificate"),
            text(old, "status.certificate"),
        );
        if certificate != before {
            let path = Path::new("status.certificate");
            if write.subresource != "status" {
                errors.push(FieldError::forbidden(
                    &path,
                    "updates may not set certificate content",
                ));
            } else if !before.is_empty() {
                let words = "updates may not modify existing certificate content";
                errors.push(FieldError::forbidden(&path, words));
            }
        }
        errors.extend(meta::own_update(object, old));
        errors
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        vec![(
            "spec.signerName",
            text(object, "spec.signerName").to_owned(),
        )]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["spec.signerName"]
    }
}

fn conditions<'a>(object: &'a Value, type_: &str) -> impl Iterator<Item = &'a Value> {
    let type_ = type_.to_owned();
    items(object, CONDITIONS)
        .iter()
        .filter(move |condition| text(condition, "type") == type_)
}

/// Conditions that only an approval changes stay as they are, where there are as many as before.
fn keep_conditions(object: &mut Value, old: &Value, type_: &str) {
    let olds: Vec<&Value> = conditions(old, type_).collect();
    if conditions(object, type_).count() != olds.len() {
        return;
    }
    let news = items_mut(object, CONDITIONS).iter_mut();
    let news = news.filter(|condition| text(condition, "type") == type_);
    for (new, old) in news.zip(olds) {
        *new = old.clone();
    }
}

fn set_times(object: &mut Value, old: &Value) {
    let now = now();
    for condition in items_mut(object, CONDITIONS) {
        if given(condition, "lastUpdateTime").is_none() {
            put(condition, "lastUpdateTime", json!(now));
        }
        if given(condition, "lastTransitionTime").is_none() {
            let is_same = |old: &&Value| {
                ["type", "status"]
                    .iter()
                    .all(|field| text(old, field) == text(condition, field))
                    && given(old, "lastTransitionTime").is_some()
            };
            let before = items(old, CONDITIONS).iter().find(is_same);
            let time = before.map(|before| at(before, "lastTransitionTime").clone());
            put(
                condition,
                "lastTransitionTime",
                time.unwrap_or_else(|| json!(now)),
            );
        }
    }
}

fn validate(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = meta::validate_create(object, false, |_, _| Vec::new());
    let path = Path::new("spec");
    let request = at(object, "spec.request");
    if let Err(words) = pem::check_request(request.as_str().unwrap_or_default()) {
        errors.push(FieldError::invalid(
            &path.child("request"),
            request.clone(),
            words,
        ));
    }
    let usages = texts(object, "spec.usages");
    let usages_path = path.child("usages");
    if usages.is_empty() {
        errors.push(FieldError::required(&usages_path, ""));
    }
    for (index, usage) in usages.iter().enumerate() {
        if !USAGES.contains(usage) {
            errors.push(FieldError::not_supported(
                &usages_path.index(index),
                *usage,
                &USAGES,
            ));
        }
    }
    let mut seen = HashSet::new();
    for (index, usage) in usages.iter().enumerate() {
        if !seen.insert(usage) {
            errors.push(FieldError::duplicate(&usages_path.index(index), *usage));
        }
    }
    let signer = text(object, "spec.signerName");
    let signer_path = path.child("signerName");
    if signer == "kubernetes.io/legacy-unknown" {
        let words = "the legacy signerName is not allowed via this API version";
        errors.push(FieldError::invalid(&signer_path, signer, words));
    } else {
        errors.extend(signer::validate(signer, &signer_path));
    }
    if let Some(seconds) = number(object, "spec.expirationSeconds").filter(|s| *s < 600) {
        let words = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(FieldError::invalid(
            &path.child("expirationSeconds"),
            seconds,
            words,
        ));
    }
    errors.extend(validate_conditions(object));
    let certificate = text(object, "status.certificate");
    if old.is_none_or(|old| text(old, "status.certificate") != certificate)
        && let Err(words) = pem::check_certificates(certificate)
    {
        let path = Path::new("status.certificate");
        errors.push(FieldError::invalid(&path, "<certificate data>", words));
    }
    errors
}

fn validate_conditions(object: &Value) -> Vec<FieldError> {
    let path = Path::new(CONDITIONS);
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for (index, condition) in items(object, CONDITIONS).iter().enumerate() {
        let path_of = |field: &str| path.index(index).child(field);
        let type_ = text(condition, "type");
        if type_.is_empty() {
            errors.push(FieldError::required(&path_of("type"), ""));
        }
        let states: &[&str] = if FINAL.contains(&type_) {
            &["True"]
        } else {
            &["False", "True", "Unknown"]
        };
        match text(condition, "status") {
            "" => errors.push(FieldError::required(&path_of("status"), "")),
            state if states.contains(&state) => {}
            state => errors.push(FieldError::not_supported(&path_of("status"), state, states)),
        }
        let excluded = match type_ {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if !excluded.is_empty() && seen.contains(excluded) {
            let words = "Approved and Denied conditions are mutually exclusive";
            errors.push(FieldError::invalid(&path, type_, words));
        }
        if !seen.insert(type_) {
            errors.push(FieldError::duplicate(&path_of("type"), type_));
        }
    }
    errors
}
