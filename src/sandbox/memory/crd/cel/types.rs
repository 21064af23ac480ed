//! Types of CEL, and those that a schema stands for (`SchemaDeclType` of apiserver's
//! `pkg/cel/common`).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use super::super::schema::Schema;

/// A type.
#[derive(Clone, Debug)]
pub(super) enum Type<'a> {
    /// Of an expression in which an error was found; it fits everywhere
    Error,
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Timestamp,
    Duration,
    List(Rc<Type<'a>>),
    Map(Rc<(Type<'a>, Type<'a>)>),
    Object(Object<'a>),
    Optional(Rc<Type<'a>>),
    /// That of a type
    Meta(Rc<Type<'a>>),
    /// One of Kubernetes' own, such as `kubernetes.Quantity`
    Opaque(&'static str),
    /// Of a signature
    Param(char),
    /// Not known yet
    Var(usize),
}

/// An object with the fields of a schema.
#[derive(Clone, Debug)]
pub(super) struct Object<'a> {
    pub(super) schema: &'a Schema,
    /// Whether `kind`, `apiVersion` and `metadata` are there whatever the schema says
    pub(super) is_resource: bool,
    /// How errors name it
    name: Rc<str>,
}

/// The metadata that every resource shows to rules.
static METADATA: LazyLock<Schema> = LazyLock::new(|| {
    let text = Schema {
        type_: "string".to_owned(),
        ..Schema::default()
    };
    let names = ["name", "generateName"].map(|name| (name.to_owned(), text.clone()));
    Schema {
        type_: "object".to_owned(),
        properties: BTreeMap::from(names),
        ..Schema::default()
    }
});

/// Text, as `kind` and `apiVersion` of every resource are.
static TEXT: LazyLock<Schema> = LazyLock::new(|| Schema {
    type_: "string".to_owned(),
    ..Schema::default()
});

/// The type of what a schema describes; `None` when rules cannot see it.
pub(super) fn of_schema(schema: &Schema, is_resource: bool) -> Option<Type<'_>> {
    named(schema, is_resource, &Rc::from("selfType"))
}

fn named<'a>(schema: &'a Schema, is_resource: bool, name: &Rc<str>) -> Option<Type<'a>> {
    if schema.int_or_string {
        return Some(Type::Dyn);
    }
    Some(match schema.type_.as_str() {
        "array" => {
            let item = schema.item()?;
            let name = Rc::from(format!("{name}.@idx"));
            Type::List(Rc::new(named(item, item.embedded_resource, &name)?))
        }
        "object" => match schema.additional() {
            Some(value) => {
                let name = Rc::from(format!("{name}.@elem"));
                let value = named(value, value.embedded_resource, &name)?;
                Type::Map(Rc::new((Type::Text, value)))
            }
            None => Type::Object(Object {
                schema,
                is_resource,
                name: Rc::clone(name),
            }),
        },
        "string" => match schema.format.as_str() {
            "byte" => Type::Bytes,
            "duration" => Type::Duration,
            "date" | "date-time" => Type::Timestamp,
            _ => Type::Text,
        },
        "boolean" => Type::Bool,
        "number" => Type::Double,
        "integer" => Type::Int,
        _ => return None,
    })
}

impl<'a> Object<'a> {
    /// The type of a field by its name in CEL.
    pub(super) fn field(&self, name: &str) -> Option<Type<'a>> {
        let schema = property(self.schema, self.is_resource, &unescape(name)?)?;
        let name = Rc::from(format!("{}.{name}", self.name));
        named(schema, schema.embedded_resource, &name)
    }
}

/// The schema of a field by its own name, with what every resource has.
pub(super) fn property<'a>(
    schema: &'a Schema,
    is_resource: bool,
    name: &str,
) -> Option<&'a Schema> {
    if is_resource {
        match name {
            "kind" | "apiVersion" => return Some(&TEXT),
            "metadata" => {
                let own = schema.properties.get(name);
                let has = |metadata: &Schema| {
                    ["name", "generateName"].iter().all(|name| {
                        metadata
                            .properties
                            .get(*name)
                            .is_some_and(|p| p.type_ == "string")
                    })
                };
                return Some(own.filter(|own| has(own)).unwrap_or(&METADATA));
            }
            _ => {}
        }
    }
    schema.properties.get(name)
}

/// How CEL names a field; `None` when it cannot (`pkg/cel/escaping.go`).
pub(super) fn escape(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if KEYWORDS.contains(&name) {
        return Some(format!("__{name}__"));
    }
    if name.chars().all(is_plain) && !name.contains("__") {
        return Some(name.to_owned());
    }
    let mut out = String::with_capacity(name.len() + 8);
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("__") {
            out.push_str("__underscores__");
            rest = tail;
            continue;
        }
        match c {
            '.' => out.push_str("__dot__"),
            '-' => out.push_str("__dash__"),
            '/' => out.push_str("__slash__"),
            c if is_plain(c) => out.push(c),
            _ => return None,
        }
        rest = &rest[c.len_utf8()..];
    }
    Some(out)
}

const KEYWORDS: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The field that CEL names so; `None` when it names none. Keywords may be written as they are.
pub(super) fn unescape(name: &str) -> Option<String> {
    if !name.contains("__") {
        return Some(name.to_owned());
    }
    let inner = name
        .strip_prefix("__")
        .and_then(|rest| rest.strip_suffix("__"));
    if let Some(keyword) = inner.filter(|inner| KEYWORDS.contains(inner)) {
        return Some(keyword.to_owned());
    }
    let plain = name
        .replace("__dot__", ".")
        .replace("__dash__", "-")
        .replace("__slash__", "/")
        .replace("__underscores__", "__");
    (escape(&plain).as_deref() == Some(name)).then_some(plain)
}

impl std::fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Type::Error => f.write_str("!error!"),
            // What is not known in the end counts as anything.
            Type::Dyn | Type::Var(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::Text => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::List(item) => write!(f, "list({item})"),
            Type::Map(entry) => write!(f, "map({}, {})", entry.0, entry.1),
            Type::Object(object) => f.write_str(&object.name),
            Type::Optional(inner) => write!(f, "optional_type({inner})"),
            Type::Meta(inner) => write!(f, "type({inner})"),
            Type::Opaque(name) => f.write_str(name),
            Type::Param(name) => write!(f, "{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        for (name, escaped) in [
            ("a", Some("a")),
            ("my_field", Some("my_field")),
            ("a__b", Some("a__underscores__b")),
            ("a.b-c/d", Some("a__dot__b__dash__c__slash__d")),
            ("namespace", Some("__namespace__")),
            ("9a", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
            if let Some(escaped) = escaped {
                assert_eq!(unescape(escaped).as_deref(), Some(name));
            }
        }
        assert_eq!(unescape("namespace").as_deref(), Some("namespace"));
        assert_eq!(unescape("a__b"), None);
    }
}
