//! Integration tests: the built binary, as a person runs it.

mod facts;
mod house;
