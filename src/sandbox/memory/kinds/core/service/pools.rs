//! The addresses and ports that Services have.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::super::super::workloads::read::{int, items, text, texts};

/// `127.96.0.0/16`: on a machine's own loopback, and so of use without a network. It is that of
/// `appop sandbox --real`.
const NETWORK: Ipv4Addr = Ipv4Addr::new(127, 96, 0, 0);
/// Hosts in it. The first 256 are left to those that ask for one, as in Kubernetes.
const HOSTS: RangeInclusive<u16> = 1..=65534;
const LEFT_TO_REQUESTS: u16 = 256;
const PORTS: RangeInclusive<u16> = 30000..=32767;

/// Why an address or a port cannot be had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Somebody has it
    Taken,
    /// It is none of those that are given
    OutOfRange,
}

/// What Services have, counted, for a port may serve several protocols. Tell it of every Service that
/// is stored, changed or deleted.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    hosts: HashMap<u16, u32>,
    ports: HashMap<u16, u32>,
    /// Where the search for the next one begins, so that none is given again soon.
    next_host: u16,
    next_port: u16,
}

impl Pools {
    /// Nothing is taken.
    pub fn new() -> Self {
        Pools::default()
    }

    /// A Service was stored in place of another, or is new, or is gone.
    pub fn replace(&mut self, old: Option<&Value>, new: Option<&Value>) {
        if let Some(old) = old {
            hosts(old).for_each(|host| release(&mut self.hosts, host));
            ports(old).for_each(|port| release(&mut self.ports, port));
        }
        if let Some(new) = new {
            for host in hosts(new) {
                take(&mut self.hosts, host);
                self.next_host = host;
            }
            for port in ports(new) {
                take(&mut self.ports, port);
                self.next_port = port;
            }
        }
    }

    /// The words for the range of addresses.
    pub(super) fn network(&self) -> String {
        format!("{NETWORK}/16")
    }

    /// Whether that address can be had; a dry run does not look who has it.
    pub(super) fn check_ip(&self, ip: &str, is_dry: bool) -> Result<(), Refusal> {
        let ip = ip.parse::<Ipv4Addr>().ok();
        let host = ip.and_then(host_of).filter(|host| HOSTS.contains(host));
        let host = host.ok_or(Refusal::OutOfRange)?;
        if !is_dry && self.hosts.contains_key(&host) {
            return Err(Refusal::Taken);
        }
        Ok(())
    }

    /// An address that is free; `None` where there is none.
    pub(super) fn next_ip(&self) -> Option<String> {
        let begin = self.next_host.max(LEFT_TO_REQUESTS);
        let all = (begin + 1..=*HOSTS.end()).chain(LEFT_TO_REQUESTS + 1..=begin);
        let mut all = all.chain(*HOSTS.start()..=LEFT_TO_REQUESTS);
        let host = all.find(|host| HOSTS.contains(host) && !self.hosts.contains_key(host))?;
        Some(Ipv4Addr::from(u32::from(NETWORK) | u32::from(host)).to_string())
    }

    /// Whether that port can be had, beside those that were just given; a dry run does not look at
    /// the range.
    pub(super) fn check_port(&self, port: i64, given: &[u16], is_dry: bool) -> Result<(), Refusal> {
        let number = u16::try_from(port)
            .ok()
            .filter(|port| is_dry || PORTS.contains(port));
        let Some(number) = number else {
            return if is_dry {
                Ok(())
            } else {
                Err(Refusal::OutOfRange)
            };
        };
        if self.ports.contains_key(&number) || given.contains(&number) {
            return Err(Refusal::Taken);
        }
        Ok(())
    }

    /// A port that is free, beside those that were just given.
    pub(super) fn next_port(&self, given: &[u16]) -> Option<u16> {
        let begin = self.next_port.clamp(*PORTS.start(), *PORTS.end() - 1);
        let mut all = (begin + 1..=*PORTS.end()).chain(*PORTS.start()..=begin);
        all.find(|port| !self.ports.contains_key(port) && !given.contains(port))
    }
}

fn take<T: Eq + Hash>(counts: &mut HashMap<T, u32>, item: T) {
    *counts.entry(item).or_default() += 1;
}

fn release<T: Eq + Hash>(counts: &mut HashMap<T, u32>, item: T) {
    if let Some(count) = counts.get_mut(&item) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&item);
        }
    }
}

fn host_of(ip: Ipv4Addr) -> Option<u16> {
    let [a, b, c, d] = ip.octets();
    ([a, b] == NETWORK.octets()[..2]).then(|| u16::from_be_bytes([c, d]))
}

fn hosts(service: &Value) -> impl Iterator<Item = u16> {
    let all = texts(service, "spec.clusterIPs").into_iter();
    all.filter_map(|ip| host_of(ip.parse().ok()?))
        .collect::<Vec<_>>()
        .into_iter()
}

fn ports(service: &Value) -> impl Iterator<Item = u16> {
    let ports = items(service, "spec.ports")
        .iter()
        .map(|port| int(port, "nodePort"));
    let is_checked = text(service, "spec.externalTrafficPolicy") == "Local"
        && text(service, "spec.type") == "LoadBalancer";
    let check = int(service, "spec.healthCheckNodePort");
    let all = ports.chain(is_checked.then_some(check));
    let all = all.filter_map(|port| u16::try_from(port).ok().filter(|port| *port != 0));
    all.collect::<Vec<_>>().into_iter()
}
