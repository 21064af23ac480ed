//! An object of a kind before anything is set.

use serde_json::{Map, Value, json};

use crate::sandbox::memory::types::{Field, Omit, Scalar, Type, TypeId, Types};

/// What `encoding/json` writes of a new object of this type: creation is compared with it, so that
/// nobody owns what is always there.
pub fn zero(types: &Types, type_: TypeId) -> Value {
    let mut map = Map::new();
    if let Type::Object(object) = types.get(type_) {
        for field in &object.fields {
            if let Some(value) = field_zero(types, field) {
                map.insert(field.name.to_string(), value);
            }
        }
    }
    Value::Object(map)
}

fn field_zero(types: &Types, field: &Field) -> Option<Value> {
    // The schema gives structs, and not pointers to them, the default `{}`.
    let is_struct = matches!(&field.default, Some(Value::Object(default)) if default.is_empty())
        && matches!(types.get(field.type_), Type::Object(_));
    match (field.omit, is_struct) {
        (Omit::Never | Omit::Zero, true) => Some(zero(types, field.type_)),
        (Omit::Never, false) => Some(match types.get(field.type_) {
            // Where the default is not the zero value, the field is a pointer or is set later.
            Type::Scalar(scalar) => scalar_zero(*scalar),
            _ => Value::Null,
        }),
        _ => None,
    }
}

fn scalar_zero(scalar: Scalar) -> Value {
    match scalar {
        Scalar::String => json!(""),
        Scalar::Int32 | Scalar::Int64 | Scalar::Number | Scalar::IntOrString => json!(0),
        Scalar::Boolean => json!(false),
        Scalar::Quantity => json!("0"),
        Scalar::Duration => json!("0s"),
        Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Untyped => Value::Null,
    }
}
