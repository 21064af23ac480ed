//! The subresource `scale`: a view of an object, and a way to change its number of replicas.

use serde_json::{Value, json};

use super::Call;
use super::patch;
use super::render::Written;
use super::write::{Change, key};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::convert::scale;
use crate::sandbox::memory::crd;
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::registry::Behaviour;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

impl Call<'_> {
    pub(super) fn scale(&self, verb: &str) -> Result<Answer, Status> {
        match verb {
            "get" => {
                let key = key(self.namespace(), &self.target.name);
                let stored = self.api.store.get(self.served.shelf, &key);
                let stored = stored.ok_or_else(|| self.not_found())?;
                let scale = self.scale_of(&stored.value(), false)?;
                Ok(Answer::value(200, &scale, &self.form))
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
                self.write_scale(&options, |_| Ok(sent.clone()))
            }
            "patch" => {
                let (patch, options) = self.read_patch()?;
                let type_ = catalog().type_of("autoscaling", "v1", "Scale");
                let type_ = type_.ok_or_else(Status::no_such_path)?;
                self.write_scale(&options, |scale| {
                    patch::apply_to(&patch, catalog().types(), type_, scale)
                })
            }
            _ => Err(Status::method_not_allowed(super::NOT_ALLOWED)),
        }
    }

    /// Changes an object as its scale is changed. Who manages the number is told in the object.
    fn write_scale(
        &self,
        options: &WriteOptions,
        change: impl Fn(Value) -> Result<Value, Status>,
    ) -> Result<Answer, Status> {
        let manager = self.manager(options);
        let mut writer = self.writer(&manager, options.dry_run);
        writer.subresource = "scale";
        let resource = &self.served.resource;
        let written = writer.update(&self.target.name, false, |live, _| {
            let live = live.cloned().unwrap_or_default();
            let before = self.scale_of(&live, true)?;
            let after = change(before)?;
            let object = match &self.served.behaviour {
                Behaviour::BuiltIn(_) => {
                    scale::apply(&resource.group, &resource.plural, &live, &after)?
                }
                Behaviour::Custom(version) => version.with_scale(&live, &after)?,
            };
            Ok(Change {
                object,
                is_managed: false,
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
        Ok(Answer::value(200, &scale, &self.form))
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
