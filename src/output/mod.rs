//! What a person or a program gets to read: one printer, tables, trees, JSON, YAML, names,
//! jsonpath, colour and progress. Takes values, never a client.

pub mod clean;
mod printer;
pub mod progress;

pub use printer::{ColorChoice, Paint, Printer};
