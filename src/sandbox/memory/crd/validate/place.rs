//! Where a value is, written only when it is needed.

use std::fmt;

/// A place below the value that is validated.
pub(super) enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    /// An entry of a map: at the root it has a dot before it.
    Additional(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    pub(super) fn is_root(&self) -> bool {
        matches!(self, Place::Root)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Field(Place::Root, name) => f.write_str(name),
            Place::Field(parent, name) | Place::Additional(parent, name) => {
                write!(f, "{parent}.{name}")
            }
            Place::Index(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}
