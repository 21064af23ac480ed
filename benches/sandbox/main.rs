//! The sandbox in memory beside the real control plane, with the same clients.
//!
//! `KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench sandbox` starts one after
//! the other, prints the table and writes it to docs/benchmarks.md. With `-- --quick` numbers are
//! small and nothing is written: to see that it works. With `-- --memory` only the sandbox is
//! measured, and nothing written.

// A benchmark is a script: what fails ends it, and it prints.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod client;
#[path = "../shared/crd.rs"]
mod crd;
mod measure;
#[path = "../shared/page.rs"]
mod page;
mod server;

use std::fmt::Write as _;

use measure::Figures;
use server::Kind;

/// How much of everything.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    objects: usize,
    lists: usize,
    changes: usize,
    deployments: usize,
    pods: usize,
    crds: usize,
    quick: bool,
}

const PLAN: Plan = Plan {
    objects: 10_000,
    lists: 9,
    changes: 1000,
    deployments: 1000,
    pods: 500,
    crds: 1000,
    quick: false,
};

impl Plan {
    fn quick() -> Self {
        Plan {
            objects: 500,
            lists: 3,
            changes: 100,
            deployments: 50,
            pods: 20,
            crds: 50,
            quick: true,
        }
    }

    /// How often a server is started to be timed.
    fn starts(self, kind: Kind) -> usize {
        match kind {
            _ if self.quick => 1,
            Kind::Memory => 9,
            Kind::Real => 3,
        }
    }
}

// One thread: the other core is the server's.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let has = |flag: &str| std::env::args().any(|a| a == flag);
    let plan = if has("--quick") { Plan::quick() } else { PLAN };
    if has("--memory") {
        Figures::of(Kind::Memory, plan).await;
        return;
    }
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        eprintln!(
            "KUBEBUILDER_ASSETS is not set: run it as\n  \
             KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh) cargo bench --bench sandbox"
        );
        std::process::exit(1);
    }
    let real = Figures::of(Kind::Real, plan).await;
    let ours = Figures::of(Kind::Memory, plan).await;
    let table = table(plan, &ours, &real);
    println!("{table}");
    if !plan.quick {
        page::write("sandbox", &table);
    }
}

fn table(plan: Plan, ours: &Figures, real: &Figures) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut table = format!(
        "{} clients at a time on connections of their own; {cores} cores, which clients and server \
         share.\n\n\
         | what | sandbox | real | ratio | to reach |\n\
         |---|---|---|---|---|\n",
        measure::CLIENTS
    );
    let mut row = |what: &str, shown: [String; 2], ratio: f64, goal: &str| {
        let [ours, real] = shown;
        let _ = writeln!(table, "| {what} | {ours} | {real} | {ratio:.1} | {goal} |");
    };
    let seconds = |values: [f64; 2]| {
        values.map(|value| match value {
            long if long >= 1.0 => format!("{long:.1} s"),
            short => format!("{:.0} ms", short * 1e3),
        })
    };
    let megabytes = |values: [f64; 2]| values.map(|value| format!("{:.0} MB", value / 1e6));
    let rate = |values: [f64; 2]| values.map(|value| format!("{value:.0}/s"));
    row(
        "from start to `/readyz`",
        seconds([ours.ready, real.ready]),
        real.ready / ours.ready,
        "under 50 ms",
    );
    row(
        "resident memory when new",
        megabytes([ours.memory, real.memory]),
        real.memory / ours.memory,
        "under 30 MB",
    );
    row(
        &format!("{} ConfigMaps created", plan.objects),
        rate([ours.config_maps, real.config_maps]),
        ours.config_maps / real.config_maps,
        "5",
    );
    row(
        &format!("{} Deployments created", plan.deployments),
        rate([ours.deployments, real.deployments]),
        ours.deployments / real.deployments,
        "5",
    );
    row(
        &format!(
            "list of {} ConfigMaps, {:.1} MB",
            plan.objects,
            ours.list_length as f64 / 1e6
        ),
        seconds([ours.list, real.list]),
        real.list / ours.list,
        "5",
    );
    row(
        &format!(
            "{} changes, told to {} watchers",
            plan.changes,
            measure::WATCHERS
        ),
        seconds([ours.watch, real.watch]),
        real.watch / ours.watch,
        "5",
    );
    row(
        &format!("{} CRDs of about 12 KB established", plan.crds),
        seconds([ours.crds, real.crds]),
        real.crds / ours.crds,
        "3",
    );
    row(
        "resident memory with them",
        megabytes([ours.crds_memory, real.crds_memory]),
        real.crds_memory / ours.crds_memory,
        "3",
    );
    row(
        &format!("a Deployment of {} pods available", plan.pods),
        seconds([ours.rollout, real.rollout]),
        real.rollout / ours.rollout,
        "",
    );
    table
}
