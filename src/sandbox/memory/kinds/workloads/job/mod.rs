//! Job: `pkg/apis/batch` and `pkg/registry/batch/job`.

mod indexes;
pub(super) mod spec;
mod status;
mod update;

use serde_json::{Value, json};

use super::read::{at, entry, fill, flag, given, int, is_empty, remove, slot, slot_of, text};
use super::{check, template};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const JOB_NAME: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];
const CONTROLLER_UID: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

/// See the module.
pub(crate) struct Job;

impl Kind for Job {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.template");
        if let Some(spec) = slot(object, "spec") {
            default_spec(spec);
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        let takes_labels = is_empty(at(object, "metadata.labels"));
        if !flag(object, "spec.manualSelector") {
            generate_selector(object);
        }
        if takes_labels {
            take_labels(object);
        }
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, _old: &Value) {
        if write.subresource.is_empty() && is_empty(at(object, "metadata.labels")) {
            take_labels(object);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object)
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        if write.subresource == "status" {
            let mut errors = meta::validate_update(object, old);
            errors.extend(status::validate_update(object, old));
            return errors;
        }
        let mut errors = meta::common_update(object, old);
        errors.extend(validate(object));
        errors.extend(meta::own_update(object, old));
        errors.extend(update::validate(object, old));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let name = if old.is_none() {
            check::pod_name_warning(object)
        } else {
            None
        };
        let spec = at(object, "spec");
        if old.is_some_and(|old| at(old, "spec") == spec) {
            return Vec::new();
        }
        let size = spec::size_warning(spec, &Path::new("spec"));
        name.into_iter()
            .chain(size)
            .chain(template::warnings(object, old))
            .collect()
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        vec![(
            "status.successful",
            int(object, "status.succeeded").to_string(),
        )]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["status.successful"]
    }
}

fn default_spec(spec: &mut Value) {
    if given(spec, "completions").is_none() && given(spec, "parallelism").is_none() {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    let retries = if given(spec, "backoffLimitPerIndex").is_some() {
        i32::MAX
    } else {
        6
    };
    fill(spec, "backoffLimit", retries);
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    let has_policy = given(spec, "podFailurePolicy").is_some();
    let replace = if has_policy {
        "Failed"
    } else {
        "TerminatingOrFailed"
    };
    fill(spec, "podReplacementPolicy", replace);
    fill(spec, "manualSelector", false);
    spec::default_patterns(spec);
}

/// The labels of the template, those that the server added included: the real server's object has
/// them whenever it has none of its own.
fn take_labels(object: &mut Value) {
    let labels = at(object, "spec.template.metadata.labels").clone();
    if !is_empty(&labels)
        && let Some(place) = slot(object, "metadata.labels")
    {
        *place = labels;
    }
}

fn generate_selector(object: &mut Value) {
    let name = text(object, "metadata.name").to_owned();
    let uid = text(object, "metadata.uid").to_owned();
    if let Some(labels) = slot(object, "spec.template.metadata.labels") {
        let names = JOB_NAME.map(|key| (key, &name));
        let uids = CONTROLLER_UID.map(|key| (key, &uid));
        for (key, value) in names.into_iter().chain(uids) {
            fill_entry(labels, key, value);
        }
    }
    if let Some(labels) = slot(object, "spec.selector.matchLabels") {
        fill_entry(labels, CONTROLLER_UID[1], &uid);
    }
}

fn fill_entry(map: &mut Value, key: &str, value: &str) {
    if let Some(place) = slot_of(map, key)
        && place.is_null()
    {
        *place = json!(value);
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = validate_metadata(object);
    errors.extend(validate_generated(object));
    errors.extend(validate_spec(at(object, "spec")));
    let completions = int(object, "spec.completions");
    if text(object, "spec.completionMode") == "Indexed" && completions > 0 {
        let name = text(object, "metadata.name");
        let hostname = format!("{name}-{}", completions - 1);
        if !names::dns1123_label(&hostname).is_empty() {
            let words = format!("will not able to create pod with invalid DNS label: {hostname}");
            errors.push(FieldError::invalid(
                &Path::new("metadata.name"),
                name,
                words,
            ));
        }
    }
    errors
}

/// Labels that were taken from the template are checked there.
fn validate_metadata(object: &Value) -> Vec<FieldError> {
    let labels = at(object, "metadata.labels");
    let are_taken =
        labels.get(JOB_NAME[1]).is_some() && labels == at(object, "spec.template.metadata.labels");
    if !are_taken {
        return meta::validate_create(object, true, meta::dns_subdomain);
    }
    let mut shown = json!({"metadata": at(object, "metadata")});
    remove(&mut shown, "metadata.labels");
    meta::validate_create(&shown, true, meta::dns_subdomain)
}

/// A selector that is not the client's must be the server's.
fn validate_generated(object: &Value) -> Vec<FieldError> {
    let selector = at(object, "spec.selector");
    if flag(object, "spec.manualSelector") || selector.is_null() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let (name, uid) = (text(object, "metadata.name"), text(object, "metadata.uid"));
    if uid.is_empty() {
        errors.push(FieldError::required(&Path::new("metadata.uid"), ""));
    }
    let expected = [
        (CONTROLLER_UID[0], uid),
        (JOB_NAME[0], name),
        (CONTROLLER_UID[1], uid),
        (JOB_NAME[1], name),
    ];
    for (key, value) in expected {
        errors.extend(validate_label(object, key, value));
    }
    let labels = expected.map(|(key, value)| (key.to_owned(), json!(value)));
    let labels = Value::Object(labels.into_iter().collect());
    let path = Path::new("spec.selector");
    if check::selector(selector, &path).is_empty() && !check::selects(selector, &labels) {
        let shown = check::shown_selector(selector);
        errors.push(FieldError::invalid(
            &path,
            shown,
            "`selector` not auto-generated",
        ));
    }
    errors
}

fn validate_label(object: &Value, key: &str, value: &str) -> Option<FieldError> {
    let labels = "spec.template.metadata.labels";
    let path = Path::new(labels).key(key);
    let words = format!("must be '{value}'");
    match entry(object, labels, key) {
        None => Some(FieldError::required(&path, words)),
        Some(given) if given == value => None,
        Some(_) => Some(FieldError::invalid(
            &path,
            check::shown_map(at(object, labels)),
            words,
        )),
    }
}

/// `ValidateJobSpec`
fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = spec::validate(spec, &path);
    let selector = at(spec, "selector");
    let selector_path = path.child("selector");
    let wrong = check::selector(selector, &selector_path);
    let is_wrong = !wrong.is_empty();
    if selector.is_null() {
        errors.push(FieldError::required(&selector_path, ""));
    } else {
        errors.extend(wrong);
    }
    if !is_wrong {
        errors.extend(template::not_selected(
            selector,
            at(spec, "template"),
            &path.child("template"),
        ));
    }
    errors
}
