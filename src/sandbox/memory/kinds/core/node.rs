//! Node: `pkg/registry/core/node`. A node keeps the status that it is created with.

use k8s_openapi::api::core::v1::{NodeSpec, NodeStatus, Taint};
use serde_json::{Value, json};

use super::super::pod::check::{Errors, invalid_each};
use super::super::pod::{resources, round_up, scheduling};
use super::super::workloads::read::{at, given, given_mut, items, keep, put, remove, text, texts};
use super::typed;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;
use crate::sandbox::memory::quantity::Quantity;

/// See the module.
pub(super) struct Node;

impl Kind for Node {
    fn default(&self, object: &mut Value) {
        typed::change::<NodeStatus>(object, "status", |status| {
            if status.allocatable.is_none() {
                status.allocatable.clone_from(&status.capacity);
            }
            round_up(&mut status.capacity);
            round_up(&mut status.allocatable);
        });
        // `podCIDR` is the first of `podCIDRs`, whichever of them is given.
        let first = text(object, "spec.podCIDR").to_owned();
        if !first.is_empty() && items(object, "spec.podCIDRs").is_empty() {
            put(object, "spec.podCIDRs", json!([first]));
        }
        if let Some(first) = texts(object, "spec.podCIDRs")
            .first()
            .map(|first| json!(first))
        {
            put(object, "spec.podCIDR", first);
        }
    }

    fn prepare_create(&self, object: &mut Value) {
        remove(object, "spec.configSource");
        remove(object, "status.config");
        // What the admission plugin TaintNodesByCondition adds, until the node is ready.
        let key = "node.kubernetes.io/not-ready";
        if given(object, "spec.taints").is_none() {
            put(object, "spec.taints", json!([]));
        }
        let is_there = items(object, "spec.taints")
            .iter()
            .any(|taint| text(taint, "key") == key && text(taint, "effect") == "NoSchedule");
        if let Some(Value::Array(taints)) = given_mut(object, "spec.taints").filter(|_| !is_there) {
            taints.push(json!({"key": key, "effect": "NoSchedule"}));
        }
    }

    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            keep(object, old, "spec");
            if given(old, "status.config").is_none() {
                remove(object, "status.config");
            }
        } else {
            keep(object, old, "status");
            if given(old, "spec.configSource").is_none() {
                remove(object, "spec.configSource");
            }
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        taints(&mut errors, object);
        amounts(&mut errors, object);
        let cidrs = texts(object, "spec.podCIDRs");
        let path = Path::new("spec.podCIDRs");
        for (index, cidr) in cidrs.iter().enumerate() {
            invalid_each(
                &mut errors,
                &path.index(index),
                cidr,
                names::legacy_cidr(cidr),
            );
        }
        let families = cidrs
            .iter()
            .filter_map(|cidr| Some(names::parse_cidr(cidr)?.0.is_ipv4()));
        let families: Vec<bool> = families.collect();
        let is_dual = families.len() == 2 && families[0] != families[1];
        if cidrs.len() > 1 && !is_dual {
            let why = "may specify no more than one CIDR for each IP family";
            errors.push(FieldError::invalid(&path, cidrs, why));
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::common_update(object, old);
        if write.subresource != "status" {
            errors.extend(self.validate_create(object));
        }
        errors.extend(meta::own_update(object, old));
        amounts(&mut errors, object);
        addresses(&mut errors, object);
        let old_spec = typed::read::<NodeSpec>(at(old, "spec"), &Path::new("spec"));
        let new_spec = typed::read::<NodeSpec>(at(object, "spec"), &Path::new("spec"));
        match (new_spec, old_spec) {
            (Ok(spec), Ok(old)) => unchanged(&mut errors, &spec, &old),
            (Err(wrong), _) | (_, Err(wrong)) => errors.extend(wrong),
        }
        taints(&mut errors, object);
        errors
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut all = Vec::new();
        if !text(object, "spec.externalID").is_empty() {
            let why = "this field is deprecated, and is unused by Kubernetes";
            all.push(format!("spec.externalID: {why}"));
        }
        all
    }

    fn fields(&self, object: &Value) -> Vec<(&'static str, String)> {
        let is_off = at(object, "spec.unschedulable") == true;
        vec![("spec.unschedulable", is_off.to_string())]
    }

    fn field_labels(&self) -> &'static [&'static str] {
        &["spec.unschedulable"]
    }
}

/// What stays as it is once it is set.
fn unchanged(errors: &mut Errors, spec: &NodeSpec, old: &NodeSpec) {
    let cidrs = |spec: &NodeSpec| spec.pod_cidrs.clone().unwrap_or_default();
    let (new, known) = (cidrs(spec), cidrs(old));
    let path = Path::new("spec.podCIDRs");
    let why = "node updates may not change podCIDR except from \"\" to valid";
    let changes = if new.len() == known.len() {
        known
            .iter()
            .zip(&new)
            .filter(|(old, new)| old != new)
            .count()
    } else {
        usize::from(!known.is_empty())
    };
    errors.extend((0..changes).map(|_| FieldError::forbidden(&path, why)));
    let id = |spec: &NodeSpec| spec.provider_id.clone().unwrap_or_default();
    if !id(old).is_empty() && id(old) != id(spec) {
        let why = "node updates may not change providerID except from \"\" to valid";
        errors.push(FieldError::forbidden(&Path::new("spec.providerID"), why));
    }
    if spec.external_id.clone().unwrap_or_default() != old.external_id.clone().unwrap_or_default() {
        errors.push(FieldError::forbidden(
            &Path::new("spec.externalID"),
            "may not be updated",
        ));
    }
}

/// `validateNodeTaints`; Kubernetes looks for them in metadata.
fn taints(errors: &mut Errors, object: &Value) {
    let mut seen = std::collections::HashSet::new();
    for (index, value) in items(object, "spec.taints").iter().enumerate() {
        let path = Path::new("metadata.taints").index(index);
        let taint = match typed::read::<Taint>(value, &path) {
            Ok(taint) => taint,
            Err(wrong) => {
                errors.extend(wrong);
                continue;
            }
        };
        invalid_each(
            errors,
            &path.child("key"),
            &taint.key,
            names::qualified_name(&taint.key),
        );
        let value = taint.value.as_deref().unwrap_or_default();
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            errors.push(FieldError::invalid(
                &path.child("value"),
                value,
                wrong.join(";"),
            ));
        }
        scheduling::required_effect(errors, &taint.effect, &path.child("effect"));
        if !seen.insert((taint.effect.clone(), taint.key.clone())) {
            let shown = json!({
                "Key": taint.key, "Value": value, "Effect": taint.effect, "TimeAdded": taint.time_added,
            });
            let mut error = FieldError::duplicate(&path, shown);
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
    }
}

fn amounts(errors: &mut Errors, object: &Value) {
    for list in ["capacity", "allocatable"] {
        let path = Path::new("status").child(list);
        for (name, amount) in at(object, "status")
            .get(list)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some(amount) = amount.as_str().and_then(Quantity::parse) {
                resources::value(errors, name, &amount, &path.child(name));
            }
        }
    }
}

fn addresses(errors: &mut Errors, object: &Value) {
    let all = items(object, "status.addresses");
    for (index, address) in all.iter().enumerate() {
        if all[..index].contains(address) {
            let shown = json!({"Type": text(address, "type"), "Address": text(address, "address")});
            let path = Path::new("status.addresses").index(index);
            errors.push(FieldError::duplicate(&path, shown));
        }
    }
}
