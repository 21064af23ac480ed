//! What appop costs beside the tools that people know, on a real API server with 1,000 CRDs.
//!
//! `KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench explore` starts the
//! servers, runs everything in turn, prints ratios and writes docs/benchmarks.md. With `-- --quick`
//! it uses 50 CRDs and one round and writes nothing: to see that it works.

// A benchmark is a script: what fails ends it, and it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "shared/crd.rs"]
mod crd;
#[path = "shared/page.rs"]
mod page;
#[path = "shared/sandbox.rs"]
mod sandbox;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use sandbox::Sandbox;
use wait4::Wait4;

const APPOP: &str = env!("CARGO_BIN_EXE_appop");
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let (crds, rounds) = if quick { (50, 1) } else { (1000, 9) };
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from) else {
        eprintln!(
            "KUBEBUILDER_ASSETS is not set: run it as\n  \
             KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench explore"
        );
        std::process::exit(1);
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let bench = Bench {
        kubectl: assets.join("kubectl"),
        dir: dir.path().into(),
        server,
        crds,
        rounds,
    };
    bench.create_crds();
    let table = bench.run();
    println!("{table}");
    if !quick {
        page::write("explore", &table);
    }
}

/// A control plane, and how curl is told of it.
struct Server {
    kubeconfig: PathBuf,
    url: String,
    token: String,
    authority: PathBuf,
    _sandbox: Sandbox,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let sandbox = Sandbox::start(&["--real", "--nodes", "0"]);
        let text = fs::read_to_string(&sandbox.kubeconfig).unwrap();
        let config: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let cluster = &config["clusters"][0]["cluster"];
        let authority = dir.join("ca.pem");
        let data = cluster["certificate-authority-data"].as_str().unwrap();
        let pem = base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap();
        fs::write(&authority, pem).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        Server {
            url: text(&cluster["server"]).trim_end_matches('/').to_owned(),
            token: text(&config["users"][0]["user"]["token"]),
            kubeconfig: sandbox.kubeconfig.clone(),
            authority,
            _sandbox: sandbox,
        }
    }
}

/// What a run took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
    /// Bytes
    peak: u64,
}

struct Bench {
    kubectl: PathBuf,
    dir: PathBuf,
    server: Server,
    crds: usize,
    rounds: usize,
}

impl Bench {
    fn create_crds(&self) {
        let began = Instant::now();
        let mut all = String::new();
        for n in 0..self.crds {
            let crd = crd::crd(n);
            let _ = writeln!(all, "{crd}\n---");
        }
        eprintln!(
            "creating {} CRDs of {} bytes",
            self.crds,
            all.len() / self.crds
        );
        let mut child = Command::new(&self.kubectl)
            .args(["create", "-f", "-"])
            .env("KUBECONFIG", &self.server.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(all.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        // The last CRD is served when discovery names it.
        let last = crd::plural(self.crds - 1);
        loop {
            let output = self.appop(&["discover", "-o", "name"]).output().unwrap();
            if output.status.success() && String::from_utf8_lossy(&output.stdout).contains(&last) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(900),
                "the CRDs are never served"
            );
            std::thread::sleep(Duration::from_secs(1));
        }
        eprintln!("created and served after {} s", began.elapsed().as_secs());
    }

    fn appop(&self, args: &[&str]) -> Command {
        let mut command = Command::new(APPOP);
        command
            .args(args)
            .env("KUBECONFIG", &self.server.kubeconfig);
        command.arg("--cache-dir").arg(self.fresh("appop-cache"));
        command
    }

    fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command
            .args(args)
            .env("KUBECONFIG", &self.server.kubeconfig);
        command.arg("--cache-dir").arg(self.fresh("kubectl-cache"));
        command
    }

    fn curl(&self, accept: &str, paths: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command
            .args(["-sS", "--fail", "--cacert"])
            .arg(&self.server.authority);
        command.args([
            "-H",
            &format!("Authorization: Bearer {}", self.server.token),
        ]);
        command.args(["-H", &format!("Accept: {accept}")]);
        command.args(
            paths
                .iter()
                .map(|path| format!("{}{path}", self.server.url)),
        );
        command
    }

    /// An empty directory: every run starts without a cache.
    fn fresh(&self, name: &str) -> PathBuf {
        let dir = self.dir.join(name);
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn run(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut table = format!(
            "{} CRDs of about 12 KB, median of {} rounds; {cores} cores.\n\n\
             | what | appop | reference | reference's cost | wall ratio | to reach |\n\
             |---|---|---|---|---|---|\n",
            self.crds, self.rounds
        );
        let mut compare = |args: &[&str], name: &str, theirs: &dyn Fn() -> Command, goal: &str| {
            let (a, b) = self.in_turn(&|| self.appop(args), theirs);
            let ratio = a.wall.as_secs_f64() / b.wall.as_secs_f64();
            let what = args.join(" ").replace(CRDS, "…/customresourcedefinitions");
            let (ours, theirs) = (show(a), show(b));
            let line = format!("| `{what}` | {ours} | {name} | {theirs} | {ratio:.2} | {goal} |");
            eprintln!("{line}");
            let _ = writeln!(table, "{line}");
        };
        compare(
            &["discover"],
            "`kubectl api-resources`",
            &|| self.kubectl(&["api-resources"]),
            "0.4",
        );
        compare(
            &["discover"],
            "curl, same two documents",
            &|| self.curl(AGGREGATED, &["/api", "/apis"]),
            "2.5",
        );
        compare(
            &["crds"],
            "`kubectl get crd`",
            &|| self.kubectl(&["get", "crd"]),
            "0.6",
        );
        compare(
            &["raw", CRDS],
            "curl",
            &|| self.curl("application/json", &[CRDS]),
            "1.1, under 25 MiB",
        );
        compare(
            &["crds", "-o", "wide"],
            "`kubectl get crd -o json`",
            &|| self.kubectl(&["get", "crd", "-o", "json"]),
            "under 100 MiB",
        );
        compare(
            &["--version"],
            "`kubectl version --client`",
            &|| self.kubectl(&["version", "--client"]),
            "under 10 ms CPU",
        );
        table
    }

    /// Runs both in turn and gives the medians of each.
    fn in_turn(&self, ours: &dyn Fn() -> Command, theirs: &dyn Fn() -> Command) -> (Cost, Cost) {
        // Once unmeasured, so that neither pays for cold files.
        measure(ours());
        measure(theirs());
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            b.push(measure(theirs()));
            a.push(measure(ours()));
        }
        (median(&a), median(&b))
    }
}

fn measure(mut command: Command) -> Cost {
    command.stdout(Stdio::null()).stdin(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let used = child.wait4().unwrap();
    let wall = began.elapsed();
    assert!(
        used.status.success(),
        "{command:?} ended with {}",
        used.status
    );
    Cost {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
    }
}

fn median(costs: &[Cost]) -> Cost {
    fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        values[values.len() / 2]
    }
    Cost {
        wall: middle(costs.iter().map(|c| c.wall)),
        cpu: middle(costs.iter().map(|c| c.cpu)),
        peak: middle(costs.iter().map(|c| c.peak)),
    }
}

fn show(cost: Cost) -> String {
    format!(
        "{:.0} ms, {:.0} ms CPU, {} MiB",
        cost.wall.as_secs_f64() * 1e3,
        cost.cpu.as_secs_f64() * 1e3,
        cost.peak >> 20
    )
}
