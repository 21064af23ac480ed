//! What is measured, the same for both servers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::future::join_all;
use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use memchr::memmem;
use serde_json::{Value, json};

use crate::client::{Connection, Target};
use crate::server::{Kind, Server};
use crate::{Plan, crd};

/// Clients that write at the same time.
pub(crate) const CLIENTS: usize = 8;
pub(crate) const WATCHERS: usize = 100;
/// How many objects the watched changes are spread over.
const WATCHED: usize = 50;
/// Room for 1,100 pods.
const NODES: u16 = 10;
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// What was seen of one server.
pub(crate) struct Figures {
    /// Seconds, median
    pub(crate) ready: f64,
    /// Bytes, when new
    pub(crate) memory: f64,
    /// A second
    pub(crate) config_maps: f64,
    /// A second
    pub(crate) deployments: f64,
    /// Seconds until the pods of one Deployment were there and available
    pub(crate) rollout: f64,
    /// Seconds, median
    pub(crate) list: f64,
    /// Bytes of the list
    pub(crate) list_length: usize,
    /// Seconds
    pub(crate) watch: f64,
    /// Seconds
    pub(crate) crds: f64,
    /// Bytes, with the CRDs
    pub(crate) crds_memory: f64,
}

impl Figures {
    pub(crate) async fn of(kind: Kind, plan: Plan) -> Self {
        let mut ready = Vec::new();
        for _ in 1..plan.starts(kind) {
            ready.push(Server::start(kind, 1).await.ready.as_secs_f64());
        }
        let server = Server::start(kind, 1).await;
        ready.push(server.ready.as_secs_f64());
        // What was begun at the start is done by then.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let memory = server.memory() as f64;
        let (crds, crds_memory) = within(crds(&server, plan.crds)).await;
        drop(server);

        let server = Server::start(kind, NODES).await;
        let target = &server.target;
        namespace(target, "bench").await;
        let config_maps = within(create(target, plan.objects, "/api/v1", config_map)).await;
        let (list, list_length) = within(list(target, plan.lists)).await;
        let watch = within(watch(target, plan.changes)).await;
        namespace(target, "other").await;
        let deployments = within(create(
            target,
            plan.deployments,
            "/apis/apps/v1",
            deployment,
        ));
        let deployments = deployments.await;
        drop(server);

        let server = Server::start(kind, NODES).await;
        namespace(&server.target, "bench").await;
        let rollout = within(rollout(&server.target, plan.pods)).await;
        let figures = Figures {
            ready: median(ready),
            memory,
            config_maps,
            deployments,
            rollout,
            list,
            list_length,
            watch,
            crds,
            crds_memory,
        };
        eprintln!("{kind:?}: {}", figures.line());
        figures
    }

    fn line(&self) -> String {
        format!(
            "ready {:.3} s, {:.1} MB, {:.0} ConfigMaps/s, {:.0} Deployments/s, rollout {:.2} s, \
             list {:.3} s, watch {:.2} s, CRDs {:.2} s, {:.1} MB",
            self.ready,
            self.memory / 1e6,
            self.config_maps,
            self.deployments,
            self.rollout,
            self.list,
            self.watch,
            self.crds,
            self.crds_memory / 1e6
        )
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap()
}

async fn connections(target: &Target, count: usize) -> Vec<Connection> {
    join_all((0..count).map(|_| target.connect())).await
}

async fn namespace(target: &Target, name: &str) {
    let body = json!({"metadata": {"name": name}}).to_string();
    let mut connection = target.connect().await;
    connection
        .call(Method::POST, "/api/v1/namespaces", body.into())
        .await;
}

/// Sends the requests from several clients; gives how many a second.
async fn send(target: &Target, requests: Vec<(Method, String, Bytes)>) -> f64 {
    let count = requests.len();
    let mut share: Vec<Vec<_>> = (0..CLIENTS).map(|_| Vec::new()).collect();
    for (n, request) in requests.into_iter().enumerate() {
        share[n % CLIENTS].push(request);
    }
    let connections = connections(target, CLIENTS).await;
    let began = Instant::now();
    join_all(
        connections
            .into_iter()
            .zip(share)
            .map(|(mut connection, share)| {
                tokio::spawn(async move {
                    for (method, path, body) in share {
                        connection.call(method, &path, body).await;
                    }
                })
            }),
    )
    .await
    .into_iter()
    .for_each(|done| done.unwrap());
    count as f64 / began.elapsed().as_secs_f64()
}

fn config_map(number: usize) -> (&'static str, Value) {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": format!("config-{number:05}"), "labels": {"app": "bench"}},
        "data": {"settings": "a line of some length, as files of settings have\n".repeat(5)},
    });
    ("namespaces/bench/configmaps", object)
}

fn deployment(number: usize) -> (&'static str, Value) {
    (
        "namespaces/other/deployments",
        deployment_of(&format!("deployment-{number:04}"), 1),
    )
}

fn deployment_of(name: &str, replicas: usize) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "web",
                    "image": "nginx:1.29",
                    "ports": [{"containerPort": 80}],
                    "env": [{"name": "MODE", "value": "bench"}],
                    "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
                }]},
            },
        },
    })
}

async fn create(
    target: &Target,
    count: usize,
    api: &str,
    object: fn(usize) -> (&'static str, Value),
) -> f64 {
    let requests = (0..count).map(|n| {
        let (path, object) = object(n);
        (
            Method::POST,
            format!("{api}/{path}"),
            object.to_string().into(),
        )
    });
    send(target, requests.collect()).await
}

/// Everything in one answer.
async fn list(target: &Target, rounds: usize) -> (f64, usize) {
    let mut connection = target.connect().await;
    let path = "/api/v1/namespaces/bench/configmaps";
    let (mut times, mut length) = (Vec::new(), 0);
    for _ in 0..rounds {
        let began = Instant::now();
        length = connection.call(Method::GET, path, Bytes::new()).await;
        times.push(began.elapsed().as_secs_f64());
    }
    (median(times), length)
}

/// From the first change until every watcher was told of every one.
async fn watch(target: &Target, changes: usize) -> f64 {
    namespace(target, "watched").await;
    let all = "/api/v1/namespaces/watched/configmaps";
    let body = |number: usize, change: usize| -> Bytes {
        let (_, mut object) = config_map(number);
        object["data"]["change"] = json!(change.to_string());
        object.to_string().into()
    };
    let made = (0..WATCHED).map(|n| (Method::POST, all.to_owned(), body(n, 0)));
    send(target, made.collect()).await;
    let mut first = target.connect().await;
    let path = format!("{all}?limit=1");
    let answer = first.send(Method::GET, &path, Bytes::new()).await;
    let answer = answer.collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let version = answer["metadata"]["resourceVersion"].as_str().unwrap();
    let path = format!("{all}?watch=true&resourceVersion={version}");
    let mut watchers = Vec::new();
    for mut connection in connections(target, WATCHERS).await {
        watchers.push(connection.send(Method::GET, &path, Bytes::new()).await);
    }
    let name = |n: usize| format!("config-{:05}", n % WATCHED);
    let requests = (1..=changes).map(|n| {
        (
            Method::PUT,
            format!("{all}/{}", name(n)),
            body(n % WATCHED, n),
        )
    });
    let requests = requests.collect();
    let began = Instant::now();
    let told = watchers
        .into_iter()
        .map(|watcher| tokio::spawn(lines(watcher, changes)));
    let told = join_all(told.collect::<Vec<_>>());
    let (_, told) = tokio::join!(send(target, requests), told);
    told.into_iter().for_each(|done| done.unwrap());
    began.elapsed().as_secs_f64()
}

/// Reads until so many events have come: each is a line.
async fn lines(mut body: Incoming, mut count: usize) {
    while count > 0 {
        let frame = body.frame().await.unwrap().unwrap();
        let data = frame.into_data().unwrap_or_default();
        count = count.saturating_sub(memchr::memchr_iter(b'\n', &data).count());
    }
}

/// CRDs until all are established: seconds, and the memory then.
async fn crds(server: &Server, count: usize) -> (f64, f64) {
    let mut watcher = server.target.connect().await;
    let path = format!("{CRDS}?watch=true");
    let watcher = watcher.send(Method::GET, &path, Bytes::new()).await;
    let requests = (0..count).map(|n| {
        let body = crd::crd(n).to_string();
        (Method::POST, CRDS.to_owned(), body.into())
    });
    let requests = requests.collect();
    let began = Instant::now();
    tokio::join!(send(&server.target, requests), established(watcher, count));
    let took = began.elapsed().as_secs_f64();
    (took, server.memory() as f64)
}

/// Reads events until so many objects are established.
async fn established(mut body: Incoming, count: usize) {
    let is_so = memmem::Finder::new(br#""type":"Established","status":"True""#);
    let name_of = memmem::Finder::new(br#""metadata":{"name":""#);
    let mut names = BTreeSet::new();
    let mut rest = BytesMut::new();
    while names.len() < count {
        let frame = body.frame().await.unwrap().unwrap();
        rest.extend_from_slice(&frame.into_data().unwrap_or_default());
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            let line = rest.split_to(end + 1);
            if is_so.find(&line).is_some() {
                let name = &line[name_of.find(&line).unwrap() + name_of.needle().len()..];
                let end = memchr::memchr(b'"', name).unwrap();
                names.insert(name[..end].to_vec());
            }
        }
    }
}

/// A Deployment until all its pods are available.
async fn rollout(target: &Target, pods: usize) -> f64 {
    let mut connection = target.connect().await;
    let all = "/apis/apps/v1/namespaces/bench/deployments";
    let mut watcher = target.connect().await;
    let path = format!("{all}?watch=true");
    let mut watcher = watcher.send(Method::GET, &path, Bytes::new()).await;
    let began = Instant::now();
    let body = deployment_of("web", pods).to_string();
    connection.call(Method::POST, all, body.into()).await;
    let wanted = format!("\"availableReplicas\":{pods}");
    let mut rest = BytesMut::new();
    loop {
        let frame = watcher.frame().await.unwrap().unwrap();
        rest.extend_from_slice(&frame.into_data().unwrap_or_default());
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            let line = rest.split_to(end + 1);
            if memmem::find(&line, wanted.as_bytes()).is_some() {
                return began.elapsed().as_secs_f64();
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
