//! What is wrong with the spec of a Job, or of the Jobs of a CronJob (`validateJobSpec`).

use serde_json::{Value, json};

use super::super::read::{at, fill_text, given, int, items, items_mut, number, text};
use super::super::{check, template};
use super::indexes;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

const MANY: i64 = 100_000;
const MANY_AT_ONCE: i64 = 10_000;
const INDEXED: &str = "Indexed";
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const STATES: [&str; 3] = ["False", "True", "Unknown"];

/// Sets the default of the conditions that a failure policy looks for.
pub(crate) fn default_patterns(spec: &mut Value) {
    for rule in items_mut(spec, "podFailurePolicy.rules") {
        for pattern in items_mut(rule, "onPodConditions") {
            fill_text(pattern, "status", "True");
        }
    }
}

/// The warning about Jobs that are too large to be tracked.
pub(crate) fn size_warning(spec: &Value, path: &Path) -> Option<String> {
    let is_large = text(spec, "completionMode") == INDEXED
        && int(spec, "completions") > MANY
        && int(spec, "parallelism") > MANY_AT_ONCE;
    is_large.then(|| {
        format!(
            "{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism \
             higher than 10^4, Kubernetes might not be able to track completedIndexes when a big \
             number of indexes fail"
        )
    })
}

/// See the module.
pub(crate) fn validate(spec: &Value, path: &Path) -> Vec<FieldError> {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    let mut errors = check::nonnegatives(spec, &counts, path);
    let is_given = |field| given(spec, field).is_some();
    if is_given("maxFailedIndexes") && !is_given("backoffLimitPerIndex") {
        let path = path.child("backoffLimitPerIndex");
        errors.push(FieldError::required(
            &path,
            "when maxFailedIndexes is specified",
        ));
    }
    if let Some(manager) = given(spec, "managedBy").and_then(Value::as_str) {
        let path = path.child("managedBy");
        errors.extend(check::domain_prefixed_path(manager, &path));
        if manager.len() > 63 {
            errors.push(FieldError::too_long(&path, 63));
        }
    }
    errors.extend(validate_mode(spec, path));
    if is_given("podFailurePolicy") {
        errors.extend(validate_failure_policy(
            spec,
            &path.child("podFailurePolicy.rules"),
        ));
    }
    if let Some(policy) = given(spec, "successPolicy") {
        let path = path.child("successPolicy");
        if text(spec, "completionMode") == INDEXED {
            errors.extend(validate_success_policy(spec, &path.child("rules")));
        } else {
            let shown = shown_success_policy(policy);
            errors.push(FieldError::invalid(
                &path,
                shown,
                "requires indexed completion mode",
            ));
        }
    }
    errors.extend(validate_replacement(
        spec,
        &path.child("podReplacementPolicy"),
    ));
    errors.extend(template::validate(
        at(spec, "template"),
        &path.child("template"),
    ));
    errors.extend(validate_restart(
        spec,
        &path.child("template.spec.restartPolicy"),
    ));
    errors
}

fn validate_mode(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mode = given(spec, "completionMode").and_then(Value::as_str);
    if let Some(mode) = mode.filter(|mode| !["NonIndexed", INDEXED].contains(mode)) {
        let path = path.child("completionMode");
        errors.push(FieldError::not_supported(
            &path,
            mode,
            &["NonIndexed", INDEXED],
        ));
    }
    if mode == Some(INDEXED) {
        errors.extend(validate_indexed(spec, path));
    }
    if matches!(mode, None | Some("NonIndexed")) {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(value) = number(spec, field) {
                let words = "requires indexed completion mode";
                errors.push(FieldError::invalid(&path.child(field), value, words));
            }
        }
    }
    errors
}

fn validate_indexed(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (completions, parallelism) = (number(spec, "completions"), number(spec, "parallelism"));
    let failed = number(spec, "maxFailedIndexes");
    let (parallelism_path, failed_path) =
        (path.child("parallelism"), path.child("maxFailedIndexes"));
    if completions.is_none() {
        let words = "when completion mode is Indexed";
        errors.push(FieldError::required(&path.child("completions"), words));
    }
    if let Some(parallelism) = parallelism.filter(|parallelism| *parallelism > MANY) {
        let words = format!("must be less than or equal to {MANY} when completion mode is Indexed");
        errors.push(FieldError::invalid(&parallelism_path, parallelism, words));
    }
    if let (Some(failed), Some(completions)) = (failed, completions)
        && failed > completions
    {
        let words = "must be less than or equal to completions";
        errors.push(FieldError::invalid(&failed_path, failed, words));
    }
    if let Some(failed) = failed.filter(|failed| *failed > MANY) {
        let words = format!("must be less than or equal to {MANY}");
        errors.push(FieldError::invalid(&failed_path, failed, words));
    }
    let has_many = completions.is_some_and(|completions| completions > MANY);
    if has_many && given(spec, "backoffLimitPerIndex").is_some() {
        let words = format!(
            "must be less than or equal to {MANY_AT_ONCE} when completions are above {MANY} and used \
             with backoff limit per index"
        );
        if failed.is_none() {
            let words = format!("must be specified when completions is above {MANY}");
            errors.push(FieldError::required(&failed_path, words));
        }
        for (value, path) in [(parallelism, parallelism_path), (failed, failed_path)] {
            if let Some(value) = value.filter(|value| *value > MANY_AT_ONCE) {
                errors.push(FieldError::invalid(&path, value, words.clone()));
            }
        }
    }
    errors
}

fn validate_failure_policy(spec: &Value, path: &Path) -> Vec<FieldError> {
    let rules = items(spec, "podFailurePolicy.rules");
    let mut errors = Vec::new();
    if rules.len() > 20 {
        errors.push(FieldError::too_many(path, rules.len(), 20));
    }
    let lists = ["template.spec.containers", "template.spec.initContainers"];
    let containers = lists.iter().flat_map(|list| items(spec, list));
    let containers: Vec<&str> = containers
        .map(|container| text(container, "name"))
        .collect();
    for (index, rule) in rules.iter().enumerate() {
        errors.extend(validate_failure_rule(
            spec,
            rule,
            &containers,
            &path.index(index),
        ));
    }
    errors
}

fn validate_failure_rule(
    spec: &Value,
    rule: &Value,
    containers: &[&str],
    path: &Path,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let action_path = path.child("action");
    match text(rule, "action") {
        "" => errors.push(one_of(&action_path, &ACTIONS)),
        action @ "FailIndex" if given(spec, "backoffLimitPerIndex").is_none() => {
            let words = "requires the backoffLimitPerIndex to be set";
            errors.push(FieldError::invalid(&action_path, action, words));
        }
        action if ACTIONS.contains(&action) => {}
        action => errors.push(FieldError::not_supported(&action_path, action, &ACTIONS)),
    }
    let codes = given(rule, "onExitCodes");
    let patterns = items(rule, "onPodConditions");
    if let Some(codes) = codes {
        errors.extend(validate_exit_codes(
            codes,
            containers,
            &path.child("onExitCodes"),
        ));
    }
    if !patterns.is_empty() {
        errors.extend(validate_patterns(patterns, &path.child("onPodConditions")));
    }
    match (codes.is_some(), patterns.is_empty()) {
        (true, false) => errors.push(check::invalid_whole(
            path,
            "specifying both OnExitCodes and OnPodConditions is not supported",
        )),
        (false, true) => errors.push(check::invalid_whole(
            path,
            "specifying one of OnExitCodes and OnPodConditions is required",
        )),
        _ => {}
    }
    errors
}

fn validate_patterns(patterns: &[Value], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if patterns.len() > 20 {
        errors.push(FieldError::too_many(path, patterns.len(), 20));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let path = path.index(index);
        let type_ = text(pattern, "type");
        errors.extend(check::invalid_each(
            &path.child("type"),
            type_,
            names::qualified_name(type_),
        ));
        let status_path = path.child("status");
        match text(pattern, "status") {
            "" => errors.push(one_of(&status_path, &STATES)),
            status if STATES.contains(&status) => {}
            status => errors.push(FieldError::not_supported(&status_path, status, &STATES)),
        }
    }
    errors
}

fn validate_exit_codes(codes: &Value, containers: &[&str], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let operators = ["In", "NotIn"];
    let operator = text(codes, "operator");
    let operator_path = path.child("operator");
    if operator.is_empty() {
        errors.push(one_of(&operator_path, &operators));
    } else if !operators.contains(&operator) {
        errors.push(FieldError::not_supported(
            &operator_path,
            operator,
            &operators,
        ));
    }
    let container = given(codes, "containerName").and_then(Value::as_str);
    if let Some(name) = container.filter(|name| !containers.contains(name)) {
        let words = "must be one of the container or initContainer names in the pod template";
        errors.push(FieldError::invalid(
            &path.child("containerName"),
            name,
            words,
        ));
    }
    let values = items(codes, "values");
    let path = path.child("values");
    match values.len() {
        0 => {
            let shown = at(codes, "values").clone();
            errors.push(FieldError::invalid(
                &path,
                shown,
                "at least one value is required",
            ));
        }
        count if count > 255 => errors.push(FieldError::too_many(&path, count, 255)),
        _ => {}
    }
    let values: Vec<i64> = values
        .iter()
        .map(|value| value.as_i64().unwrap_or_default())
        .collect();
    let mut seen = std::collections::HashSet::new();
    for (index, value) in values.iter().enumerate() {
        let path = path.index(index);
        if operator == "In" && *value == 0 {
            errors.push(FieldError::invalid(
                &path,
                0,
                "must not be 0 for the In operator",
            ));
        }
        if !seen.insert(value) {
            errors.push(FieldError::duplicate(&path, *value));
        }
    }
    if !values.is_sorted() {
        errors.push(FieldError::invalid(&path, values, "must be ordered"));
    }
    errors
}

fn validate_success_policy(spec: &Value, path: &Path) -> Vec<FieldError> {
    let rules = items(spec, "successPolicy.rules");
    let mut errors = Vec::new();
    if rules.is_empty() {
        let words = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(path, words));
    }
    if rules.len() > 20 {
        errors.push(FieldError::too_many(path, rules.len(), 20));
    }
    // The real server fails here when an indexed Job has no completions, which is wrong already.
    let Some(completions) = number(spec, "completions") else {
        return errors;
    };
    for (index, rule) in rules.iter().enumerate() {
        errors.extend(validate_success_rule(rule, completions, &path.index(index)));
    }
    errors
}

fn validate_success_rule(rule: &Value, completions: i64, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let count = number(rule, "succeededCount");
    let listed = given(rule, "succeededIndexes").and_then(Value::as_str);
    if count.is_none() && listed.is_none() {
        let words = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(path, words));
    }
    let mut total = 0;
    if let Some(listed) = listed {
        let path = path.child("succeededIndexes");
        if listed.len() > 64 * 1024 {
            errors.push(FieldError::too_long(&path, 64 * 1024));
        }
        match indexes::count(listed, completions) {
            Ok(count) => total = count,
            Err(error) => {
                let words = format!("error parsing succeededIndexes: {error}");
                errors.push(FieldError::invalid(&path, listed, words));
            }
        }
    }
    if let Some(count) = count {
        let path = path.child("succeededCount");
        errors.extend(check::nonnegative(count, &path));
        let limits = [
            (Some(completions), "the number of specified completions"),
            (
                listed.map(|_| total),
                "the number of indexes in the specified succeededIndexes field",
            ),
        ];
        for (limit, what) in limits {
            if let Some(limit) = limit.filter(|limit| count > *limit) {
                let words = format!("must be less than or equal to {limit} ({what})");
                errors.push(FieldError::invalid(&path, count, words));
            }
        }
    }
    errors
}

/// The policy as Go shows the internal type, whose fields have the names that they have in Go.
pub(super) fn shown_failure_policy(policy: &Value) -> Value {
    let rules = items(policy, "rules").iter().map(|rule| {
        let codes = given(rule, "onExitCodes").map(|codes| {
            json!({
                "ContainerName": at(codes, "containerName"),
                "Operator": at(codes, "operator"),
                "Values": at(codes, "values"),
            })
        });
        let patterns = items(rule, "onPodConditions").iter();
        let patterns = patterns.map(|p| json!({"Type": at(p, "type"), "Status": at(p, "status")}));
        let patterns = given(rule, "onPodConditions").map(|_| patterns.collect::<Vec<Value>>());
        json!({"Action": at(rule, "action"), "OnExitCodes": codes, "OnPodConditions": patterns})
    });
    json!({"Rules": rules.collect::<Vec<Value>>()})
}

/// See [`shown_failure_policy`].
pub(super) fn shown_success_policy(policy: &Value) -> Value {
    let rules = items(policy, "rules").iter().map(|rule| {
        json!({
            "SucceededIndexes": at(rule, "succeededIndexes"),
            "SucceededCount": at(rule, "succeededCount"),
        })
    });
    let rules = given(policy, "rules").map(|_| rules.collect::<Vec<Value>>());
    json!({"Rules": rules})
}

fn validate_replacement(spec: &Value, path: &Path) -> Option<FieldError> {
    let policy = given(spec, "podReplacementPolicy")?.as_str()?;
    let supported: &[&str] = match given(spec, "podFailurePolicy") {
        Some(_) => &["Failed"],
        None => &["Failed", "TerminatingOrFailed"],
    };
    (!supported.contains(&policy)).then(|| FieldError::not_supported(path, policy, supported))
}

fn validate_restart(spec: &Value, path: &Path) -> Option<FieldError> {
    let has_policy = given(spec, "podFailurePolicy").is_some();
    match text(spec, "template.spec.restartPolicy") {
        "Always" | "" => {
            let words = "valid values: \"OnFailure\", \"Never\"";
            Some(FieldError::required(path, words))
        }
        policy @ "OnFailure" if has_policy => {
            let words = "only \"Never\" is supported when podFailurePolicy is specified";
            Some(FieldError::invalid(path, policy, words))
        }
        "OnFailure" | "Never" => None,
        policy => Some(FieldError::not_supported(
            path,
            policy,
            &["OnFailure", "Never"],
        )),
    }
}

/// `Required value: valid values: ["A" "B"]`
fn one_of(path: &Path, values: &[&str]) -> FieldError {
    let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    FieldError::required(path, format!("valid values: [{}]", quoted.join(" ")))
}
