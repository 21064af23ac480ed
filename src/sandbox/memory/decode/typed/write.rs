//! An object as Go's encoder writes it.

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{Field, Object, Omit, Scalar, Type, TypeId, Types};

/// The zero value of a type, as Go writes it.
pub(super) fn zero(types: &Types, type_: TypeId) -> Value {
    match types.get(type_) {
        Type::Object(object) if is_raw(object) => Value::Null,
        Type::Object(object) => write(types, object, Vec::new()),
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

/// Writes the fields that were given, by their index, in Go's order.
pub(super) fn write(types: &Types, object: &Object, mut given: Vec<Option<Value>>) -> Value {
    given.resize(object.fields.len(), None);
    let mut map = Map::new();
    for (field, value) in object.fields.iter().zip(given) {
        if let Some(value) = written(types, field, value) {
            map.insert(field.name.to_string(), value);
        }
    }
    Value::Object(map)
}

fn written(types: &Types, field: &Field, value: Option<Value>) -> Option<Value> {
    match (field.omit, value) {
        (Omit::Never, None) => Some(zero(types, field.type_)),
        (Omit::Null, None) => Some(Value::Null),
        (Omit::Zero | Omit::Nil | Omit::ZeroStruct, None) => None,
        (Omit::Zero, Some(value)) => (!is_zero(&value)).then_some(value),
        (Omit::ZeroStruct, Some(value)) => (!value.is_null()).then_some(value),
        // What is stored does not tell an empty list from none.
        (Omit::Null, Some(value)) => {
            let is_many = matches!(types.get(field.type_), Type::List(_) | Type::Map(_));
            Some(if is_many && is_zero(&value) {
                Value::Null
            } else {
                value
            })
        }
        (Omit::Never | Omit::Nil, Some(value)) => Some(value),
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
