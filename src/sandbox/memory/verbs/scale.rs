//! The subresource `scale`: a view of an object, and a way to change its number of replicas.

use serde_json::{Value, json};

use super::Call;
use super::patch::{self, AnyPatch};
use super::render::Written;
use super::write::{Change, key};
use crate::sandbox::memory::apply::{self, Replicas};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::convert::scale;
use crate::sandbox::memory::crd;
use crate::sandbox::memory::decode::Parsed;
use crate::sandbox::memory::object::{meta, set_meta};
use crate::sandbox::memory::registry::Behaviour;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

/// The version of a Scale.
const SCALE: &str = "autoscaling/v1";

impl Call<'_> {
    pub(super) fn scale(&self, verb: &str) -> Result<Answer, Status> {
        match verb {
            "get" => {
                let key = key(self.namespace(), &self.target.name);
                let stored = self.api.store.get(self.served.shelf, &key);
                let stored = stored.ok_or_else(|| self.not_found())?;
                let scale = self.scale_of(&self.served.live(&stored), false)?;
                self.renderer()?.scale(scale)
            }
            "update" => {
                let options = WriteOptions::read(&self.request.query, WriteKind::Update)?;
                let written = media::written(self.request)?;
                let sent = self.decode_review(&self.request.body, written, &options)?;
                let (name, url) = (meta(&sent, "name"), &self.target.name);
                if !name.is_empty() && name != url {
                    let message = format!(
                        "the name of the object ({name}) does not match the name on the URL ({url})"
                    );
                    return Err(Status::bad_request(message));
                }
                self.write_scale(&options, |context, manager, before, _| {
                    let mut scale = sent.clone();
                    apply::update(context, Some(before), &mut scale, manager);
                    Ok(scale)
                })
            }
            "patch" => {
                let (patch, options) = self.read_patch()?;
                self.write_scale(&options, |context, manager, before, warnings| {
                    patch.of_scale(context, manager, before, &options, warnings)
                })
            }
            _ => Err(Status::method_not_allowed(super::NOT_ALLOWED)),
        }
    }

    /// Changes an object as its scale is changed. `change` gives the new scale with its
    /// managedFields, by which it is told who manages the number in the object.
    fn write_scale(
        &self,
        options: &WriteOptions,
        change: impl Fn(&apply::Context<'_>, &str, &Value, &mut Vec<String>) -> Result<Value, Status>,
    ) -> Result<Answer, Status> {
        let manager = self.manager(options);
        let mut writer = self.writer(&manager, options.dry_run);
        writer.subresource = "scale";
        let resource = &self.served.resource;
        let type_ = catalog().type_of("autoscaling", "v1", "Scale");
        let now = self.api.now();
        let context = apply::Context {
            types: catalog().types(),
            type_: type_.ok_or_else(Status::no_such_path)?,
            api_version: SCALE,
            kind: "Scale",
            subresource: "scale",
            served: &[SCALE],
            filter: None,
            now: &now,
        };
        let api_version = resource.api_version();
        let paths = self.replica_paths(&api_version);
        let paths: Vec<(&str, Option<&[&str]>)> = paths
            .iter()
            .map(|(version, path)| (version.as_str(), path.as_deref()))
            .collect();
        let replicas = Replicas {
            api_version: &api_version,
            paths: &paths,
        };
        let written = writer.update(&self.target.name, false, |live, warnings| {
            let live = live.cloned().unwrap_or_default();
            let managed = live["metadata"].get("managedFields");
            let mut before = self.scale_of(&live, true)?;
            let of_scale = replicas.to_scale(managed).map_err(Status::internal)?;
            set_meta(&mut before, "managedFields", of_scale);
            let after = change(&context, &manager, &before, warnings)?;
            let mut object = match &self.served.behaviour {
                Behaviour::BuiltIn(_) => {
                    scale::apply(&resource.group, &resource.plural, &live, &after)?
                }
                Behaviour::Custom(version) => version.with_scale(&live, &after)?,
            };
            let of_scale = after["metadata"].get("managedFields");
            let managed = replicas.to_object(managed, of_scale);
            set_meta(
                &mut object,
                "managedFields",
                managed.map_err(Status::internal)?,
            );
            Ok(Change {
                object,
                is_managed: true,
            })
        });
        self.warn(std::mem::take(&mut writer.warnings));
        let (written, _) = written?;
        let object = match &written {
            Written::Stored(stored) => stored.value(),
            Written::Dry(object) => object.clone(),
        };
        let mut scale = self.scale_of(&object, true)?;
        if scale["spec"]["replicas"] == json!(crd::NOT_SET) {
            scale["spec"] = json!({});
        }
        self.renderer()?.scale(scale)
    }

    /// Where the number is, in each version of the resource.
    fn replica_paths(&self, api_version: &str) -> Vec<(String, Option<Vec<&str>>)> {
        match &self.served.behaviour {
            Behaviour::BuiltIn(_) => {
                vec![(api_version.to_owned(), Some(vec!["spec", "replicas"]))]
            }
            Behaviour::Custom(version) => version.replica_paths(),
        }
    }

    /// `changes` says whether it is to be changed, or was.
    fn scale_of(&self, object: &Value, changes: bool) -> Result<Value, Status> {
        match &self.served.behaviour {
            Behaviour::BuiltIn(_) => scale::of(&self.served.resource.group, object),
            Behaviour::Custom(version) if changes => version.scale_to_change(object),
            Behaviour::Custom(version) => version.scale_of(object),
        }
    }
}

impl AnyPatch {
    /// What a scale becomes by the patch, with its managedFields.
    fn of_scale(
        &self,
        context: &apply::Context<'_>,
        manager: &str,
        before: &Value,
        options: &WriteOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Value, Status> {
        let decode = |object: Value| {
            let decoded = Parsed::of(object).decode(context.types, context.type_);
            decoded.map(|decoded| decoded.value)
        };
        match self {
            AnyPatch::Plain(patch) => {
                let after = patch.apply(context.types, context.type_, before.clone())?;
                let mut scale = decode(after).map_err(|problem| patch.invalid(before, &problem))?;
                apply::update(context, Some(before), &mut scale, manager);
                Ok(scale)
            }
            AnyPatch::Apply(applied, strict) => {
                let made = apply::apply(context, Some(before), applied, manager, options.force)?;
                patch::strictly(strict, options, warnings)?;
                decode(made.object).map_err(|problem| {
                    let name = context.object_name(applied);
                    patch::not_converted(&name, SCALE, &problem)
                })
            }
        }
    }
}
