//! Collects the descriptions that the k8s-openapi crate's schemas have, for the sandbox to join to
//! its own: as text, compressed, they take a tenth of the room that they take as the crate's code.
//!
//! In `OUT_DIR`: for each package of Kubernetes' types (`io.k8s.api.apps.v1`) a compressed JSON object
//! of its types' names, each with an object of its fields' descriptions and its own, named "";
//! and `descriptions.rs`, which lists them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use k8s_openapi::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::{self, apis::meta, runtime::RawExtension};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// Has the generator collect the schemas of these kinds and of all that they contain.
macro_rules! collect {
    ($generator:ident, $($package:ident)::+ => $($kind:ident)+) => {{
        use $($package)::+ as package;
        $($generator.subschema_for::<package::$kind>();)+
    }};
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR")?;
    let out = Path::new(&out);
    let mut packages: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (name, schema) in schemas() {
        let Some((package, type_)) = name.rsplit_once('.') else {
            continue;
        };
        let package = packages.entry(package.to_owned()).or_default();
        package.insert(type_.to_owned(), Value::Object(descriptions(&schema)));
    }
    let mut list = "[\n".to_owned();
    for (package, types) in packages {
        let file = format!("{package}.json.gz");
        let mut gz = GzEncoder::new(std::fs::File::create(out.join(&file))?, Compression::best());
        gz.write_all(&serde_json::to_vec(&types)?)?;
        gz.finish()?;
        writeln!(list, "({package:?}, include_bytes!({file:?}).as_slice()),")?;
    }
    list.push_str("]\n");
    std::fs::write(out.join("descriptions.rs"), list)?;
    Ok(())
}

fn descriptions(schema: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    let text = |schema: &Value| schema.get("description").cloned();
    found.extend(text(schema).map(|text| (String::new(), text)));
    let fields = schema.get("properties").and_then(Value::as_object);
    for (field, property) in fields.into_iter().flatten() {
        found.extend(text(property).map(|text| (field.clone(), text)));
    }
    found
}

/// Of all kinds that are served by default, and of what they contain, by full name.
fn schemas() -> Map<String, Value> {
    let mut generator = SchemaGenerator::default();
    let g = &mut generator;
    collect! { g, meta::v1 =>
        APIGroup APIGroupList APIResourceList APIVersions DeleteOptions ListMeta ObjectMeta Patch
        Status
    }
    g.subschema_for::<meta::v1::WatchEvent<RawExtension>>();
    collect! { g, pkg::version => Info }
    collect! { g, api::admissionregistration::v1 =>
        MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration
        ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration
    }
    collect! { g, apiextensions::v1 => CustomResourceDefinition }
    collect! { g, apiregistration::v1 => APIService }
    collect! { g, api::apps::v1 =>
        ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
    }
    collect! { g, api::authentication::v1 => SelfSubjectReview TokenRequest TokenReview }
    collect! { g, api::authorization::v1 =>
        LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview
    }
    collect! { g, api::autoscaling::v1 => HorizontalPodAutoscaler Scale }
    collect! { g, api::autoscaling::v2 => HorizontalPodAutoscaler }
    collect! { g, api::batch::v1 => CronJob Job }
    collect! { g, api::certificates::v1 => CertificateSigningRequest }
    collect! { g, api::coordination::v1 => Lease }
    collect! { g, api::core::v1 =>
        Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node
        PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota
        Secret Service ServiceAccount
    }
    collect! { g, api::discovery::v1 => EndpointSlice }
    collect! { g, api::events::v1 => Event }
    collect! { g, api::flowcontrol::v1 => FlowSchema PriorityLevelConfiguration }
    collect! { g, api::networking::v1 => IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR }
    collect! { g, api::node::v1 => RuntimeClass }
    collect! { g, api::policy::v1 => Eviction PodDisruptionBudget }
    collect! { g, api::rbac::v1 => ClusterRole ClusterRoleBinding Role RoleBinding }
    collect! { g, api::resource::v1 =>
        DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice
    }
    collect! { g, api::scheduling::v1 => PriorityClass }
    collect! { g, api::storage::v1 =>
        CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass
    }
    generator.take_definitions(true)
}
