//! How a field is patched, by its type.

use std::sync::Arc;

use crate::sandbox::memory::apply::go;
use crate::sandbox::memory::types::{Field, Type, TypeId, Types};

use super::{Problem, Result};

/// A type within which fields are looked up.
#[derive(Clone, Copy)]
pub(super) struct Schema<'t> {
    types: &'t Types,
    type_: TypeId,
}

/// How a field is patched.
#[derive(Clone, Copy)]
pub(super) struct How<'t> {
    /// Lists are merged
    pub(super) merge: bool,
    /// By which field of their items
    pub(super) key: Option<&'t Arc<str>>,
    /// Objects are replaced
    pub(super) is_replaced: bool,
}

impl<'t> Schema<'t> {
    pub(super) fn new(types: &'t Types, type_: TypeId) -> Self {
        Schema { types, type_ }
    }

    /// A field that holds an object.
    pub(super) fn field(self, key: &str) -> Result<(Self, How<'t>)> {
        let (field, owner) = self.find(key)?;
        let how = How {
            merge: field.patch.merge,
            key: field.patch.key.as_ref(),
            // `patchStrategy:"replace"` stands at this one field, and its OpenAPI says so, too.
            is_replaced: owner == "io.k8s.api.policy.v1.PodDisruptionBudgetSpec"
                && &*field.name == "selector",
        };
        Ok((Schema::new(self.types, field.type_), how))
    }

    /// A field that holds a list: the type of its items.
    pub(super) fn items(self, key: &str) -> Result<(Self, How<'t>)> {
        let (field, how) = self.field(key)?;
        match self.types.get(field.type_) {
            Type::List(list) => match self.types.get(list.item) {
                Type::List(_) => Err(Problem::Plain("unexpected slice of slice".to_owned())),
                _ => Ok((Schema::new(self.types, list.item), how)),
            },
            _ => {
                let kind = self.kind();
                Err(Problem::Plain(format!(
                    "expected slice or array type, but got: {kind}"
                )))
            }
        }
    }

    /// The field of that name, as Go's decoder finds it: in another case if need be; with the name
    /// of the type that has it.
    fn find(self, key: &str) -> Result<(&'t Field, &'t str)> {
        match self.types.get(self.type_) {
            Type::Object(object) => {
                let other = || {
                    object
                        .fields
                        .iter()
                        .find(|f| f.name.eq_ignore_ascii_case(key))
                };
                let field = object.field(key).or_else(other);
                let name = object.go_name();
                field
                    .map(|field| (field, &*object.name))
                    .ok_or_else(|| not_found(name, key))
            }
            Type::Any => Err(not_found("RawExtension", key)),
            _ => {
                let kind = self.kind();
                Err(Problem::Plain(format!(
                    "merging an object in json but data type is not struct, instead is: {kind}"
                )))
            }
        }
    }

    /// The kind of the Go type.
    pub(super) fn kind(self) -> &'static str {
        match self.types.get(self.type_) {
            Type::Object(_) | Type::Any => "struct",
            Type::Map(_) => "map",
            Type::List(_) => "slice",
            Type::Scalar(scalar) => super::super::convert::go_kind(*scalar),
        }
    }
}

fn not_found(type_: &str, key: &str) -> Problem {
    let key = go::quote(key);
    Problem::Plain(format!(
        "unable to find api field in struct {type_} for the json field {key}"
    ))
}
