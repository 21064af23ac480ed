//! Where the decoder is, and how Go's errors say that.

use super::super::json::Step;
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::types::{Object, Scalar, Type, TypeId, Types};

/// How one gets from a value into what it contains.
pub(super) enum Part<'a> {
    /// A field of a struct, by its index
    Field(&'a Object, usize),
    /// An entry of a map
    Key(String),
    /// An item of a list
    Index(usize),
}

/// The way from the object to a value in it.
#[derive(Default)]
pub(super) struct Place<'a>(pub(super) Vec<Part<'a>>);

impl Place<'_> {
    /// As warnings say it: `spec.containers[0].name`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.0 {
            let name = match part {
                Part::Field(object, at) => &*object.fields[*at].name,
                Part::Key(key) => key,
                Part::Index(index) => {
                    path.push_str(&format!("[{index}]"));
                    continue;
                }
            };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    /// The same for a look into the text.
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let steps = self.0.iter().map(|part| match part {
            Part::Field(object, at) => Step::Key(&object.fields[*at].name),
            Part::Key(key) => Step::Key(key),
            Part::Index(index) => Step::Index(*index),
        });
        steps.collect()
    }

    /// As errors say it, of the first `length` parts: `Container.spec.containers.name`. Structs that
    /// are embedded are named on the way. `None` where there is no field.
    pub(super) fn go_field(&self, length: usize) -> Option<String> {
        let mut names = Vec::new();
        let mut struct_name = None;
        for part in &self.0[..length] {
            if let Part::Field(object, at) = part {
                let field = &object.fields[*at].name;
                names.extend(catalog().embedded(&object.name, field));
                names.push(field);
                struct_name = Some(object.go_name());
            }
        }
        Some(format!("{}.{}", struct_name?, names.join(".")))
    }

    /// The name of the Go type of what is here, which has the type `type_` in ours.
    pub(super) fn go_type(&self, types: &Types, type_: TypeId) -> String {
        let mut after = 0;
        let mut words = None;
        for (at, part) in self.0.iter().enumerate().rev() {
            if let Part::Field(object, index) = part {
                words = catalog().go_type(&object.name, &object.fields[*index].name);
                after = at + 1;
                break;
            }
        }
        for part in &self.0[after..] {
            words = match part {
                Part::Index(_) => words.and_then(|words| words.strip_prefix("[]")),
                _ => words.and_then(|words| words.strip_prefix("map[string]")),
            };
        }
        words.map_or_else(|| go_type(types, type_), str::to_owned)
    }
}

/// The name of a Go type, as far as our types tell.
fn go_type(types: &Types, type_: TypeId) -> String {
    match types.get(type_) {
        Type::Object(object) => {
            let mut parts = object.name.rsplit('.');
            let (name, package) = (parts.next().unwrap_or_default(), parts.next());
            package.map_or_else(|| name.to_owned(), |package| format!("{package}.{name}"))
        }
        Type::List(list) => format!("[]{}", go_type(types, list.item)),
        Type::Map(map) => format!("map[string]{}", go_type(types, map.value)),
        Type::Any => "interface {}".to_owned(),
        Type::Scalar(scalar) => match scalar {
            Scalar::String => "string",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "int64",
            Scalar::Number => "float64",
            Scalar::Boolean => "bool",
            Scalar::Bytes => "[]uint8",
            Scalar::Time => "v1.Time",
            Scalar::MicroTime => "v1.MicroTime",
            Scalar::Duration => "v1.Duration",
            Scalar::Quantity => "resource.Quantity",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::Untyped => "interface {}",
        }
        .to_owned(),
    }
}
