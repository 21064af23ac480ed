//! Bodies of writes: an object as it was sent becomes one of the stored version, with its defaults.

use bytes::Bytes;
use serde_json::Value;

use super::Call;
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::decode::{self, Expected, FieldValidation, Format, Parsed};
use crate::sandbox::memory::object;
use crate::sandbox::memory::registry::{Behaviour, Served};
use crate::sandbox::memory::route::media::{self, Written};
use crate::sandbox::memory::route::options::WriteOptions;
use crate::sandbox::memory::status::Status;

/// An object that was taken in.
#[derive(Debug)]
pub struct Taken {
    /// In the stored version, with defaults
    pub object: Value,
    /// Fields that nobody knows, in the words of errors
    pub strict: decode::Strict,
}

impl Written {
    pub(super) fn format(self) -> Format {
        match self {
            Written::Json => Format::Json,
            Written::Yaml => Format::Yaml,
        }
    }
}

/// Takes a value in, as if it had been sent: decodes it, sets defaults, converts it.
///
/// # Errors
/// 400 for what does not fit the type.
pub fn take(served: &Served, value: Value) -> Result<Taken, Status> {
    let resource = &served.resource;
    match &served.behaviour {
        Behaviour::BuiltIn(_) => {
            let decoded = Parsed::of(value).decode(&resource.types, resource.type_);
            let decoded = decoded.map_err(|problem| {
                let kind = &resource.kind;
                let version = &resource.version;
                Status::bad_request(format!(
                    "{kind} in version {version:?} cannot be handled as a {kind}: {problem}"
                ))
            })?;
            Ok(Taken {
                object: stored(served, decoded.value)?,
                strict: decoded.strict,
            })
        }
        Behaviour::Custom(version) => {
            let mut object = value;
            let strict = version.take(&mut object)?;
            Ok(Taken { object, strict })
        }
    }
}

/// A decoded object in the stored version, with defaults.
fn stored(served: &Served, mut object: Value) -> Result<Value, Status> {
    let resource = &served.resource;
    object::set_kind_first(&mut object, &resource.api_version(), &resource.kind);
    let to = served.stored_resource();
    if !std::ptr::eq(to, &**resource) {
        object = crate::sandbox::memory::convert::to(&to.group, &to.version, &to.kind, object)?;
    }
    served.default(&mut object);
    served.normalise(&mut object);
    Ok(object)
}

impl Call<'_> {
    /// The object of a body.
    ///
    /// # Errors
    /// 400 for what is no object of the resource's kind and, under Strict, for unknown fields.
    pub(super) fn decode(
        &self,
        body: &Bytes,
        written: Written,
        validation: FieldValidation,
    ) -> Result<Value, Status> {
        let served = &self.served;
        match &served.behaviour {
            Behaviour::BuiltIn(_) => {
                let expected = Expected::of(&served.resource);
                let read = decode::object(expected, body, written.format(), validation)?;
                self.warn(read.warnings);
                stored(served, read.object)
            }
            Behaviour::Custom(version) => {
                let parsed = match written {
                    Written::Json => decode::parse(body),
                    Written::Yaml => decode::parse_yaml(body),
                };
                let read = version.read(parsed, body, validation)?;
                self.warn(read.warnings);
                Ok(read.object)
            }
        }
    }

    /// The body of a question, or of what a subresource takes.
    ///
    /// # Errors
    /// As for [`decode`](Self::decode).
    pub fn decode_review(
        &self,
        body: &Bytes,
        written: Written,
        options: &WriteOptions,
    ) -> Result<Value, Status> {
        let resource = &self.served.resource;
        let sub = resource.subresource(&self.target.subresource);
        let (group, version, kind) = match sub {
            Some(sub) if !sub.version.is_empty() => (&sub.group, &sub.version, &sub.kind),
            Some(sub) => (&resource.group, &resource.version, &sub.kind),
            None => (&resource.group, &resource.version, &resource.kind),
        };
        let type_ = catalog().type_of(group, version, kind);
        let type_ = type_.ok_or_else(Status::no_such_path)?;
        let expected = Expected {
            group,
            version,
            kind,
            types: catalog().types(),
            type_,
        };
        let read = decode::object(expected, body, written.format(), options.validation)?;
        self.warn(read.warnings);
        Ok(read.object)
    }

    /// A body that is any JSON or YAML.
    ///
    /// # Errors
    /// 400, 415.
    pub(super) fn plain_body(&self) -> Result<Value, Status> {
        let body = &self.request.body;
        let parsed = match media::written(self.request)? {
            Written::Json => decode::parse(body),
            Written::Yaml => decode::parse_yaml(body),
        };
        let parsed = parsed.map_err(|problem| {
            let message = format!("couldn't get version/kind; json parse error: {problem}");
            Status::bad_request(message)
        })?;
        Ok(parsed.value)
    }
}
