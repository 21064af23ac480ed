//! Bodies of writes: an object as it was sent becomes one of the stored version, with its defaults.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Call;
use crate::sandbox::memory::apply;
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::crd;
use crate::sandbox::memory::decode::{self, Expected, FieldValidation, Format, Parsed, Read};
use crate::sandbox::memory::object;
use crate::sandbox::memory::protobuf::Envelope;
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
    pub unknown: Vec<String>,
}

/// Takes a value in, as if it had been sent: decodes it, sets defaults, converts it.
///
/// # Errors
/// 400 for what does not fit the type.
pub fn take(served: &Served, value: Value) -> Result<Taken, Status> {
    take_patched(served, value).map_err(|problem| {
        let kind = &served.resource.kind;
        let version = &served.resource.version;
        Status::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {problem}"
        ))
    })
}

/// The same for what a patch has made.
///
/// # Errors
/// The decoder's sentence, for the caller to put into its own.
pub fn take_patched(served: &Served, value: Value) -> Result<Taken, String> {
    let resource = &served.resource;
    match &served.behaviour {
        Behaviour::BuiltIn(_) => {
            let decoded = Parsed::of(value).decode(&resource.types, resource.type_)?;
            Ok(Taken {
                object: stored(served, decoded.value).map_err(|status| status.message)?,
                unknown: decoded.strict.warnings(),
            })
        }
        Behaviour::Custom(version) => {
            let mut object = value;
            let unknown = version.take(&mut object).map_err(|status| status.message)?;
            Ok(Taken {
                object: version.to_stored(object),
                unknown,
            })
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

/// Reads an object of a built-in kind, in whatever it is written.
fn read(
    expected: Expected<'_>,
    body: &Bytes,
    written: Written,
    validation: FieldValidation,
) -> Result<Read, Status> {
    let format = match written {
        Written::Json => Format::Json,
        Written::Yaml => Format::Yaml,
        Written::Protobuf => {
            let kind = expected.kind;
            let envelope = Envelope::read(body).map_err(|problem| {
                let message = format!(
                    "the object provided is unrecognized (must be of type {kind}): {problem}"
                );
                Status::bad_request(message)
            })?;
            let own = [("", expected.kind), (expected.kind, expected.kind)];
            let type_ = match own.contains(&(envelope.kind.as_str(), kind)) {
                true => Some(expected.type_),
                // Of another kind: that it is refused must be for its kind.
                false => None,
            };
            let json = match type_ {
                Some(type_) => {
                    let mut object = envelope.object(expected.types, type_).map_err(|problem| {
                        Status::bad_request(format!(
                            "{kind} in version {:?} cannot be handled as a {kind}: {problem}",
                            expected.version
                        ))
                    })?;
                    // Names that the envelope lacks are those that are expected.
                    if envelope.api_version.is_empty()
                        && let Some(fields) = object.as_object_mut()
                    {
                        fields.shift_remove("apiVersion");
                    }
                    object
                }
                None => json!({"apiVersion": envelope.api_version, "kind": envelope.kind}),
            };
            let text = json.to_string();
            return decode::object(expected, text.as_bytes(), Format::Json, validation);
        }
    };
    decode::object(expected, body, format, validation)
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
                let read = read(expected, body, written, validation)?;
                self.warn(read.warnings);
                stored(served, read.object)
            }
            Behaviour::Custom(version) => self.decode_custom(version, body, written, validation),
        }
    }

    fn decode_custom(
        &self,
        version: &crd::Version,
        body: &Bytes,
        written: Written,
        validation: FieldValidation,
    ) -> Result<Value, Status> {
        let parsed = match written {
            Written::Json => decode::parse(body).map_err(|problem| {
                format!("couldn't get version/kind; json parse error: {problem}")
            }),
            Written::Yaml => decode::parse_yaml(body),
            // The real server breaks the connection; only built-in kinds have such a form.
            Written::Protobuf => {
                return Err(media::unsupported("application/json, application/yaml"));
            }
        };
        let parsed = parsed.map_err(|problem| version.unrecognized(&problem, body))?;
        version.recognize(&parsed.value, body)?;
        let decoded = parsed.unstructured();
        let mut object = decoded.value;
        let unknown = version.take(&mut object)?;
        let mut texts = decoded.strict.warnings();
        texts.extend(unknown);
        if !texts.is_empty() {
            match validation {
                FieldValidation::Ignore => {}
                FieldValidation::Warn => self.warn(texts),
                FieldValidation::Strict => {
                    let resource = &self.served.resource;
                    let (kind, name) = (&resource.kind, &resource.version);
                    let problem = texts.join(", ");
                    return Err(Status::bad_request(format!(
                        "{kind} in version {name:?} cannot be handled as a {kind}: strict decoding error: {problem}"
                    )));
                }
            }
        }
        Ok(version.to_stored(object))
    }

    /// The body of a question, or of what a subresource takes.
    ///
    /// # Errors
    /// 400 for what is no object of that kind and, under Strict, for unknown fields.
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
        let read = read(expected, body, written, options.validation)?;
        self.warn(read.warnings);
        Ok(read.object)
    }

    /// Notes in a question who asked it, as in any object that is written.
    pub fn manage_review(&self, review: &mut Value, options: &WriteOptions) {
        let text = |field: &str| review[field].as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        let Some(type_) = catalog().type_of(group, version, &kind) else {
            return;
        };
        let context = apply::Context {
            types: catalog().types(),
            type_,
            api_version: &api_version,
            kind: &kind,
            subresource: &self.target.subresource,
            served: &[api_version.as_str()],
            filter: None,
            now: &self.api.now(),
        };
        apply::update(&context, None, review, &self.manager(options));
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
            Written::Protobuf => {
                let envelope = Envelope::read(body).map_err(Status::bad_request)?;
                let type_ = catalog().type_of("", "v1", "DeleteOptions");
                let type_ = type_.ok_or_else(Status::no_such_path)?;
                let object = envelope.object(catalog().types(), type_);
                return object.map_err(Status::bad_request);
            }
        };
        let parsed = parsed.map_err(|problem| {
            let message = format!("couldn't get version/kind; json parse error: {problem}");
            Status::bad_request(message)
        })?;
        Ok(parsed.value)
    }
}
