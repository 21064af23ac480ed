//! LimitRange: `pkg/registry/core/limitrange`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use k8s_openapi::api::core::v1::{LimitRangeItem, LimitRangeSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use serde_json::Value;

use super::super::pod::check::{Errors, invalid_each};
use super::super::pod::{resources, round_up};
use super::super::workloads::read::at;
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::{Format, Quantity};

type Texts = BTreeMap<String, Text>;

/// See the module.
pub(super) struct LimitRange;

impl Kind for LimitRange {
    fn default(&self, object: &mut Value) {
        typed::change::<LimitRangeSpec>(object, "spec", |spec| {
            spec.limits.iter_mut().for_each(default_item);
        });
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
        let path = Path::new("spec");
        match typed::read::<LimitRangeSpec>(at(object, "spec"), &path) {
            Ok(spec) => validate_spec(&mut errors, &spec, &path.child("limits")),
            Err(wrong) => errors.extend(wrong),
        }
        errors
    }

    fn validate_update(&self, _write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        errors.extend(self.validate_create(object));
        errors
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

/// What is left open for containers comes from what is said.
fn default_item(item: &mut LimitRangeItem) {
    if item.type_ == "Container" {
        let limits = item.default.get_or_insert_with(Texts::new);
        complete(limits, item.max.as_ref());
        let requests = item.default_request.get_or_insert_with(Texts::new);
        complete(requests, Some(limits));
        complete(requests, item.min.as_ref());
    }
    let lists = [
        &mut item.max,
        &mut item.min,
        &mut item.default,
        &mut item.default_request,
        &mut item.max_limit_request_ratio,
    ];
    lists.into_iter().for_each(round_up);
}

fn complete(amounts: &mut Texts, from: Option<&Texts>) {
    for (name, amount) in from.into_iter().flatten() {
        amounts
            .entry(name.clone())
            .or_insert_with(|| amount.clone());
    }
}

fn validate_spec(errors: &mut Errors, spec: &LimitRangeSpec, path: &Path) {
    let mut types = HashSet::new();
    for (index, item) in spec.limits.iter().enumerate() {
        let path = path.index(index);
        let type_path = path.child("type");
        let type_ = item.type_.as_str();
        let wrong = names::qualified_name(type_);
        let is_known = ["Pod", "Container", "PersistentVolumeClaim"].contains(&type_);
        if wrong.is_empty() && !type_.contains('/') && !is_known {
            let why = "must be a standard limit type or fully qualified";
            errors.push(FieldError::invalid(&type_path, type_, why));
        }
        invalid_each(errors, &type_path, type_, wrong);
        if !types.insert(type_) {
            errors.push(FieldError::duplicate(&type_path, type_));
        }
        validate_item(errors, item, &path);
    }
}

fn validate_item(errors: &mut Errors, item: &LimitRangeItem, path: &Path) {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    let mut see = |errors: &mut Errors, field: &str, amounts: Option<&Texts>| {
        for name in amounts.into_iter().flat_map(BTreeMap::keys) {
            let path = path.child(field).key(name);
            if ["Pod", "Container"].contains(&item.type_.as_str()) {
                resources::container_name(errors, name, &path);
            } else {
                resources::resource_name(errors, name, &path);
            }
            keys.insert(name.clone());
        }
    };
    see(errors, "max", item.max.as_ref());
    see(errors, "min", item.min.as_ref());
    let defaults = [
        ("default", &item.default),
        ("defaultRequest", &item.default_request),
    ];
    for (field, amounts) in defaults {
        if item.type_ != "Pod" {
            see(errors, field, amounts.as_ref());
        } else if amounts.as_ref().is_some_and(|amounts| !amounts.is_empty()) {
            let why = "may not be specified when `type` is 'Pod'";
            errors.push(FieldError::forbidden(&path.child(field), why));
        }
    }
    let has_storage = |amounts: &Option<Texts>| {
        amounts
            .as_ref()
            .is_some_and(|amounts| amounts.contains_key("storage"))
    };
    if item.type_ == "PersistentVolumeClaim" && !has_storage(&item.min) && !has_storage(&item.max) {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(&path.child("limits"), why));
    }
    see(
        errors,
        "maxLimitRequestRatio",
        item.max_limit_request_ratio.as_ref(),
    );
    for name in keys {
        compare(errors, item, &name, path);
    }
}

/// What is said about one resource must go together.
fn compare(errors: &mut Errors, item: &LimitRangeItem, name: &str, path: &Path) {
    let of = |amounts: &Option<Texts>| Quantity::parse(&amounts.as_ref()?.get(name)?.0);
    let (min, max) = (of(&item.min), of(&item.max));
    let is_pod = item.type_ == "Pod";
    let limit = of(&item.default).filter(|_| !is_pod);
    let request = of(&item.default_request).filter(|_| !is_pod);
    let mut above = |field: &str,
                     shown: Option<&Quantity>,
                     (low_name, low): (&str, Option<&Quantity>),
                     (high_name, high): (&str, Option<&Quantity>)| {
        if let (Some(shown), Some(low), Some(high)) = (shown, low, high)
            && low > high
        {
            let why = format!("{low_name} value {low} is greater than {high_name} value {high}");
            let path = path.child(field).key(name);
            errors.push(FieldError::invalid(&path, shown.canonical(), why));
        }
    };
    let (min, max) = (min.as_ref(), max.as_ref());
    let (limit, request) = (limit.as_ref(), request.as_ref());
    above("min", min, ("min", min), ("max", max));
    above(
        "defaultRequest",
        request,
        ("min", min),
        ("default request", request),
    );
    above(
        "defaultRequest",
        request,
        ("default request", request),
        ("max", max),
    );
    above(
        "defaultRequest",
        request,
        ("default request", request),
        ("default limit", limit),
    );
    above("default", min, ("min", min), ("default", limit));
    above("default", max, ("default", limit), ("max", max));
    ratio(errors, item, name, (min, max), path);
    if let (Some(limit), Some(request)) = (limit, request)
        && limit != request
        && !resources::may_overcommit(name)
    {
        let why =
            format!("default value {limit} must equal to defaultRequest value {request} in {name}");
        let path = path.child("defaultRequest").key(name);
        errors.push(FieldError::invalid(&path, request.canonical(), why));
    }
}

fn ratio(
    errors: &mut Errors,
    item: &LimitRangeItem,
    name: &str,
    (min, max): (Option<&Quantity>, Option<&Quantity>),
    path: &Path,
) {
    let all = item.max_limit_request_ratio.as_ref();
    let Some(ratio) = all.and_then(|all| Quantity::parse(&all.get(name)?.0)) else {
        return;
    };
    let path = path.child("maxLimitRequestRatio").key(name);
    if ratio < Quantity::from_i64(1, Format::DecimalSi) {
        let why = format!("ratio {ratio} is less than 1");
        errors.push(FieldError::invalid(&path, ratio.canonical(), why));
    }
    let (Some(min), Some(max)) = (min, max) else {
        return;
    };
    let most = max.to_f64() / min.to_f64();
    if ratio.to_f64() > most {
        let most = if most.is_infinite() {
            "+Inf".to_owned()
        } else {
            format!("{most:.6}")
        };
        let why = format!("ratio {ratio} is greater than max/min = {most}");
        errors.push(FieldError::invalid(&path, ratio.canonical(), why));
    }
}
