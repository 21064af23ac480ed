//! From a patched map to a typed object without JSON in between, as apimachinery's
//! `runtime.DefaultUnstructuredConverter` does it after a strategic merge patch: its words for what
//! does not fit are its own, and integers are cut to their size.

use serde_json::{Number, Value};

use crate::sandbox::memory::apply::go;
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::types::{Scalar, Type, TypeId, Types};

/// Makes numbers what their fields hold. The error is the sentence about the first value that is of
/// another type; texts that have a form, such as times and quantities, are left to the decoder.
pub(super) fn convert(types: &Types, type_: TypeId, value: &mut Value) -> Result<(), String> {
    place(types, type_, value).map_err(|wrong| wrong.words("string"))
}

/// What is wrong with a value.
enum Wrong {
    /// All the words
    Words(String),
    /// A number where text should be: the words name the field's Go type
    NumberForText,
}

impl Wrong {
    fn words(self, go_type: &str) -> String {
        match self {
            Wrong::Words(words) => words,
            Wrong::NumberForText => format!("cannot convert int64 to {go_type}"),
        }
    }
}

fn place(types: &Types, type_: TypeId, value: &mut Value) -> Result<(), Wrong> {
    let words = |words: String| Err(Wrong::Words(words));
    match (types.get(type_), value) {
        (_, Value::Null) | (Type::Any, _) => Ok(()),
        (Type::Object(object), Value::Object(map)) => object.fields.iter().try_for_each(|field| {
            let Some(value) = map.get_mut(&*field.name) else {
                return Ok(());
            };
            place(types, field.type_, value).map_err(|wrong| {
                let named = catalog()
                    .go_type(&object.name, &field.name)
                    .unwrap_or("string");
                let of_items = named.trim_start_matches("[]").rsplit(']').next();
                Wrong::Words(wrong.words(of_items.unwrap_or(named)))
            })
        }),
        (Type::Object(_), other) => {
            words(format!("cannot restore struct from: {}", kind_of(other)))
        }
        (Type::Map(of), Value::Object(map)) => map
            .values_mut()
            .try_for_each(|value| place(types, of.value, value)),
        (Type::Map(_), other) => words(format!("cannot restore map from {}", kind_of(other))),
        (Type::List(list), Value::Array(items)) => items
            .iter_mut()
            .try_for_each(|item| place(types, list.item, item)),
        (Type::List(_), other) => words(format!("cannot restore slice from {}", kind_of(other))),
        (Type::Scalar(scalar), value) => single(*scalar, value),
    }
}

fn single(scalar: Scalar, value: &mut Value) -> Result<(), Wrong> {
    let kind = go_kind(scalar);
    match (scalar, &*value) {
        (Scalar::Boolean, Value::Bool(_)) | (Scalar::String, Value::String(_)) => Ok(()),
        (Scalar::Int32 | Scalar::Int64, Value::Number(number)) => {
            let number = cut(number, scalar == Scalar::Int32)
                .ok_or_else(|| Wrong::Words(format!("cannot convert float64 to {kind}")))?;
            *value = Value::Number(number);
            Ok(())
        }
        (Scalar::Number, Value::Number(_)) => Ok(()),
        // Go makes text of an integer as of a character, which the converter does not let it do.
        (Scalar::String, Value::Number(number)) if number.is_i64() => Err(Wrong::NumberForText),
        (Scalar::Bytes, Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            let words = format!("cannot restore slice from {}", kind_of(value));
            Err(Wrong::Words(words))
        }
        (Scalar::Boolean | Scalar::String | Scalar::Int32 | Scalar::Int64 | Scalar::Number, _) => {
            Err(Wrong::Words(format!("unrecognized type: {kind}")))
        }
        _ => Ok(()),
    }
}

/// The whole number that Go's conversion makes.
fn cut(number: &Number, to_32_bits: bool) -> Option<Number> {
    let whole = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        #[expect(clippy::cast_possible_truncation)]
        (None, Some(float)) if float.fract() == 0.0 => float as i64,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation)]
    let cut = if to_32_bits {
        i64::from(whole as i32)
    } else {
        whole
    };
    Some(Number::from(cut))
}

/// The kind of a decoded value, as Go's `reflect` names it.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        other => go::type_name(other),
    }
}

/// The kind of the Go type of a single value.
pub(super) fn go_kind(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "string",
        Scalar::Int32 => "int32",
        Scalar::Int64 => "int64",
        Scalar::Number => "float64",
        Scalar::Boolean => "bool",
        Scalar::Bytes => "slice",
        Scalar::Time
        | Scalar::MicroTime
        | Scalar::Duration
        | Scalar::Quantity
        | Scalar::IntOrString
        | Scalar::Untyped => "struct",
    }
}
