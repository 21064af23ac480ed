//! The addresses and node ports of Services (`pkg/registry/core/service`): each is given once, until
//! the Service that has it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::field::{FieldError, Path};
use super::object::meta;
use super::registry::Served;
use super::status::Status;

/// The addresses: of loopback, so that nothing sent to them ever leaves the machine; the same as with
/// the real servers.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 96, 0, 0);
const COUNT: u32 = 1 << 16;
/// `--service-node-port-range`
const PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// See the module.
#[derive(Debug, Default)]
pub struct Allocator(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    addresses: BTreeSet<Ipv4Addr>,
    /// With the protocol: a number may serve TCP and UDP.
    ports: BTreeMap<u16, BTreeSet<String>>,
    next_address: u32,
    next_port: u16,
}

/// What a write has taken. Dropping it gives it back; [`keep`](Self::keep) does not.
#[derive(Debug, Default)]
pub struct Allocation {
    of: Option<Arc<Mutex<Taken>>>,
    addresses: Vec<Ipv4Addr>,
    ports: Vec<(u16, String)>,
    /// What is to be given back once the write is done
    released: (Vec<Ipv4Addr>, Vec<(u16, String)>),
}

impl Allocation {
    /// The write is done.
    pub fn keep(mut self) {
        let (addresses, ports) = std::mem::take(&mut self.released);
        self.give_back(&addresses, &ports);
        self.of = None;
    }

    fn give_back(&self, addresses: &[Ipv4Addr], ports: &[(u16, String)]) {
        let Some(taken) = &self.of else {
            return;
        };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.release(addresses, ports);
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.give_back(&self.addresses, &self.ports);
    }
}

impl Allocator {
    /// Gives a new Service what it needs.
    ///
    /// Errors: 422 for an address or port that is taken or out of range.
    pub fn create(&self, served: &Served, object: &mut Value) -> Result<Allocation, Status> {
        if !is_service(served) {
            return Ok(Allocation::default());
        }
        self.assign(object, None)
    }

    /// Gives a changed Service what it needs now, and takes what it needs no more.
    ///
    /// Errors: as for [`create`](Self::create).
    pub fn update(
        &self,
        served: &Served,
        object: &mut Value,
        old: &Value,
    ) -> Result<Allocation, Status> {
        if !is_service(served) {
            return Ok(Allocation::default());
        }
        self.assign(object, Some(old))
    }

    /// Takes back what a Service had.
    pub fn release(&self, served: &Served, object: &Value) {
        if is_service(served) {
            let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            taken.release(&addresses(object), &ports(object));
        }
    }

    fn assign(&self, object: &mut Value, old: Option<&Value>) -> Result<Allocation, Status> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut allocation = Allocation {
            of: Some(Arc::clone(&self.0)),
            ..Allocation::default()
        };
        let given = taken.addresses_for(object, old, &mut allocation);
        let given = given.and_then(|()| taken.ports_for(object, old, &mut allocation));
        if let Err(error) = given {
            taken.release(&allocation.addresses, &allocation.ports);
            allocation.of = None;
            return Err(Status::invalid("", "Service", meta(object, "name"), &[error]));
        }
        let (kept_addresses, kept_ports) = (addresses(object), ports(object));
        if let Some(old) = old {
            let gone = addresses(old).into_iter().filter(|a| !kept_addresses.contains(a));
            let gone_ports = ports(old).into_iter().filter(|p| !kept_ports.contains(p));
            allocation.released = (gone.collect(), gone_ports.collect());
        }
        Ok(allocation)
    }
}

impl Taken {
    fn release(&mut self, addresses: &[Ipv4Addr], ports: &[(u16, String)]) {
        for address in addresses {
            self.addresses.remove(address);
        }
        for (port, protocol) in ports {
            if let Some(protocols) = self.ports.get_mut(port) {
                protocols.remove(protocol);
                if protocols.is_empty() {
                    self.ports.remove(port);
                }
            }
        }
    }

    fn addresses_for(
        &mut self,
        service: &mut Value,
        old: Option<&Value>,
        allocation: &mut Allocation,
    ) -> Result<(), FieldError> {
        let type_ = service["spec"]["type"].as_str().unwrap_or_default();
        if !matches!(type_, "ClusterIP" | "NodePort" | "LoadBalancer") {
            return Ok(());
        }
        let wanted = service["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned();
        let had = old.map(addresses).unwrap_or_default();
        let path = Path::new("spec").child("clusterIPs").index(0);
        let address = match wanted.as_str() {
            "None" => {
                service["spec"]["clusterIPs"] = json!(["None"]);
                return Ok(());
            }
            "" => {
                let address = self.free_address().ok_or_else(|| {
                    FieldError::internal(&path, "failed to allocate IP: range is full")
                })?;
                allocation.addresses.push(address);
                address
            }
            text => {
                let Ok(IpAddr::V4(address)) = text.parse() else {
                    // What is no address is for the validation to say.
                    return Ok(());
                };
                if had.contains(&address) {
                    return Ok(());
                }
                let offset = u32::from(address).wrapping_sub(u32::from(FIRST));
                if offset == 0 || offset >= COUNT - 1 {
                    let why = format!(
                        "failed to allocate IP {address}: the provided network does not match the current range"
                    );
                    let value = json!([text]);
                    return Err(FieldError::invalid(&Path::new("spec.clusterIPs"), value, why));
                }
                if !self.addresses.insert(address) {
                    let why =
                        format!("failed to allocate IP {address}: provided IP is already allocated");
                    let value = json!([text]);
                    return Err(FieldError::invalid(&Path::new("spec.clusterIPs"), value, why));
                }
                allocation.addresses.push(address);
                address
            }
        };
        service["spec"]["clusterIP"] = json!(address.to_string());
        service["spec"]["clusterIPs"] = json!([address.to_string()]);
        Ok(())
    }

    fn ports_for(
        &mut self,
        service: &mut Value,
        old: Option<&Value>,
        allocation: &mut Allocation,
    ) -> Result<(), FieldError> {
        let spec = &service["spec"];
        let type_ = spec["type"].as_str().unwrap_or_default();
        let balances = type_ == "LoadBalancer"
            && spec["allocateLoadBalancerNodePorts"] != json!(false);
        let needs = type_ == "NodePort" || balances;
        if !matches!(type_, "NodePort" | "LoadBalancer") {
            return Ok(());
        }
        let had = old.map(ports).unwrap_or_default();
        let list = service["spec"]["ports"].as_array_mut();
        // The same number may be asked for with several protocols.
        let mut chosen: Vec<(u16, String)> = Vec::new();
        for (at, entry) in list.into_iter().flatten().enumerate() {
            let protocol = entry["protocol"].as_str().unwrap_or("TCP").to_owned();
            let wanted = entry["nodePort"].as_u64().and_then(|port| u16::try_from(port).ok());
            let path = Path::new("spec").child("ports").index(at).child("nodePort");
            let port = match wanted.filter(|port| *port != 0) {
                Some(port) => {
                    if had.contains(&(port, protocol.clone())) {
                        continue;
                    }
                    if !PORTS.contains(&port) {
                        let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                        return Err(FieldError::invalid(&path, port, why));
                    }
                    let protocols = self.ports.entry(port).or_default();
                    if !protocols.insert(protocol.clone()) {
                        let why = "provided port is already allocated";
                        return Err(FieldError::invalid(&path, port, why));
                    }
                    port
                }
                None if needs => {
                    let port = self.free_port().ok_or_else(|| {
                        FieldError::internal(&path, "failed to allocate a nodePort: range is full")
                    })?;
                    self.ports.entry(port).or_default().insert(protocol.clone());
                    entry["nodePort"] = json!(port);
                    port
                }
                None => continue,
            };
            chosen.push((port, protocol.clone()));
            allocation.ports.push((port, protocol));
        }
        Ok(())
    }

    /// Addresses are given in a scattered order, so that one that is free again is not given to
    /// another Service at once.
    fn free_address(&mut self) -> Option<Ipv4Addr> {
        // The first sixteenth, at most 256, is kept for addresses that are asked for.
        let dynamic = COUNT - 1 - 256;
        for _ in 0..dynamic {
            // Coprime to the count, so that every address has its turn.
            self.next_address = (self.next_address + 40_503) % dynamic;
            let address = Ipv4Addr::from(u32::from(FIRST) + 256 + self.next_address);
            if self.addresses.insert(address) {
                return Some(address);
            }
        }
        None
    }

    fn free_port(&mut self) -> Option<u16> {
        let count = PORTS.end() - PORTS.start() + 1;
        for _ in 0..count {
            self.next_port = (self.next_port + 1_697) % count;
            let port = PORTS.start() + self.next_port;
            if !self.ports.contains_key(&port) {
                return Some(port);
            }
        }
        None
    }
}

fn is_service(served: &Served) -> bool {
    served.resource.group.is_empty() && served.resource.plural == "services"
}

fn addresses(service: &Value) -> Vec<Ipv4Addr> {
    let all = service["spec"]["clusterIPs"].as_array().into_iter().flatten();
    all.filter_map(|address| address.as_str()?.parse().ok()).collect()
}

fn ports(service: &Value) -> Vec<(u16, String)> {
    let all = service["spec"]["ports"].as_array().into_iter().flatten();
    all.filter_map(|port| {
        let number = port["nodePort"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        (number != 0).then(|| (number, protocol.to_owned()))
    })
    .collect()
}
