//! A schema as it stands in error messages: the JSON of Go's internal type, whose fields have no
//! JSON names.

use std::collections::BTreeMap;

use super::{Additional, Dependency, Items, Rule, Schema};
use crate::sandbox::memory::crd::go;

impl Schema {
    /// The JSON of the whole schema.
    pub(crate) fn show(&self) -> String {
        let mut out = Writer::new();
        out.text("ID", &self.id);
        out.text("Schema", &self.schema);
        out.optional_text("Ref", self.reference.as_deref());
        out.text("Description", &self.description);
        out.text("Type", &self.type_);
        out.raw("Nullable", self.nullable);
        out.text("Format", &self.format);
        out.text("Title", &self.title);
        out.optional("Default", self.default.as_ref().map(go::json));
        out.optional("Maximum", self.maximum.map(float));
        out.raw("ExclusiveMaximum", self.exclusive_maximum);
        out.optional("Minimum", self.minimum.map(float));
        out.raw("ExclusiveMinimum", self.exclusive_minimum);
        out.optional("MaxLength", self.max_length);
        out.optional("MinLength", self.min_length);
        out.text("Pattern", &self.pattern);
        out.optional("MaxItems", self.max_items);
        out.optional("MinItems", self.min_items);
        out.raw("UniqueItems", self.unique_items);
        out.optional("MultipleOf", self.multiple_of.map(float));
        out.list("Enum", &self.enum_, go::json);
        out.optional("MaxProperties", self.max_properties);
        out.optional("MinProperties", self.min_properties);
        out.list("Required", &self.required, |text| string(text));
        out.optional("Items", self.items.as_ref().map(Items::show));
        out.list("AllOf", &self.all_of, Schema::show);
        out.list("OneOf", &self.one_of, Schema::show);
        out.list("AnyOf", &self.any_of, Schema::show);
        out.optional("Not", self.not.as_ref().map(|not| not.show()));
        out.map("Properties", &self.properties, Schema::show);
        let additional = self.additional_properties.as_ref();
        out.optional("AdditionalProperties", additional.map(Additional::show));
        out.map("PatternProperties", &self.pattern_properties, Schema::show);
        let none = BTreeMap::new();
        let dependencies = self.dependencies.as_ref().unwrap_or(&none);
        out.map("Dependencies", dependencies, Dependency::show);
        out.optional(
            "AdditionalItems",
            self.additional_items.as_ref().map(Additional::show),
        );
        out.map("Definitions", &self.definitions, Schema::show);
        let docs = self.external_docs.as_ref().map(|docs| {
            let mut out = Writer::new();
            out.text("Description", &docs.description);
            out.text("URL", &docs.url);
            out.end()
        });
        out.optional("ExternalDocs", docs);
        out.optional("Example", self.example.as_ref().map(go::json));
        out.optional("XPreserveUnknownFields", self.preserve_unknown_fields);
        out.raw("XEmbeddedResource", self.embedded_resource);
        out.raw("XIntOrString", self.int_or_string);
        out.list("XListMapKeys", &self.list_map_keys, |text| string(text));
        out.optional_text("XListType", self.list_type.as_deref());
        out.optional_text("XMapType", self.map_type.as_deref());
        out.list("XValidations", &self.validations, Rule::show);
        out.end()
    }
}

impl Rule {
    /// The JSON of the rule.
    pub(crate) fn show(&self) -> String {
        let mut out = Writer::new();
        out.text("Rule", &self.rule);
        out.text("Message", &self.message);
        out.text("MessageExpression", &self.message_expression);
        out.optional_text("Reason", self.reason.as_deref());
        out.text("FieldPath", &self.field_path);
        out.optional("OptionalOldSelf", self.optional_old_self);
        out.end()
    }
}

impl Items {
    /// The JSON of `JSONSchemaPropsOrArray`.
    pub(crate) fn show(&self) -> String {
        let mut out = Writer::new();
        match self {
            Items::One(item) => {
                out.raw("Schema", item.show());
                out.raw("JSONSchemas", "null");
            }
            Items::Many(items) => {
                out.raw("Schema", "null");
                out.list("JSONSchemas", items, Schema::show);
            }
        }
        out.end()
    }
}

impl Additional {
    fn show(&self) -> String {
        let mut out = Writer::new();
        let (allows, schema) = match self {
            Additional::Allowed(allows) => (*allows, None),
            Additional::Of(schema) => (true, Some(schema.show())),
        };
        out.raw("Allows", allows);
        out.optional("Schema", schema);
        out.end()
    }
}

impl Dependency {
    fn show(&self) -> String {
        let mut out = Writer::new();
        match self {
            Dependency::Schema(schema) => {
                out.raw("Schema", schema.show());
                out.raw("Property", "null");
            }
            Dependency::Properties(names) => {
                out.raw("Schema", "null");
                out.list("Property", names, |text| string(text));
            }
        }
        out.end()
    }
}

fn string(text: &str) -> String {
    let mut out = String::new();
    go::write_json_string(text, &mut out);
    out
}

fn float(float: f64) -> String {
    let number = serde_json::Number::from_f64(float);
    number.map_or_else(String::new, |number| go::json(&number.into()))
}

/// Writes a Go struct as JSON: every field, in order.
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn new() -> Self {
        Writer("{".to_owned())
    }

    /// A field whose value is already JSON, or is written as JSON writes it.
    pub(crate) fn raw(&mut self, name: &str, value: impl ToString) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(&value.to_string());
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, string(value));
    }

    /// A pointer to a text.
    pub(crate) fn optional_text(&mut self, name: &str, value: Option<&str>) {
        self.optional(name, value.map(string));
    }

    /// A pointer.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl ToString>) {
        let value = value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        self.raw(name, value);
    }

    /// A slice; none is null.
    pub(crate) fn list<T>(&mut self, name: &str, items: &[T], show: impl Fn(&T) -> String) {
        let items: Vec<String> = items.iter().map(show).collect();
        let list = (!items.is_empty()).then(|| format!("[{}]", items.join(",")));
        self.optional(name, list);
    }

    fn map<T>(&mut self, name: &str, map: &BTreeMap<String, T>, show: impl Fn(&T) -> String) {
        let entries = map.iter();
        let entries: Vec<String> = entries
            .map(|(key, value)| format!("{}:{}", string(key), show(value)))
            .collect();
        let object = (!entries.is_empty()).then(|| format!("{{{}}}", entries.join(",")));
        self.optional(name, object);
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use serde_json::json;

    #[test]
    fn a_rule_reads_as_in_kubernetes() {
        let schema = read(&json!({"x-kubernetes-validations": [{"rule": "self.foo > 1"}]}));
        assert_eq!(
            schema.unwrap().validations[0].show(),
            "{\"Rule\":\"self.foo \\u003e 1\",\"Message\":\"\",\"MessageExpression\":\"\",\
             \"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}"
        );
    }

    #[test]
    fn a_schema_reads_as_in_kubernetes() {
        let schema = read(&json!({"type": "integer", "maximum": 1, "properties": {"a": {}}}));
        let shown = schema.unwrap().show();
        assert!(shown.starts_with(
            "{\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,\"Description\":\"\",\"Type\":\"integer\",\
             \"Nullable\":false,\"Format\":\"\",\"Title\":\"\",\"Default\":null,\"Maximum\":1,"
        ));
        assert!(shown.contains("\"Properties\":{\"a\":{\"ID\":\"\","));
        assert!(shown.ends_with("\"XMapType\":null,\"XValidations\":null}"));
    }
}
