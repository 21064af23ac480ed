//! An object of a kind before anything is set.

use serde_json::{Map, Value, json};

use crate::sandbox::memory::types::{Omit, Scalar, Type, TypeId, Types};

/// What `encoding/json` writes of a new object of this type: creation is compared with it, so that
/// nobody owns what is always there.
pub fn zero(types: &Types, type_: TypeId) -> Value {
    let Type::Object(object) = types.get(type_) else {
        return Value::Object(Map::new());
    };
    let fields = object.fields.iter().filter_map(|field| {
        let value = match field.omit {
            Omit::Never => match types.get(field.type_) {
                Type::Object(_) => zero(types, field.type_),
                Type::Scalar(scalar) => scalar_zero(*scalar),
                _ => Value::Null,
            },
            Omit::Null => Value::Null,
            Omit::Zero | Omit::Nil | Omit::ZeroStruct => return None,
        };
        Some((field.name.to_string(), value))
    });
    Value::Object(fields.collect())
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
