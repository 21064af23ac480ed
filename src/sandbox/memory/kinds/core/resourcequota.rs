//! ResourceQuota: `pkg/registry/core/resourcequota`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ResourceQuotaSpec;
use serde_json::{Value, json};

use super::super::pod::check::Errors;
use super::super::pod::{resources, round_up};
use super::super::workloads::read::{at, entry, keep, remove, texts};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::quantity::Quantity;

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

/// See the module.
pub(super) struct ResourceQuota;

impl Kind for ResourceQuota {
    fn default(&self, object: &mut Value) {
        typed::change::<ResourceQuotaSpec>(object, "spec", |spec| round_up(&mut spec.hard));
    }

    fn prepare_create(&self, object: &mut Value) {
        remove(object, "status");
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        keep(
            object,
            old,
            if write.subresource == "status" {
                "spec"
            } else {
                "status"
            },
        );
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        validate_spec(&mut errors, object);
        amounts(&mut errors, object, "status.hard");
        amounts(&mut errors, object, "status.used");
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            amounts(&mut errors, object, "status.hard");
            amounts(&mut errors, object, "status.used");
            return errors;
        }
        validate_spec(&mut errors, object);
        let scopes = |object| {
            texts(object, "spec.scopes")
                .into_iter()
                .collect::<BTreeSet<_>>()
        };
        if scopes(object) != scopes(old) {
            let shown = at(object, "spec.scopes").clone();
            let path = Path::new("spec.scopes");
            errors.push(FieldError::invalid(&path, shown, "field is immutable"));
        }
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        if old.is_some() {
            return Vec::new();
        }
        let amount = |name: &str| entry(object, "spec.hard", name).and_then(Quantity::parse);
        let mut all = Vec::new();
        for resource in ["cpu", "memory", "storage", "ephemeral-storage"] {
            let mut name = format!("requests.{resource}");
            let mut request = amount(&name);
            if request.is_none() && ["cpu", "memory"].contains(&resource) {
                resource.clone_into(&mut name);
                request = amount(&name);
            }
            let limit_name = format!("limits.{resource}");
            if let (Some(request), Some(limit)) = (request, amount(&limit_name))
                && request > limit
            {
                all.push(format!(
                    "ResourceQuota {name} ({request}) should be less than {limit_name} ({limit})"
                ));
            }
        }
        all
    }
}

/// `IsStandardQuotaResourceName`.
fn is_quota_resource(name: &str) -> bool {
    let bare = name
        .strip_prefix("requests.")
        .or_else(|| name.strip_prefix("limits."));
    let is_sized = |name: &str| ["cpu", "memory", "ephemeral-storage"].contains(&name);
    is_sized(bare.unwrap_or(name))
        || name == "requests.storage"
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
        || (!name.contains('/') && resources::is_counted(name))
}

fn amounts(errors: &mut Errors, object: &Value, place: &str) {
    let path = Path::new(place);
    for (name, amount) in at(object, place).as_object().into_iter().flatten() {
        let path = path.key(name);
        resources::resource_name(errors, name, &path);
        if !name.contains('/') && !is_quota_resource(name) {
            let why = "must be a standard resource for quota";
            errors.push(FieldError::invalid(&path, name.as_str(), why));
        }
        if let Some(amount) = amount.as_str().and_then(Quantity::parse) {
            resources::value(errors, name, &amount, &path);
        }
    }
}

/// `IsResourceQuotaScopeValidForResource`.
fn fits(scope: &str, resource: &str) -> bool {
    let is_pods = resource == "pods";
    let bare = resource
        .strip_prefix("requests.")
        .or_else(|| resource.strip_prefix("limits."));
    let is_compute = ["cpu", "memory"].contains(&bare.unwrap_or(resource));
    match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => is_pods || is_compute,
        "BestEffort" => is_pods,
        "VolumeAttributesClass" => {
            resource == "persistentvolumeclaims" || resource == "requests.storage"
        }
        _ => true,
    }
}

fn validate_spec(errors: &mut Errors, object: &Value) {
    amounts(errors, object, "spec.hard");
    let path = Path::new("spec");
    let spec = match typed::read::<ResourceQuotaSpec>(at(object, "spec"), &path) {
        Ok(spec) => spec,
        Err(wrong) => {
            errors.extend(wrong);
            return;
        }
    };
    let hard: Vec<&str> = spec
        .hard
        .iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let misfits = |scope: &str| {
        hard.iter()
            .filter(|name| is_quota_resource(name) && !fits(scope, name))
            .count()
    };
    let scopes = spec.scopes.clone().unwrap_or_default();
    let scopes_path = path.child("scopes");
    let mut push = |why: &str| {
        errors.push(FieldError::invalid(&scopes_path, scopes.clone(), why));
    };
    for scope in &scopes {
        if !SCOPES.contains(&scope.as_str()) {
            push("unsupported scope");
        }
        (0..misfits(scope)).for_each(|_| push("unsupported scope applied to resource"));
    }
    for _ in 0..conflicts(&scopes) {
        push("conflicting scopes");
    }
    let Some(selector) = &spec.scope_selector else {
        return;
    };
    let path = path.child("scopeSelector").child("matchExpressions");
    let terms = selector.match_expressions.as_deref().unwrap_or_default();
    let shown = json!({"MatchExpressions": terms.iter().map(|term| json!({
        "ScopeName": term.scope_name, "Operator": term.operator, "Values": term.values,
    })).collect::<Vec<_>>()});
    for term in terms {
        let scope = term.scope_name.as_str();
        if !SCOPES.contains(&scope) {
            let path = path.child("scopeName");
            errors.push(FieldError::invalid(&path, scope, "unsupported scope"));
        }
        for _ in 0..misfits(scope) {
            let why = "unsupported scope applied to resource";
            errors.push(FieldError::invalid(&path, shown.clone(), why));
        }
        let operator = term.operator.as_str();
        let operator_path = path.child("operator");
        let only_exists = [
            "BestEffort",
            "NotBestEffort",
            "Terminating",
            "NotTerminating",
            "CrossNamespacePodAffinity",
        ];
        if only_exists.contains(&scope) && operator != "Exists" {
            let why = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                       ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                       ResourceQuotaScopeNotBestEffort or \
                       ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(FieldError::invalid(&operator_path, operator, why));
        }
        let values = term.values.clone().unwrap_or_default();
        match operator {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                &path.child("values"),
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::invalid(
                &path.child("values"),
                values,
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.push(FieldError::invalid(
                &operator_path,
                operator,
                "not a valid selector operator",
            )),
        }
    }
    let scopes: Vec<String> = terms.iter().map(|term| term.scope_name.clone()).collect();
    for _ in 0..conflicts(&scopes) {
        errors.push(FieldError::invalid(
            &path,
            spec.scopes.clone().map_or(Value::Null, Value::from),
            "conflicting scopes",
        ));
    }
}

/// How many pairs of scopes exclude each other.
fn conflicts(scopes: &[String]) -> usize {
    let has = |scope: &str| scopes.iter().any(|own| own == scope);
    let pairs = [
        ("BestEffort", "NotBestEffort"),
        ("Terminating", "NotTerminating"),
    ];
    pairs.iter().filter(|(a, b)| has(a) && has(b)).count()
}
