//! What the operator's scenarios stand on: a namespace of their own, an operator that watches it
//! with the rights of its role and no others, and an administrator's client to look and to meddle.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::Cluster;

/// Nothing that a scenario waits for takes this long on a machine that does its other work too.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives something; fails the test when it does not.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < until, "it never happens: {what}");
        thread::sleep(Duration::from_millis(30));
    }
}

/// A client, without the async around it.
pub(crate) struct Admin {
    client: Client,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

impl Admin {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Admin::at(cluster, None)
    }

    /// At another address of the same cluster.
    pub(super) fn at(cluster: &Cluster, server: Option<&str>) -> Self {
        let client = runtime().block_on(async {
            let file = Kubeconfig::read_from(&cluster.kubeconfig).unwrap();
            let options = KubeConfigOptions::default();
            let mut config = Config::from_custom_kubeconfig(file, &options)
                .await
                .unwrap();
            config.default_retry = false;
            if let Some(server) = server {
                config.cluster_url = server.parse().unwrap();
            }
            Client::try_from(config).unwrap()
        });
        Admin { client }
    }

    /// The answer, or the code of the failure with the server's message.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Result<Value, (u16, String)> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .header("accept", "application/json")
            .body(body)
            .unwrap();
        // Spawned, so that connections live on the runtime's own threads.
        let client = self.client.clone();
        let answer = runtime().spawn(async move { client.request::<Value>(request).await });
        match runtime().block_on(answer).unwrap() {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err((status.code, status.message.clone())),
            Err(problem) => Err((0, problem.to_string())),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        match self.send(Method::GET, path, "application/json", &Value::Null) {
            Ok(value) => Some(value),
            Err((404, _)) => None,
            Err(problem) => panic!("GET {path}: {problem:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        self.send(Method::POST, path, "application/json", object)
            .unwrap()
    }

    /// A JSON merge patch, as `kubectl edit` and most controllers would send it.
    #[track_caller]
    pub(crate) fn merge(&self, path: &str, patch: &Value) -> Value {
        let path = format!("{path}?fieldManager=somebody");
        self.send(Method::PATCH, &path, "application/merge-patch+json", patch)
            .unwrap()
    }

    pub(crate) fn delete(&self, path: &str) {
        let _ = self.send(Method::DELETE, path, "application/json", &Value::Null);
    }
}

/// Makes the CRD and the operator's ClusterRole, once for each cluster.
pub(super) fn install(admin: &Admin) {
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let crd = json!(appop::app::crd::crd());
    let made = admin.send(Method::POST, crds, "application/json", &crd);
    assert!(matches!(made, Ok(_) | Err((409, _))), "{made:?}");
    wait("the CRD is established", || {
        let crd = admin.get(&format!("{crds}/apps.app.example.com"))?;
        let conditions = crd["status"]["conditions"].as_array()?.clone();
        let holds = |c: &Value| c["type"] == "Established" && c["status"] == "True";
        conditions.iter().any(holds).then_some(())
    });
    wait("Apps are served", || {
        let path = "/apis/app.example.com/v1/apps";
        admin
            .send(Method::GET, path, "application/json", &Value::Null)
            .ok()
    });
    for (name, rules) in [
        ("appop-operator", appop::operator::rules()),
        (
            "appop-operator-lease",
            appop::operator::lease_rules("app-lock"),
        ),
    ] {
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules,
        });
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        let made = admin.send(Method::POST, path, "application/json", &role);
        assert!(matches!(made, Ok(_) | Err((409, _))), "{made:?}");
    }
}

/// A namespace of a scenario's own.
pub(super) struct Lab {
    pub(super) cluster: &'static Cluster,
    pub(super) admin: Admin,
    pub(super) namespace: String,
}

impl Lab {
    /// A fresh namespace, where the operator's service account has its role.
    pub(super) fn new(cluster: &'static Cluster, namespace: &str) -> Lab {
        let admin = Admin::of(cluster);
        static INSTALLED: Mutex<Vec<std::path::PathBuf>> = Mutex::new(Vec::new());
        {
            let mut installed = INSTALLED.lock().unwrap();
            if !installed.contains(&cluster.kubeconfig) {
                install(&admin);
                installed.push(cluster.kubeconfig.clone());
            }
        }
        let namespace = format!("op-{namespace}");
        let lab = Lab {
            cluster,
            admin,
            namespace,
        };
        lab.make_namespace(&lab.namespace);
        lab.bind(&lab.namespace, "appop-operator");
        lab
    }

    pub(super) fn make_namespace(&self, name: &str) {
        self.admin
            .create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
    }

    /// Gives the operator a role in a namespace.
    pub(super) fn bind(&self, namespace: &str, role: &str) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role,
            },
            "subjects": [{"kind": "ServiceAccount", "name": "appop", "namespace": self.namespace}],
        });
        let path =
            format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
        self.admin.create(&path, &binding);
    }

    /// Gives the operator its role everywhere, as a cluster-wide installation does.
    pub(super) fn bind_everywhere(&self) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": self.namespace},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": "appop-operator",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "appop", "namespace": self.namespace}],
        });
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
        self.admin.create(path, &binding);
    }

    pub(super) fn user(&self) -> String {
        format!("system:serviceaccount:{}:appop", self.namespace)
    }

    /// `appop` as the operator's service account.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.cluster.command(args);
        command.args(["--as", &self.user()]);
        command
    }

    /// An operator for the lab's namespace, up and with all that there is read.
    #[track_caller]
    pub(super) fn operator(&self) -> Operator {
        self.operator_with(&["-n", &self.namespace])
    }

    #[track_caller]
    pub(super) fn operator_with(&self, args: &[&str]) -> Operator {
        let mut command = self.command(&["run", "--metrics-bind-address", "127.0.0.1:0"]);
        Operator::start(command.args(args))
    }

    pub(super) fn path(&self, kind: &str, name: &str) -> String {
        path(kind, &self.namespace, name)
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.admin.get(&self.path(kind, name))
    }

    #[track_caller]
    pub(super) fn must_get(&self, kind: &str, name: &str) -> Value {
        self.get(kind, name).unwrap()
    }

    /// Makes an App of that spec.
    #[track_caller]
    pub(super) fn app(&self, name: &str, spec: Value) -> Value {
        let app = json!({
            "apiVersion": "app.example.com/v1",
            "kind": "App",
            "metadata": {"name": name},
            "spec": spec,
        });
        self.admin.create(&self.path("app", ""), &app)
    }

    /// Changes an App's spec.
    #[track_caller]
    pub(super) fn change(&self, name: &str, spec: Value) -> Value {
        self.admin
            .merge(&self.path("app", name), &json!({ "spec": spec }))
    }

    #[track_caller]
    pub(super) fn merge(&self, kind: &str, name: &str, patch: Value) -> Value {
        self.admin.merge(&self.path(kind, name), &patch)
    }

    pub(super) fn delete(&self, kind: &str, name: &str) {
        self.admin.delete(&self.path(kind, name));
    }

    /// Waits until the App is ready in its present generation; gives it.
    #[track_caller]
    pub(super) fn ready(&self, name: &str) -> Value {
        wait(&format!("{name} is ready"), || {
            let app = self.get("app", name)?;
            let is_current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
            (is_current && condition(&app, "Ready").0 == "True").then_some(app)
        })
    }

    /// Waits until the App's condition is true; gives its reason and message.
    #[track_caller]
    pub(super) fn holds(&self, name: &str, type_: &str, reason: &str) -> String {
        wait(&format!("{name} is {type_} because of {reason}"), || {
            let app = self.get("app", name)?;
            let is_current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
            let (status, why, message) = condition(&app, type_);
            (is_current && status == "True" && why == reason).then_some(message)
        })
    }

    /// The Events about an App: reason, message and how often.
    pub(super) fn events(&self, app: &str) -> Vec<(String, String)> {
        let path = format!(
            "/apis/events.k8s.io/v1/namespaces/{}/events",
            self.namespace
        );
        let list = self.admin.get(&path).unwrap();
        let items = list["items"].as_array().unwrap().clone();
        let about = |e: &Value| e["regarding"]["kind"] == "App" && e["regarding"]["name"] == app;
        items
            .iter()
            .filter(|e| about(e))
            .map(|e| (text(&e["reason"]), text(&e["note"])))
            .collect()
    }
}

/// The URL of an object, or of its kind in the namespace when the name is empty.
pub(super) fn path(kind: &str, namespace: &str, name: &str) -> String {
    let (root, plural) = match kind {
        "app" => ("apis/app.example.com/v1", "apps"),
        "deployment" => ("apis/apps/v1", "deployments"),
        "replicaset" => ("apis/apps/v1", "replicasets"),
        "service" => ("api/v1", "services"),
        "pod" => ("api/v1", "pods"),
        "hpa" => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
        "lease" => ("apis/coordination.k8s.io/v1", "leases"),
        other => panic!("{other}"),
    };
    let path = format!("/{root}/namespaces/{namespace}/{plural}/{name}");
    path.trim_end_matches('/').to_owned()
}

/// Status, reason and message of an App's condition.
pub(super) fn condition(app: &Value, type_: &str) -> (String, String, String) {
    let conditions = app["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = conditions
        .iter()
        .find(|c| c["type"] == type_)
        .cloned()
        .unwrap_or_default();
    (
        text(&found["status"]),
        text(&found["reason"]),
        text(&found["message"]),
    )
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A running `appop run`; killed when dropped.
pub(super) struct Operator {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
    metrics: String,
}

impl Operator {
    #[track_caller]
    pub(super) fn start(command: &mut Command) -> Self {
        let child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut operator = Operator {
            child,
            log: Arc::default(),
            metrics: String::new(),
        };
        let stderr = BufReader::new(operator.child.stderr.take().unwrap());
        let log = Arc::clone(&operator.log);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let said = serde_json::from_str(&line).unwrap_or_else(|_| json!({"plain": line}));
                log.lock().unwrap().push(said);
            }
        });
        operator.metrics = wait("the operator says where it listens", || {
            let log = operator.log();
            log.iter()
                .find_map(|line| line["metrics"].as_str().map(str::to_owned))
        });
        operator
    }

    /// What it logged so far.
    pub(super) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn says(&self, message: &str) -> bool {
        self.log().iter().any(|line| line["message"] == message)
    }

    /// Waits until it logs that.
    #[track_caller]
    pub(super) fn wait_for(&self, message: &str) {
        wait(message, || self.says(message).then_some(()));
    }

    /// A GET of the operator's own server: code and body.
    pub(super) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.metrics).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (code, body.to_owned())
    }

    /// The sum of all series of that name whose labels hold all of `with`.
    pub(super) fn metric(&self, name: &str, with: &[&str]) -> u64 {
        let (_, text) = self.get("/metrics");
        let series = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let is_whole = labels.is_empty() || labels.starts_with('{');
            let value: f64 = value.parse().ok()?;
            (is_whole && with.iter().all(|w| labels.contains(w))).then_some(value as u64)
        });
        series.sum()
    }

    /// Requests that write, of all kinds, leases apart.
    pub(super) fn writes(&self) -> u64 {
        let verbs = ["create", "update", "apply", "patch", "delete"];
        let count = |verb: &str, more: &[&str]| {
            let verb = format!("verb=\"{verb}\"");
            let mut with = vec![verb.as_str()];
            with.extend(more);
            self.metric("appop_api_requests_total", &with)
        };
        let leases = |verb| count(verb, &["resource=\"leases\""]);
        verbs
            .iter()
            .map(|verb| count(verb, &[]) - leases(verb))
            .sum()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; gives the exit code, -1 after a signal.
    #[track_caller]
    pub(super) fn ended(&mut self) -> i32 {
        let status = wait("the operator ends", || self.child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    /// SIGTERM, and its end.
    #[track_caller]
    pub(super) fn stop(&mut self) -> i32 {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// SIGKILL, and its end.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let last = &log[log.len().saturating_sub(40)..];
            let lines: Vec<String> = last.iter().map(Value::to_string).collect();
            let _ = writeln!(
                std::io::stderr(),
                "the operator's log ends:\n{}",
                lines.join("\n")
            );
        }
    }
}
