//! Secret: `pkg/registry/core/secret`. Whether a certificate and its key fit each other is not
//! checked; the real server would warn.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{
    at, entries, entry, fill_text, keep, remove, slot, slot_of, text,
};
use super::configmap::immutable;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// The most that the values of a Secret or a ConfigMap may be together.
pub(super) const MAX_SIZE: usize = 1024 * 1024;
const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// See the module.
pub(super) struct Secret;

impl Kind for Secret {
    fn default(&self, object: &mut Value) {
        let plain = at(object, "stringData").clone();
        if let (Value::Object(plain), Some(data)) = (&plain, slot(object, "data")) {
            for (key, value) in plain {
                let value = STANDARD.encode(value.as_str().unwrap_or_default());
                if let Some(place) = slot_of(data, key) {
                    *place = json!(value);
                }
            }
        }
        remove(object, "stringData");
        fill_text(object, "type", "Opaque");
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        if text(object, "type").is_empty() {
            keep(object, old, "type");
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        let path = Path::new("data");
        let mut size = 0;
        for (key, value) in entries(object, "data") {
            let wrong = names::config_map_key(key);
            errors.extend(check::invalid_each(&path.key(key), key, wrong));
            size += decoded_len(value);
        }
        if size > MAX_SIZE {
            errors.push(FieldError::too_long(&path, MAX_SIZE));
        }
        errors.extend(required_keys(object));
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        errors.extend(check::immutable(object, old, "type"));
        errors.extend(immutable(object, old, &["data"]));
        errors.extend(self.validate_create(object));
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        if text(object, "type") != "kubernetes.io/tls" {
            return Vec::new();
        }
        // The certificate is looked at first, and one warning is enough.
        let warning = pem_warning(object, "tls.crt", "certificate", "CERTIFICATE");
        warning
            .or_else(|| pem_warning(object, "tls.key", "key", "PRIVATE KEY"))
            .into_iter()
            .collect()
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        vec![("type", text(object, "type").to_owned())]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["type"]
    }
}

/// How many bytes a base64 text stands for.
pub(super) fn decoded_len(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

fn decoded(object: &Value, key: &str) -> Option<Vec<u8>> {
    entry(object, "data", key).map(|value| STANDARD.decode(value).unwrap_or_default())
}

/// What the type asks for.
fn required_keys(object: &Value) -> Vec<FieldError> {
    let path = Path::new("data");
    let has = |key: &str| entry(object, "data", key).is_some();
    let required = |key: &str| FieldError::required(&path.key(key), "");
    match text(object, "type") {
        "kubernetes.io/service-account-token" => {
            let name = entry(object, "metadata.annotations", ACCOUNT).unwrap_or_default();
            let path = Path::new("metadata.annotations").key(ACCOUNT);
            name.is_empty()
                .then(|| FieldError::required(&path, ""))
                .into_iter()
                .collect()
        }
        "kubernetes.io/dockercfg" => json_object(object, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_object(object, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            vec![required("username"), required("password")]
        }
        "kubernetes.io/ssh-auth"
            if entry(object, "data", "ssh-privatekey").is_none_or(str::is_empty) =>
        {
            vec![required("ssh-privatekey")]
        }
        "kubernetes.io/tls" => {
            let missing = ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key));
            missing.map(required).collect()
        }
        _ => Vec::new(),
    }
}

fn json_object(object: &Value, key: &str) -> Vec<FieldError> {
    let path = Path::new("data").key(key);
    let Some(bytes) = decoded(object, key) else {
        return vec![FieldError::required(&path, "")];
    };
    let why = match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_) | Value::Null) => return Vec::new(),
        Ok(other) => {
            let kind = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(error) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Err(error) => {
            let first = String::from_utf8_lossy(&bytes).trim_start().chars().next();
            match first.filter(|c| !"{[\"tfn-0123456789".contains(*c)) {
                Some(c) => format!("invalid character '{c}' looking for beginning of value"),
                // Go says what it looked for; only the place is known here.
                None => format!("invalid JSON: {error}"),
            }
        }
    };
    vec![FieldError::invalid(
        &path,
        "<secret contents redacted>",
        why,
    )]
}

/// What Go's `tls.X509KeyPair` says about input without what it looks for.
fn pem_warning(object: &Value, key: &str, what: &str, label: &str) -> Option<String> {
    let bytes = decoded(object, key).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let labels: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("-----BEGIN ")?
                .strip_suffix("-----")
        })
        .collect();
    if labels.is_empty() {
        return Some(format!("tls: failed to find any PEM data in {what} input"));
    }
    if labels
        .iter()
        .any(|own| *own == label || own.ends_with(&format!(" {label}")))
    {
        return None;
    }
    if what == "certificate" {
        let skipped = labels.join(" ");
        return Some(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM \
             blocks of the following types: [{skipped}]"
        ));
    }
    if labels == ["CERTIFICATE"] {
        return Some(
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned(),
        );
    }
    let skipped = labels.join(" ");
    Some(format!(
        "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after \
         skipping PEM blocks of the following types: [{skipped}]"
    ))
}
