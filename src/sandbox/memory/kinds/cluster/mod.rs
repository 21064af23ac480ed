//! The kinds outside the core group that make no pods: networking, storage, access, and what else
//! concerns the cluster.

mod addresses;
mod apiservice;
mod certificatesigningrequest;
mod clusterrole;
mod clusterrolebinding;
mod csidriver;
mod csinode;
mod csistoragecapacity;
mod endpointslice;
pub(crate) mod event;
mod flowcontrol;
mod flowschema;
mod ingress;
mod ingressclass;
mod ipaddress;
mod lease;
mod networkpolicy;
mod node_labels;
mod pem;
mod plain;
mod priorityclass;
mod prioritylevelconfiguration;
mod rbac;
mod reference;
mod resourceclaim;
mod resourceslice;
mod role;
mod rolebinding;
mod runtimeclass;
mod servicecidr;
mod signer;
mod status_metadata;
mod storage;
mod storageclass;
mod volumeattachment;
mod volumeattributesclass;

use super::{Kind, meta};
use plain::Plain;

const NO_WEBHOOKS: &str = "admission webhooks are not called";
const NO_POLICIES: &str = "admission policies are not evaluated";

/// Of device classes, selectors and configurations are not looked at.
static DEVICE_CLASS: Plain = Plain {
    name: meta::dns_subdomain,
    has_generation: true,
    updates_unconditionally: true,
};

/// Kinds that can only be looked at and deleted; see [`refused`].
static ADMISSION: Plain = Plain {
    name: meta::dns_subdomain,
    has_generation: true,
    updates_unconditionally: false,
};

/// The kind of a resource of these groups, by its plural.
pub fn of(group: &str, plural: &str) -> Option<&'static dyn Kind> {
    let kind: &dyn Kind = match (group, plural) {
        ("admissionregistration.k8s.io", _) => &ADMISSION,
        ("apiregistration.k8s.io", "apiservices") => &apiservice::ApiService,
        ("certificates.k8s.io", "certificatesigningrequests") => {
            &certificatesigningrequest::CertificateSigningRequest
        }
        ("coordination.k8s.io", "leases") => &lease::Lease,
        ("discovery.k8s.io", "endpointslices") => &endpointslice::EndpointSlice,
        ("events.k8s.io", "events") => &event::Event,
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => &flowschema::FlowSchema,
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => {
            &prioritylevelconfiguration::PriorityLevelConfiguration
        }
        ("networking.k8s.io", "ingressclasses") => &ingressclass::IngressClass,
        ("networking.k8s.io", "ingresses") => &ingress::Ingress,
        ("networking.k8s.io", "ipaddresses") => &ipaddress::IpAddress,
        ("networking.k8s.io", "networkpolicies") => &networkpolicy::NetworkPolicy,
        ("networking.k8s.io", "servicecidrs") => &servicecidr::ServiceCidr,
        ("node.k8s.io", "runtimeclasses") => &runtimeclass::RuntimeClass,
        ("rbac.authorization.k8s.io", "clusterrolebindings") => {
            &clusterrolebinding::ClusterRoleBinding
        }
        ("rbac.authorization.k8s.io", "clusterroles") => &clusterrole::ClusterRole,
        ("rbac.authorization.k8s.io", "rolebindings") => &rolebinding::RoleBinding,
        ("rbac.authorization.k8s.io", "roles") => &role::Role,
        ("resource.k8s.io", "deviceclasses") => &DEVICE_CLASS,
        ("resource.k8s.io", "resourceclaims") => &resourceclaim::ResourceClaim,
        ("resource.k8s.io", "resourceclaimtemplates") => &resourceclaim::ResourceClaimTemplate,
        ("resource.k8s.io", "resourceslices") => &resourceslice::ResourceSlice,
        ("scheduling.k8s.io", "priorityclasses") => &priorityclass::PriorityClass,
        ("storage.k8s.io", "csidrivers") => &csidriver::CsiDriver,
        ("storage.k8s.io", "csinodes") => &csinode::CsiNode,
        ("storage.k8s.io", "csistoragecapacities") => &csistoragecapacity::CsiStorageCapacity,
        ("storage.k8s.io", "storageclasses") => &storageclass::StorageClass,
        ("storage.k8s.io", "volumeattachments") => &volumeattachment::VolumeAttachment,
        ("storage.k8s.io", "volumeattributesclasses") => {
            &volumeattributesclass::VolumeAttributesClass
        }
        _ => return None,
    };
    Some(kind)
}

/// Why objects of a kind cannot be made here: what they ask for would not happen. Of `apiservices`
/// only those with `spec.service` are meant.
pub fn refused(group: &str, plural: &str) -> Option<&'static str> {
    match (group, plural) {
        (
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations" | "mutatingwebhookconfigurations",
        ) => Some(NO_WEBHOOKS),
        ("admissionregistration.k8s.io", _) => Some(NO_POLICIES),
        ("apiregistration.k8s.io", "apiservices") => {
            Some("requests are not passed on to other API servers")
        }
        _ => None,
    }
}

/// The time as objects hold it.
fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::workloads::recorded::replay;
    use super::*;

    #[test]
    fn what_has_no_effect_is_refused() {
        let group = "admissionregistration.k8s.io";
        assert_eq!(
            refused(group, "validatingwebhookconfigurations"),
            Some(NO_WEBHOOKS)
        );
        assert_eq!(
            refused(group, "validatingadmissionpolicybindings"),
            Some(NO_POLICIES)
        );
        assert!(refused("apiregistration.k8s.io", "apiservices").is_some());
        assert!(refused("networking.k8s.io", "ingresses").is_none());
    }

    #[test]
    fn apiservices() {
        replay(of, include_str!("cases/apiservices.txt"));
    }

    #[test]
    fn certificatesigningrequests() {
        replay(of, include_str!("cases/certificatesigningrequests.txt"));
    }

    #[test]
    fn clusterrolebindings() {
        replay(of, include_str!("cases/clusterrolebindings.txt"));
    }

    #[test]
    fn clusterroles() {
        replay(of, include_str!("cases/clusterroles.txt"));
    }

    #[test]
    fn csidrivers() {
        replay(of, include_str!("cases/csidrivers.txt"));
    }

    #[test]
    fn csinodes() {
        replay(of, include_str!("cases/csinodes.txt"));
    }

    #[test]
    fn csistoragecapacities() {
        replay(of, include_str!("cases/csistoragecapacities.txt"));
    }

    #[test]
    fn deviceclasses() {
        replay(of, include_str!("cases/deviceclasses.txt"));
    }

    #[test]
    fn endpointslices() {
        replay(of, include_str!("cases/endpointslices.txt"));
    }

    #[test]
    fn flowschemas() {
        replay(of, include_str!("cases/flowschemas.txt"));
    }

    #[test]
    fn ingressclasses() {
        replay(of, include_str!("cases/ingressclasses.txt"));
    }

    #[test]
    fn ingresses() {
        replay(of, include_str!("cases/ingresses.txt"));
    }

    #[test]
    fn ipaddresses() {
        replay(of, include_str!("cases/ipaddresses.txt"));
    }

    #[test]
    fn leases() {
        replay(of, include_str!("cases/leases.txt"));
    }

    #[test]
    fn networkpolicies() {
        replay(of, include_str!("cases/networkpolicies.txt"));
    }

    #[test]
    fn priorityclasses() {
        replay(of, include_str!("cases/priorityclasses.txt"));
    }

    #[test]
    fn prioritylevelconfigurations() {
        replay(of, include_str!("cases/prioritylevelconfigurations.txt"));
    }

    #[test]
    fn resourceclaims() {
        replay(of, include_str!("cases/resourceclaims.txt"));
    }

    #[test]
    fn resourceclaimtemplates() {
        replay(of, include_str!("cases/resourceclaimtemplates.txt"));
    }

    #[test]
    fn resourceslices() {
        replay(of, include_str!("cases/resourceslices.txt"));
    }

    #[test]
    fn rolebindings() {
        replay(of, include_str!("cases/rolebindings.txt"));
    }

    #[test]
    fn roles() {
        replay(of, include_str!("cases/roles.txt"));
    }

    #[test]
    fn runtimeclasses() {
        replay(of, include_str!("cases/runtimeclasses.txt"));
    }

    #[test]
    fn servicecidrs() {
        replay(of, include_str!("cases/servicecidrs.txt"));
    }

    #[test]
    fn storageclasses() {
        replay(of, include_str!("cases/storageclasses.txt"));
    }

    #[test]
    fn volumeattachments() {
        replay(of, include_str!("cases/volumeattachments.txt"));
    }

    #[test]
    fn volumeattributesclasses() {
        replay(of, include_str!("cases/volumeattributesclasses.txt"));
    }
}
