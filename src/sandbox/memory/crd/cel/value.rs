//! Values while an expression is evaluated. Those of an object stay where they are and are seen
//! through its schema (`pkg/cel/common/values.go` of apiserver).

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::rc::Rc;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::correlate::Keyed;
use super::super::format;
use super::super::go;
use super::super::schema::Schema;
use super::semver::Semver;
use super::types::{escape, property, unescape};
use super::url::Url;
use crate::sandbox::memory::quantity::Quantity;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'a>),
    Bytes(Rc<[u8]>),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    List(List<'a>),
    Map(Map<'a>),
    Optional(Option<Rc<Val<'a>>>),
    /// A type, by its name
    Type(Rc<str>),
    Quantity(Rc<Quantity>),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
    Url(Rc<Url>),
    Semver(Rc<Semver>),
    /// A named format
    Format(&'static str),
}

/// Text of the object or of its own.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    /// Items of the object, with the schema of the list
    Json(&'a [Value], &'a Schema),
    Owned(Rc<Vec<Val<'a>>>),
}

#[derive(Clone, Debug)]
pub(super) enum Map<'a> {
    /// A map or an object with the fields of a schema
    Json(&'a serde_json::Map<String, Value>, Shape<'a>),
    Owned(Rc<BTreeMap<Key, Val<'a>>>),
}

/// What the entries of a JSON object are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<'a> {
    /// Any keys, values of one schema
    Map(&'a Schema),
    /// Fields; whether it is a resource, which has more of them than its schema says
    Object(&'a Schema, bool),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Rc<str>),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Owned(text) => text,
        }
    }
}

impl<'a> Val<'a> {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Val::Text(Text::Owned(Rc::from(text.as_ref())))
    }

    pub(super) fn list(items: Vec<Val<'a>>) -> Self {
        Val::List(List::Owned(Rc::new(items)))
    }

    pub(super) fn some(value: Val<'a>) -> Self {
        Val::Optional(Some(Rc::new(value)))
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Val::Null => "null_type",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::Uint(_) => "uint",
            Val::Double(_) => "double",
            Val::Text(_) => "string",
            Val::Bytes(_) => "bytes",
            Val::Timestamp(_) => "google.protobuf.Timestamp",
            Val::Duration(_) => "google.protobuf.Duration",
            Val::List(_) => "list",
            Val::Map(_) => "map",
            Val::Optional(_) => "optional_type",
            Val::Type(_) => "type",
            Val::Quantity(_) => "kubernetes.Quantity",
            Val::Ip(_) => "net.IP",
            Val::Cidr(..) => "net.CIDR",
            Val::Url(_) => "kubernetes.URL",
            Val::Semver(_) => "kubernetes.Semver",
            Val::Format(_) => "kubernetes.NamedFormat",
        }
    }

    /// A value of an object as its schema has it; or what is wrong with it.
    pub(super) fn of_json(
        value: &'a Value,
        schema: &'a Schema,
        is_resource: bool,
    ) -> Result<Val<'a>, String> {
        if value.is_null() {
            return if schema.nullable {
                Ok(Val::Null)
            } else {
                Err("invalid data, got null for schema with nullable=false".to_owned())
            };
        }
        if schema.int_or_string {
            return match value {
                Value::String(text) => Ok(Val::Text(Text::Borrowed(text))),
                Value::Number(number) if go::integer(number).is_some() => {
                    Ok(Val::Int(go::integer(number).unwrap_or_default()))
                }
                _ => Err(
                    "invalid data, expected XIntOrString value to be either a string or integer"
                        .to_owned(),
                ),
            };
        }
        let type_ = schema.type_.as_str();
        match (type_, value) {
            ("object", Value::Object(map)) => Ok(Val::Map(Map::Json(
                map,
                match schema.additional() {
                    Some(value) if schema.properties.is_empty() && !is_resource => {
                        Shape::Map(value)
                    }
                    _ => Shape::Object(schema, is_resource),
                },
            ))),
            ("array", Value::Array(items)) => Ok(Val::List(List::Json(items, schema))),
            ("string", Value::String(text)) => Val::of_text(text, &schema.format),
            ("number", Value::Number(number)) => {
                Ok(Val::Double(number.as_f64().unwrap_or_default()))
            }
            ("integer", Value::Number(number)) => {
                Ok(Val::Int(go::integer(number).unwrap_or_else(|| {
                    number.as_f64().unwrap_or_default() as i64
                })))
            }
            ("boolean", Value::Bool(is)) => Ok(Val::Bool(*is)),
            _ => Err(match type_ {
                "object" => "invalid data, expected a map for the provided schema with type=object",
                "array" => {
                    "invalid data, expected an array for the provided schema with type=array"
                }
                _ => "invalid data, of another type than the schema's",
            }
            .to_owned()),
        }
    }

    fn of_text(text: &'a str, format: &str) -> Result<Val<'a>, String> {
        let invalid = |what: &str| format!("Invalid {what} {text}");
        Ok(match format {
            "duration" => {
                let nanoseconds =
                    format::parse_duration(text).ok_or_else(|| invalid("duration"))?;
                let nanoseconds = i64::try_from(nanoseconds).map_err(|_| invalid("duration"))?;
                Val::Duration(SignedDuration::from_nanos(nanoseconds))
            }
            "date" => {
                let time = format!("{text}T00:00:00Z");
                let time = Some(time).filter(|_| format::is_date(text));
                let time = time.and_then(|time| time.parse().ok());
                Val::Timestamp(time.ok_or_else(|| invalid("date formatted string"))?)
            }
            "date-time" => {
                let time = text
                    .parse()
                    .map_err(|_| invalid("date-time formatted string"))?;
                Val::Timestamp(time)
            }
            "byte" => {
                let decoded = base64::engine::general_purpose::STANDARD.decode(text);
                Val::Bytes(
                    decoded
                        .map_err(|_| invalid("byte formatted string"))?
                        .into(),
                )
            }
            _ => Val::Text(Text::Borrowed(text)),
        })
    }

    /// The key that a value is, when it can be one.
    pub(super) fn to_key(&self) -> Option<Key> {
        Some(match self {
            Val::Bool(is) => Key::Bool(*is),
            Val::Int(number) => Key::Int(*number),
            Val::Uint(number) => Key::Uint(*number),
            Val::Double(number) if number.fract() == 0.0 && number.abs() < 9e18 => {
                Key::Int(*number as i64)
            }
            Val::Text(text) => Key::Text(Rc::from(text.as_str())),
            _ => return None,
        })
    }

    /// `==`: numbers are compared as such, whatever their types.
    pub(super) fn equals(&self, other: &Val<'a>) -> Result<bool, String> {
        Ok(match (self, other) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            (Val::Text(a), Val::Text(b)) => a.as_str() == b.as_str(),
            (Val::Bytes(a), Val::Bytes(b)) => a == b,
            (Val::Timestamp(a), Val::Timestamp(b)) => a == b,
            (Val::Duration(a), Val::Duration(b)) => a == b,
            (Val::Type(a), Val::Type(b)) => a == b,
            (Val::Optional(None), Val::Optional(None)) => true,
            (Val::Optional(Some(a)), Val::Optional(Some(b))) => a.equals(b)?,
            (Val::Quantity(a), Val::Quantity(b)) => a == b,
            (Val::Ip(a), Val::Ip(b)) => a == b,
            (Val::Cidr(a, length), Val::Cidr(b, other)) => (a, length) == (b, other),
            (Val::Format(a), Val::Format(b)) => a == b,
            (Val::Url(a), Val::Url(b)) => a == b,
            (Val::Semver(a), Val::Semver(b)) => a == b,
            (Val::List(a), Val::List(b)) => a.equals(b)?,
            (Val::Map(a), Val::Map(b)) => a.equals(b)?,
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        })
    }

    /// A text that is the same for equal values only, by which items of sets are told apart.
    fn identity(&self) -> String {
        let mut out = String::new();
        self.write_identity(&mut out);
        out
    }

    fn write_identity(&self, out: &mut String) {
        // Writing into a String does not fail.
        let _ = match self {
            Val::Int(number) => write!(out, "{number}"),
            Val::Uint(number) => write!(out, "{number}"),
            Val::Double(number) => write!(out, "{number}"),
            Val::Text(text) => write!(out, "{:?}", text.as_str()),
            Val::List(list) => {
                out.push('[');
                for at in 0..list.len() {
                    if let Some(Ok(item)) = list.get(at) {
                        item.write_identity(out);
                    }
                    out.push(',');
                }
                out.push(']');
                Ok(())
            }
            Val::Map(map) => {
                out.push('{');
                let mut keys = map.keys();
                keys.sort();
                for key in keys {
                    let _ = write!(out, "{key:?}:");
                    if let Some(Ok(value)) = map.get(&key) {
                        value.write_identity(out);
                    }
                    out.push(',');
                }
                out.push('}');
                Ok(())
            }
            other => write!(out, "{other:?}"),
        };
    }

    fn compare_numbers(&self, other: &Val<'a>) -> Option<Ordering> {
        let wide = |value: &Val<'a>| match value {
            Val::Int(number) => Some(i128::from(*number)),
            Val::Uint(number) => Some(i128::from(*number)),
            _ => None,
        };
        match (self, other) {
            (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
            (Val::Double(a), b) => compare_double(*a, wide(b)?),
            (a, Val::Double(b)) => compare_double(*b, wide(a)?).map(Ordering::reverse),
            (a, b) => Some(wide(a)?.cmp(&wide(b)?)),
        }
    }

    /// `<` and the like; `None` when the two cannot be compared.
    pub(super) fn compare(&self, other: &Val<'a>) -> Option<Ordering> {
        match (self, other) {
            (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
            (Val::Text(a), Val::Text(b)) => Some(a.as_str().cmp(b.as_str())),
            (Val::Bytes(a), Val::Bytes(b)) => Some(a.cmp(b)),
            (Val::Timestamp(a), Val::Timestamp(b)) => Some(a.cmp(b)),
            (Val::Duration(a), Val::Duration(b)) => Some(a.cmp(b)),
            _ => self.compare_numbers(other),
        }
    }
}

fn compare_double(double: f64, number: i128) -> Option<Ordering> {
    // Every integer in question has an exact double within an ulp; beyond that the sign decides.
    let whole = double.floor();
    if double.is_nan() {
        return None;
    }
    if whole.abs() >= 1e30 {
        return Some(if double > 0.0 {
            Ordering::Greater
        } else {
            Ordering::Less
        });
    }
    Some((whole as i128).cmp(&number).then(if double > whole {
        Ordering::Greater
    } else {
        Ordering::Equal
    }))
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            List::Json(items, _) => items.len(),
            List::Owned(items) => items.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<Result<Val<'a>, String>> {
        match self {
            List::Json(items, schema) => {
                let item_schema = schema.item()?;
                let item = items.get(at)?;
                Some(Val::of_json(
                    item,
                    item_schema,
                    item_schema.embedded_resource,
                ))
            }
            List::Owned(items) => items.get(at).cloned().map(Ok),
        }
    }

    pub(super) fn items(&self) -> Result<Vec<Val<'a>>, String> {
        (0..self.len()).filter_map(|at| self.get(at)).collect()
    }

    pub(super) fn contains(&self, value: &Val<'a>) -> Result<bool, String> {
        for item in self.items()? {
            if item.equals(value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn list_type(&self) -> &str {
        match self {
            List::Json(_, schema) => schema.list_type.as_deref().unwrap_or_default(),
            List::Owned(_) => "",
        }
    }

    /// Sets are equal in any order, and so are lists whose items have keys.
    fn equals(&self, other: &List<'a>) -> Result<bool, String> {
        if self.len() != other.len() {
            return Ok(false);
        }
        let (own, others) = (self.items()?, other.items()?);
        match (self.list_type(), self, other) {
            ("set", ..) => {
                let others: HashSet<String> = others.iter().map(Val::identity).collect();
                Ok(own.iter().all(|item| others.contains(&item.identity())))
            }
            ("map", List::Json(items, schema), List::Json(other_items, _)) => {
                let keyed = Keyed::new(schema, other_items);
                for (item, value) in items.iter().zip(&own) {
                    let same = keyed.get(item).and_then(|found| {
                        other_items
                            .iter()
                            .position(|item| std::ptr::eq(item, found))
                    });
                    match same {
                        Some(at) if value.equals(&others[at])? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            _ => {
                for (a, b) in own.iter().zip(&others) {
                    if !a.equals(b)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// `+`: what is there already in a set or under the same keys is not there twice.
    pub(super) fn join(&self, other: &List<'a>) -> Result<Val<'a>, String> {
        let mut joined = self.items()?;
        match (self.list_type(), self, other) {
            ("set", ..) => {
                let mut known: HashSet<String> = joined.iter().map(Val::identity).collect();
                let others = other.items()?.into_iter();
                joined.extend(others.filter(|item| known.insert(item.identity())));
            }
            ("map", List::Json(items, schema), List::Json(other_items, _)) => {
                let keyed = Keyed::new(schema, items);
                for (item, value) in other_items.iter().zip(other.items()?) {
                    let same = keyed
                        .get(item)
                        .and_then(|found| items.iter().position(|item| std::ptr::eq(item, found)));
                    match same {
                        Some(at) => joined[at] = value,
                        None => joined.push(value),
                    }
                }
            }
            _ => joined.extend(other.items()?),
        }
        Ok(Val::list(joined))
    }
}

impl<'a> Map<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Map::Json(map, _) => map.len(),
            Map::Owned(map) => map.len(),
        }
    }

    /// The value of a key, or of a field by its name in CEL.
    pub(super) fn get(&self, key: &Key) -> Option<Result<Val<'a>, String>> {
        match (self, key) {
            (Map::Json(map, Shape::Map(schema)), Key::Text(name)) => {
                let value = map.get(&**name)?;
                Some(Val::of_json(value, schema, schema.embedded_resource))
            }
            (Map::Json(map, Shape::Object(schema, is_resource)), Key::Text(name)) => {
                let name = unescape(name)?;
                let field = property(schema, *is_resource, &name)?;
                // A null where one may be is as if nothing were there.
                let value = map.get(&name).filter(|value| !value.is_null())?;
                Some(Val::of_json(value, field, field.embedded_resource))
            }
            (Map::Json(..), _) => None,
            (Map::Owned(map), key) => {
                let found = map.get(key).or_else(|| map.get(&other_sign(key)?));
                found.cloned().map(Ok)
            }
        }
    }

    /// The keys, in order. An object shows only fields of its schema.
    pub(super) fn keys(&self) -> Vec<Key> {
        match self {
            Map::Json(map, Shape::Map(_)) => map
                .keys()
                .map(|key| Key::Text(Rc::from(key.as_str())))
                .collect(),
            Map::Json(map, Shape::Object(schema, is_resource)) => map
                .keys()
                .filter(|name| property(schema, *is_resource, name).is_some())
                .filter_map(|name| Some(Key::Text(Rc::from(escape(name)?.as_str()))))
                .collect(),
            Map::Owned(map) => map.keys().cloned().collect(),
        }
    }

    fn equals(&self, other: &Map<'a>) -> Result<bool, String> {
        let keys = self.keys();
        if self.len() != other.len() {
            return Ok(false);
        }
        for key in keys {
            match (self.get(&key), other.get(&key)) {
                (None, None) => {}
                (Some(a), Some(b)) if a.clone()?.equals(&b.clone()?)? => {}
                _ => return Ok(false),
            }
        }
        if let (Map::Json(own, Shape::Object(schema, is_resource)), Map::Json(others, _)) =
            (self, other)
        {
            // What the schema does not know is compared as it is, where both have it.
            let differs = |(name, value): (&String, &Value)| {
                property(schema, *is_resource, name).is_none()
                    && others.get(name).is_some_and(|other| other != value)
            };
            return Ok(!own.iter().any(differs));
        }
        Ok(true)
    }
}

/// The same number as a key of the other type of integers.
fn other_sign(key: &Key) -> Option<Key> {
    match key {
        Key::Int(number) => u64::try_from(*number).ok().map(Key::Uint),
        Key::Uint(number) => i64::try_from(*number).ok().map(Key::Int),
        _ => None,
    }
}

impl Key {
    pub(super) fn to_val<'a>(&self) -> Val<'a> {
        match self {
            Key::Bool(is) => Val::Bool(*is),
            Key::Int(number) => Val::Int(*number),
            Key::Uint(number) => Val::Uint(*number),
            Key::Text(text) => Val::Text(Text::Owned(Rc::clone(text))),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Bool(is) => write!(f, "{is}"),
            Key::Int(number) => write!(f, "{number}"),
            Key::Uint(number) => write!(f, "{number}"),
            Key::Text(text) => f.write_str(text),
        }
    }
}
