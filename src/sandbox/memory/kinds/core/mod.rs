//! The kinds of the core group: `pkg/apis/core` and `pkg/registry/core`.

mod configmap;
mod endpoints;
mod event;
mod limitrange;
mod namespace;
mod node;
mod persistentvolume;
mod persistentvolumeclaim;
pub mod pod;
mod podtemplate;
mod replicationcontroller;
mod resourcequota;
mod secret;
pub mod service;
mod serviceaccount;
mod typed;

use super::Kind;

/// The kind of a resource of the core group, by its plural.
pub fn of(group: &str, plural: &str) -> Option<&'static dyn Kind> {
    if !group.is_empty() {
        return None;
    }
    let kind: &dyn Kind = match plural {
        "configmaps" => &configmap::ConfigMap,
        "endpoints" => &endpoints::Endpoints,
        "events" => &event::Event,
        "limitranges" => &limitrange::LimitRange,
        "namespaces" => &namespace::Namespace,
        "nodes" => &node::Node,
        "persistentvolumeclaims" => &persistentvolumeclaim::PersistentVolumeClaim,
        "persistentvolumes" => &persistentvolume::PersistentVolume,
        "pods" => &pod::Pod,
        "podtemplates" => &podtemplate::PodTemplate,
        "replicationcontrollers" => &replicationcontroller::ReplicationController,
        "resourcequotas" => &resourcequota::ResourceQuota,
        "secrets" => &secret::Secret,
        "serviceaccounts" => &serviceaccount::ServiceAccount,
        "services" => &service::Service,
        _ => return None,
    };
    Some(kind)
}
