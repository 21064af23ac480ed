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
#[cfg(test)]
mod recorded;
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

#[cfg(test)]
mod tests {
    use super::recorded::replay;

    #[test]
    fn configmaps() {
        replay(include_str!("cases/configmaps.txt"));
    }

    #[test]
    fn endpoints() {
        replay(include_str!("cases/endpoints.txt"));
    }

    #[test]
    fn events() {
        replay(include_str!("cases/events.txt"));
    }

    #[test]
    fn limitranges() {
        replay(include_str!("cases/limitranges.txt"));
    }

    #[test]
    fn namespaces() {
        replay(include_str!("cases/namespaces.txt"));
    }

    #[test]
    fn nodes() {
        replay(include_str!("cases/nodes.txt"));
    }

    #[test]
    fn persistentvolumeclaims() {
        replay(include_str!("cases/persistentvolumeclaims.txt"));
    }

    #[test]
    fn persistentvolumes() {
        replay(include_str!("cases/persistentvolumes.txt"));
    }

    #[test]
    fn pods() {
        replay(include_str!("cases/pods.txt"));
    }

    #[test]
    fn podtemplates() {
        replay(include_str!("cases/podtemplates.txt"));
    }

    #[test]
    fn replicationcontrollers() {
        replay(include_str!("cases/replicationcontrollers.txt"));
    }

    #[test]
    fn resourcequotas() {
        replay(include_str!("cases/resourcequotas.txt"));
    }

    #[test]
    fn secrets() {
        replay(include_str!("cases/secrets.txt"));
    }

    #[test]
    fn serviceaccounts() {
        replay(include_str!("cases/serviceaccounts.txt"));
    }

    #[test]
    fn services() {
        replay(include_str!("cases/services.txt"));
    }
}
