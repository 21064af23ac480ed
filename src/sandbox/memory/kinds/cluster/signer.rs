//! Names of signers of certificates (`ValidateSignerName`).

use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const DOMAIN_MAX: usize = 253;
/// A domain, a slash, a label, a dot and a subdomain.
const NAME_MAX: usize = DOMAIN_MAX + 1 + 253 + 63 + 1;

/// What is wrong with a name such as `example.com/signer`.
pub(super) fn validate(name: &str, path: &Path) -> Vec<FieldError> {
    if name.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let parts: Vec<&str> = name.split('/').collect();
    let [domain, rest] = parts[..] else {
        let words =
            "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![FieldError::invalid(path, name, words)];
    };
    let mut errors = Vec::new();
    if domain.len() > DOMAIN_MAX {
        errors.push(FieldError::too_long(path, DOMAIN_MAX));
    }
    errors.extend(wrong_labels(domain, names::dns1123_label, path));
    if !domain.contains('.') {
        let words = "should be a domain with at least two segments separated by dots";
        errors.push(FieldError::invalid(path, domain, words));
    }
    errors.extend(wrong_labels(rest, names::dns1123_subdomain, path));
    if name.len() > NAME_MAX {
        errors.push(FieldError::too_long(path, NAME_MAX));
    }
    errors
}

/// What is wrong with the first label that is.
fn wrong_labels(text: &str, rule: fn(&str) -> Vec<String>, path: &Path) -> Vec<FieldError> {
    let labels = text.split('.').map(|label| (label, rule(label)));
    let Some((label, wrong)) = labels.into_iter().find(|(_, wrong)| !wrong.is_empty()) else {
        return Vec::new();
    };
    let wrong = wrong.into_iter();
    wrong
        .map(|words| {
            FieldError::invalid(path, text, format!("validating label {label:?}: {words}"))
        })
        .collect()
}
