//! Objects on their way in and out: what is unknown goes, defaults are set
//! (`unstructuredSchemaCoercer` and `crdConversionRESTOptionsGetter` in
//! `pkg/apiserver/customresource_handler.go`).

use serde_json::{Number, Value, json};

use super::super::go;
use super::super::object::{
    Coercion, apply_defaults, coerce, decode_metadata, drop_nulls, prune_resource,
};
use super::compiled::Compiled;
use super::{Shape, Version};
use crate::sandbox::memory::field::Path;
use crate::sandbox::memory::status::Status;

/// What the first look at a body, for its kind alone, wants it to be.
const FIRST_LOOK: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
     Kind string \"json:\\\"kind,omitempty\\\"\" }";

impl Version {
    /// 400 for a body that cannot be read, or says not what it is. JSON that is malformed has
    /// `couldn't get version/kind; json parse error: ` before its problem, YAML has not.
    pub fn unrecognized(&self, problem: &str, body: &[u8]) -> Status {
        let kind = &self.family.names.kind;
        let summary = summary(body);
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {problem} ({summary})"
        ))
    }

    /// Looks whether a body says that it is of this version. Of another kind it may be:
    /// [`validate_create`](Self::validate_create) refuses that. `body` is the text that the value was
    /// read from.
    ///
    /// # Errors
    /// 400
    pub fn recognize(&self, value: &Value, body: &[u8]) -> Result<(), Status> {
        let no_json = |problem: String| {
            let problem = format!("couldn't get version/kind; json parse error: {problem}");
            Err(self.unrecognized(&problem, body))
        };
        let word = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !value.is_object() && !value.is_null() {
            let word = word(value);
            return no_json(format!(
                "json: cannot unmarshal {word} into Go value of type {FIRST_LOOK}"
            ));
        }
        // Here alone the case of keys does not matter.
        let find = |name: &str| -> Result<&str, String> {
            let fields = value.as_object().into_iter().flatten();
            let own = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let mut found = "";
            for (_, value) in own {
                match value {
                    Value::String(text) => found = text,
                    Value::Null => {}
                    value => {
                        let word = word(value);
                        return Err(format!(
                            "json: cannot unmarshal {word} into Go struct field .{name} of type string"
                        ));
                    }
                }
            }
            Ok(found)
        };
        let (kind, api_version) = match (find("kind"), find("apiVersion")) {
            (Ok(kind), Ok(api_version)) => (kind, api_version),
            (Err(problem), _) | (_, Err(problem)) => return no_json(problem),
        };
        if api_version.matches('/').count() > 1 {
            let problem = format!("unexpected GroupVersion string: {api_version}");
            return Err(self.unrecognized(&problem, body));
        }
        if kind.is_empty() {
            let body_text = String::from_utf8_lossy(body);
            let problem = format!("Object 'Kind' is missing in '{body_text}'");
            return Err(self.unrecognized(&problem, body));
        }
        let wanted = self.api_version();
        if api_version != wanted {
            return Err(Status::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API \
                 version ({wanted})"
            )));
        }
        Ok(())
    }

    /// Takes an object in that was sent, or made of one by a patch: metadata gets its form, unknown
    /// fields go, and so do nulls where none may be; defaults are set. Gives what was unknown, in
    /// the words of warnings and errors: `unknown field "spec.x"`. An object of another kind keeps
    /// all but its metadata's unknown fields.
    ///
    /// # Errors
    /// 400 for metadata of wrong types, the object's own or that of embedded resources.
    pub fn take(&self, object: &mut Value) -> Result<Vec<String>, Status> {
        let unknown = self.form(object).map_err(|problem| {
            let kind = object["kind"].as_str().unwrap_or_default();
            let (version, own) = (&self.shape().version, &self.family.names.kind);
            Status::bad_request(format!(
                "{kind} in version {} cannot be handled as a {own}: {problem}",
                go::quote(version)
            ))
        })?;
        let words = |path: String| format!("unknown field \"{path}\"");
        Ok(unknown.into_iter().map(words).collect())
    }

    /// The same with the decoder's sentence alone, and unknown fields by their paths.
    ///
    /// # Errors
    /// What is wrong with metadata.
    pub fn form(&self, object: &mut Value) -> Result<Vec<String>, String> {
        make_whole(object);
        let mut unknown = decode_own(object)?;
        if object["kind"] != *self.family.names.kind {
            return Ok(unknown);
        }
        let compiled = self.shape().compiled();
        unknown.extend(trim(object, compiled, false)?);
        apply_defaults(object, &compiled.schema);
        Ok(unknown)
    }

    /// Sets defaults, as after an admission plugin has changed an object.
    pub fn default(&self, object: &mut Value) {
        apply_defaults(object, &self.shape().compiled().schema);
    }

    /// An object of this version as it is to be stored: in the stored version, without what that
    /// does not know.
    pub fn to_stored(&self, mut object: Value) -> Value {
        let family = &self.family;
        if family.stored != self.at {
            rename(&mut object, family.api_version(self.stored_version()));
            // Metadata was put into its form when it was taken in.
            let _ = trim(&mut object, family.shapes[family.stored].compiled(), true);
        }
        object
    }

    /// An object as it was stored in the version that this is. It may have been stored when the
    /// schema was another, or the stored version.
    pub fn convert(&self, object: Value) -> Value {
        self.read(object, self.shape())
    }

    /// The same in the version that is stored now.
    pub fn refresh(&self, object: Value) -> Value {
        self.read(object, &self.family.shapes[self.family.stored])
    }

    fn read(&self, mut object: Value, own: &Shape) -> Value {
        let from = object["apiVersion"]
            .as_str()
            .and_then(|name| self.family.shape(name));
        let from = from.unwrap_or(own);
        let was = from.compiled();
        // What was stored has had its form; what no longer has is shown as it is.
        let _ = decode_own(&mut object);
        let _ = trim(&mut object, was, true);
        apply_defaults(&mut object, &was.schema);
        if !std::ptr::eq(from, own) {
            rename(&mut object, self.family.api_version(&own.version));
            let _ = trim(&mut object, own.compiled(), true);
        }
        object
    }
}

fn rename(object: &mut Value, api_version: String) {
    if let Value::Object(fields) = object {
        fields.insert("apiVersion".to_owned(), json!(api_version));
    }
}

/// Gives the object's own metadata its form; tells what was unknown in it.
fn decode_own(object: &mut Value) -> Result<Vec<String>, String> {
    let Some(metadata) = object.get_mut("metadata") else {
        return Ok(Vec::new());
    };
    let mut unknown = Vec::new();
    let decoded = decode_metadata(metadata, &mut unknown)?;
    *metadata = Value::Object(decoded);
    Ok(unknown
        .into_iter()
        .map(|name| format!("metadata.{name}"))
        .collect())
}

/// Removes what a schema does not know or allow, and gives embedded metadata its form.
fn trim(
    object: &mut Value,
    compiled: &Compiled,
    drops_invalid: bool,
) -> Result<Vec<String>, String> {
    let schema = &compiled.schema;
    let mut unknown = prune_resource(object, schema, !drops_invalid);
    drop_nulls(object, schema);
    let mut coercion = Coercion {
        drops_invalid,
        ..Coercion::default()
    };
    let coerced = coerce(&Path::root(), object, schema, false, &mut coercion);
    coerced.map_err(|error| error.to_string())?;
    unknown.append(&mut coercion.unknown);
    Ok(unknown)
}

/// Go writes a float without a fraction as it writes an integer.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // Beyond 2^53 a float is no exact integer any more, and is left as it is.
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let float = number.as_f64().unwrap_or_default();
            if float.fract() == 0.0 && float.abs() <= EXACT {
                #[expect(clippy::cast_possible_truncation)]
                let whole = float as i64;
                *number = Number::from(whole);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(map) => map.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// The beginning of a body, in hexadecimal where it does not look like JSON.
fn summary(body: &[u8]) -> String {
    let start = &body[..body.len().min(30)];
    let text = match body.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let more = if body.len() > start.len() { " ..." } else { "" };
    text + more
}
