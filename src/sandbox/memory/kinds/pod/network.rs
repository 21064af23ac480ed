//! Names, addresses and name resolution of a pod.

use k8s_openapi::api::core::v1::{HostAlias, PodSpec};

use super::check::{Errors, invalid_each, required_one_of, text};
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::names;

/// `validateDNSPolicy`.
pub(super) fn validate_dns_policy(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let supported = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    required_one_of(
        errors,
        text(&spec.dns_policy),
        &supported,
        &path.child("dnsPolicy"),
    );
}

/// `validatePodDNSConfig`.
pub(super) fn validate_dns_config(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let path = path.child("dnsConfig");
    let is_none = text(&spec.dns_policy) == "None";
    let Some(config) = &spec.dns_config else {
        if is_none {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None";
            errors.push(FieldError::required(&path, why));
        }
        return;
    };
    let servers = config.nameservers.as_deref().unwrap_or_default();
    let servers_path = path.child("nameservers");
    if is_none && servers.is_empty() {
        let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.push(FieldError::required(&servers_path, why));
        return;
    }
    if servers.len() > 3 {
        let why = "must not have more than 3 nameservers";
        errors.push(FieldError::invalid(&servers_path, servers.to_vec(), why));
    }
    for (at, server) in servers.iter().enumerate() {
        invalid_each(
            errors,
            &servers_path.index(at),
            server,
            names::legacy_ip(server),
        );
    }
    let searches = config.searches.as_deref().unwrap_or_default();
    let searches_path = path.child("searches");
    let length = searches
        .iter()
        .map(|s| s.len() + 1)
        .sum::<usize>()
        .saturating_sub(1);
    if searches.len() > 32 {
        let why = "must not have more than 32 search paths";
        errors.push(FieldError::invalid(&searches_path, searches.to_vec(), why));
    }
    if length > 2048 {
        let why = "must not have more than 2048 characters (including spaces) in the search list";
        errors.push(FieldError::invalid(&searches_path, searches.to_vec(), why));
    }
    for (at, search) in searches
        .iter()
        .enumerate()
        .filter(|(_, search)| *search != ".")
    {
        let search = search.strip_suffix('.').unwrap_or(search);
        let wrong = names::dns1123_subdomain_with_underscore(search);
        invalid_each(errors, &searches_path.index(at), search, wrong);
    }
    for (at, option) in config.options.iter().flatten().enumerate() {
        if text(&option.name).is_empty() {
            let path = path.child("options").index(at);
            errors.push(FieldError::required(&path, "must not be empty"));
        }
    }
}

/// `validatePodHostNetworkDeps`: ports of the host are the containers' own.
pub(super) fn validate_host_ports(errors: &mut Errors, spec: &PodSpec, is_pod: bool, path: &Path) {
    if spec.host_network != Some(true) {
        return;
    }
    for (at, container) in spec.containers.iter().enumerate() {
        let path = path.child("containers").index(at).child("ports");
        for (at, port) in container.ports.iter().flatten().enumerate() {
            let host = port.host_port.unwrap_or_default();
            if (is_pod || host != 0) && host != port.container_port {
                let why = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(
                    &path.index(at).child("hostPort"),
                    host,
                    why,
                ));
            }
        }
    }
}

/// `ValidateHostAliases`.
pub(super) fn validate_host_aliases(errors: &mut Errors, aliases: &[HostAlias], path: &Path) {
    for (at, alias) in aliases.iter().enumerate() {
        let path = path.index(at);
        invalid_each(
            errors,
            &path.child("ip"),
            &alias.ip,
            names::legacy_ip(&alias.ip),
        );
        for (at, host) in alias.hostnames.iter().flatten().enumerate() {
            let path = path.child("hostnames").index(at);
            invalid_each(errors, &path, host, names::dns1123_subdomain(host));
        }
    }
}

/// `validatePodHostName`.
pub(super) fn validate_host_name(errors: &mut Errors, spec: &PodSpec, path: &Path) {
    let Some(name) = &spec.hostname_override else {
        return;
    };
    let path = path.child("hostnameOverride");
    let others = [
        ("setHostnameAsFQDN", spec.set_hostname_as_fqdn),
        ("hostNetwork", spec.host_network),
    ];
    for (field, _) in others
        .into_iter()
        .filter(|(_, is_set)| *is_set == Some(true))
    {
        let why = format!("may not be specified when {field} is true");
        errors.push(FieldError::forbidden(&path, why));
    }
    if name.len() > 64 {
        errors.push(FieldError::too_long(&path, 64));
    }
    invalid_each(errors, &path, name, names::dns1123_subdomain(name));
}
