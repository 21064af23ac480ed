//! Expressions as they are parsed: macros are nodes of their own.

/// A node, and where it is: the number of characters before the token that stands for it, which is
/// the operator, the dot or the bracket where there is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// See [`Expr`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Literal(Literal),
    Ident(String),
    Select(Box<Select>),
    /// Functions, methods and operators, by their names in cel-go, such as `_+_`
    Call(Box<Call>),
    List(Vec<Item>),
    Map(Vec<Entry>),
    Fold(Box<Fold>),
    /// `Type{field: value}`: there are no types to make.
    Message(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// `operand.field`, `operand.?field`, `has(operand.field)`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Select {
    pub(super) operand: Expr,
    pub(super) field: String,
    pub(super) is_test: bool,
    pub(super) is_optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) target: Option<Expr>,
    pub(super) args: Vec<Expr>,
}

/// An item of a list; optional ones are left out when they have no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) value: Expr,
    pub(super) is_optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Expr,
    pub(super) value: Expr,
    pub(super) is_optional: bool,
}

/// A macro that goes through a range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fold {
    pub(super) kind: FoldKind,
    pub(super) range: Expr,
    /// The item, or with a second variable the index or key
    pub(super) var: String,
    pub(super) var2: Option<String>,
    pub(super) filter: Option<Expr>,
    pub(super) body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoldKind {
    All,
    Exists,
    ExistsOne,
    /// `map`, and `transformList`, which has two variables
    Map,
    Filter,
    TransformMap,
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}
