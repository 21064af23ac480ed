//! An answer of a server, as it came.

use serde_json::Value;

/// A status line, headers with lower-case names, and a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// The HTTP code; 0 for collected events, and for a connection closed without an answer.
    pub(super) status: u16,
    /// In the order in which they came.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// What a body is to those who compare it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Empty,
    Json(Value),
    Text(String),
    /// No text: compressed, or protobuf.
    Bytes(usize),
}

impl Answer {
    /// The first header of that name (lower case).
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Body {
    /// JSON where it is an object or an array, whatever the answer says that it is (the index of
    /// OpenAPI documents is JSON that says it is text); text otherwise.
    pub(super) fn read(bytes: Vec<u8>) -> Body {
        if bytes.is_empty() {
            return Body::Empty;
        }
        if (bytes.starts_with(b"{") || bytes.starts_with(b"["))
            && let Ok(value) = serde_json::from_slice(&bytes)
        {
            return Body::Json(value);
        }
        let length = bytes.len();
        let is_text =
            |text: &String| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
        match String::from_utf8(bytes).ok().filter(is_text) {
            Some(text) => Body::Text(text),
            None => Body::Bytes(length),
        }
    }
}
