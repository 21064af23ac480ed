//! Descriptions of types and fields: those that the k8s-openapi crate has, joined when they are
//! shown, so that they are in the binary once.

use k8s_openapi::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::{self, apis::meta, runtime::RawExtension};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Schemas of the crate by name, of which only the descriptions are taken.
pub(super) struct Descriptions(Map<String, Value>);

/// Has the generator collect the schemas of these kinds and of all that they contain.
macro_rules! collect {
    ($generator:ident, $($package:ident)::+ => $($kind:ident)+) => {{
        use $($package)::+ as package;
        $($generator.subschema_for::<package::$kind>();)+
    }};
}

impl Descriptions {
    /// Of what a document such as `apis/apps/v1` contains.
    pub(super) fn of_document(path: &str) -> Self {
        let mut parts = path.trim_start_matches("apis/").split('/');
        let group = parts.next().unwrap_or_default();
        let group = group.split('.').next().unwrap_or_default();
        let group = if group == "api" { "core" } else { group };
        Descriptions::of_package(group, parts.next().unwrap_or_default())
    }

    /// Of the kinds that every group-version has, and of metadata.
    pub(super) fn of_meta() -> Self {
        Descriptions::of_package("", "")
    }

    /// Of a package of Kubernetes' types, such as `apps`, `v1`, and of what every document has.
    fn of_package(group: &str, version: &str) -> Self {
        let mut generator = SchemaGenerator::default();
        let g = &mut generator;
        collect! { g, meta::v1 =>
            APIGroup APIGroupList APIResourceList APIVersions DeleteOptions ListMeta ObjectMeta
            Patch Status
        }
        g.subschema_for::<meta::v1::WatchEvent<RawExtension>>();
        match (group, version) {
            ("admissionregistration", "v1") => collect! { g, api::admissionregistration::v1 =>
                MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration
                ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
                ValidatingWebhookConfiguration
            },
            ("apiextensions", "v1") => {
                collect! { g, apiextensions::v1 => CustomResourceDefinition }
            }
            ("apiregistration", "v1") => collect! { g, apiregistration::v1 => APIService },
            ("apps", "v1") => {
                collect! { g, api::apps::v1 =>
                    ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
                }
                collect! { g, api::autoscaling::v1 => Scale }
            }
            ("authentication", "v1") => collect! { g, api::authentication::v1 =>
                SelfSubjectReview TokenRequest TokenReview
            },
            ("authorization", "v1") => collect! { g, api::authorization::v1 =>
                LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview
                SubjectAccessReview
            },
            ("autoscaling", "v1") => collect! { g, api::autoscaling::v1 =>
                HorizontalPodAutoscaler Scale
            },
            ("autoscaling", "v2") => collect! { g, api::autoscaling::v2 =>
                HorizontalPodAutoscaler
            },
            ("batch", "v1") => collect! { g, api::batch::v1 => CronJob Job },
            ("certificates", "v1") => collect! { g, api::certificates::v1 =>
                CertificateSigningRequest
            },
            ("coordination", "v1") => collect! { g, api::coordination::v1 => Lease },
            ("core", "v1") => {
                collect! { g, api::core::v1 =>
                    Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node
                    PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController
                    ResourceQuota Secret Service ServiceAccount
                }
                collect! { g, api::authentication::v1 => TokenRequest }
                collect! { g, api::autoscaling::v1 => Scale }
                collect! { g, api::policy::v1 => Eviction }
            }
            ("discovery", "v1") => collect! { g, api::discovery::v1 => EndpointSlice },
            ("events", "v1") => collect! { g, api::events::v1 => Event },
            ("flowcontrol", "v1") => collect! { g, api::flowcontrol::v1 =>
                FlowSchema PriorityLevelConfiguration
            },
            ("networking", "v1") => collect! { g, api::networking::v1 =>
                IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR
            },
            ("node", "v1") => collect! { g, api::node::v1 => RuntimeClass },
            ("policy", "v1") => collect! { g, api::policy::v1 => Eviction PodDisruptionBudget },
            ("rbac", "v1") => collect! { g, api::rbac::v1 =>
                ClusterRole ClusterRoleBinding Role RoleBinding
            },
            ("resource", "v1") => collect! { g, api::resource::v1 =>
                DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice
            },
            ("scheduling", "v1") => collect! { g, api::scheduling::v1 => PriorityClass },
            ("storage", "v1") => collect! { g, api::storage::v1 =>
                CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment
                VolumeAttributesClass
            },
            ("version", _) => collect! { g, pkg::version => Info },
            _ => {}
        }
        Descriptions(generator.take_definitions(true))
    }

    /// Puts descriptions into the schema of that name.
    pub(super) fn describe(&self, name: &str, schema: &mut Value) {
        let Some(schema) = schema.as_object_mut() else {
            return;
        };
        if let Some(text) = self.0.get(name).and_then(|known| known.get("description")) {
            schema.insert("description".to_owned(), text.clone());
        }
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        for (field, property) in properties {
            let text = self.field(name, field).and_then(Value::as_str);
            if let (Some(text), Some(property)) = (text, property.as_object_mut()) {
                let text = with_values(text, property.get("enum"));
                property.insert("description".to_owned(), Value::String(text));
            }
        }
    }

    /// The description of a field. The crate has no schemas of lists; two of their fields are those
    /// of any kind.
    fn field(&self, name: &str, field: &str) -> Option<&Value> {
        let of = |name: &str| {
            self.0
                .get(name)?
                .get("properties")?
                .get(field)?
                .get("description")
        };
        of(name).or_else(|| match field {
            "apiVersion" | "kind" if name.ends_with("List") => of(DELETE_OPTIONS),
            _ => None,
        })
    }

    /// Puts descriptions into those query parameters of a path item that are fields of
    /// DeleteOptions as well; of the others, the crate knows nothing.
    pub(super) fn describe_parameters(&self, item: &mut Value) {
        let Some(item) = item.as_object_mut() else {
            return;
        };
        for (key, part) in item {
            let parameters = match key.as_str() {
                "parameters" => Some(part),
                _ => part.get_mut("parameters"),
            };
            for parameter in parameters
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let name = parameter
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if parameter.get("in").is_some_and(|place| place == "query")
                    && let Some(text) = self.field(DELETE_OPTIONS, name)
                {
                    parameter["description"] = text.clone();
                }
            }
        }
    }
}

/// The server names the values that a field may have, with what is said of each; the crate has
/// neither, and what is said is known to the server alone.
fn with_values(text: &str, values: Option<&Value>) -> String {
    let values = values
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if values.is_empty() {
        return text.to_owned();
    }
    let values = values.iter().map(|value| format!("\n - `{value}`"));
    format!(
        "{text}\n\nPossible enum values:{}",
        values.collect::<String>()
    )
}

/// The description of a field by its place, such as `io.k8s.api.core.v1.PodSpec.nodeName`.
pub(super) fn of_place(place: &str) -> Option<String> {
    let (name, field) = place.rsplit_once('.')?;
    let (package, _) = name.rsplit_once('.')?;
    let mut parts = package.rsplit('.');
    let (version, group) = (parts.next()?, parts.next()?);
    let descriptions = Descriptions::of_package(group, version);
    descriptions
        .field(name, field)
        .and_then(Value::as_str)
        .map(str::to_owned)
}
