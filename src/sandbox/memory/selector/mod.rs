//! Selectors of labels and of fields, as apimachinery's `pkg/labels` and `pkg/fields` read them.

mod fields;
mod labels;
mod parse;

pub use fields::{FieldSelector, Term};
pub use labels::{LabelSelector, Labels, Operator, Requirement};
