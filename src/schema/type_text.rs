//! Types as kubectl explain writes them: `string`, `[]Container`, `map[string]Quantity`, `Object`.
//! Source: k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl (`typeGuess`).

use super::document::Document;
use super::raw::Raw;

/// More wrappings than any real type has; a schema that nests deeper is cut with `…`.
const DEEPEST: usize = 32;

pub(super) fn type_text(raw: &Raw, document: &Document) -> String {
    guess(raw, document, 0)
}

fn guess(raw: &Raw, document: &Document, depth: usize) -> String {
    if depth > DEEPEST {
        return "…".to_owned();
    }
    let inner = |raw: &Raw| guess(raw, document, depth + 1);
    if let Some(items) = raw.items() {
        return format!("[]{}", inner(items));
    }
    if let Some(values) = raw.values() {
        return format!("map[string]{}", inner(values));
    }
    if let [only] = raw.all_of()
        && !raw.has_properties()
        && !is_constraint_only(only)
    {
        return inner(only);
    }
    if let Some(reference) = &raw.reference {
        let target = document.resolve(reference).map(|(_, node)| node);
        return match target.and_then(|t| t.type_.as_deref()) {
            None | Some("object") => {
                let name = reference.rsplit(['/', '.']).next().unwrap_or_default();
                if name.is_empty() { "Object" } else { name }.to_owned()
            }
            Some(simple) => simple.to_owned(),
        };
    }
    match raw.type_.as_deref() {
        None | Some("object" | "") => "Object".to_owned(),
        Some(simple) => simple.to_owned(),
    }
}

/// In a CRD's structural schema, an allOf only constrains and has no type of its own: kubectl
/// shows such a string as `Object`.
fn is_constraint_only(raw: &Raw) -> bool {
    raw.type_.is_none()
        && raw.reference.is_none()
        && raw.items.is_none()
        && raw.additional_properties.is_none()
        && raw.all_of.is_none()
        && raw.properties.is_none()
}
