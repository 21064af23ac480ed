//! What is answered.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;

use super::media::Form;
use crate::sandbox::memory::decode;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::verbs::watch::Watch;

/// An answer, not yet sent.
pub struct Answer {
    /// The HTTP code
    pub code: u16,
    /// Its headers
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Its body
    pub body: Body,
}

/// The body of an [`Answer`].
pub enum Body {
    /// All of it, in pieces that follow each other
    Whole(Vec<Bytes>),
    /// Events, as they happen
    Watch(Box<Watch>),
}

impl Answer {
    /// An answer of that type, not to be kept by caches, as nearly all of the API's.
    pub fn new(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Answer {
            code,
            headers: vec![
                (CACHE_CONTROL, HeaderValue::from_static("no-cache, private")),
                (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            ],
            body: Body::Whole(vec![body.into()]),
        }
    }

    /// JSON or YAML of a value, as the client wishes.
    pub fn value(code: u16, value: &Value, form: &Form) -> Self {
        Answer::new(code, form.content_type(), form.encode(value))
    }

    /// JSON that is at hand, as the client wishes.
    pub fn json(code: u16, json: Vec<Bytes>, form: &Form) -> Self {
        if form.is_plain_json() {
            let mut answer = Answer::new(code, form.content_type(), Bytes::new());
            answer.body = Body::Whole(json);
            return answer;
        }
        let whole = json.concat();
        // It was written by this program.
        let value = serde_json::from_slice(&whole).unwrap_or(Value::Null);
        Answer::value(code, &value, form)
    }

    /// A failure.
    pub fn failure(status: &Status, form: &Form) -> Self {
        let mut answer = Answer::value(status.code, &status.to_json(), form);
        let retry = status.details.as_ref().and_then(|d| d.retry_after);
        if let Some(seconds) = retry {
            let name = http::header::RETRY_AFTER;
            answer.headers.push((name, HeaderValue::from(seconds)));
        }
        answer
    }

    /// Text for people, or for what is no part of the API.
    pub fn text(code: u16, text: impl Into<Bytes>) -> Self {
        Answer::new(code, "text/plain; charset=utf-8", text)
            .header("x-content-type-options", "nosniff")
    }

    /// What Go's HTTP server says where nothing answers.
    pub fn page_not_found() -> Self {
        Answer::text(404, "404 page not found\n")
    }

    /// The same with one more header. A value that no header can have is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            let name = HeaderName::from_static(name);
            self.headers.retain(|(known, _)| *known != name);
            self.headers.push((name, value));
        }
        self
    }

    /// The same with `Warning` headers.
    #[must_use]
    pub fn warn(mut self, texts: &[String]) -> Self {
        for text in decode::warning_headers(texts) {
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                self.headers.push((http::header::WARNING, value));
            }
        }
        self
    }
}
