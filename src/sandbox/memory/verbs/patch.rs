//! PATCH in all its languages, server-side apply included.

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::Call;
use super::body;
use super::write::{Change, key};
use crate::sandbox::memory::apply;
use crate::sandbox::memory::decode::{self, FieldValidation, Strict};
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::patch::{Kind, Patch};
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

/// What a patch of a custom resource may be written in: there is no strategic merge.
const CUSTOM: &str =
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
const APPLY: &str = "application/apply-patch+yaml";

/// A patch of any language.
pub(super) enum AnyPatch {
    Plain(Patch),
    Apply(Value, Strict),
}

impl Call<'_> {
    pub(super) fn patch(&self) -> Result<Answer, Status> {
        let (patch, options) = self.read_patch()?;
        let manager = self.manager(&options);
        let mut writer = self.writer(&manager, options.dry_run);
        let is_apply = matches!(patch, AnyPatch::Apply(..));
        let may_create = is_apply && self.target.subresource.is_empty();
        let name = &self.target.name;
        let done = {
            let patched = |live: Option<&Value>, warnings: &mut Vec<String>| {
                let change = self.patched(&patch, live, &options, &manager, warnings)?;
                self.check_name(&change.object)?;
                Ok(change)
            };
            writer.update(name, may_create, patched)
        };
        self.warn(std::mem::take(&mut writer.warnings));
        let (written, created) = done?;
        self.renderer()?
            .object(if created { 201 } else { 200 }, &written)
    }

    /// Reads the body of a patch and its options.
    pub(super) fn read_patch(&self) -> Result<(AnyPatch, WriteOptions), Status> {
        let kind = self.request.header(&CONTENT_TYPE);
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_custom = self.served.is_custom();
        let language = Kind::of(kind).filter(|kind| !(is_custom && *kind == Kind::Strategic));
        if language.is_none() && kind != APPLY {
            return Err(match is_custom {
                true => media::unsupported(CUSTOM),
                false => media::unsupported_patch(),
            });
        }
        let write = match language {
            Some(_) => WriteKind::Patch,
            None => WriteKind::Apply,
        };
        let options = WriteOptions::read(&self.request.query, write)?;
        let body = &self.request.body;
        let patch = match language {
            Some(language) => {
                let read = Patch::read(language, body, options.validation);
                // What is not there is told before what is wrong with the patch.
                AnyPatch::Plain(read.map_err(|problem| self.missing().unwrap_or(problem))?)
            }
            None => {
                let parsed = decode::parse_yaml(body);
                let parsed = parsed.map_err(|problem| {
                    Status::bad_request(format!("error decoding YAML: {problem}"))
                })?;
                let decoded = parsed.unstructured();
                let word = match &decoded.value {
                    Value::Null | Value::Object(_) => "",
                    Value::Array(_) => "array",
                    Value::String(_) => "string",
                    Value::Number(_) => "number",
                    Value::Bool(_) => "bool",
                };
                if !word.is_empty() {
                    let problem = format!(
                        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {word} into Go value of type map[string]interface {{}}"
                    );
                    return Err(Status::bad_request(problem));
                }
                let applied = match decoded.value {
                    Value::Null => json!({}),
                    applied => applied,
                };
                AnyPatch::Apply(applied, decoded.strict)
            }
        };
        Ok((patch, options))
    }

    /// 404, if what is to be patched is not there.
    fn missing(&self) -> Option<Status> {
        let key = key(self.namespace(), &self.target.name);
        let found = self.api.store.get(self.served.shelf, &key);
        found.is_none().then(|| self.not_found())
    }

    /// What an object becomes by a patch.
    fn patched(
        &self,
        patch: &AnyPatch,
        live: Option<&Value>,
        options: &WriteOptions,
        manager: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Change, Status> {
        match patch {
            AnyPatch::Plain(patch) => {
                let live = live.cloned().unwrap_or_default();
                let before = self.served.shown(live)?;
                self.plain(patch, before, options.validation, warnings)
            }
            AnyPatch::Apply(applied, strict) => {
                let live = live
                    .map(|live| self.served.shown(live.clone()))
                    .transpose()?;
                self.applied(applied, strict, live.as_ref(), options, manager, warnings)
            }
        }
    }

    fn plain(
        &self,
        patch: &Patch,
        before: Value,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Change, Status> {
        let resource = &self.served.resource;
        let after = patch.apply(&resource.types, resource.type_, before.clone())?;
        let taken = body::take_patched(&self.served, after)
            .map_err(|problem| patch.invalid(&before, &problem))?;
        let mut texts = patch.strict().to_vec();
        texts.extend(taken.unknown);
        if !texts.is_empty() {
            match validation {
                FieldValidation::Ignore => {}
                FieldValidation::Warn => warnings.extend(texts),
                FieldValidation::Strict => {
                    let problem = format!("strict decoding error: {}", texts.join(", "));
                    return Err(patch.invalid(&before, &problem));
                }
            }
        }
        Ok(Change {
            object: taken.object,
            is_managed: false,
        })
    }

    fn applied(
        &self,
        applied: &Value,
        strict: &Strict,
        live: Option<&Value>,
        options: &WriteOptions,
        manager: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Change, Status> {
        let (now, subresource) = (self.api.now(), &self.target.subresource);
        let (made, name) = self
            .served
            .managing(self.api, subresource, &now, |context| {
                let made = apply::apply(context, live, applied, manager, options.force);
                (made, context.object_name(applied))
            });
        let made = made?;
        strictly(strict, options, warnings)?;
        let taken = body::take_patched(&self.served, made.object).map_err(|problem| {
            not_converted(&name, &self.served.resource.api_version(), &problem)
        })?;
        Ok(Change {
            object: taken.object,
            is_managed: true,
        })
    }

    fn check_name(&self, object: &Value) -> Result<(), Status> {
        let (name, url) = (meta(object, "name"), &self.target.name);
        if name == url {
            return Ok(());
        }
        let message = match name {
            "" => format!(
                "the name of the object ({url} based on URL) was undeterminable: name must be provided"
            ),
            name => format!(
                "the name of the object ({name}) does not match the name on the URL ({url})"
            ),
        };
        Err(Status::bad_request(message))
    }
}

/// Errors: what is wrong with the text of an applied object, where that is asked for.
pub(super) fn strictly(
    strict: &Strict,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    if strict.is_empty() {
        return Ok(());
    }
    match options.validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(strict.warnings()),
        FieldValidation::Strict => {
            let problem = strict.message();
            let message = format!("error strict decoding YAML: {problem}");
            return Err(Status::bad_request(message));
        }
    }
    Ok(())
}

/// 500 for an applied object that is none of its kind.
pub(super) fn not_converted(name: &str, api_version: &str, problem: &str) -> Status {
    let message = format!(
        "failed to convert new object ({name}) to proper version ({api_version}): {problem}"
    );
    Status::new(500, "", message)
}
