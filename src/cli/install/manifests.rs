//! What is installed, as objects: pure, and the same for `appop install` and for `deploy/`.

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use super::object::{Id, Kind, Object};
use crate::app;
use crate::operator;

/// The name of all that is installed, apart from the CRD and what is for the election of a leader.
pub(in crate::cli) const NAME: &str = "appop";
/// The Role that lets the operator hold its lease.
pub(in crate::cli) const ELECTION: &str = "appop-leader-election";
/// The lease of `appop run --leader-elect`.
pub(in crate::cli) const LEASE: &str = "app-lock";
/// The name of the CRD.
pub(in crate::cli) const CRD: &str = "apps.app.example.com";
/// The operator's namespace, unless another is asked for.
pub(in crate::cli) const NAMESPACE: &str = "appop-system";
/// Finds what was installed. An App that happens to be called appop has children with the first of
/// our labels, but not with these.
pub(in crate::cli) const OURS: [(&str, &str); 2] = [
    ("app.kubernetes.io/component", "operator"),
    ("app.kubernetes.io/part-of", NAME),
];
/// Stands in the manifests until somebody names a real one: kustomize finds and replaces it by its
/// name, `appop`.
pub(in crate::cli) const NO_IMAGE: &str = concat!("appop:", env!("CARGO_PKG_VERSION"));

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";
/// The port of the first App operator's metrics.
const PORT: u16 = 60000;
/// `nobody`, who owns no file of the image and none of the node.
const NOBODY: u32 = 65534;

/// What kind of installation.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Wanted {
    /// Where the operator lives
    pub(in crate::cli) namespace: String,
    /// Where it looks for Apps; everywhere, when there are none
    pub(in crate::cli) watched: Vec<String>,
    /// Its image
    pub(in crate::cli) image: String,
}

/// The CRD of the App.
pub(in crate::cli) fn crd() -> Object {
    let mut value = json!(app::crd::crd());
    value["metadata"]["labels"] = labels();
    Object {
        id: Id::wide(Kind::Crd, CRD),
        value,
    }
}

/// The operator, in the order in which its objects need each other.
pub(in crate::cli) fn operator(wanted: &Wanted) -> Vec<Object> {
    let namespace = wanted.namespace.as_str();
    let mut objects = vec![own_namespace(namespace), service_account(namespace)];
    if wanted.watched.is_empty() {
        objects.push(role(None, NAME, operator::rules()));
        objects.push(binding(None, NAME, namespace));
    }
    for watched in &wanted.watched {
        objects.push(role(Some(watched), NAME, operator::rules()));
        objects.push(binding(Some(watched), NAME, namespace));
    }
    let election = operator::lease_rules(LEASE);
    objects.push(role(Some(namespace), ELECTION, election));
    objects.push(binding(Some(namespace), ELECTION, namespace));
    objects.push(deployment(wanted));
    objects
}

/// On all that is installed.
fn labels() -> Value {
    let mut labels = json!({ "app.kubernetes.io/name": NAME });
    for (key, value) in OURS {
        labels[key] = json!(value);
    }
    labels
}

/// What finds the operator's pods. A Deployment can never change it.
fn selector() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "operator" })
}

fn metadata(id: &Id) -> Value {
    let mut metadata = json!({ "name": id.name });
    if let Some(namespace) = &id.namespace {
        metadata["namespace"] = json!(namespace);
    }
    metadata["labels"] = labels();
    metadata
}

fn own_namespace(name: &str) -> Object {
    let id = Id::wide(Kind::Namespace, name);
    let mut metadata = metadata(&id);
    // What is installed needs no more than this level of Pod Security.
    metadata["labels"]["pod-security.kubernetes.io/enforce"] = json!("restricted");
    Object {
        value: json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }),
        id,
    }
}

fn service_account(namespace: &str) -> Object {
    let id = Id::within(namespace, Kind::ServiceAccount, NAME);
    Object {
        value: json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(&id) }),
        id,
    }
}

fn role(namespace: Option<&str>, name: &str, rules: Vec<PolicyRule>) -> Object {
    let (kind, word, id) = match namespace {
        Some(namespace) => (Kind::Role, "Role", Some(namespace)),
        None => (Kind::ClusterRole, "ClusterRole", None),
    };
    let id = Id {
        kind,
        namespace: id.map(str::to_owned),
        name: name.to_owned(),
    };
    Object {
        value: json!({
            "apiVersion": RBAC_V1, "kind": word, "metadata": metadata(&id), "rules": rules,
        }),
        id,
    }
}

/// Gives the role of this name to the operator in `operators`.
fn binding(namespace: Option<&str>, name: &str, operators: &str) -> Object {
    let (kind, word, role) = match namespace {
        Some(_) => (Kind::RoleBinding, "RoleBinding", "Role"),
        None => (
            Kind::ClusterRoleBinding,
            "ClusterRoleBinding",
            "ClusterRole",
        ),
    };
    let id = Id {
        kind,
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    Object {
        value: json!({
            "apiVersion": RBAC_V1,
            "kind": word,
            "metadata": metadata(&id),
            "roleRef": { "apiGroup": RBAC, "kind": role, "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": operators }],
        }),
        id,
    }
}

/// Without a number of replicas: one by the server's default, and whoever scales it is obeyed.
fn deployment(wanted: &Wanted) -> Object {
    let id = Id::within(&wanted.namespace, Kind::Deployment, NAME);
    let mut watch = json!({ "name": "WATCH_NAMESPACE" });
    if !wanted.watched.is_empty() {
        watch["value"] = json!(wanted.watched.join(","));
    }
    let probe = |path: &str| json!({ "httpGet": { "path": path, "port": "metrics" } });
    let container = json!({
        "name": NAME,
        "image": wanted.image,
        "args": ["run", "--leader-elect", format!("--metrics-bind-address=0.0.0.0:{PORT}")],
        "env": [
            {
                "name": "POD_NAME",
                // With the version that is the default: left out, the server would see somebody
                // else's change in its own.
                "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.name" } },
            },
            watch,
            { "name": "OPERATOR_NAME", "value": NAME },
        ],
        "ports": [{ "name": "metrics", "containerPort": PORT, "protocol": "TCP" }],
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        // With 2,000 Apps it takes less than 35 MB. Without a limit of its CPU, nothing slows it
        // down while a node has some to spare.
        "resources": {
            "requests": { "cpu": "10m", "memory": "32Mi" },
            "limits": { "memory": "128Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
    });
    let value = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(&id),
        "spec": {
            "selector": { "matchLabels": selector() },
            "template": {
                "metadata": { "labels": labels() },
                "spec": {
                    "serviceAccountName": NAME,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": NOBODY,
                        "runAsGroup": NOBODY,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [container],
                },
            },
        },
    });
    Object { id, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(watched: &[&str]) -> Wanted {
        Wanted {
            namespace: "ops".to_owned(),
            watched: watched.iter().map(|name| (*name).to_owned()).collect(),
            image: "appop:1".to_owned(),
        }
    }

    fn ids(objects: &[Object]) -> Vec<String> {
        objects.iter().map(|object| object.id.to_string()).collect()
    }

    #[test]
    fn namespaces_that_are_watched_get_roles_and_the_cluster_none() {
        let ids = ids(&operator(&wanted(&["a", "b"])));
        for namespace in ["a", "b"] {
            let role = format!("role.rbac.authorization.k8s.io/appop in namespace {namespace}");
            assert!(ids.contains(&role), "{ids:?}");
        }
        assert!(!ids.iter().any(|id| id.starts_with("cluster")), "{ids:?}");
    }

    #[test]
    fn every_object_says_whose_it_is_and_is_where_its_id_says() {
        for object in operator(&wanted(&[])).into_iter().chain([crd()]) {
            let metadata = &object.value["metadata"];
            for (key, value) in OURS {
                assert_eq!(metadata["labels"][key], value, "{}", object.id);
            }
            assert_eq!(metadata["name"], object.id.name.as_str());
            assert_eq!(
                metadata["namespace"].as_str(),
                object.id.namespace.as_deref()
            );
        }
    }

    #[test]
    fn the_deployment_is_told_what_to_watch() {
        let objects = operator(&wanted(&["a", "b"]));
        let deployment = &objects.last().unwrap().value;
        let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
        assert_eq!(env[1], json!({ "name": "WATCH_NAMESPACE", "value": "a,b" }));
    }
}
