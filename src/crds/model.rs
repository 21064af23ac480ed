//! A CustomResourceDefinition as the server tells it, without its schemas.
//!
//! Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go. Schemas are skipped
//! while reading: they are nearly all of a CRD's size, and a list of a thousand must fit in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// A CustomResourceDefinition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Crd {
    /// Name, age, managers
    pub metadata: Metadata,
    /// What was asked for
    pub spec: Spec,
    /// What the server made of it
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

/// The parts of `metav1.ObjectMeta` that matter here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// `plural.group`
    pub name: String,
    /// RFC 3339
    pub creation_timestamp: Option<String>,
    /// RFC 3339, once somebody has deleted it
    pub deletion_timestamp: Option<String>,
    /// What must be done before it goes
    #[serde(deserialize_with = "or_default")]
    pub finalizers: Vec<String>,
    /// Labels
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations that tell who put it there; all others are skipped, since
    /// `last-applied-configuration` repeats every schema
    #[serde(deserialize_with = "provenance")]
    pub annotations: BTreeMap<String, String>,
    /// Who wrote which fields, without the fields
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<ManagedFields>,
    /// What it belongs to
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
}

/// `metav1.ManagedFieldsEntry` without the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagedFields {
    /// The field manager
    pub manager: String,
    /// `Apply` or `Update`
    pub operation: String,
    /// The apiVersion that it wrote through
    pub api_version: String,
    /// The subresource that it wrote through, if any
    pub subresource: String,
    /// RFC 3339
    pub time: Option<String>,
}

/// `metav1.OwnerReference` as far as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// Kind of the owner
    pub kind: String,
    /// Name of the owner
    pub name: String,
}

/// `spec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    /// The API group
    pub group: String,
    /// The names asked for
    pub names: Names,
    /// `Namespaced` or `Cluster`
    pub scope: String,
    /// All versions, in the order of the manifest
    #[serde(deserialize_with = "or_default")]
    pub versions: Vec<Version>,
    /// How objects get from one version to another
    #[serde(deserialize_with = "or_default")]
    pub conversion: Conversion,
}

/// The names of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Names {
    /// In paths
    pub plural: String,
    /// For one
    pub singular: String,
    /// In objects
    pub kind: String,
    /// In lists
    pub list_kind: String,
    /// Abbreviations
    #[serde(deserialize_with = "or_default")]
    pub short_names: Vec<String>,
    /// Sets, such as `all`
    #[serde(deserialize_with = "or_default")]
    pub categories: Vec<String>,
}

/// A version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Version {
    /// Such as `v1beta1`
    pub name: String,
    /// Whether the server answers for it
    pub served: bool,
    /// Whether objects are written to etcd in it
    pub storage: bool,
    /// Whether requests for it get a warning
    pub deprecated: bool,
    /// That warning, where it is not the server's own
    pub deprecation_warning: Option<String>,
    /// What hangs below its objects
    #[serde(deserialize_with = "or_default")]
    pub subresources: Subresources,
    /// What `kubectl get` prints
    #[serde(deserialize_with = "or_default")]
    pub additional_printer_columns: Vec<PrinterColumn>,
    /// What field selectors may use
    #[serde(deserialize_with = "or_default")]
    pub selectable_fields: Vec<SelectableField>,
}

/// Subresources of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Subresources {
    /// Whether status is written apart
    #[serde(deserialize_with = "is_there")]
    pub status: bool,
    /// How it is scaled
    pub scale: Option<Scale>,
}

/// Where the numbers of `/scale` are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scale {
    /// The wanted replicas
    pub spec_replicas_path: String,
    /// The replicas there are
    pub status_replicas_path: String,
    /// The selector of the pods; empty if not said
    pub label_selector_path: String,
}

/// A column of `kubectl get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PrinterColumn {
    /// Its heading
    pub name: String,
    /// Its OpenAPI type, or `date`
    #[serde(rename = "type")]
    pub type_: String,
    /// What it says
    pub description: String,
    /// Above 0: under `-o wide` alone
    pub priority: i64,
    /// Where its value is
    pub json_path: String,
}

/// A field that field selectors may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SelectableField {
    /// Where it is
    pub json_path: String,
}

/// How objects get from one version to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Conversion {
    /// `None` (only apiVersion changes) or `Webhook`
    pub strategy: String,
    /// Whom to ask, for `Webhook`
    pub webhook: Option<Webhook>,
}

/// A conversion webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Webhook {
    /// Where it is
    #[serde(deserialize_with = "or_default")]
    pub client_config: ClientConfig,
}

/// Where a webhook is: at a URL, or behind a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientConfig {
    /// Its URL
    pub url: Option<String>,
    /// Its Service
    pub service: Option<ServiceReference>,
    /// Whether there is a CA bundle to verify it with
    #[serde(rename = "caBundle", deserialize_with = "is_filled")]
    pub has_ca_bundle: bool,
}

/// The Service of a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct ServiceReference {
    /// Its namespace
    pub namespace: String,
    /// Its name
    pub name: String,
    /// The path to ask
    pub path: Option<String>,
    /// The Service's port; 443 if not said
    pub port: Option<u16>,
}

/// `status`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    /// NamesAccepted, Established, Terminating, NonStructuralSchema
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    /// The names in use, which may be older than those of `spec`
    #[serde(deserialize_with = "or_default")]
    pub accepted_names: Names,
    /// Every version that objects may be stored in
    #[serde(deserialize_with = "or_default")]
    pub stored_versions: Vec<String>,
}

/// A condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// Which one
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`
    pub status: String,
    /// In one word
    pub reason: String,
    /// In a sentence
    pub message: String,
    /// RFC 3339
    pub last_transition_time: Option<String>,
}

impl Crd {
    /// `plural.group`.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The condition of that type.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|c| c.type_ == type_)
    }

    /// Whether the condition of that type is True.
    pub fn is(&self, type_: &str) -> bool {
        self.condition(type_).is_some_and(|c| c.status == "True")
    }

    /// The version of that name.
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.spec.versions.iter().find(|v| v.name == name)
    }

    /// The version that objects are written to etcd in.
    pub fn storage(&self) -> Option<&Version> {
        self.spec.versions.iter().find(|v| v.storage)
    }

    /// The versions, preferred first: stable, beta, alpha, the rest by name.
    /// Source: k8s.io/apimachinery/pkg/version/helpers.go (`CompareKubeAwareVersionStrings`).
    pub fn versions_by_priority(&self) -> Vec<&Version> {
        let mut versions: Vec<&Version> = self.spec.versions.iter().collect();
        versions.sort_by_cached_key(|v| {
            std::cmp::Reverse(kube::core::Version::parse(&v.name).priority())
        });
        versions
    }

    /// The version to ask for objects: the stored one if it is served, since it needs no
    /// conversion, else the preferred of those served.
    pub fn version_to_ask(&self) -> Option<&Version> {
        let storage = self.storage().filter(|v| v.served);
        storage.or_else(|| self.versions_by_priority().into_iter().find(|v| v.served))
    }

    /// The path of all its objects in one version.
    pub fn objects_path(&self, version: &str) -> String {
        let plural = &self.spec.names.plural;
        format!("/apis/{}/{version}/{plural}", self.spec.group)
    }

    /// Field managers, sorted by name, each once and with the subresource that it wrote through, if
    /// any. The API server itself, which writes the status of every CRD, is left out.
    pub fn managers(&self) -> Vec<String> {
        let all = self.metadata.managed_fields.iter();
        let others = all.filter(|m| (m.manager.as_str(), m.subresource.as_str()) != OWN_STATUS);
        let mut managers: Vec<String> = others
            .map(|entry| match entry.subresource.as_str() {
                "" => entry.manager.clone(),
                sub => format!("{}({sub})", entry.manager),
            })
            .collect();
        managers.sort();
        managers.dedup();
        managers
    }
}

/// How the API server writes what it made of a CRD.
const OWN_STATUS: (&str, &str) = ("kube-apiserver", "status");

impl Version {
    /// `status`, `scale`: what hangs below its objects.
    pub fn subresource_names(&self) -> Vec<&'static str> {
        let has = [
            (self.subresources.status, "status"),
            (self.subresources.scale.is_some(), "scale"),
        ];
        has.iter().filter(|h| h.0).map(|h| h.1).collect()
    }
}

/// `null` as the default: Go writes it for what nobody has filled.
pub(super) fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn is_there<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(from)?.is_some())
}

fn is_filled<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<String>::deserialize(from)?.is_some_and(|text| !text.is_empty()))
}

/// The annotations by which deployment tools mark what they have put there.
pub(super) const HELM_RELEASE: &str = "meta.helm.sh/release-name";
pub(super) const HELM_NAMESPACE: &str = "meta.helm.sh/release-namespace";
pub(super) const ARGO_TRACKING: &str = "argocd.argoproj.io/tracking-id";

fn provenance<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let all: Option<BTreeMap<String, String>> = Option::deserialize(from)?;
    let mut all = all.unwrap_or_default();
    all.retain(|key, _| [HELM_RELEASE, HELM_NAMESPACE, ARGO_TRACKING].contains(&key.as_str()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Crd {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_crd_that_was_just_created_is_read() {
        let crd = read(json!({
            "metadata": {"name": "a.b", "managedFields": null},
            "spec": {"group": "b", "names": {"plural": "a"}, "conversion": null, "versions": [
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                 "schema": {"openAPIV3Schema": {"type": "object"}}}]},
            "status": {"conditions": null, "storedVersions": null, "acceptedNames": {}},
        }));
        assert!(crd.condition("Established").is_none());
        assert!(crd.storage().unwrap().subresources.status);
        assert!(read(json!({"status": null})).spec.versions.is_empty());
    }

    #[test]
    fn what_repeats_the_schemas_is_not_kept() {
        let crd = read(json!({"metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{…}",
            "meta.helm.sh/release-name": "shop",
        }}}));
        let kept: Vec<&String> = crd.metadata.annotations.keys().collect();
        assert_eq!(kept, [HELM_RELEASE]);
    }

    #[test]
    fn versions_are_in_the_order_of_discovery() {
        let versions = ["v1alpha1", "foo", "v2beta1", "v1", "v2"];
        let crd = read(json!({"spec": {"versions":
            versions.map(|name| json!({"name": name, "served": true, "storage": name == "foo"}))}}));
        let names: Vec<&str> = crd
            .versions_by_priority()
            .iter()
            .map(|v| v.name.as_str())
            .collect();
        assert_eq!(names, ["v2", "v1", "v2beta1", "v1alpha1", "foo"]);
        assert_eq!(crd.version_to_ask().unwrap().name, "foo");
    }

    #[test]
    fn managers_are_named_once() {
        let entry = |manager: &str, sub: &str| json!({"manager": manager, "subresource": sub});
        let crd = read(json!({"metadata": {"managedFields": [
            entry("helm", ""), entry("helm", ""), entry("kube-apiserver", "status"),
            entry("fix", "status")]}}));
        assert_eq!(crd.managers(), ["fix(status)", "helm"]);
    }
}
