//! Which kind has which cells.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::row::{Row, cells};
use super::{
    admission, autoscaler, batch, core, devices, endpoints, event, flowcontrol, network, node, pod,
    rights, storage, workloads,
};
use crate::sandbox::memory::object::meta;

/// The cells of an object, in the order of its columns; `None` for kinds that show no more than
/// their names and when they were made.
pub fn cells(group: &str, plural: &str, object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let row = &Row { object, now };
    Some(match (group, plural) {
        ("", "componentstatuses") => core::component_status(row),
        ("", "configmaps") => core::config_map(row),
        ("", "endpoints") => endpoints::endpoints(row),
        ("" | "events.k8s.io", "events") => event::event(row),
        ("", "namespaces") => core::namespace(row),
        ("", "nodes") => node::node(row),
        ("", "persistentvolumeclaims") => storage::persistent_volume_claim(row),
        ("", "persistentvolumes") => storage::persistent_volume(row),
        ("", "pods") => pod::pod(row),
        ("", "podtemplates") => workloads::pod_template(row),
        ("", "replicationcontrollers") => workloads::replication_controller(row),
        ("", "resourcequotas") => core::resource_quota(row),
        ("", "secrets") => core::secret(row),
        ("", "services") => network::service(row),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies") => {
            admission::policy(row, "spec.mutations")
        }
        ("admissionregistration.k8s.io", "validatingadmissionpolicies") => {
            admission::policy(row, "spec.validations")
        }
        (
            "admissionregistration.k8s.io",
            "mutatingadmissionpolicybindings" | "validatingadmissionpolicybindings",
        ) => admission::binding(row),
        (
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations",
        ) => cells![row.name(), row.items("webhooks").len(), row.age()],
        ("apiregistration.k8s.io", "apiservices") => core::api_service(row),
        ("apps", "controllerrevisions") => workloads::controller_revision(row),
        ("apps", "daemonsets") => workloads::daemon_set(row),
        ("apps", "deployments") => workloads::deployment(row),
        ("apps", "replicasets") => workloads::replica_set(row),
        ("apps", "statefulsets") => workloads::stateful_set(row),
        ("autoscaling", "horizontalpodautoscalers") => autoscaler::autoscaler(row),
        ("batch", "cronjobs") => batch::cron_job(row),
        ("batch", "jobs") => batch::job(row),
        ("certificates.k8s.io", "certificatesigningrequests") => rights::signing_request(row),
        ("coordination.k8s.io", "leases") => {
            cells![row.name(), row.text("spec.holderIdentity"), row.age()]
        }
        ("discovery.k8s.io", "endpointslices") => endpoints::slice(row),
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => flowcontrol::flow_schema(row),
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => {
            flowcontrol::priority_level(row)
        }
        ("networking.k8s.io", "ingressclasses") => network::ingress_class(row),
        ("networking.k8s.io", "ingresses") => network::ingress(row),
        ("networking.k8s.io", "ipaddresses") => network::ip_address(row),
        ("networking.k8s.io", "networkpolicies") => network::network_policy(row),
        ("networking.k8s.io", "servicecidrs") => network::service_cidr(row),
        ("node.k8s.io", "runtimeclasses") => cells![row.name(), row.text("handler"), row.age()],
        ("policy", "poddisruptionbudgets") => workloads::disruption_budget(row),
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings") => {
            rights::role_binding(row)
        }
        ("resource.k8s.io", "resourceclaims") => devices::claim(row),
        ("resource.k8s.io", "resourceslices") => devices::slice(row),
        ("scheduling.k8s.io", "priorityclasses") => core::priority_class(row),
        ("storage.k8s.io", "csidrivers") => storage::csi_driver(row),
        ("storage.k8s.io", "csinodes") => {
            cells![row.name(), row.items("spec.drivers").len(), row.age()]
        }
        ("storage.k8s.io", "storageclasses") => storage::storage_class(row),
        ("storage.k8s.io", "volumeattachments") => storage::volume_attachment(row),
        ("storage.k8s.io", "volumeattributesclasses") => {
            cells![row.name(), row.text("driverName"), row.age()]
        }
        ("", "serviceaccounts")
        | ("resource.k8s.io", "deviceclasses" | "resourceclaimtemplates") => {
            cells![row.name(), row.age()]
        }
        _ => return None,
    })
}

/// The conditions of an object's row: that a pod has ended, which clients may leave out.
pub fn row_conditions(group: &str, plural: &str, object: &Value) -> Vec<Value> {
    if (group, plural) != ("", "pods") {
        return Vec::new();
    }
    let (reason, message) = match object["status"]["phase"].as_str() {
        Some("Succeeded") => ("Succeeded", "The pod has completed successfully."),
        Some("Failed") => ("Failed", "The pod failed."),
        _ => return Vec::new(),
    };
    vec![json!({"type": "Completed", "status": "True", "reason": reason, "message": message})]
}

/// Which of two objects comes first in the table of a list. FlowSchemas are shown in the order in
/// which requests are matched against them; all others stay in that of the list.
pub fn precedes(group: &str, plural: &str, a: &Value, b: &Value) -> Ordering {
    if (group, plural) != ("flowcontrol.apiserver.k8s.io", "flowschemas") {
        return Ordering::Equal;
    }
    let key = |object| {
        (
            flowcontrol::precedence(object),
            meta(object, "name").to_owned(),
        )
    };
    key(a).cmp(&key(b))
}
