//! POST of an object.

use super::Call;
use super::write::Change;
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::route::answer::Answer;
use crate::sandbox::memory::route::options::{WriteKind, WriteOptions};
use crate::sandbox::memory::status::Status;

impl Call<'_> {
    pub(super) fn create(&self) -> Result<Answer, Status> {
        let written = crate::sandbox::memory::route::media::written(self.request)?;
        let options = WriteOptions::read(&self.request.query, WriteKind::Create)?;
        let sent = self.decode(&self.request.body, written, options.validation)?;
        let manager = self.manager(&options);
        let mut writer = self.writer(&manager, options.dry_run);
        let kind = &self.served.resource;
        if meta(&sent, "name").is_empty() && meta(&sent, "generateName").is_empty() {
            let path = crate::sandbox::memory::field::Path::new("metadata").child("name");
            let error = crate::sandbox::memory::field::FieldError::required(
                &path,
                "name or generateName is required",
            );
            return Err(Status::invalid(&kind.group, &kind.kind, "", &[error]));
        }
        let made = writer.create(Change {
            object: sent,
            is_managed: false,
        });
        self.warn(std::mem::take(&mut writer.warnings));
        self.renderer()?.object(201, &made?)
    }
}
