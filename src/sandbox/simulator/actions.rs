//! Requests of the simulator: what a kubelet and a scheduler write.

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::json;

use super::node::{LEASES, Simulated};
use super::world::{Action, Outcome, What};

/// Who managed fields say it was.
const MANAGER: &str = "appop-simulator";
/// Requests for nodes that are under way at the same time.
const AT_ONCE: usize = 8;

/// Does what is to be done for a pod.
pub(super) async fn act(client: Client, action: &Action) -> Outcome {
    let pods: Api<Pod> = Api::namespaced(client, &action.key.namespace);
    let done = match &action.what {
        What::Bind(node) => bind(&pods, action, node).await,
        What::Report(status) => report(&pods, action, status).await,
        What::Finish(status) => finish(&pods, action, status.as_deref()).await,
        What::Wait(_) => Ok(()),
    };
    match done {
        Ok(()) => Outcome::Done,
        Err(problem) => {
            let outcome = outcome(&problem);
            tracing::debug!(pod = ?action.key, ?outcome, %problem, "the simulator failed");
            outcome
        }
    }
}

fn outcome(problem: &kube::Error) -> Outcome {
    match problem {
        kube::Error::Api(status) if status.code != 429 && status.code < 500 => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

async fn bind(pods: &Api<Pod>, action: &Action, node: &str) -> kube::Result<()> {
    let binding = Binding {
        metadata: ObjectMeta {
            name: Some(action.key.name.clone()),
            uid: Some(action.uid.clone()),
            ..ObjectMeta::default()
        },
        target: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            ..ObjectReference::default()
        },
    };
    let parameters = PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    };
    // The answer is a Status.
    let _: serde_json::Value = pods
        .create_subresource("binding", &action.key.name, &parameters, &binding)
        .await?;
    Ok(())
}

/// Conditions are merged by type, so those of others stay; the UID in the patch makes the server
/// refuse it for a later pod of the same name.
async fn report(pods: &Api<Pod>, action: &Action, status: &PodStatus) -> kube::Result<()> {
    let patch = json!({ "metadata": { "uid": action.uid }, "status": status });
    let parameters = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    pods.patch_status(&action.key.name, &parameters, &Patch::Strategic(patch))
        .await?;
    Ok(())
}

async fn finish(pods: &Api<Pod>, action: &Action, status: Option<&PodStatus>) -> kube::Result<()> {
    if let Some(status) = status {
        report(pods, action, status).await?;
    }
    let parameters = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions {
            uid: Some(action.uid.clone()),
            ..Preconditions::default()
        }),
        ..DeleteParams::default()
    };
    pods.delete(&action.key.name, &parameters).await?;
    Ok(())
}

/// Creates the nodes and their leases, as kubelets do when they start.
pub(super) async fn register(
    client: &Client,
    nodes: &[Simulated],
    version: &str,
) -> kube::Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    let parameters = PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    };
    let (api, parameters) = (&api, &parameters);
    let mut created = futures::stream::iter(nodes)
        .map(async |node| {
            let wanted = node.object(version, Timestamp::now());
            let object = match api.create(parameters, &wanted).await {
                // A sandbox that was kept has its nodes already.
                Err(kube::Error::Api(status)) if status.is_already_exists() => {
                    api.get(&node.name()).await?
                }
                made => made?,
            };
            renew(client, *node, &object.metadata.uid.unwrap_or_default()).await;
            Ok::<_, kube::Error>(())
        })
        .buffer_unordered(AT_ONCE);
    while let Some(result) = created.next().await {
        result?;
    }
    Ok(())
}

/// Renews the leases of nodes that are known by their UID.
pub(super) async fn renew_all(client: Client, nodes: Vec<(Simulated, String)>) {
    let client = &client;
    futures::stream::iter(nodes)
        .for_each_concurrent(AT_ONCE, async |(node, uid)| renew(client, node, &uid).await)
        .await;
}

/// Applied rather than updated, so that it makes no difference whether it is there.
async fn renew(client: &Client, node: Simulated, uid: &str) {
    let leases: Api<Lease> = Api::namespaced(client.clone(), LEASES);
    let lease = Patch::Apply(node.lease(uid, Timestamp::now()));
    let applied = leases
        .patch(&node.name(), &PatchParams::apply(MANAGER).force(), &lease)
        .await;
    if let Err(problem) = applied {
        // The next renewal makes up for it.
        tracing::debug!(node = node.name(), %problem, "the simulator could not renew a lease");
    }
}
