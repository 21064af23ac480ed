//! What is particular to a built-in kind: its defaults, what is reset when it is written, what is
//! wrong with it, and by which fields it can be selected.
//!
//! The pipeline of a write asks in this order, as the real server's does: decode, [`Kind::default`],
//! [`Kind::prepare_create`] or [`Kind::prepare_update`], [`Kind::validate_create`] or
//! [`Kind::validate_update`]. Objects are of the version that is stored, as JSON, decoded by their
//! types before.

pub mod cluster;
pub mod core;
mod definition;
pub mod meta;
pub mod pod;
pub mod workloads;

use serde_json::Value;

use super::field::FieldError;

pub use cluster::refused;

/// What is particular to a resource, by its plural; of one without particulars, nothing.
pub fn of(group: &str, plural: &str) -> &'static dyn Kind {
    if (group, plural) == ("apiextensions.k8s.io", "customresourcedefinitions") {
        return &definition::Definition;
    }
    core::of(group, plural)
        .or_else(|| workloads::of(group, plural))
        .or_else(|| cluster::of(group, plural))
        .unwrap_or(&Question)
}

/// What is answered and never stored, such as a review.
struct Question;

impl Kind for Question {
    fn validate_create(&self, _: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    fn validate_update(&self, _: Write<'_>, _: &Value, _: &Value) -> Vec<FieldError> {
        Vec::new()
    }
}

/// What a write is, beside its object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Write<'a> {
    /// The subresource that was written, such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Whether it comes from server-side apply or another patch.
    pub is_patch: bool,
}

/// See the module. Every method has what suits a kind without particulars.
pub trait Kind: Sync {
    /// Sets defaults (`pkg/apis/GROUP/VERSION/defaults.go`).
    fn default(&self, _object: &mut Value) {}

    /// Resets what a client does not decide at creation (the strategy's `PrepareForCreate`). The
    /// pipeline has removed `status` already where the kind has that subresource.
    fn prepare_create(&self, _object: &mut Value) {}

    /// Resets what this write may not change (`PrepareForUpdate`). The pipeline has put back
    /// `status`, or all but `status`, where the kind has that subresource.
    fn prepare_update(&self, _write: Write<'_>, _object: &mut Value, _old: &Value) {}

    /// What is wrong with a new object, its metadata included.
    fn validate_create(&self, object: &Value) -> Vec<FieldError>;

    /// What is wrong with a change, metadata included.
    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError>;

    /// Texts of `Warning` headers.
    fn warnings(&self, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// Whether the kind counts `metadata.generation`: 1 at first, one more when anything outside
    /// metadata and status changes.
    fn has_generation(&self) -> bool {
        false
    }

    /// Whether PUT of an object that is not there creates it (`AllowCreateOnUpdate`).
    fn creates_on_update(&self) -> bool {
        false
    }

    /// Whether an update may leave `metadata.resourceVersion` out (`AllowUnconditionalUpdate`).
    fn updates_unconditionally(&self) -> bool {
        true
    }

    /// How long an object is to live on when its deletion gives no time (`gracePeriodSeconds`), and
    /// `None` for kinds that go at once.
    fn grace_period(&self, _object: &Value) -> Option<i64> {
        None
    }

    /// The field labels by which lists can be selected, beside `metadata.name` and
    /// `metadata.namespace`, with this object's values.
    fn fields(&self, _object: &Value) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The labels of [`fields`](Self::fields), for selectors that name others: those get 400.
    fn field_labels(&self) -> &'static [&'static str] {
        &[]
    }

    /// What [`fields`](Self::fields) calls a label of [`field_labels`](Self::field_labels), where
    /// that is something else: objects that are written through two groups have one set of fields.
    fn stored_field(&self, _label: &str) -> Option<&'static str> {
        None
    }
}
