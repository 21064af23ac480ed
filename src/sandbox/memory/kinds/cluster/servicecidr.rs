//! ServiceCIDR: `pkg/apis/networking` and `pkg/registry/networking/servicecidr`.

use serde_json::{Value, json};

use super::super::workloads::check;
use super::super::workloads::read::{at, texts};
use super::status_metadata;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const CIDRS: &str = "spec.cidrs";

/// See the module.
pub(crate) struct ServiceCidr;

impl Kind for ServiceCidr {
    fn prepare_update(&self, write: Write<'_>, object: &mut Value, old: &Value) {
        if write.subresource == "status" {
            status_metadata::keep_all(object, old);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_create(object, false, meta::dns_subdomain);
        errors.extend(validate_cidrs(object));
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource != "status" {
            errors.extend(validate_change(object, old));
        }
        errors
    }
}

fn validate_cidrs(object: &Value) -> Vec<FieldError> {
    let path = Path::new(CIDRS);
    let cidrs = texts(object, CIDRS);
    if cidrs.is_empty() {
        return vec![FieldError::required(&path, "at least one CIDR required")];
    }
    if cidrs.len() > 2 {
        // The internal type is shown, whose fields have the names that they have in Go.
        let shown = json!({"CIDRs": cidrs});
        return vec![FieldError::invalid(
            &path,
            shown,
            "may only hold up to 2 values",
        )];
    }
    let mut errors = Vec::new();
    for (index, cidr) in cidrs.iter().enumerate() {
        errors.extend(check::invalid_each(
            &path.index(index),
            cidr,
            names::cidr(cidr),
        ));
    }
    let families = cidrs
        .iter()
        .map(|cidr| names::parse_cidr(cidr).map(|(ip, _)| ip.is_ipv4()));
    if let [Some(one), Some(other)] = families.collect::<Vec<_>>()[..]
        && one == other
    {
        let words = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and \
                     2001:db8::/64";
        errors.push(FieldError::invalid(&path, at(object, CIDRS).clone(), words));
    }
    errors
}

/// The only change is a second network.
fn validate_change(object: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new(CIDRS);
    let (new, old) = (texts(object, CIDRS), texts(old, CIDRS));
    let immutable = "field is immutable";
    if new.len() != old.len() && (old.len(), new.len()) != (1, 2) {
        return vec![FieldError::invalid(
            &path,
            at(object, CIDRS).clone(),
            immutable,
        )];
    }
    let pairs = old
        .iter()
        .zip(&new)
        .enumerate()
        .filter(|(_, (old, new))| old != new);
    let mut errors: Vec<FieldError> = pairs
        .map(|(index, (_, new))| FieldError::invalid(&path.index(index), *new, immutable))
        .collect();
    if new.len() != old.len() {
        errors.extend(validate_cidrs(object));
    }
    errors
}
