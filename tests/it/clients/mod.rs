//! Clients as people write them, by the libraries that people use: kube-rs, and controller-runtime.

mod apply;
mod controller;
mod go;
mod leases;
mod quotas;
mod races;
mod watches;

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::runtime::Runtime;

use crate::support::Cluster;

/// Nothing that a scenario waits for takes this long on a machine that does its other work too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs what a scenario does; connections live on the runtime's own threads.
fn run<F: Future<Output = ()>>(scenario: F) {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Runtime::new().unwrap())
        .block_on(scenario);
}

/// A client of the administrator, and a new namespace.
async fn client_in(cluster: &Cluster, namespace: &str) -> Client {
    let file = Kubeconfig::read_from(&cluster.kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(file, &options)
        .await
        .unwrap();
    config.default_retry = false;
    config.default_namespace = namespace.to_owned();
    let client = Client::try_from(config).unwrap();
    let object = Namespace {
        metadata: named(namespace),
        ..Namespace::default()
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    client
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

/// A ConfigMap with a value, in the group of those that a scenario is about.
fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            labels: Some([("about".to_owned(), "this".to_owned())].into()),
            ..named(name)
        },
        data: Some([("value".to_owned(), value.to_owned())].into()),
        ..ConfigMap::default()
    }
}

fn value_of(object: &ConfigMap) -> &str {
    object.data.as_ref().map_or("", |data| &data["value"])
}

/// Asks until there is something; fails the test when that is never so.
#[track_caller]
fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> impl Future<Output = T>
where
    F: Future<Output = Option<T>>,
{
    let what = what.to_owned();
    async move {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            assert!(Instant::now() < end, "it never happens: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
