//! PUT of an object or of its status.

use super::Call;
use super::write::Change;
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::media;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

impl Call<'_> {
    pub(super) fn update(&self) -> Result<Answer, Status> {
        let options = WriteOptions::read(&self.request.query, WriteKind::Update)?;
        let written = media::written(self.request)?;
        let sent = self.decode(&self.request.body, written, options.validation)?;
        let own = self.namespace();
        let namespace = meta(&sent, "namespace");
        if !namespace.is_empty() && !own.is_empty() && namespace != own {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let (name, url) = (meta(&sent, "name"), &self.target.name);
        if name.is_empty() {
            let message = format!(
                "the name of the object ({url} based on URL) was undeterminable: name must be provided"
            );
            return Err(Status::bad_request(message));
        }
        if name != url {
            let message = format!(
                "the name of the object ({name}) does not match the name on the URL ({url})"
            );
            return Err(Status::bad_request(message));
        }
        let manager = self.manager(&options);
        let mut writer = self.writer(&manager, options.dry_run);
        let may_create = self.target.subresource.is_empty() && self.served.creates_on_update();
        let done = writer.update(url, may_create, |_, _| {
            Ok(Change {
                object: sent.clone(),
                is_managed: false,
            })
        });
        self.warn(std::mem::take(&mut writer.warnings));
        let (written, created) = done?;
        self.renderer()?
            .object(if created { 201 } else { 200 }, &written)
    }
}
