//! Where a resource comes from: built into the server, defined by a CRD, or served by an
//! aggregated server.

use serde::Deserialize;

use crate::cluster::{Error, Server};

use super::legacy::storage_hash;
use super::lifecycle;
use super::model::{Resource, group_version_path};

/// Where a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The API server itself
    BuiltIn,
    /// A CustomResourceDefinition of this name
    Crd(String),
    /// Another server, by way of an APIService
    Aggregated {
        /// `namespace/name` of its Service
        service: String,
        /// `None` when it is up, else why it is not
        trouble: Option<String>,
    },
    /// It could not be found out, with the reason
    Unknown(String),
}

/// What more than discovery is known of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Where it comes from
    pub origin: Origin,
    /// The version that its objects are stored in, if it can be told
    pub storage: Option<String>,
}

#[derive(Deserialize)]
struct ApiService {
    #[serde(default)]
    spec: ApiServiceSpec,
    #[serde(default)]
    status: ApiServiceStatus,
}

#[derive(Default, Deserialize)]
struct ApiServiceSpec {
    service: Option<ServiceReference>,
}

#[derive(Deserialize)]
struct ServiceReference {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct ApiServiceStatus {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Crd {
    spec: CrdSpec,
}

#[derive(Deserialize)]
struct CrdSpec {
    #[serde(default)]
    versions: Vec<CrdVersion>,
}

#[derive(Deserialize)]
struct CrdVersion {
    name: String,
    #[serde(default)]
    storage: bool,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ListedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    name: String,
    #[serde(default)]
    storage_version_hash: String,
}

/// Asks where `resource` comes from and how it is stored; `versions` are those that may be its
/// storage version. What may not be read stays unknown, with a reason.
pub async fn details(server: &Server, resource: &Resource, versions: &[&str]) -> Details {
    let (group, version) = (&resource.group, &resource.version);
    let service_path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}");
    let crd_path = format!(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}",
        resource.name()
    );
    let list_path = group_version_path(group, version);
    let json = "application/json";
    let (service, crd, list) = futures::join!(
        server.get_json::<ApiService>(&service_path, json),
        crd(server, &crd_path, group),
        server.get_json::<ResourceList>(&list_path, json),
    );
    let hash = list.ok().and_then(|list| {
        let own = list
            .resources
            .into_iter()
            .find(|r| r.name == resource.plural)?;
        Some(own.storage_version_hash).filter(|hash| !hash.is_empty())
    });
    let mut storage = hash.and_then(|hash| {
        let is = |v: &&&str| storage_hash(group, v, &resource.kind) == hash;
        versions.iter().find(is).map(|v| (**v).to_owned())
    });
    let origin = match (service, crd) {
        (
            Ok(ApiService {
                spec: ApiServiceSpec {
                    service: Some(service),
                },
                status,
            }),
            _,
        ) => {
            let bad = status
                .conditions
                .into_iter()
                .find(|c| c.r#type == "Available");
            Origin::Aggregated {
                service: format!("{}/{}", service.namespace, service.name),
                trouble: bad
                    .filter(|c| c.status != "True")
                    .map(|c| format!("{}: {}", c.reason, c.message)),
            }
        }
        (_, Ok(Some(crd))) => {
            storage = crd
                .spec
                .versions
                .into_iter()
                .find(|v| v.storage)
                .map(|v| v.name)
                .or(storage);
            Origin::Crd(resource.name())
        }
        // Most users may read neither APIServices nor CRDs, and ask about what Kubernetes has.
        _ if lifecycle::of_resource(group, version, &resource.plural).is_some() => Origin::BuiltIn,
        (Err(problem), Ok(None)) if !is_missing(&problem) => {
            Origin::Unknown(super::legacy::reason(&problem))
        }
        (_, Ok(None)) => Origin::BuiltIn,
        (_, Err(problem)) => Origin::Unknown(super::legacy::reason(&problem)),
    };
    Details { origin, storage }
}

/// The CRD at `path`, or `None` where there is none.
async fn crd(server: &Server, path: &str, group: &str) -> Result<Option<Crd>, Error> {
    // The name of a CRD's group has a dot; the server's own groups need not be asked about.
    if !group.contains('.') {
        return Ok(None);
    }
    match server.get_json::<Crd>(path, "application/json").await {
        Ok(crd) => Ok(Some(crd)),
        Err(problem) if is_missing(&problem) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn is_missing(problem: &Error) -> bool {
    problem
        .failure()
        .is_some_and(|f| f.code == http::StatusCode::NOT_FOUND)
}
