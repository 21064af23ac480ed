//! DaemonSet: `pkg/apis/apps` and `pkg/registry/apps/daemonset`.

use serde_json::{Value, json};

use super::read::{at, entry, fill, fill_text, given, slot, slot_of, text};
use super::{check, template};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// How often the template was changed; a field once, now an annotation.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// See the module.
pub(crate) struct DaemonSet;

impl Kind for DaemonSet {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.template");
        fill_text(object, "spec.updateStrategy.type", "RollingUpdate");
        if text(object, "spec.updateStrategy.type") == "RollingUpdate" {
            fill(
                object,
                "spec.updateStrategy.rollingUpdate.maxUnavailable",
                1,
            );
            fill(object, "spec.updateStrategy.rollingUpdate.maxSurge", 0);
        }
        fill(object, "spec.revisionHistoryLimit", 10);
    }

    fn prepare_create(&self, object: &mut Value) {
        let generation = template_generation(object).max(1);
        set_template_generation(object, generation);
    }

    fn prepare_update(&self, _write: Write<'_>, object: &mut Value, old: &Value) {
        let template = "spec.template";
        let is_changed = at(object, template) != at(old, template);
        set_template_generation(
            object,
            template_generation(old).saturating_add(i64::from(is_changed)),
        );
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(object));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(at(object, "status")));
            errors.extend(check::collisions_counted_down(object, old));
            return errors;
        }
        errors.extend(check::immutable_selector(object, old, "spec.selector"));
        errors.extend(validate_spec(object));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        template::warnings(object, old)
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn template_generation(object: &Value) -> i64 {
    let given = entry(object, "metadata.annotations", TEMPLATE_GENERATION);
    given
        .and_then(|given| given.parse().ok())
        .unwrap_or_default()
}

fn set_template_generation(object: &mut Value, generation: i64) {
    let annotations = slot(object, "metadata.annotations");
    if let Some(place) = annotations.and_then(|map| slot_of(map, TEMPLATE_GENERATION)) {
        *place = json!(generation.to_string());
    }
}

fn validate_spec(object: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let spec = at(object, "spec");
    let (selector, template) = (at(spec, "selector"), at(spec, "template"));
    let template_path = path.child("template");
    let mut errors = check::selector(selector, &path.child("selector"));
    if errors.is_empty() {
        errors.extend(template::not_selected(selector, template, &template_path));
    }
    if !selector.is_null() && check::selects_all(selector) {
        let shown = check::shown_selector(selector);
        let words = "empty selector is invalid for daemonset";
        errors.push(FieldError::invalid(&path.child("selector"), shown, words));
    }
    errors.extend(template::validate(template, &template_path));
    errors.extend(template::ends(template, "DaemonSet", &template_path));
    errors.extend(check::nonnegatives(spec, &["minReadySeconds"], &path));
    errors.extend(validate_strategy(
        at(spec, "updateStrategy"),
        &path.child("updateStrategy"),
    ));
    errors.extend(check::nonnegatives(spec, &["revisionHistoryLimit"], &path));
    errors
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<FieldError> {
    let rolling = given(strategy, "rollingUpdate");
    match (text(strategy, "type"), rolling) {
        ("OnDelete", _) => Vec::new(),
        ("RollingUpdate", Some(rolling)) => validate_rolling(rolling, &path.child("rollingUpdate")),
        ("RollingUpdate", None) => vec![FieldError::required(&path.child("rollingUpdate"), "")],
        (other, rolling) => {
            // The internal type is shown, whose fields have the names that they have in Go.
            let rolling = rolling.map(|rolling| {
                json!({
                    "MaxUnavailable": check::shown_int_or_text(at(rolling, "maxUnavailable")),
                    "MaxSurge": check::shown_int_or_text(at(rolling, "maxSurge")),
                })
            });
            let shown = json!({"Type": other, "RollingUpdate": rolling});
            vec![FieldError::not_supported(
                path,
                shown,
                &["RollingUpdate", "OnDelete"],
            )]
        }
    }
}

fn validate_rolling(rolling: &Value, path: &Path) -> Vec<FieldError> {
    let (unavailable, surge) = (at(rolling, "maxUnavailable"), at(rolling, "maxSurge"));
    let (unavailable_path, surge_path) = (path.child("maxUnavailable"), path.child("maxSurge"));
    let mut errors = check::int_or_percent(unavailable, &unavailable_path);
    errors.extend(check::int_or_percent(surge, &surge_path));
    errors.extend(check::above_100_percent(unavailable, &unavailable_path));
    errors.extend(check::above_100_percent(surge, &surge_path));
    match (check::amount(unavailable) != 0, check::amount(surge) != 0) {
        (true, true) => errors.push(FieldError::invalid(
            &surge_path,
            surge.clone(),
            "may not be set when maxUnavailable is non-zero",
        )),
        (false, false) => errors.push(FieldError::required(
            &unavailable_path,
            "cannot be 0 when maxSurge is 0",
        )),
        _ => {}
    }
    errors
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let counts = [
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ];
    check::nonnegatives(status, &counts, &Path::new("status"))
}
