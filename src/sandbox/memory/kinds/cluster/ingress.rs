//! Ingress: `pkg/apis/networking` and `pkg/registry/networking/ingress`.

use serde_json::Value;

use super::super::workloads::check;
use super::super::workloads::read::{at, entry, given, int, items, text};
use super::{addresses, reference};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::kinds::{Kind, Write, meta};
use crate::sandbox::memory::names;

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// See the module.
pub(crate) struct Ingress;

impl Kind for Ingress {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = validate(object);
        let annotation = entry(object, "metadata.annotations", CLASS_ANNOTATION);
        let class = at(object, "spec.ingressClassName").as_str();
        if let (Some(annotation), Some(class)) = (annotation, class)
            && annotation != class
        {
            let path = Path::new("annotations").child(CLASS_ANNOTATION);
            let words = "must match `ingressClassName` when both are specified";
            errors.push(FieldError::invalid(&path, annotation, words));
        }
        errors
    }

    fn validate_update(&self, write: Write<'_>, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = meta::validate_update(object, old);
        if write.subresource == "status" {
            errors.extend(validate_status(object, old));
        } else {
            errors.extend(validate(object));
        }
        errors
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        if let Some(old) = old {
            return status_warnings(object, old);
        }
        let has_annotation = entry(object, "metadata.annotations", CLASS_ANNOTATION).is_some();
        if has_annotation && given(object, "spec.ingressClassName").is_none() {
            return vec![format!(
                "annotation {CLASS_ANNOTATION:?} is deprecated, please use 'spec.ingressClassName' \
                 instead"
            )];
        }
        Vec::new()
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_create(object, true, meta::dns_subdomain);
    let path = Path::new("spec");
    let spec = at(object, "spec");
    let rules = items(spec, "rules");
    let backend = given(spec, "defaultBackend");
    if rules.is_empty() && backend.is_none() {
        let words = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid(&path, at(spec, "rules").clone(), words));
    }
    if let Some(backend) = backend {
        errors.extend(validate_backend(backend, &path.child("defaultBackend")));
    }
    for (index, rule) in rules.iter().enumerate() {
        errors.extend(validate_rule(rule, &path.child("rules").index(index)));
    }
    for (index, tls) in items(spec, "tls").iter().enumerate() {
        errors.extend(validate_tls(tls, &path.child("tls").index(index)));
    }
    if let Some(class) = at(spec, "ingressClassName").as_str() {
        let path = path.child("ingressClassName");
        errors.extend(check::invalid_each(
            &path,
            class,
            names::dns1123_subdomain(class),
        ));
    }
    errors
}

fn wrong_host(host: &str) -> Vec<String> {
    if host.contains('*') {
        names::wildcard_dns1123_subdomain(host)
    } else {
        names::dns1123_subdomain(host)
    }
}

fn validate_tls(tls: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, host) in items(tls, "hosts").iter().enumerate() {
        let host = host.as_str().unwrap_or_default();
        let path = path.child("hosts").index(index);
        errors.extend(check::invalid_each(&path, host, wrong_host(host)));
    }
    let secret = text(tls, "secretName");
    if !secret.is_empty() {
        let path = path.child("secretName");
        errors.extend(check::invalid_each(
            &path,
            secret,
            names::dns1123_subdomain(secret),
        ));
    }
    errors
}

fn validate_rule(rule: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let host = text(rule, "host");
    let host_path = path.child("host");
    if !host.is_empty() {
        if names::parse_ip(host).is_some() {
            let words = "must be a DNS name, not an IP address";
            errors.push(FieldError::invalid(&host_path, host, words));
        }
        errors.extend(check::invalid_each(&host_path, host, wrong_host(host)));
    }
    if let Some(http) = given(rule, "http") {
        let path = path.child("http.paths");
        let paths = items(http, "paths");
        if paths.is_empty() {
            errors.push(FieldError::required(&path, ""));
        }
        for (index, item) in paths.iter().enumerate() {
            errors.extend(validate_path(item, &path.index(index)));
        }
    }
    errors
}

fn validate_path(item: &Value, path: &Path) -> Vec<FieldError> {
    let Some(type_) = at(item, "pathType").as_str() else {
        return vec![FieldError::required(
            &path.child("pathType"),
            "pathType must be specified",
        )];
    };
    let mut errors = Vec::new();
    let value = text(item, "path");
    let value_path = path.child("path");
    let mut wrong = |words: String| errors.push(FieldError::invalid(&value_path, value, words));
    let not_absolute = || "must be an absolute path".to_owned();
    match type_ {
        "Exact" | "Prefix" => {
            if !value.starts_with('/') {
                wrong(not_absolute());
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"] {
                if value.contains(part) {
                    wrong(format!("must not contain '{part}'"));
                }
            }
            for end in ["/..", "/."] {
                if value.ends_with(end) {
                    wrong(format!("cannot end with '{end}'"));
                }
            }
        }
        "ImplementationSpecific" => {
            if !value.is_empty() && !value.starts_with('/') {
                wrong(not_absolute());
            }
        }
        _ => errors.push(FieldError::not_supported(
            &path.child("pathType"),
            type_,
            &["Exact", "ImplementationSpecific", "Prefix"],
        )),
    }
    errors.extend(validate_backend(
        at(item, "backend"),
        &path.child("backend"),
    ));
    errors
}

fn validate_backend(backend: &Value, path: &Path) -> Vec<FieldError> {
    let service = match (given(backend, "resource"), given(backend, "service")) {
        (Some(_), Some(_)) => {
            let words = "cannot set both resource and service backends";
            return vec![FieldError::invalid(path, "", words)];
        }
        (Some(resource), None) => return reference::validate(resource, &path.child("resource")),
        (None, Some(service)) => service,
        (None, None) => {
            let words = "resource or service backend is required";
            return vec![FieldError::invalid(path, "", words)];
        }
    };
    let mut errors = Vec::new();
    let name_path = path.child("service.name");
    match text(service, "name") {
        "" => errors.push(FieldError::required(&name_path, "")),
        name => errors.extend(check::invalid_each(
            &name_path,
            name,
            names::dns1123_label(name),
        )),
    }
    let (name, number) = (text(service, "port.name"), int(service, "port.number"));
    let port_path = path.child("service.port");
    match (name.is_empty(), number) {
        (true, 0) => errors.push(FieldError::required(
            path,
            "port name or number is required",
        )),
        (true, number) => {
            let wrong = names::valid_port_num(number).into_iter();
            let path = port_path.child("number");
            errors.extend(wrong.map(|words| FieldError::invalid(&path, number, words)));
        }
        (false, 0) => {
            let path = port_path.child("name");
            errors.extend(check::invalid_each(
                &path,
                name,
                names::valid_port_name(name),
            ));
        }
        _ => {
            let words = "cannot set both port name & port number";
            errors.push(FieldError::invalid(path, "", words));
        }
    }
    errors
}

fn validate_status(object: &Value, old: &Value) -> Vec<FieldError> {
    let list = "status.loadBalancer.ingress";
    let olds: Vec<&str> = items(old, list)
        .iter()
        .map(|ingress| text(ingress, "ip"))
        .collect();
    let mut errors = Vec::new();
    for (index, ingress) in items(object, list).iter().enumerate() {
        let path = Path::new(list).index(index);
        let ip = text(ingress, "ip");
        if !ip.is_empty() && !olds.contains(&ip) {
            errors.extend(check::invalid_each(
                &path.child("ip"),
                ip,
                names::legacy_ip(ip),
            ));
        }
        let host = text(ingress, "hostname");
        if !host.is_empty() {
            let path = path.child("hostname");
            errors.extend(check::invalid_each(
                &path,
                host,
                names::dns1123_subdomain(host),
            ));
            if names::parse_ip(host).is_some() {
                let words = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(&path, host, words));
            }
        }
    }
    errors
}

/// Warned of is what a write of the status changes.
fn status_warnings(object: &Value, old: &Value) -> Vec<String> {
    let list = "status.loadBalancer.ingress";
    if at(object, list) == at(old, list) {
        return Vec::new();
    }
    let ingresses = items(object, list).iter().enumerate();
    let warnings = ingresses.filter_map(|(index, ingress)| {
        addresses::ip_warning(text(ingress, "ip"), &Path::new(list).index(index))
    });
    warnings.collect()
}
