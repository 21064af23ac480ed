//! CEL, as rules of CustomResourceDefinitions use it: parsed, checked against the schema with
//! cel-go's words, and evaluated on objects where they are.
//!
//! The cel crate parses the same language but knows no types, ends the process on some expressions,
//! and puts no bound on the work, so that only its words for errors of syntax are used.

mod arithmetic;
mod ast;
mod check;
mod compile;
mod convert;
mod eval;
mod formats;
mod functions;
mod lex;
mod library;
mod lists;
mod literals;
mod moments;
mod net;
mod parse;
mod printf;
mod quantities;
mod rules;
mod semver;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod url;
mod value;

pub(super) use compile::compile;
pub(super) use rules::{Outcome, Rules, has_rules};
