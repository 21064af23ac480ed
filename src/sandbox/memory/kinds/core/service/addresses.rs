//! A Service's own addresses and their families (`ValidateServiceClusterIPsRelatedFields`).

use std::collections::HashSet;

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::super::pod::check::{Errors, invalid_each, one_of, text};
use super::{cluster_ips, families, is_headless, type_of};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

pub(super) fn validate(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
    if type_of(spec) == "ExternalName" {
        return;
    }
    let path = Path::new("spec");
    let all = cluster_ips(spec);
    let all_path = path.child("clusterIPs");
    let wrong = |why: &str| FieldError::invalid(&all_path, all.to_vec(), why);
    let first = text(&spec.cluster_ip);
    if first.is_empty() {
        if !all.is_empty() {
            errors.push(wrong("must be empty when `clusterIP` is not specified"));
        }
    } else if all.is_empty() {
        errors.push(FieldError::required(&all_path, ""));
    } else if all[0] != first {
        errors.push(wrong("first value must match `clusterIP`"));
    }
    let mut seen = HashSet::new();
    for (index, family) in families(spec).iter().enumerate() {
        let path = path.child("ipFamilies").index(index);
        one_of(errors, family, &["IPv4", "IPv6"], &path);
        if !seen.insert(family) {
            errors.push(FieldError::duplicate(&path, family.as_str()));
        }
    }
    if let Some(policy) = &spec.ip_family_policy {
        let supported = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        one_of(errors, policy, &supported, &path.child("ipFamilyPolicy"));
    }
    let known = old.map(cluster_ips).unwrap_or_default();
    let mut has_invalid = false;
    for (index, ip) in all.iter().enumerate() {
        if index == 0 && ip == "None" {
            if all.len() > 1 {
                has_invalid = true;
                errors.push(wrong("'None' must be the first and only value"));
            }
            continue;
        }
        let why = if known.contains(ip) {
            Vec::new()
        } else {
            names::legacy_ip(ip)
        };
        has_invalid |= !why.is_empty();
        invalid_each(errors, &all_path.index(index), ip, why);
    }
    if all.len() > 2 {
        errors.push(wrong("may only hold up to 2 values"));
    }
    if has_invalid {
        return;
    }
    let v6: Vec<bool> = all.iter().map(|ip| ip.contains(':')).collect();
    if all.len() > 1 && v6.iter().all(|is_v6| *is_v6 == v6[0]) {
        errors.push(wrong("may specify no more than one IP for each IP family"));
    }
    if is_headless(spec) {
        return;
    }
    for (index, (ip, family)) in all.iter().zip(families(spec)).enumerate() {
        let own = if ip.contains(':') { "IPv6" } else { "IPv4" };
        if ["IPv4", "IPv6"].contains(&family.as_str()) && own != family {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(
                &all_path.index(index),
                ip.as_str(),
                why,
            ));
        }
    }
}
