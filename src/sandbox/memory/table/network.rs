//! Services, Ingresses and what belongs to them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::row::{NONE, Row, UNKNOWN, cells};
use super::text::{Few, joined, labels, more, selector};
use crate::sandbox::memory::kinds::workloads::read::{at, int, text, texts};

/// Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector.
pub(super) fn service(row: &Row<'_>) -> Vec<Value> {
    let address = row.items("spec.clusterIPs").first();
    let address = address.map_or(row.text_or("spec.clusterIP", NONE), |address| {
        address.as_str().unwrap_or_default()
    });
    cells![
        row.name(),
        row.text("spec.type"),
        address,
        external(row),
        ports(row),
        row.age(),
        labels(row.object, "spec.selector"),
    ]
}

/// Where a Service is reached from elsewhere.
fn external(row: &Row<'_>) -> String {
    let given = texts(row.object, "spec.externalIPs");
    let or = |word: &str, all: &[&str]| match all.is_empty() {
        true => word.to_owned(),
        false => all.join(","),
    };
    match row.text("spec.type") {
        "ClusterIP" | "NodePort" => or(NONE, &given),
        "LoadBalancer" => {
            let balancers = balancers(row);
            let all: Vec<&str> = balancers.into_iter().chain(given).collect();
            or("<pending>", &all)
        }
        "ExternalName" => row.text("spec.externalName").to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// The addresses of load balancers, each once.
fn balancers<'a>(row: &Row<'a>) -> BTreeSet<&'a str> {
    let all = row.items("status.loadBalancer.ingress").iter();
    all.map(|ingress| match text(ingress, "ip") {
        "" => text(ingress, "hostname"),
        ip => ip,
    })
    .filter(|address| !address.is_empty())
    .collect()
}

fn ports(row: &Row<'_>) -> String {
    let ports = row.items("spec.ports").iter().map(|port| {
        let (number, protocol) = (int(port, "port"), text(port, "protocol"));
        match int(port, "nodePort") {
            ..=0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    let ports: Vec<String> = ports.collect();
    match ports.is_empty() {
        true => NONE.to_owned(),
        false => ports.join(","),
    }
}

/// Name, Class, Hosts, Address, Ports, Age.
pub(super) fn ingress(row: &Row<'_>) -> Vec<Value> {
    let has_tls = !row.items("spec.tls").is_empty();
    cells![
        row.name(),
        row.given_or("spec.ingressClassName", NONE),
        hosts(row.items("spec.rules")),
        joined(balancers(row)),
        if has_tls { "80, 443" } else { "80" },
        row.age(),
    ]
}

/// The first hosts of the rules. Rules without hosts count among those that are not shown, but only
/// when they come after the last that is.
fn hosts(rules: &[Value]) -> String {
    let named = |rule: &&Value| !text(rule, "host").is_empty();
    let all = rules.iter().enumerate().filter(|(_, rule)| named(rule));
    let shown: Vec<(usize, &str)> = all
        .map(|(at, rule)| (at, text(rule, "host")))
        .take(Few::SHOWN)
        .collect();
    let Some((last, _)) = shown.last() else {
        return "*".to_owned();
    };
    let hosts = joined(shown.iter().map(|(_, host)| *host));
    match shown.len() == Few::SHOWN && rules.len() > last + 1 {
        true => more(&hosts, rules.len() - Few::SHOWN),
        false => hosts,
    }
}

/// Name, Controller, Parameters, Age.
pub(super) fn ingress_class(row: &Row<'_>) -> Vec<Value> {
    let parameters = row.given("spec.parameters").map(|parameters| {
        let group = at(parameters, "apiGroup").as_str();
        let group = group.map(|group| format!(".{group}")).unwrap_or_default();
        format!(
            "{}{group}/{}",
            text(parameters, "kind"),
            text(parameters, "name")
        )
    });
    cells![
        row.name_or_default(&["ingressclass.kubernetes.io/is-default-class"]),
        row.text("spec.controller"),
        parameters.as_deref().unwrap_or(NONE),
        row.age(),
    ]
}

/// Name, Pod-Selector, Age.
pub(super) fn network_policy(row: &Row<'_>) -> Vec<Value> {
    let selected = match row.given("spec.podSelector") {
        Some(pods) => selector(pods),
        None => NONE.to_owned(),
    };
    cells![row.name(), selected, row.age()]
}

/// Name, CIDRs, Age.
pub(super) fn service_cidr(row: &Row<'_>) -> Vec<Value> {
    cells![
        row.name(),
        joined(texts(row.object, "spec.cidrs")),
        row.age()
    ]
}

/// Name, ParentRef; and an age, for which the real server has no column.
pub(super) fn ip_address(row: &Row<'_>) -> Vec<Value> {
    let parent = row.given("spec.parentRef").map(|parent| {
        let resource = match text(parent, "group") {
            "" => text(parent, "resource").to_lowercase(),
            group => format!("{}.{group}", text(parent, "resource")).to_lowercase(),
        };
        let name = text(parent, "name");
        match text(parent, "namespace") {
            "" => format!("{resource}/{name}"),
            namespace => format!("{resource}/{namespace}/{name}"),
        }
    });
    cells![row.name(), parent.as_deref().unwrap_or(NONE), row.age()]
}
