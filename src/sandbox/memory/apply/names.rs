//! What a manager is called.

use crate::sandbox::memory::field::{FieldError, Path};

use super::go;

/// The longest name, in bytes.
const MAX_BYTES: usize = 128;

/// The name for a request that gives none: the User-Agent up to its first `/`.
pub fn of_user_agent(user_agent: &str) -> String {
    let mut name = String::new();
    let first = user_agent.split('/').next().unwrap_or_default();
    for c in first.chars().filter(|c| go::is_print(*c)) {
        if name.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        name.push(c);
    }
    name
}

/// What is wrong with the parameters `fieldManager` and `force` of a patch, which the API names
/// `PatchOptions.meta.k8s.io`.
pub fn check_patch(manager: &str, force: Option<bool>, is_apply: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if is_apply && manager.is_empty() {
        errors.push(FieldError::required(
            &Path::new("fieldManager"),
            "is required for apply patch",
        ));
    }
    if !is_apply && force.is_some() {
        let detail = "may not be specified for non-apply patch";
        errors.push(FieldError::forbidden(&Path::new("force"), detail));
    }
    errors.extend(check(manager));
    errors
}

/// What is wrong with the parameter `fieldManager` of any write.
pub fn check(manager: &str) -> Vec<FieldError> {
    let path = Path::new("fieldManager");
    let mut errors = Vec::new();
    if manager.len() > MAX_BYTES {
        errors.push(FieldError::too_long(&path, MAX_BYTES));
    }
    for (at, c) in manager.char_indices().filter(|(_, c)| !go::is_print(*c)) {
        let code = u32::from(c);
        let detail = format!("invalid character U+{code:04X} (at position {at})");
        errors.push(FieldError::invalid(&path, manager, detail));
    }
    errors
}
