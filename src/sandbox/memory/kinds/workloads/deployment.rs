//! Deployment: `pkg/apis/apps` and `pkg/registry/apps/deployment`.

use serde_json::{Value, json};

use super::read::{at, fill, fill_text, given, int, keep, number, put, same, text};
use super::{check, template};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};

/// See the module.
pub(crate) struct Deployment;

impl Kind for Deployment {
    fn default(&self, object: &mut Value) {
        template::default(object, "spec.template");
        fill(object, "spec.replicas", 1);
        fill_text(object, "spec.strategy.type", "RollingUpdate");
        if text(object, "spec.strategy.type") == "RollingUpdate" {
            fill(object, "spec.strategy.rollingUpdate.maxUnavailable", "25%");
            fill(object, "spec.strategy.rollingUpdate.maxSurge", "25%");
        }
        fill(object, "spec.revisionHistoryLimit", 10);
        fill(object, "spec.progressDeadlineSeconds", 600);
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "metadata.labels");
        } else if !same(
            at(object, "metadata.annotations"),
            at(old, "metadata.annotations"),
        ) {
            // Alone among the kinds, this one counts changes of its annotations as well.
            put(
                object,
                "metadata.generation",
                int(old, "metadata.generation").saturating_add(1),
            );
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        errors.extend(validate_spec(at(object, "spec")));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(at(object, "status")));
            errors.extend(check::collisions_counted_down(object, old));
            return errors;
        }
        errors.extend(validate_spec(at(object, "spec")));
        errors.extend(check::immutable_selector(object, old, "spec.selector"));
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        template::warnings_of_change(object, old)
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate_spec(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = check::nonnegatives(spec, &["replicas"], &path);
    errors.extend(template::validate_with_selector(spec, "deployment"));
    errors.extend(validate_strategy(
        at(spec, "strategy"),
        &path.child("strategy"),
    ));
    errors.extend(check::nonnegatives(
        spec,
        &["minReadySeconds", "revisionHistoryLimit"],
        &path,
    ));
    if let Some(deadline) = number(spec, "progressDeadlineSeconds") {
        let path = path.child("progressDeadlineSeconds");
        errors.extend(check::nonnegative(deadline, &path));
        if deadline <= int(spec, "minReadySeconds") {
            let words = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid(&path, deadline, words));
        }
    }
    errors
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<FieldError> {
    let rolling = given(strategy, "rollingUpdate");
    match (text(strategy, "type"), rolling) {
        ("Recreate", None) => Vec::new(),
        ("Recreate", Some(_)) => vec![FieldError::forbidden(
            &path.child("rollingUpdate"),
            "may not be specified when strategy `type` is 'Recreate'",
        )],
        ("RollingUpdate", Some(rolling)) => validate_rolling(rolling, &path.child("rollingUpdate")),
        ("RollingUpdate", None) => vec![FieldError::required(
            &path.child("rollingUpdate"),
            "this should be defaulted and never be nil",
        )],
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
                &["Recreate", "RollingUpdate"],
            )]
        }
    }
}

fn validate_rolling(rolling: &Value, path: &Path) -> Vec<FieldError> {
    let (unavailable, surge) = (at(rolling, "maxUnavailable"), at(rolling, "maxSurge"));
    let unavailable_path = path.child("maxUnavailable");
    let mut errors = check::int_or_percent(unavailable, &unavailable_path);
    errors.extend(check::int_or_percent(surge, &path.child("maxSurge")));
    if check::amount(unavailable) == 0 && check::amount(surge) == 0 {
        let words = "may not be 0 when `maxSurge` is 0";
        errors.push(FieldError::invalid(
            &unavailable_path,
            unavailable.clone(),
            words,
        ));
    }
    errors.extend(check::above_100_percent(unavailable, &unavailable_path));
    errors
}

fn validate_status(status: &Value) -> Vec<FieldError> {
    let path = Path::new("status");
    let counts = [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ];
    let mut errors = check::nonnegatives(status, &counts, &path);
    let parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
    let words = "cannot be greater than status.replicas";
    errors.extend(check::not_above(status, &parts, "replicas", words, &path));
    let words = "cannot be greater than readyReplicas";
    errors.extend(check::not_above(
        status,
        &["availableReplicas"],
        "readyReplicas",
        words,
        &path,
    ));
    errors
}
