//! Whether the sandbox in memory answers as the real kube-apiserver does.
//!
//! `tests/fidelity` has the scenarios, and beside each what the real server answered. Here the
//! recordings are held to the real server, where its binaries are at hand, and the sandbox to the
//! recordings. Variables for those who work on it:
//!
//! - `APPOP_RECORD=1`: the real server's answers are written instead of compared, and so is
//!   `docs/sandbox-fidelity.md`.
//! - `APPOP_SCENARIO=WORD`: only scenarios that have the word in their names.
//! - `APPOP_FIDELITY_KUBECONFIG=FILE`: in place of the sandbox, the server there.

mod answer;
mod body;
mod compare;
mod condition;
mod http;
mod kubeconfig;
mod kubectl;
mod normal;
mod path;
mod recording;
mod replay;
mod report;
mod scenario;
mod target;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use recording::Recorded;
use scenario::Scenario;
use target::Target;

/// Out of a sandbox's kubeconfig: the address of the server, the administrator's token, and what
/// trusts the server's certificate.
pub(crate) fn way_in(file: &Path) -> (String, String, Arc<rustls::ClientConfig>) {
    let server = kubeconfig::server(file);
    (server.host, server.token, server.tls)
}

/// Scenarios at the same time: they wait more than they work.
const AT_ONCE: usize = 8;

/// Where scenarios and recordings are.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity")
}

fn is_recording() -> bool {
    std::env::var_os("APPOP_RECORD").is_some_and(|value| value == "1")
}

/// A test for each folder of scenarios, so that what fails has a name.
macro_rules! areas {
    ($($area:ident: $words:literal,)*) => {
        /// The folders, and what they are about.
        const AREAS: &[(&str, &str)] = &[$((stringify!($area), $words)),*];

        mod the_recordings_are_what_the_real_server_says {
            $(#[test]
            fn $area() {
                super::hold_recordings(stringify!($area));
            })*
        }

        mod the_sandbox_answers_as_recorded {
            $(#[test]
            fn $area() {
                super::hold_sandbox(stringify!($area));
            })*
        }
    };
}

areas! {
    discovery: "What is served: discovery, OpenAPI, version, health",
    verbs: "Create, get, update and what is wrong with a request",
    list: "Lists: pages, selectors, versions",
    shapes: "Tables, metadata alone, YAML",
    patch: "JSON, merge and strategic patches",
    apply: "Server-side apply",
    watch: "Watches",
    delete: "Deletion, finalizers, garbage collection",
    namespaces: "Namespaces",
    core: "Built-in kinds of the core group",
    workloads: "Workloads: defaults, validation, what becomes of them",
    policy: "Autoscaling, disruption budgets, networking, storage",
    access: "RBAC, reviews, service accounts",
    crd: "Custom resource definitions",
    custom: "Custom resources",
    hostile: "Paths and bodies that mean harm",
}

/// Holds the recordings to the real server, or writes them.
fn hold_recordings(area: &str) {
    let Some(real) = Target::real() else { return };
    each(area, |scenario| {
        let replayed = replay::replay(scenario, &real.server, real.furnished, |_| false)?;
        let answers = normal::normalised(scenario, replayed, &real.known);
        let file = scenario.recording(&root());
        if is_recording() {
            let answers: Vec<Recorded> = answers
                .into_iter()
                .map(|(step, answer)| (step.title.clone(), answer))
                .collect();
            fs::write(file, recording::write(&answers)).map_err(|e| e.to_string())?;
            return Ok(Vec::new());
        }
        let recorded = read(&file)?;
        Ok(compare::problems(scenario, &recorded, &answers, false))
    });
}

/// Holds the sandbox to the recordings.
fn hold_sandbox(area: &str) {
    let sandbox = Target::sandbox();
    each(area, |scenario| {
        let recorded = read(&scenario.recording(&root()))?;
        let refused = |step: &scenario::Step| step.refused.is_some();
        let replayed = replay::replay(scenario, &sandbox.server, sandbox.furnished, refused)?;
        let answers = normal::normalised(scenario, replayed, &sandbox.known);
        Ok(compare::problems(scenario, &recorded, &answers, true))
    });
}

fn read(file: &Path) -> Result<Vec<Recorded>, String> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{}: {error}; APPOP_RECORD=1 records it", file.display()))?;
    recording::read(&text).ok_or_else(|| format!("{} is damaged", file.display()))
}

/// Judges each scenario of an area, several at a time; fails with all that is wrong.
#[track_caller]
fn each(area: &str, judge: impl Fn(&Scenario) -> Result<Vec<String>, String> + Sync) {
    let wanted = std::env::var("APPOP_SCENARIO").unwrap_or_default();
    let scenarios: Vec<Scenario> = scenario::of_area(&root(), area)
        .into_iter()
        .filter(|scenario| scenario.name.contains(&wanted))
        .collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let problems = judge(scenario).unwrap_or_else(|problem| vec![problem]);
                    if !problems.is_empty() {
                        let told = format!("==== {}\n{}", scenario.name, problems.join("\n"));
                        failed.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let (wrong, all) = (failed.len(), scenarios.len());
    assert!(
        failed.is_empty(),
        "{wrong} of {all} scenarios:\n{}",
        failed.join("\n")
    );
}

#[test]
fn every_folder_is_an_area_and_every_scenario_is_recorded() {
    let mut folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "kubectl")
        .collect();
    folders.sort();
    let mut areas: Vec<&str> = AREAS.iter().map(|(area, _)| *area).collect();
    areas.sort_unstable();
    assert_eq!(folders, areas);
    if is_recording() {
        return;
    }
    let mut wrong = Vec::new();
    for (area, _) in AREAS {
        let scenarios = scenario::of_area(&root(), area);
        for scenario in &scenarios {
            wrong.extend(read(&scenario.recording(&root())).err());
        }
        for entry in fs::read_dir(root().join(area)).unwrap() {
            let file = entry.unwrap().path();
            let is_known = scenarios.iter().any(|scenario| {
                file == scenario.recording(&root())
                    || file == root().join(format!("{}.http", scenario.name))
            });
            if !is_known {
                wrong.push(format!("{} belongs to no scenario", file.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
