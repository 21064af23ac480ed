//! What the operator costs beside a bare loop that creates the same objects with the same
//! concurrency, on a real API server whose controllers sleep.
//!
//! `KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench operator` starts the
//! servers, runs everything, prints the table and writes it to docs/benchmarks.md. With
//! `-- --quick` it uses 100 Apps and one round and writes nothing: to see that it works.

// A benchmark is a script: what fails ends it, and it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "shared/page.rs"]
mod page;
#[path = "shared/processes.rs"]
mod processes;
#[path = "shared/sandbox.rs"]
mod sandbox;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustix::process::{Pid, Signal, kill_process};
use sandbox::Sandbox;
use serde_json::{Value, json};

const APPOP: &str = env!("CARGO_BIN_EXE_appop");
const WORKERS: usize = 8;
const IDLE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        eprintln!(
            "KUBEBUILDER_ASSETS is not set: run it as\n  \
             KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench operator"
        );
        std::process::exit(1);
    }
    let plan = Plan {
        apps: if quick { 100 } else { 2000 },
        rounds: if quick { 1 } else { 3 },
        idle: if quick { Duration::from_secs(5) } else { IDLE },
    };
    let table = plan.run().await;
    println!("{table}");
    if !quick {
        page::write("operator", &table);
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(file, &options)
        .await
        .unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// The sandbox ends when one of its servers does, so the controller manager is stopped only.
fn freeze_controllers(sandbox: &Sandbox) {
    for process in processes::tree(sandbox.child.id()) {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        if name.starts_with("kube-controller") {
            let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
            kill_process(process, Signal::STOP).unwrap();
            return;
        }
    }
    panic!("there is no kube-controller-manager");
}

struct Plan {
    apps: usize,
    rounds: usize,
    idle: Duration,
}

/// A control plane of its own for each measurement, with the same Apps in it: the API server takes
/// longer for a Service the more of them there are.
struct Bench {
    server: Sandbox,
    client: Client,
    apps: usize,
    // Last: the servers end before their files go.
    _directory: tempfile::TempDir,
}

/// The namespace of the Apps.
const APPS: &str = "apps";

/// What one round has shown.
struct Round {
    bare: Duration,
    applied: Duration,
    /// Until the last child was there
    children: Duration,
    operator: Usage,
    writes: Writes,
    restart: Usage,
    restart_writes: f64,
    idle_requests: Vec<String>,
    idle_memory: f64,
}

/// Wall time until all was done, and what the process had used then.
#[derive(Clone, Copy)]
struct Usage {
    wall: Duration,
    /// Seconds
    cpu: f64,
    /// Bytes
    memory: f64,
}

#[derive(Clone, Copy)]
struct Writes {
    children: f64,
    statuses: f64,
}

impl Bench {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, kube::Error> {
        let kind = match method {
            Method::PATCH => "application/apply-patch+yaml",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(body.to_string().into_bytes())
            .unwrap();
        self.client.request(request).await
    }

    async fn create(&self, path: String, object: Value) {
        self.send(Method::POST, &path, &object).await.unwrap();
    }

    async fn install(&self) {
        let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        self.create(crds.to_owned(), json!(appop::app::crd::crd()))
            .await;
        let apps = "/apis/app.example.com/v1/apps";
        while self.send(Method::GET, apps, &Value::Null).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let role = json!({"metadata": {"name": "appop"}, "rules": appop::operator::rules()});
        let rbac = "/apis/rbac.authorization.k8s.io/v1";
        self.create(format!("{rbac}/clusterroles"), role).await;
        let binding = json!({
            "metadata": {"name": "appop"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "appop"},
            "subjects": [{"kind": "ServiceAccount", "name": "appop", "namespace": "default"}],
        });
        self.create(format!("{rbac}/clusterrolebindings"), binding)
            .await;
    }

    async fn namespace(&self, name: &str) {
        self.create(
            "/api/v1/namespaces".to_owned(),
            json!({"metadata": {"name": name}}),
        )
        .await;
    }

    fn app(namespace: &str, number: usize) -> Value {
        json!({
            "apiVersion": "app.example.com/v1",
            "kind": "App",
            "metadata": {"name": format!("app-{number:04}"), "namespace": namespace},
            "spec": {
                "replicas": 0,
                "image": "nginx",
                "ports": [{"port": 8080, "targetPort": 80}],
                "envs": [{"name": "DEMO", "value": "app"}],
                "resources": {
                    "limits": {"cpu": "100m", "memory": "100M"},
                    "requests": {"cpu": "100m", "memory": "100M"},
                },
            },
        })
    }

    /// The same children, made by a loop that does nothing else: created, or applied as the operator
    /// applies them.
    async fn bare(&self, namespace: &str, method: &Method) -> Duration {
        let pairs: Vec<(Value, Value)> = (0..self.apps)
            .map(|number| {
                let app = serde_json::from_value(Self::app(namespace, number)).unwrap();
                let deployment = appop::app::children::deployment(&app, None, Some(0)).unwrap();
                (deployment, appop::app::children::service(&app).unwrap())
            })
            .collect();
        let began = Instant::now();
        stream::iter(pairs)
            .for_each_concurrent(WORKERS, |(deployment, service)| async move {
                let all = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
                self.make(all, method, deployment).await;
                let all = format!("/api/v1/namespaces/{namespace}/services");
                self.make(all, method, service).await;
            })
            .await;
        began.elapsed()
    }

    async fn make(&self, all: String, method: &Method, object: Value) {
        let path = match *method {
            Method::PATCH => {
                let name = object["metadata"]["name"].as_str().unwrap();
                format!("{all}/{name}?fieldManager=appop&force=true")
            }
            _ => all,
        };
        self.send(method.clone(), &path, &object).await.unwrap();
    }

    async fn make_apps(&self, namespace: &str) {
        let path = format!("/apis/app.example.com/v1/namespaces/{namespace}/apps");
        stream::iter(0..self.apps)
            .for_each_concurrent(WORKERS, |n| {
                self.create(path.clone(), Self::app(namespace, n))
            })
            .await;
    }

    async fn start(apps: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Sandbox::start(&["--real", "--nodes", "0"]);
        let bench = Bench {
            client: client(&server.kubeconfig).await,
            server,
            apps,
            _directory: directory,
        };
        bench.install().await;
        freeze_controllers(&bench.server);
        bench.namespace(APPS).await;
        bench.make_apps(APPS).await;
        bench
    }
}

impl Plan {
    async fn round(&self, idles: bool) -> (Round, Usage) {
        let bench = Bench::start(self.apps).await;
        bench.namespace("bare").await;
        let bare = bench.bare("bare", &Method::POST).await;
        drop(bench);
        let bench = Bench::start(self.apps).await;
        bench.namespace("bare").await;
        let applied = bench.bare("bare", &Method::PATCH).await;
        drop(bench);
        let bench = Bench::start(self.apps).await;
        let mut first = Operator::start(&bench.server.kubeconfig, APPS);
        let children = first.children(2 * self.apps);
        let operator = first.caught_up();
        let writes = Writes {
            children: first
                .writes(|labels| !labels.contains("/status") && !labels.contains("events")),
            statuses: first.writes(|labels| labels.contains("/status")),
        };
        first.end();
        let mut second = Operator::start(&bench.server.kubeconfig, APPS);
        let restart = second.caught_up();
        let restart_writes = second.writes(|_| true);
        let before = second.requests();
        if idles {
            tokio::time::sleep(self.idle).await;
        }
        let after = second.requests();
        let idle_requests = after
            .into_iter()
            .filter(|line| !before.contains(line))
            .collect();
        let idle_memory = second.metric("process_resident_memory_bytes");
        second.end();
        let round = Round {
            bare,
            applied,
            children,
            operator,
            writes,
            restart,
            restart_writes,
            idle_requests,
            idle_memory,
        };
        // What a process without Apps needs is no cost of Apps.
        bench.namespace("empty").await;
        let mut empty = Operator::start(&bench.server.kubeconfig, "empty");
        let nothing = empty.caught_up();
        empty.end();
        (round, nothing)
    }

    async fn run(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let (mut rounds, mut nothing) = (Vec::new(), None);
        for number in 0..self.rounds {
            let (round, empty) = self.round(number + 1 == self.rounds).await;
            eprintln!(
                "round {number}: bare {:.1} s, applied {:.1} s, children {:.1} s, all {:.1} s, {:.1} s CPU, {:.1} MB, restart {:.2} s",
                round.bare.as_secs_f64(),
                round.applied.as_secs_f64(),
                round.children.as_secs_f64(),
                round.operator.wall.as_secs_f64(),
                round.operator.cpu,
                round.operator.memory / 1e6,
                round.restart.wall.as_secs_f64(),
            );
            rounds.push(round);
            nothing = Some(empty);
        }
        self.table(&rounds, nothing.unwrap(), cores)
    }

    fn table(&self, rounds: &[Round], nothing: Usage, cores: usize) -> String {
        let median = |of: &dyn Fn(&Round) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let worst = |of: &dyn Fn(&Round) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
        let apps = self.apps as f64;
        let (bare, wall) = (
            median(&|r| r.bare.as_secs_f64()),
            median(&|r| r.operator.wall.as_secs_f64()),
        );
        let applied = median(&|r| r.applied.as_secs_f64());
        let ratio_of_applies = median(&|r| r.children.as_secs_f64() / r.applied.as_secs_f64());
        let children = median(&|r| r.children.as_secs_f64());
        let ratio = median(&|r| r.children.as_secs_f64() / r.bare.as_secs_f64());
        let ratio_of_all = median(&|r| r.operator.wall.as_secs_f64() / r.bare.as_secs_f64());
        let memory = worst(&|r| r.operator.memory.max(r.restart.memory).max(r.idle_memory));
        let growth = (worst(&|r| r.restart.memory) - nothing.memory) / apps;
        let idle = &rounds[rounds.len() - 1].idle_requests;
        let idle = match idle.as_slice() {
            [] => "none".to_owned(),
            some => some.join("; ").replace('|', "/"),
        };
        let mut table = format!(
            "{} Apps with no replicas, {WORKERS} workers, median of {} rounds; {cores} cores.\n\n\
             | what | measured | to reach |\n|---|---|---|\n",
            self.apps, self.rounds
        );
        let mut line = |what: &str, measured: String, goal: &str| {
            let _ = writeln!(table, "| {what} | {measured} | {goal} |");
        };
        line(
            "bare loop: Deployment and Service of each, created",
            format!("{bare:.1} s"),
            "",
        );
        line("the same, applied", format!("{applied:.1} s"), "");
        line(
            "operator: the last of them is there",
            format!("{children:.1} s"),
            "",
        );
        line("ratio to creates", format!("{ratio:.2}"), "1.2");
        line("ratio to applies", format!("{ratio_of_applies:.2}"), "");
        line(
            "operator: every status says so too",
            format!("{wall:.1} s"),
            "",
        );
        line("ratio to creates", format!("{ratio_of_all:.2}"), "1.2");
        let writes = worst(&|r| r.writes.children) / apps;
        line("writes to children, an App", format!("{writes:.2}"), "2");
        let writes = worst(&|r| r.writes.statuses) / apps;
        line("writes to its status", format!("{writes:.2}"), "1");
        line(
            "CPU time for that",
            format!("{:.1} s", median(&|r| r.operator.cpu)),
            "",
        );
        let restart = worst(&|r| r.restart.wall.as_secs_f64());
        line(
            "restart over settled Apps: caught up after",
            format!("{restart:.2} s"),
            "3 s",
        );
        line(
            "writes then",
            format!("{}", worst(&|r| r.restart_writes)),
            "0",
        );
        let asked = format!("requests in {} s of idleness", self.idle.as_secs());
        line(&asked, idle, "watches and lease");
        line(
            "resident memory, at most",
            format!("{:.1} MB", memory / 1e6),
            "35 MB",
        );
        line(
            "of that without any App",
            format!("{:.1} MB", nothing.memory / 1e6),
            "",
        );
        line(
            "growth by a further App",
            format!("{:.1} kB", growth / 1e3),
            "",
        );
        table
    }
}

/// A running `appop run`.
struct Operator {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
    metrics: String,
    began: Instant,
}

impl Operator {
    fn start(kubeconfig: &Path, namespace: &str) -> Self {
        let began = Instant::now();
        let workers = WORKERS.to_string();
        let mut child = Command::new(APPOP)
            .args([
                "run",
                "--metrics-bind-address",
                "127.0.0.1:0",
                "--workers",
                &workers,
            ])
            .args([
                "-n",
                namespace,
                "--as",
                "system:serviceaccount:default:appop",
            ])
            .env("KUBECONFIG", kubeconfig)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut lines = stderr.lines().map_while(Result::ok);
        let first: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        let metrics = first["metrics"].as_str().unwrap().to_owned();
        Operator {
            child,
            lines: Box::new(lines),
            metrics,
            began,
        }
    }

    /// Waits until it has made so many children.
    fn children(&mut self, mut wanted: usize) -> Duration {
        for line in &mut self.lines {
            assert!(!line.contains("\"WARN\""), "{line}");
            wanted -= usize::from(line.contains("\"created\""));
            if wanted == 0 {
                return self.began.elapsed();
            }
        }
        panic!("the operator ended");
    }

    /// Waits until it says so.
    fn caught_up(&mut self) -> Usage {
        for line in &mut self.lines {
            assert!(!line.contains("\"WARN\""), "{line}");
            if line.contains("\"caught up\"") {
                return Usage {
                    wall: self.began.elapsed(),
                    cpu: self.metric("process_cpu_seconds_total"),
                    memory: self.metric("process_resident_memory_bytes"),
                };
            }
        }
        panic!("the operator ended");
    }

    fn text(&self) -> String {
        let mut stream = TcpStream::connect(&self.metrics).unwrap();
        write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    }

    /// The counters of requests by verb.
    fn requests(&self) -> Vec<String> {
        let text = self.text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("appop_api_requests_total"));
        lines.map(str::to_owned).collect()
    }

    /// Requests that are not reads, of those whose labels are wanted.
    fn writes(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let reads = ["\"get\"", "\"list\"", "\"watch\""];
        let lines = self.requests();
        let writes = lines
            .iter()
            .filter(|l| !reads.iter().any(|verb| l.contains(verb)) && wanted(l));
        writes
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }

    fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        // It logs until its end, and must not wait for a reader.
        (&mut self.lines).for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
