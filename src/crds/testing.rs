//! Small builders of CRDs for tests.

use super::model::{
    ClientConfig, Condition, Conversion, Crd, ManagedFields, ServiceReference, Version, Webhook,
};

pub(crate) struct Builder(Crd);

/// A namespaced CRD of that name (`plural.group`) without versions or conditions; its kind is the
/// plural with a capital and without its `s`.
pub(crate) fn crd(name: &str) -> Builder {
    let (plural, group) = name.split_once('.').unwrap();
    let singular = plural.trim_end_matches('s');
    let mut crd = Crd::default();
    crd.metadata.name = name.into();
    crd.metadata.creation_timestamp = Some("2026-01-01T00:00:00Z".into());
    crd.spec.group = group.into();
    crd.spec.scope = "Namespaced".into();
    crd.spec.conversion.strategy = "None".into();
    let names = &mut crd.spec.names;
    names.plural = plural.into();
    names.singular = singular.into();
    names.kind = singular[..1].to_uppercase() + &singular[1..];
    names.list_kind = format!("{}List", names.kind);
    Builder(crd)
}

impl Builder {
    pub(crate) fn kind(mut self, kind: &str) -> Self {
        self.0.spec.names.kind = kind.into();
        self.0.spec.names.list_kind = format!("{kind}List");
        self
    }

    pub(crate) fn short(mut self, name: &str) -> Self {
        self.0.spec.names.short_names.push(name.into());
        self
    }

    /// A version with marks: `v1`, `v1 storage`, `v1beta1 deprecated`, `v1alpha1 unserved`.
    pub(crate) fn version(mut self, text: &str) -> Self {
        let mut words = text.split(' ');
        let name = words.next().unwrap().to_owned();
        let marks: Vec<&str> = words.collect();
        self.0.spec.versions.push(Version {
            name,
            served: !marks.contains(&"unserved"),
            storage: marks.contains(&"storage"),
            deprecated: marks.contains(&"deprecated"),
            ..Version::default()
        });
        self
    }

    pub(crate) fn stored(mut self, versions: &[&str]) -> Self {
        self.0.status.stored_versions = versions.iter().map(|v| (*v).to_owned()).collect();
        self
    }

    pub(crate) fn condition(
        mut self,
        type_: &str,
        status: &str,
        reason: &str,
        message: &str,
    ) -> Self {
        self.0.status.conditions.push(Condition {
            type_: type_.into(),
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            last_transition_time: None,
        });
        self
    }

    /// All is well: names accepted, established.
    pub(crate) fn established(mut self) -> Self {
        self.0.status.accepted_names = self.0.spec.names.clone();
        self.condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
            .condition("Established", "True", "InitialNamesAccepted", "")
    }

    pub(crate) fn deleted(mut self, finalizers: &[&str]) -> Self {
        self.0.metadata.deletion_timestamp = Some("2026-01-02T00:00:00Z".into());
        self.0.metadata.finalizers = finalizers.iter().map(|f| (*f).to_owned()).collect();
        self
    }

    /// Conversion by the Service `namespace/name`, with a CA bundle.
    pub(crate) fn webhook(mut self, namespace: &str, name: &str) -> Self {
        self.0.spec.conversion = Conversion {
            strategy: "Webhook".into(),
            webhook: Some(Webhook {
                client_config: ClientConfig {
                    url: None,
                    service: Some(ServiceReference {
                        namespace: namespace.into(),
                        name: name.into(),
                        ..ServiceReference::default()
                    }),
                    has_ca_bundle: true,
                },
            }),
        };
        self
    }

    pub(crate) fn manager(mut self, manager: &str) -> Self {
        self.0.metadata.managed_fields.push(ManagedFields {
            manager: manager.into(),
            operation: "Update".into(),
            ..ManagedFields::default()
        });
        self
    }

    pub(crate) fn done(self) -> Crd {
        self.0
    }
}
