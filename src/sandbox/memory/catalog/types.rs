//! The types of the catalog, built from facts.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::file::{FieldFacts, TypeFacts};
use crate::sandbox::memory::types::{
    Field, List, ListKind, Map, Object, Omit, Patch, Scalar, Type, TypeId, Types,
};

/// Held by every field that may hold anything; the schema's own name for it says less.
const ANY: &str = "*";

/// RawExtension is anything as well, and owned as a whole, as kube-openapi's schemaconv has it.
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Gives the types and the ids of the named ones, by their numbers in the file.
pub(super) fn build(facts: &[TypeFacts<'_>]) -> (Types, Vec<TypeId>) {
    let mut types = Types::new();
    let numbers: Vec<TypeId> = facts
        .iter()
        .map(|fact| types.add_named(fact.name, Type::Any))
        .collect();
    let mut builder = Builder {
        types,
        numbers: &numbers,
        known: HashMap::new(),
    };
    for (fact, id) in facts.iter().zip(&numbers) {
        if fact.any && fact.name != RAW_EXTENSION {
            continue;
        }
        let fields = fact.fields.iter().map(|field| builder.field(field));
        let fields = fields.collect();
        let mut object = Object::new(fact.name, fields);
        object.atomic = fact.atomic;
        if fact.any {
            object.atomic = true;
            object.others = Some(builder.type_(ANY));
        }
        builder.types.set(*id, Type::Object(object));
    }
    (builder.types, numbers)
}

/// The kinds of each group-version, and under the empty one those that belong to none.
pub(super) fn kinds(
    kinds: &HashMap<&str, Vec<usize>>,
    facts: &[TypeFacts<'_>],
    numbers: &[TypeId],
) -> HashMap<String, HashMap<String, TypeId>> {
    let of = |all: &Vec<usize>| {
        all.iter()
            .filter_map(|at| {
                let kind = facts.get(*at)?.name.rsplit('.').next()?;
                Some((kind.to_owned(), *numbers.get(*at)?))
            })
            .collect()
    };
    kinds
        .iter()
        .map(|(gv, all)| ((*gv).to_owned(), of(all)))
        .collect()
}

struct Builder<'a> {
    types: Types,
    numbers: &'a [TypeId],
    /// Types without a name, by how they are written.
    known: HashMap<String, TypeId>,
}

impl Builder<'_> {
    fn field(&mut self, facts: &FieldFacts<'_>) -> Field {
        let has = |bit: u32| facts.flags & bit != 0;
        let default = match &facts.default {
            Some(value) => Some(value.clone()),
            None if has(64) => Some(zero(facts.type_)),
            None => None,
        };
        Field {
            name: Arc::from(facts.name),
            type_: self.type_(facts.type_),
            omit: match facts.flags & 7 {
                0 => Omit::Never,
                1 => Omit::Null,
                2 => Omit::Zero,
                4 => Omit::ZeroStruct,
                _ => Omit::Nil,
            },
            required: has(8),
            default,
            patch: Patch {
                merge: has(16),
                retain_keys: has(32),
                key: (!facts.merge_key.is_empty()).then(|| Arc::from(facts.merge_key)),
            },
        }
    }

    /// The type that is written so.
    fn type_(&mut self, text: &str) -> TypeId {
        if let Some(id) = self.known.get(text) {
            return *id;
        }
        if let Some(id) = text.parse().ok().and_then(|at: usize| self.numbers.get(at)) {
            return *id;
        }
        let type_ = self.unnamed(text);
        let id = self.types.add(type_);
        self.known.insert(text.to_owned(), id);
        id
    }

    fn unnamed(&mut self, text: &str) -> Type {
        let (first, rest) = text.split_at(text.len().min(1));
        let list = |item, kind| Type::List(List { item, kind });
        match first {
            "{" | "~" => Type::Map(Map {
                value: self.type_(rest),
                atomic: first == "~",
            }),
            "[" => list(self.type_(rest), ListKind::Atomic),
            "=" => list(self.type_(rest), ListKind::Set),
            "#" => {
                let (keys, item) = rest.split_once(';').unwrap_or_default();
                let keys = keys.split(',').map(Arc::from).collect();
                list(self.type_(item), ListKind::Map(keys))
            }
            letter => scalar(letter).map_or(Type::Any, Type::Scalar),
        }
    }
}

fn scalar(letter: &str) -> Option<Scalar> {
    Some(match letter {
        "s" => Scalar::String,
        "i" => Scalar::Int32,
        "l" => Scalar::Int64,
        "d" => Scalar::Number,
        "b" => Scalar::Boolean,
        "y" => Scalar::Bytes,
        "t" => Scalar::Time,
        "u" => Scalar::MicroTime,
        "r" => Scalar::Duration,
        "q" => Scalar::Quantity,
        "x" => Scalar::IntOrString,
        _ => return None,
    })
}

/// The zero value of the type that is written so, as a schema gives it for a default.
fn zero(text: &str) -> Value {
    match text {
        "i" | "l" | "d" => json!(0),
        "b" => json!(false),
        "s" | "y" | "r" => json!(""),
        _ => json!({}),
    }
}
