//! What a field may hold: the types of built-in kinds, from the catalog, and those of custom
//! resources, from their schemas, in one form.
//!
//! Decoding, unknown fields, zero values, strategic merge patches and field ownership all read it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

/// A type within its [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// Types that refer to each other; some contain themselves.
#[derive(Clone, Debug, Default)]
pub struct Types {
    all: Vec<Type>,
    named: HashMap<Arc<str>, TypeId>,
}

/// One type.
#[derive(Clone, Debug)]
pub enum Type {
    /// Fields with names of their own
    Object(Object),
    /// Any keys, values of one type
    Map(Map),
    /// Items of one type
    List(List),
    /// A single value
    Scalar(Scalar),
    /// Anything, kept as it is: RawExtension, JSON, FieldsV1, an embedded object of unknown kind.
    /// For field ownership its structure is deduced from its values, lists being atomic.
    Any,
}

/// A single value, with what its format asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text
    String,
    /// A Go `int32`
    Int32,
    /// A Go `int64`
    Int64,
    /// A Go `float64`
    Number,
    /// true or false
    Boolean,
    /// Base64 of bytes
    Bytes,
    /// RFC 3339, seconds (meta/v1 Time)
    Time,
    /// RFC 3339, microseconds (meta/v1 MicroTime)
    MicroTime,
    /// A Go duration as text (meta/v1 Duration)
    Duration,
    /// A resource quantity: text or a number, written in canonical form
    Quantity,
    /// An int32 or text
    IntOrString,
    /// Any single value: of a custom resource's field without a type
    Untyped,
}

/// See [`Type::Object`].
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The schema's name, such as `io.k8s.api.apps.v1.DeploymentSpec`; empty in custom resources.
    pub name: Arc<str>,
    /// Fields, in the order in which Go writes them.
    pub fields: Vec<Field>,
    /// Where each field is in `fields`.
    pub index: HashMap<Arc<str>, usize>,
    /// Owned and replaced as a whole (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// What fields that are not named may hold; `None` where there are no others
    /// (`x-kubernetes-preserve-unknown-fields` gives [`Type::Any`]).
    pub others: Option<TypeId>,
}

/// One field of an [`Object`].
#[derive(Clone, Debug)]
pub struct Field {
    /// Its JSON name
    pub name: Arc<str>,
    /// What it holds
    pub type_: TypeId,
    /// When Go leaves it out
    pub omit: Omit,
    /// Listed as required
    pub required: bool,
    /// What it is when it is left out, as far as the schema says
    pub default: Option<Value>,
    /// How a strategic merge patch treats it
    pub patch: Patch,
}

/// When an empty field is not written (`encoding/json` tags in k8s.io/api).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Omit {
    /// Always written, with its zero value when it was not given: text, numbers and booleans without
    /// `omitempty`, and structs with or without it, since Go takes none for empty.
    Never,
    /// Always written, as `null` when it was not given: a pointer, list or map without `omitempty`,
    /// and structs that write themselves so, such as Time and RawExtension.
    Null,
    /// Left out when it is the zero value: `omitempty` on what is no pointer. An empty list or map,
    /// `0`, `""` and `false` go.
    Zero,
    /// Left out only when it was not given: `omitempty` on a pointer. An explicit `0` stays.
    #[default]
    Nil,
    /// A struct that is left out when all its fields are empty: `omitzero`.
    ZeroStruct,
}

/// `x-kubernetes-patch-strategy` and `-merge-key`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists are merged: by `key` where they hold objects, as sets otherwise
    pub merge: bool,
    /// `$retainKeys` is respected
    pub retain_keys: bool,
    /// By which field items are told apart
    pub key: Option<Arc<str>>,
}

/// See [`Type::Map`].
#[derive(Clone, Debug)]
pub struct Map {
    /// What every value is
    pub value: TypeId,
    /// Owned and replaced as a whole
    pub atomic: bool,
}

/// See [`Type::List`].
#[derive(Clone, Debug)]
pub struct List {
    /// What every item is
    pub item: TypeId,
    /// How items are told apart
    pub kind: ListKind,
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListKind {
    /// Owned and replaced as a whole; also where nothing is said
    #[default]
    Atomic,
    /// Each value once
    Set,
    /// Objects, told apart by these fields, in the schema's order
    Map(Vec<Arc<str>>),
}

impl Types {
    /// No types.
    pub fn new() -> Self {
        Types::default()
    }

    /// Adds a type.
    pub fn add(&mut self, type_: Type) -> TypeId {
        // A CRD is limited to 3 MiB and the catalog is ours: far fewer than u32 holds.
        let id = TypeId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(type_);
        id
    }

    /// Adds a type under a name that others can find; a placeholder may be [`set`](Self::set) later.
    pub fn add_named(&mut self, name: &str, type_: Type) -> TypeId {
        let id = self.add(type_);
        self.named.insert(Arc::from(name), id);
        id
    }

    /// Replaces a type, so that types may refer to each other.
    pub fn set(&mut self, id: TypeId, type_: Type) {
        self.all[id.0 as usize] = type_;
    }

    /// The type of that id, which must come from this collection.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.all[id.0 as usize]
    }

    /// The type of that name, such as `io.k8s.api.core.v1.Pod`.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        self.named.get(name).copied()
    }
}

impl Object {
    /// An object of these fields.
    pub fn new(name: &str, fields: Vec<Field>) -> Self {
        let names = fields.iter().enumerate();
        Object {
            name: Arc::from(name),
            index: names
                .map(|(at, field)| (Arc::clone(&field.name), at))
                .collect(),
            fields,
            ..Object::default()
        }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index.get(name).map(|at| &self.fields[*at])
    }

    /// The type of the field or other key of that name.
    pub fn type_of(&self, name: &str) -> Option<TypeId> {
        self.field(name).map(|field| field.type_).or(self.others)
    }

    /// The name of the Go struct: the last part of the schema's name.
    pub fn go_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

impl Field {
    /// A field that is left out when it is not given.
    pub fn new(name: &str, type_: TypeId) -> Self {
        Field {
            name: Arc::from(name),
            type_,
            omit: Omit::Nil,
            required: false,
            default: None,
            patch: Patch::default(),
        }
    }
}
