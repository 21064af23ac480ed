//! Event as it is written through events.k8s.io/v1: `pkg/apis/core/validation/events.go` and
//! `pkg/registry/core/event`. The object is of the core group, in which Events are stored, and so are
//! the fields that errors name.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, given, int, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

/// See the module.
pub(crate) struct Event;

impl Kind for Event {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate(object, "reportingController");
        errors.extend(meta::validate_create(object, true, meta::dns_subdomain));
        errors.extend(validate_series(object));
        if given(object, "eventTime").is_none() {
            errors.push(FieldError::required(&Path::new("eventTime"), ""));
        }
        let type_ = text(object, "type");
        if !["Normal", "Warning"].contains(&type_) {
            let words = format!("has invalid value: {type_}");
            errors.push(FieldError::invalid(&Path::new("type"), "", words));
        }
        let is_set = [
            ("firstTimestamp", given(object, "firstTimestamp").is_some()),
            ("lastTimestamp", given(object, "lastTimestamp").is_some()),
            ("count", int(object, "count") != 0),
            (
                "source",
                !(text(object, "source.component").is_empty()
                    && text(object, "source.host").is_empty()),
            ),
        ];
        for (field, _) in is_set.into_iter().filter(|(_, is_set)| *is_set) {
            errors.push(FieldError::invalid(
                &Path::new(field),
                "",
                "needs to be unset",
            ));
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(validate(object, "reportingController"));
        errors.extend(meta::own_update(object, old));
        if at(object, "series") != at(old, "series") {
            errors.extend(validate_series(object));
        }
        let fields = [
            "involvedObject",
            "reason",
            "message",
            "source",
            "firstTimestamp",
            "lastTimestamp",
            "count",
            "reason",
            "type",
            "eventTime",
            "action",
            "related",
            "reportingComponent",
            "reportingInstance",
        ];
        errors.extend(
            fields
                .iter()
                .filter_map(|field| changed(object, old, field)),
        );
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        fields(object)
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &LABELS
    }

    fn stored_field(&self, label: &str) -> Option<&'static str> {
        let at = LABELS.iter().position(|known| *known == label)?;
        STORED.get(at).copied()
    }
}

/// By which fields an Event is selected in the group events.k8s.io, and what they are called in the
/// core group, as which Events are stored.
const LABELS: [&str; 10] = [
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
];
pub(crate) const STORED: [&str; 11] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "type",
    "source",
];

/// The fields of an Event, however it was written.
pub(crate) fn fields(event: &Value) -> Vec<(&'static str, String)> {
    let value = |label: &str| match label {
        "source" => match text(event, "source.component") {
            "" => text(event, "reportingComponent"),
            component => component,
        },
        _ => text(event, label),
    };
    STORED
        .iter()
        .map(|label| (*label, value(label).to_owned()))
        .collect()
}

/// What is wrong with an Event in either group (`legacyValidateEvent`); they differ in how the
/// reporter's field is called.
pub(crate) fn validate(event: &Value, reporter_field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let namespace = text(event, "metadata.namespace");
    let involved = text(event, "involvedObject.namespace");
    let is_timed = given(event, "eventTime").is_some();
    let fits = match (is_timed, involved) {
        (false, "") => ["", "default"].contains(&namespace),
        (true, "") => ["default", "kube-system"].contains(&namespace),
        (false, involved) => namespace == involved,
        (true, _) => true,
    };
    if !fits {
        let path = Path::new("involvedObject.namespace");
        errors.push(FieldError::invalid(
            &path,
            involved,
            "does not match event.namespace",
        ));
    }
    if is_timed {
        errors.extend(validate_new_style(event, reporter_field));
    }
    let path = Path::new("namespace");
    errors.extend(check::invalid_each(
        &path,
        namespace,
        names::dns1123_subdomain(namespace),
    ));
    errors
}

fn validate_new_style(event: &Value, reporter_field: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let reporter = text(event, "reportingComponent");
    let path = Path::new(reporter_field);
    if reporter.is_empty() {
        errors.push(FieldError::required(&path, ""));
    }
    errors.extend(check::invalid_each(
        &path,
        reporter,
        names::qualified_name(reporter),
    ));
    for (field, max) in [
        ("reportingInstance", 128),
        ("action", 128),
        ("reason", 128),
        ("message", 1024),
    ] {
        let path = Path::new(field);
        let length = text(event, field).len();
        if length == 0 && field != "message" {
            errors.push(FieldError::required(&path, ""));
        }
        if length > max {
            let words = format!("can have at most {max} characters");
            errors.push(FieldError::invalid(&path, "", words));
        }
    }
    errors
}

fn validate_series(event: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(series) = given(event, "series") {
        if int(series, "count") < 2 {
            errors.push(FieldError::invalid(
                &Path::new("series.count"),
                "",
                "should be at least 2",
            ));
        }
        if given(series, "lastObservedTime").is_none() {
            errors.push(FieldError::required(
                &Path::new("series.lastObservedTime"),
                "",
            ));
        }
    }
    errors
}

/// A field that changed and may not, named and shown as the internal type has it.
fn changed(event: &Value, old: &Value, field: &str) -> Option<FieldError> {
    let (new, old) = (at(event, field), at(old, field));
    let name = if field == "reportingComponent" {
        "reportingController"
    } else {
        field
    };
    let is_text = [
        "reason",
        "message",
        "type",
        "action",
        "reportingComponent",
        "reportingInstance",
    ];
    let shown = match field {
        "involvedObject" | "related" => shown_reference(new),
        "source" => serde_json::json!({
            "Component": text(new, "component"), "Host": text(new, "host"),
        }),
        "count" => int(event, field).into(),
        field if is_text.contains(&field) => text(event, field).into(),
        _ => new.clone(),
    };
    let is_same = match field {
        "count" => int(event, field) == old.as_i64().unwrap_or_default(),
        field if is_text.contains(&field) => text(event, field) == old.as_str().unwrap_or_default(),
        _ => super::super::workloads::read::same(new, old),
    };
    (!is_same).then(|| FieldError::invalid(&Path::new(name), shown, "field is immutable"))
}

fn shown_reference(reference: &Value) -> Value {
    if reference.is_null() {
        return Value::Null;
    }
    serde_json::json!({
        "Kind": text(reference, "kind"),
        "Namespace": text(reference, "namespace"),
        "Name": text(reference, "name"),
        "UID": text(reference, "uid"),
        "APIVersion": text(reference, "apiVersion"),
        "ResourceVersion": text(reference, "resourceVersion"),
        "FieldPath": text(reference, "fieldPath"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "metadata": {"name": "a", "namespace": "x", "resourceVersion": "1"},
            "involvedObject": {"kind": "Pod", "namespace": "x", "name": "p"},
            "eventTime": "2026-01-01T00:00:00.000000Z", "reportingComponent": "a.b/c",
            "reportingInstance": "i", "action": "A", "reason": "R", "type": "Normal", "message": "n",
        })
    }

    fn words(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn new_events_are_complete() {
        assert_eq!(
            words(&Event.validate_create(&event())),
            Vec::<String>::new()
        );
        let cases: &[(&str, Value, &str)] = &[
            ("eventTime", Value::Null, "eventTime: Required value"),
            (
                "reportingInstance",
                json!(""),
                "reportingInstance: Required value",
            ),
            (
                "action",
                json!("x".repeat(129)),
                "action: Invalid value: \"\": can have at most 128 characters",
            ),
            (
                "type",
                json!("X"),
                "type: Invalid value: \"\": has invalid value: X",
            ),
            (
                "count",
                json!(3),
                "count: Invalid value: \"\": needs to be unset",
            ),
            (
                "series",
                json!({"count": 1, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}),
                "series.count: Invalid value: \"\": should be at least 2",
            ),
            (
                "involvedObject",
                json!({"kind": "Pod", "name": "p"}),
                "involvedObject.namespace: Invalid value: \"\": does not match event.namespace",
            ),
        ];
        for (field, value, expected) in cases {
            let mut changed = event();
            changed[*field] = value.clone();
            assert_eq!(
                words(&Event.validate_create(&changed)),
                [*expected],
                "{field}"
            );
        }
    }

    #[test]
    fn only_the_series_of_an_event_goes_on() {
        let old = event();
        let cases: &[(&str, Value, &[&str])] = &[
            (
                "series",
                json!({"count": 5, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}),
                &[],
            ),
            (
                "reportingComponent",
                json!("x/y"),
                &["reportingController: Invalid value: \"x/y\": field is immutable"],
            ),
            (
                "count",
                json!(3),
                &["count: Invalid value: 3: field is immutable"],
            ),
            (
                "source",
                json!({"component": "x"}),
                &["source: Invalid value: {\"Component\":\"x\",\"Host\":\"\"}: field is immutable"],
            ),
        ];
        for (field, value, expected) in cases {
            let mut changed = event();
            changed[*field] = value.clone();
            let errors = Event.validate_update(Write::default(), &changed, &old);
            assert_eq!(words(&errors), *expected, "{field}");
        }
    }
}
