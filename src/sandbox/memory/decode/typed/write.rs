//! An object as Go's encoder writes it.

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{Field, Object, Omit, Scalar, Type, TypeId, Types};

/// The zero value of a type, as Go writes it.
pub(super) fn zero(types: &Types, type_: TypeId) -> Value {
    match types.get(type_) {
        Type::Object(object) if is_raw(object) => Value::Null,
        Type::Object(object) => {
            Value::Object(write(types, object, vec![None; object.fields.len()]))
        }
        Type::Map(_) | Type::List(_) | Type::Any => Value::Null,
        Type::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Duration => Value::from(""),
            Scalar::Int32 | Scalar::Int64 | Scalar::Number | Scalar::IntOrString => Value::from(0),
            Scalar::Boolean => Value::Bool(false),
            Scalar::Quantity => Value::from("0"),
            Scalar::Time | Scalar::MicroTime | Scalar::Untyped => Value::Null,
        },
    }
}

/// RawExtension: anything is kept.
pub(super) fn is_raw(object: &Object) -> bool {
    object.fields.is_empty() && object.others.is_some()
}

/// Puts fields that were decoded into Go's order, adds those that Go writes always and takes out
/// those that it leaves out. Keys that are no fields follow where the type has others, and go where
/// it has not.
pub(super) fn arrange(types: &Types, object: &Object, map: &mut Map<String, Value>) {
    if is_arranged(types, object, map) {
        return;
    }
    let mut given = vec![None; object.fields.len()];
    let mut others = Map::new();
    for (key, value) in std::mem::take(map) {
        match object.index.get(key.as_str()) {
            Some(at) if value.is_null() => given[*at] = None,
            Some(at) => given[*at] = Some(value),
            None if object.others.is_some() => {
                others.insert(key, value);
            }
            None => {}
        }
    }
    *map = write(types, object, given);
    map.extend(others);
}

/// Whether that would change nothing: what was decoded once is mostly so.
fn is_arranged(types: &Types, object: &Object, map: &Map<String, Value>) -> bool {
    let mut fields = object.fields.iter();
    let is_optional = |field: &Field| !matches!(field.omit, Omit::Never | Omit::Null);
    let is_next = |(key, value): (&String, &Value)| {
        for field in fields.by_ref() {
            if *field.name == **key {
                return stays(types, field, value);
            }
            if !is_optional(field) {
                return false;
            }
        }
        false
    };
    map.iter().all(is_next) && fields.all(is_optional)
}

/// The fields that were given, by their index, in Go's order.
fn write(types: &Types, object: &Object, given: Vec<Option<Value>>) -> Map<String, Value> {
    let mut map = Map::new();
    for (field, value) in object.fields.iter().zip(given) {
        let value = match value {
            Some(value) if stays(types, field, &value) => value,
            _ => match field.omit {
                Omit::Never => zero(types, field.type_),
                Omit::Null => Value::Null,
                Omit::Zero | Omit::Nil | Omit::ZeroStruct => continue,
            },
        };
        map.insert(field.name.to_string(), value);
    }
    map
}

/// Whether a field that has this value is written with it.
fn stays(types: &Types, field: &Field, value: &Value) -> bool {
    match field.omit {
        Omit::Zero => !is_zero(value),
        // What is stored does not tell an empty list from none.
        Omit::Null => {
            let is_many = matches!(types.get(field.type_), Type::List(_) | Type::Map(_));
            value.is_null() || !(is_many && is_zero(value))
        }
        Omit::Never | Omit::Nil | Omit::ZeroStruct => !value.is_null(),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
