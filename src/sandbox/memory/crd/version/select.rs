//! The fields by which objects can be selected.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::super::go;
use super::Version;

impl Version {
    /// Their labels, such as `spec.color`, beside `metadata.name` and `metadata.namespace`.
    pub fn selectable_fields(&self) -> &[String] {
        &self.selectable
    }

    /// What an object has there, by label; empty where it has nothing.
    pub fn fields(&self, object: &Value) -> Vec<(Cow<'static, str>, Arc<str>)> {
        let all = self.selectable.iter().zip(&self.selectable_paths);
        let fields = all.map(|(label, path)| {
            let found = path.as_ref().and_then(|path| path.find(object));
            let value = found.as_ref().and_then(|all| all.first());
            let value = value.filter(|value| !value.is_null());
            let text = value.map(|value| go::sprint(value)).unwrap_or_default();
            (Cow::Owned(label.clone()), text.into())
        });
        fields.collect()
    }
}
