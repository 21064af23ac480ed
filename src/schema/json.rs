//! A tree of fields as JSON: `appop explain -o json`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::field::{ElementKind, Field};

/// How far down a tree is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The field and its own fields
    Fields,
    /// All below, apart from types that contain themselves
    All,
}

/// Deeper than any real schema, and well within what the stack and JSON parsers take.
const DEEPEST: usize = 48;
/// More fields than any real kind has; where types multiply, the rest is left out.
const MOST: usize = 100_000;

impl Field {
    /// The field as a JSON object. What does not apply is left out. Stable:
    ///
    /// - `name`, `type` (as [`Field::type_`]), `format`, `description`, `typeDescription`,
    ///   `required` (true or absent), `default`, `enum`, the keywords of
    ///   [`Bounds`](super::Bounds), `patterns`, `nullable`, `intOrString`, `preserveUnknownFields`,
    ///   `embeddedResource`, `list` (`type`, `keys`), `mapType`, `patch` (`strategy`, `mergeKey`),
    ///   `immutable` (`because`: `rule` or `description`, `text`), `rules` (as in the schema),
    ///   `unions`, `anyOf`, `oneOf`, `not` (as in the schema), `externalDocs`, `schema` (the name
    ///   of its type in the document);
    /// - `items` or `values`: what holds for each item of a list or value of a map;
    /// - `fields`: the fields below, those of items or values included, sorted by name;
    /// - `more: true`: there are fields below that are not written.
    pub fn to_json(&self, depth: Depth) -> Value {
        let levels = match depth {
            Depth::Fields => 1,
            Depth::All => DEEPEST,
        };
        self.write(levels, &mut Vec::new(), &mut 0)
    }

    fn write<'a>(
        &'a self,
        levels: usize,
        entered: &mut Vec<&'a str>,
        written: &mut usize,
    ) -> Value {
        *written += 1;
        let mut out = self.without_fields();
        if let Some(element) = self.element() {
            let key = match element_key(self) {
                ElementKind::Item => "items",
                ElementKind::Value => "values",
            };
            let element = element_chain(element, DEEPEST);
            if element.as_object().is_some_and(|e| e.len() > 1) {
                out.insert(key.to_owned(), element);
            }
        }
        if !self.has_children() {
            return Value::Object(out);
        }
        let names = self.type_names();
        let recursion = names.iter().any(|n| entered.contains(n));
        if levels == 0 || recursion || *written >= MOST {
            out.insert("more".to_owned(), Value::Bool(true));
            return Value::Object(out);
        }
        let before = entered.len();
        entered.extend(names);
        let fields = self
            .children()
            .iter()
            .map(|c| c.write(levels - 1, entered, written));
        let fields: Vec<Value> = fields.collect();
        entered.truncate(before);
        out.insert("fields".to_owned(), Value::Array(fields));
        Value::Object(out)
    }

    fn without_fields(&self) -> Map<String, Value> {
        let mut out = Map::new();
        if !matches!(self.name.as_str(), "" | "[]" | "{}") {
            put(&mut out, "name", &self.name);
        }
        put(&mut out, "type", &self.type_);
        put_some(&mut out, "format", self.format.as_ref());
        for (key, text) in [
            ("description", &self.description),
            ("typeDescription", &self.type_description),
        ] {
            put_some(&mut out, key, Some(text).filter(|t| !t.is_empty()));
        }
        put_some(&mut out, "required", self.required.then_some(true));
        put_some(&mut out, "default", self.default.as_ref());
        put_many(&mut out, "enum", &self.enum_);
        if let Ok(Value::Object(bounds)) = serde_json::to_value(&self.bounds) {
            out.extend(bounds);
        }
        put_many(&mut out, "patterns", &self.patterns);
        for (key, on) in [
            ("nullable", self.nullable),
            ("intOrString", self.int_or_string),
            (
                "preserveUnknownFields",
                self.preserve_unknown || self.takes_any_key(),
            ),
            ("embeddedResource", self.embedded),
        ] {
            put_some(&mut out, key, on.then_some(true));
        }
        put_some(&mut out, "list", self.list.as_ref());
        put_some(&mut out, "mapType", self.map_type.as_ref());
        put_some(&mut out, "patch", self.patch.as_ref());
        put_some(&mut out, "immutable", self.immutable.as_ref());
        put_many(&mut out, "rules", &self.rules);
        put_many(&mut out, "unions", &self.unions);
        for condition in &self.conditions {
            let value = match (condition.kind, condition.schemas.as_slice()) {
                ("not", [only]) => only.clone(),
                (_, schemas) => json!(schemas),
            };
            out.insert(condition.kind.to_owned(), value);
        }
        put_some(&mut out, "externalDocs", self.external_docs.as_ref());
        put_some(&mut out, "schema", self.schema_name.as_ref());
        out
    }
}

/// What holds for an element, and for its own elements if it is a list or map again.
fn element_chain(element: &Field, levels: usize) -> Value {
    let mut out = element.without_fields();
    if let Some(inner) = element.element().filter(|_| levels > 0) {
        let key = match element_key(element) {
            ElementKind::Item => "items",
            ElementKind::Value => "values",
        };
        out.insert(key.to_owned(), element_chain(inner, levels - 1));
    }
    Value::Object(out)
}

fn element_key(field: &Field) -> ElementKind {
    field.element_kind().unwrap_or(ElementKind::Item)
}

fn put(out: &mut Map<String, Value>, key: &str, value: impl Serialize) {
    // Only maps with keys that are no strings cannot be JSON; there are none.
    if let Ok(value) = serde_json::to_value(value) {
        out.insert(key.to_owned(), value);
    }
}

fn put_some(out: &mut Map<String, Value>, key: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        put(out, key, value);
    }
}

fn put_many<T: Serialize>(out: &mut Map<String, Value>, key: &str, values: &[T]) {
    put_some(out, key, (!values.is_empty()).then_some(values));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_applies_and_no_more() {
        let tree = Field::from_crd(&json!({"type": "object", "properties": {
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 3,
                "items": {"type": "string", "pattern": "^a"}},
            "env": {"type": "array", "items": {"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string", "default": null, "nullable": true}}}}}}))
        .unwrap();
        assert_eq!(
            tree.to_json(Depth::All),
            json!({"type": "Object", "fields": [
                {"name": "env", "type": "[]Object", "fields": [
                    {"name": "name", "type": "string", "required": true, "default": null,
                     "nullable": true}]},
                {"name": "tags", "type": "[]string", "maxItems": 3, "list": {"type": "set"},
                 "items": {"type": "string", "patterns": ["^a"]}}]})
        );
        let shallow = tree.to_json(Depth::Fields);
        assert_eq!(
            shallow["fields"][0],
            json!({"name": "env", "type": "[]Object", "more": true})
        );
    }
}
