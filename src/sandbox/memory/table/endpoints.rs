//! Endpoints and EndpointSlices: the first few of what they hold.

use serde_json::Value;

use super::row::{NONE, Row, cells};
use super::text::{Few, more};
use crate::sandbox::memory::kinds::workloads::read::{int, items, number, text, texts};

/// Name, Endpoints, Age.
pub(super) fn endpoints(row: &Row<'_>) -> Vec<Value> {
    cells![row.name(), addresses(row), row.age()]
}

fn addresses(row: &Row<'_>) -> String {
    let subsets = row.items("subsets");
    if subsets.is_empty() {
        return NONE.to_owned();
    }
    let all = subsets.iter().flat_map(|subset| {
        let ports = items(subset, "ports");
        let ports = ports.iter().map(|port| Some(int(port, "port")));
        // Without ports, the addresses alone are shown.
        let is_bare = items(subset, "ports").is_empty();
        let ports = ports.chain(is_bare.then_some(None));
        ports.flat_map(|port| {
            let addresses = items(subset, "addresses").iter();
            addresses.map(move |address| with_port(text(address, "ip"), port))
        })
    });
    let few = Few::of(all);
    let shown = few.shown.join(",");
    match few.count {
        ..=Few::SHOWN => shown,
        count => more(&shown, count - Few::SHOWN),
    }
}

fn with_port(ip: &str, port: Option<i64>) -> String {
    match port {
        None => ip.to_owned(),
        Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
        Some(port) => format!("{ip}:{port}"),
    }
}

/// Name, AddressType, Ports, Endpoints, Age.
pub(super) fn slice(row: &Row<'_>) -> Vec<Value> {
    let ports = row.items("ports").iter().map(|port| {
        let number = number(port, "port").map(|number| number.to_string());
        let name = || port.get("name").and_then(Value::as_str).map(str::to_owned);
        number.or_else(name).unwrap_or_else(|| "*".to_owned())
    });
    let endpoints = row.items("endpoints").iter();
    let addresses = endpoints.flat_map(|endpoint| texts(endpoint, "addresses"));
    cells![
        row.name(),
        row.text("addressType"),
        Few::of(ports).or_unset(),
        Few::of(addresses.map(str::to_owned)).or_unset(),
        row.age(),
    ]
}
