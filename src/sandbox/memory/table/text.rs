//! Parts of objects as texts in cells.

use serde_json::Value;

use super::row::{NONE, UNSET};
use crate::sandbox::memory::kinds::workloads::read::{at, entries, items, text};
use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::selector::LabelSelector;

/// One text of each item of a list, with commas between them.
pub(super) fn joined<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().collect::<Vec<_>>().join(",")
}

/// The names of containers, and their images.
pub(super) fn containers(object: &Value, path: &str) -> (String, String) {
    let all = items(object, path);
    let each = |field: &str| joined(all.iter().map(|container| text(container, field)));
    (each("name"), each("image"))
}

/// A map of labels, `<none>` when it is empty.
pub(super) fn labels(object: &Value, path: &str) -> String {
    let pairs = entries(object, path);
    let mut pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.sort_unstable();
    match pairs.is_empty() {
        true => NONE.to_owned(),
        false => pairs.join(","),
    }
}

/// A label selector; `<none>` for one that selects all or nothing.
pub(super) fn selector(selector: &Value) -> String {
    match LabelSelector::of(selector).map(|selector| selector.to_string()) {
        Ok(text) if text.is_empty() => NONE.to_owned(),
        Ok(text) => text,
        Err(_) => "<error>".to_owned(),
    }
}

/// An amount in canonical form; `None` where there is none.
pub(super) fn quantity(object: &Value, path: &str) -> Option<String> {
    canonical(at(object, path))
}

/// An amount in canonical form.
pub(super) fn canonical(amount: &Value) -> Option<String> {
    let text = amount.as_str()?;
    Some(Quantity::parse(text).map_or_else(|| text.to_owned(), |amount| amount.canonical()))
}

/// The first few texts, and how many more there are.
pub(super) struct Few {
    pub(super) shown: Vec<String>,
    pub(super) count: usize,
}

impl Few {
    /// How many are shown in most cells.
    pub(super) const SHOWN: usize = 3;

    /// Of these, as many as are shown.
    pub(super) fn of(all: impl IntoIterator<Item = String>) -> Self {
        let mut few = Few {
            shown: Vec::new(),
            count: 0,
        };
        for text in all {
            few.count += 1;
            if few.shown.len() < Few::SHOWN {
                few.shown.push(text);
            }
        }
        few
    }

    /// `a,b,c + 2 more...`, or `<unset>` for no text.
    pub(super) fn or_unset(&self) -> String {
        let shown = self.shown.join(",");
        if self.count > Few::SHOWN {
            return more(&shown, self.count - Few::SHOWN);
        }
        match shown.is_empty() {
            true => UNSET.to_owned(),
            false => shown,
        }
    }
}

/// What is shown, and how many are not.
pub(super) fn more(shown: &str, count: usize) -> String {
    format!("{shown} + {count} more...")
}
