//! A resource's own ways, whether it is built in or custom: what the verbs ask of either.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::api::Api;
use super::decode;
use super::field::FieldError;
use super::kinds::Write;
use super::object;
use super::object::{meta, set_meta};
use super::registry::{Behaviour, Served};
use super::status::Status;

/// Kinds of which a deletion answers with the object (`ReturnDeletedObject` in pkg/registry).
const SHOWN_WHEN_DELETED: [(&str, &str); 19] = [
    ("", "namespaces"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "podtemplates"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceclaims"),
    ("resource.k8s.io", "resourceclaimtemplates"),
    ("resource.k8s.io", "resourceslices"),
    ("storage.k8s.io", "csidrivers"),
    ("storage.k8s.io", "csinodes"),
    ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattachments"),
    ("storage.k8s.io", "volumeattributesclasses"),
    ("scheduling.k8s.io", "workloads"),
    ("scheduling.k8s.io", "podgroups"),
];

impl Served {
    fn names(&self) -> (&str, &str) {
        (&self.resource.group, &self.resource.plural)
    }

    /// Whether `status` is written by a path of its own.
    pub fn has_status(&self) -> bool {
        self.resource.subresource("status").is_some()
    }

    /// Whether a new object may bring its status: nodes tell at once how they are.
    pub fn takes_status(&self) -> bool {
        self.names() == ("", "nodes")
    }

    /// Whether objects count their generations.
    pub fn has_generation(&self) -> bool {
        match self.behaviour {
            Behaviour::BuiltIn(kind) => kind.has_generation(),
            // It counts by itself.
            Behaviour::Custom(_) => false,
        }
    }

    /// Whether this is the resource of CustomResourceDefinitions.
    pub fn is_definition(&self) -> bool {
        self.names() == ("apiextensions.k8s.io", "customresourcedefinitions")
    }

    /// Sets defaults.
    pub fn default(&self, object: &mut Value) {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.default(object),
            Behaviour::Custom(version) => version.default(object),
        }
    }

    /// Resets what a client does not decide when it creates.
    pub fn prepare_create(&self, object: &mut Value) {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.prepare_create(object),
            Behaviour::Custom(version) => version.prepare_create(object),
        }
    }

    /// Resets what a write may not change.
    pub fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.prepare_update(write, object, old),
            Behaviour::Custom(version) => version.prepare_update(write.subresource, object, old),
        }
    }

    /// Puts an object into the form in which it is written.
    pub fn normalise(&self, object: &mut Value) {
        match &self.behaviour {
            Behaviour::BuiltIn(_) => {
                let resource = self.stored_resource();
                decode::tidy(&resource.types, resource.type_, object);
            }
            Behaviour::Custom(_) => object::sort(object),
        }
    }

    /// What is wrong with a new object.
    pub fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.validate_create(object),
            Behaviour::Custom(version) if self.is_stored_version() => {
                version.validate_create(object)
            }
            Behaviour::Custom(version) => version.validate_create(&version.convert(object.clone())),
        }
    }

    /// What is wrong with a change.
    pub fn validate_update(
        &self,
        write: Write<'_>,
        object: &Value,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Vec<FieldError> {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.validate_update(write, object, old),
            Behaviour::Custom(version) if self.is_stored_version() => {
                version.validate_update(write.subresource, object, old, warnings)
            }
            Behaviour::Custom(version) => {
                let (object, old) = (
                    version.convert(object.clone()),
                    version.convert(old.clone()),
                );
                version.validate_update(write.subresource, &object, &old, warnings)
            }
        }
    }

    /// Texts of warnings.
    pub fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.warnings(object, old),
            Behaviour::Custom(version) => version.warnings(object, old),
        }
    }

    /// Whether PUT of what is not there creates it.
    pub fn creates_on_update(&self) -> bool {
        match self.behaviour {
            Behaviour::BuiltIn(kind) => kind.creates_on_update(),
            Behaviour::Custom(_) => false,
        }
    }

    /// Whether an update may leave the resourceVersion out.
    pub fn updates_unconditionally(&self) -> bool {
        match self.behaviour {
            Behaviour::BuiltIn(kind) => kind.updates_unconditionally(),
            Behaviour::Custom(_) => false,
        }
    }

    /// How long an object lives on when it is deleted; `None` for kinds without that.
    pub fn grace_period(&self, object: &Value) -> Option<i64> {
        match self.behaviour {
            Behaviour::BuiltIn(kind) => kind.grace_period(object),
            Behaviour::Custom(_) => None,
        }
    }

    /// The time that is left to a pod: none when it was never placed or has ended.
    pub fn shortened(&self, object: &Value, asked: i64) -> i64 {
        let placed = object["spec"]["nodeName"]
            .as_str()
            .is_some_and(|node| !node.is_empty());
        let phase = object["status"]["phase"].as_str().unwrap_or_default();
        let has_ended = matches!(phase, "Succeeded" | "Failed");
        if self.names() == ("", "pods") && (!placed || has_ended) {
            return 0;
        }
        asked
    }

    /// Whether an object that is deleted waits for what its kind waits for: a namespace for its
    /// content.
    pub fn stays_after_deletion(&self, object: &Value) -> bool {
        self.names() == ("", "namespaces") && has_items(&object["spec"]["finalizers"])
    }

    /// Whether an object that is marked as deleted goes with its last finalizer.
    pub fn ends_without_finalizers(&self, object: &Value) -> bool {
        let grace = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
        grace.unwrap_or(0) == 0 && !self.stays_after_deletion(object)
    }

    /// Whether deletions answer with the object.
    pub fn returns_deleted(&self) -> bool {
        SHOWN_WHEN_DELETED.contains(&self.names())
    }

    /// Whether deletions leave what an object owns to nobody: Events own nothing.
    pub fn is_collected_by_nobody(&self) -> bool {
        matches!(self.names(), ("" | "events.k8s.io", "events"))
    }

    /// The fields by which objects are selected without being read. Of custom ones there are none:
    /// which fields can be selected, and what an object has there, depends on the version that is
    /// asked, and changes with the definition.
    pub fn fields(&self, object: &Value) -> Vec<(Cow<'static, str>, Arc<str>)> {
        let Behaviour::BuiltIn(kind) = &self.behaviour else {
            return Vec::new();
        };
        // What is not there is empty.
        let fields = kind.fields(object).into_iter();
        fields
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (Cow::Borrowed(name), value.into()))
            .collect()
    }

    /// The name under which [`fields`](Self::fields) has what a selector calls so.
    pub fn stored_field(&self, label: &str) -> Option<&'static str> {
        match &self.behaviour {
            Behaviour::BuiltIn(kind) => kind.stored_field(label),
            Behaviour::Custom(_) => None,
        }
    }

    /// 400 for a field by which nothing can be selected.
    pub fn unknown_field(&self, field: &str) -> Status {
        let (group, plural) = self.names();
        let message = match &self.behaviour {
            Behaviour::Custom(_) => format!("field label not supported: {field}"),
            Behaviour::BuiltIn(kind) if kind.field_labels().is_empty() => format!(
                "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ),
            Behaviour::BuiltIn(_) => match (group, plural) {
                ("", "pods" | "nodes" | "namespaces" | "secrets" | "services" | "events")
                | ("", "replicationcontrollers") => format!("field label not supported: {field}"),
                _ => format!(
                    "field label {field:?} not supported for {}",
                    self.resource.kind
                ),
            },
        };
        Status::bad_request(message)
    }

    /// 422 for the object, which may say that it is of another kind.
    pub fn invalid(&self, object: &Value, errors: &[FieldError]) -> Status {
        let own = object["kind"].as_str().filter(|_| self.is_custom());
        let kind = own.unwrap_or(&self.resource.kind);
        let group = &self.stored_resource().group;
        Status::invalid(group, kind, meta(object, "name"), errors)
    }

    /// What of the metadata a write of the status may change.
    pub fn metadata_of_status(&self, new: Value, old: &Value) -> Value {
        let mut object = json!({ "metadata": new });
        if self.is_custom() {
            let managed = object["metadata"].get("managedFields").cloned();
            object["metadata"] = old["metadata"].clone();
            set_meta(&mut object, "managedFields", managed);
            return object["metadata"].take();
        }
        let kept: &[&str] = match self.names() {
            ("", "pods") => &["ownerReferences"],
            ("apps", "deployments") => &["labels"],
            _ => &[],
        };
        for field in kept {
            let value = old["metadata"].get(*field).cloned();
            set_meta(&mut object, field, value);
        }
        object["metadata"].take()
    }

    /// The apiVersions in which the resource is served.
    pub fn versions_of(&self, api: &Api) -> Vec<String> {
        let group = &self.resource.group;
        let of_group = |version: &str| match group.is_empty() {
            true => version.to_owned(),
            false => format!("{group}/{version}"),
        };
        api.registry
            .versions_of(group, &self.resource.plural)
            .iter()
            .map(|version| of_group(version))
            .collect()
    }
}

fn has_items(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}
