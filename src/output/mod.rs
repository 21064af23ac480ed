//! What a person or a program gets to read: one printer, tables, trees, JSON, YAML, names,
//! jsonpath, colour and progress. Takes values, never a client.

pub mod clean;
mod fit;
pub mod format;
pub mod json_stream;
pub mod jsonpath;
mod page;
mod printer;
pub mod progress;
mod redraw;
pub mod table;
pub mod time;
pub mod tree;
pub mod value;
pub mod width;
mod yaml_color;

pub use format::Format;
pub use page::Page;
pub use printer::{ColorChoice, Paint, Printer};
pub use redraw::Redraw;
pub use table::{Cell, Column, Table};
