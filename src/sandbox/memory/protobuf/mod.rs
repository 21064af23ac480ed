//! Bodies in Kubernetes' protobuf, which typed clients of Go send: from bytes to the value that a
//! client of JSON would have sent, so that everything behind is the same for both.
//!
//! A body is the prefix `k8s\0`, an envelope that says what the object is ([`Envelope`], apimachinery's
//! `runtime.Unknown`), and in it the object, by the numbers that its fields have. These come from
//! `numbers.txt.gz`, which `tests/controlplane/protobuf/generate.sh` writes. Only bodies are read:
//! nothing is ever answered in protobuf.
//!
//! Sentences are those of the generated code of `k8s.io/api` and of `runtime/serializer/protobuf`.

mod message;
mod numbers;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;
mod wire;

use serde_json::{Map, Value};

use crate::sandbox::memory::types::{Type, TypeId, Types};
use message::Decoder;
use wire::Reader;

const PREFIX: &[u8] = b"k8s\0";

const NO_PREFIX: &str =
    "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";

/// What is around an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Such as `apps/v1`; empty when the client did not say
    pub api_version: String,
    /// Such as `Deployment`; empty when the client did not say
    pub kind: String,
    raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads what is around an object, and nothing of the object.
    ///
    /// # Errors
    /// The real server's sentence, for `the object provided is unrecognized (...)`: nothing is known
    /// of the kind yet.
    pub fn read(body: &'a [u8]) -> Result<Self, String> {
        if body.is_empty() {
            return Err("empty data".to_owned());
        }
        let Some(rest) = body.strip_prefix(PREFIX) else {
            return Err(NO_PREFIX.to_owned());
        };
        if rest.is_empty() {
            return Err("empty body".to_owned());
        }
        let mut envelope = Envelope {
            api_version: String::new(),
            kind: String::new(),
            raw: &[],
        };
        let mut reader = Reader::new(rest, "Unknown");
        while let Some(tag) = reader.tag()? {
            match tag.number {
                1 => envelope.names(reader.bytes(tag, || "TypeMeta".to_owned())?)?,
                2 => envelope.raw = reader.bytes(tag, || "Raw".to_owned())?,
                // How the object is written is said in 3 and 4, which the real server does not heed.
                3 => drop(reader.bytes(tag, || "ContentEncoding".to_owned())?),
                4 => drop(reader.bytes(tag, || "ContentType".to_owned())?),
                _ => reader.skip(tag)?,
            }
        }
        Ok(envelope)
    }

    fn names(&mut self, body: &[u8]) -> Result<(), String> {
        let mut reader = Reader::new(body, "TypeMeta");
        while let Some(tag) = reader.tag()? {
            match tag.number {
                1 => self.api_version = reader.text(tag, || "APIVersion".to_owned())?,
                2 => self.kind = reader.text(tag, || "Kind".to_owned())?,
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    /// The object, which is of that type: what a client of JSON would have sent of it. `apiVersion`
    /// and `kind` are those of the envelope, when they are there. Fields that a newer client knows are
    /// passed over, as the real server does.
    ///
    /// # Errors
    /// The real server's sentence, for `... cannot be handled as a ...`. Two are our own: of times
    /// that no calendar has, and of JSON within the body that is none.
    pub fn object(&self, types: &Types, type_: TypeId) -> Result<Value, String> {
        let mut fields = Map::new();
        for (name, text) in [("apiVersion", &self.api_version), ("kind", &self.kind)] {
            if !text.is_empty() {
                fields.insert(name.to_owned(), Value::from(text.as_str()));
            }
        }
        let Type::Object(object) = types.get(type_) else {
            return Err(message::unknown(&self.kind));
        };
        Decoder::new(types).object(object, self.raw, &mut fields, 0)?;
        Ok(Value::Object(fields))
    }
}
