//! The simulated nodes as objects: Node and Lease.

use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeStatus,
    NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference, Time};

/// As many as the network has subnets of 256 addresses.
pub const MAX_NODES: u16 = 512;
/// The namespace of the nodes' leases.
pub(super) const LEASES: &str = "kube-node-lease";
/// The kubelet's own defaults: a lease of 40 s, renewed after a quarter of it.
pub(super) const LEASE_SECONDS: i32 = 40;

/// 198.18.0.0/15 is set aside for tests of network devices (RFC 2544): no address in it leads to a
/// real host, and unlike loopback addresses they may be endpoints.
const NETWORK: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// The first host of a node's subnet is the node itself.
const OWN_HOST: u8 = 1;
/// The hosts of a node's subnet that its pods get.
pub(super) const POD_HOSTS: std::ops::RangeInclusive<u8> = 2..=254;
/// Nobody listens there, and only root could: asked for logs, the API server is refused at once.
const KUBELET_PORT: i32 = 1;

/// More than tests ask for; nothing is really taken.
const CAPACITY: [(&str, &str); 4] = [
    ("cpu", "16"),
    ("memory", "64Gi"),
    ("ephemeral-storage", "256Gi"),
    ("pods", "110"),
];

/// A simulated node by its number, below [`MAX_NODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Simulated(pub(super) u16);

impl Simulated {
    pub(super) fn name(self) -> String {
        format!("node-{}", self.0)
    }

    /// The address of a host in the node's own subnet.
    pub(super) fn address(self, host: u8) -> IpAddr {
        let offset = (u32::from(self.0) << 8) + u32::from(host);
        IpAddr::V4(Ipv4Addr::from_bits(NETWORK.to_bits() + offset))
    }

    pub(super) fn own_address(self) -> IpAddr {
        self.address(OWN_HOST)
    }

    /// The Node as a kubelet registers it. `version` is the API server's, such as `v1.36.3`.
    pub(super) fn object(self, version: &str, now: Timestamp) -> Node {
        let subnet = format!("{}/24", self.address(0));
        Node {
            metadata: ObjectMeta {
                name: Some(self.name()),
                labels: Some(
                    [
                        ("kubernetes.io/hostname", self.name().as_str()),
                        ("kubernetes.io/os", "linux"),
                        ("kubernetes.io/arch", architecture()),
                        ("beta.kubernetes.io/os", "linux"),
                        ("beta.kubernetes.io/arch", architecture()),
                    ]
                    .map(|(label, value)| (label.to_owned(), value.to_owned()))
                    .into(),
                ),
                ..ObjectMeta::default()
            },
            spec: Some(NodeSpec {
                pod_cidr: Some(subnet.clone()),
                pod_cidrs: Some(vec![subnet]),
                provider_id: Some(format!("simulated://{}", self.name())),
                ..NodeSpec::default()
            }),
            status: Some(self.status(version, now)),
        }
    }

    fn status(self, version: &str, now: Timestamp) -> NodeStatus {
        let capacity = || {
            Some(
                CAPACITY
                    .map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
                    .into(),
            )
        };
        let address = |type_: &str, address: String| NodeAddress {
            type_: type_.to_owned(),
            address,
        };
        let id = format!("00000000-0000-4000-8000-{:012}", self.0);
        NodeStatus {
            addresses: Some(vec![
                address("InternalIP", self.own_address().to_string()),
                address("Hostname", self.name()),
                // Where the API server looks for the kubelet.
                address("InternalDNS", "localhost".to_owned()),
            ]),
            capacity: capacity(),
            allocatable: capacity(),
            conditions: Some(conditions(now)),
            daemon_endpoints: Some(NodeDaemonEndpoints {
                kubelet_endpoint: Some(DaemonEndpoint { port: KUBELET_PORT }),
            }),
            node_info: Some(NodeSystemInfo {
                architecture: architecture().to_owned(),
                boot_id: id.clone(),
                container_runtime_version: concat!("simulated://", env!("CARGO_PKG_VERSION"))
                    .to_owned(),
                kernel_version: "simulated".to_owned(),
                kubelet_version: version.to_owned(),
                machine_id: id.replace('-', ""),
                operating_system: "linux".to_owned(),
                os_image: "simulated by appop".to_owned(),
                system_uuid: id,
                ..NodeSystemInfo::default()
            }),
            ..NodeStatus::default()
        }
    }

    /// The lease by which the node shows that it is alive.
    pub(super) fn lease(self, uid: &str, now: Timestamp) -> Lease {
        let owner = OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: self.name(),
            uid: uid.to_owned(),
            ..OwnerReference::default()
        };
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name()),
                namespace: Some(LEASES.to_owned()),
                owner_references: Some(vec![owner]),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.name()),
                lease_duration_seconds: Some(LEASE_SECONDS),
                renew_time: Some(MicroTime(now)),
                ..LeaseSpec::default()
            }),
        }
    }
}

fn conditions(now: Timestamp) -> Vec<NodeCondition> {
    [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]
    .map(|(type_, status, reason)| NodeCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some("this node is simulated".to_owned()),
        last_heartbeat_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    })
    .into()
}

/// This machine's, in Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_do_not_overlap_and_stay_in_the_network() {
        assert_eq!(Simulated(0).own_address().to_string(), "198.18.0.1");
        assert_eq!(
            Simulated(1).address(*POD_HOSTS.start()).to_string(),
            "198.18.1.2"
        );
        let last = Simulated(MAX_NODES - 1).address(*POD_HOSTS.end());
        assert_eq!(last.to_string(), "198.19.255.254");
    }
}
