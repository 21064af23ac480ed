//! `docs/sandbox-fidelity.md`, out of the scenarios: what agrees, what differs, what is refused.
//! The other tests hold each line to be true.

use std::fs;
use std::path::Path;

use super::scenario::{self, Scenario};
use super::{AREAS, is_recording, kubectl, root};

const HEAD: &str = "\
# How the sandbox compares with the real server

Generated from `tests/fidelity`; `APPOP_RECORD=1 cargo test fidelity` writes it anew. Each scenario
is a file of requests. What the real kube-apiserver (1.36.3) answers is recorded beside it: status,
the headers that clients read, and the whole body, where only versions, uids, times, addresses and
random names are replaced by words. `cargo test` holds `appop sandbox` to every recording, and where
the real servers' binaries are at hand, the recordings to the real server.

A difference is listed with its reason, and a test fails when it goes away. What is refused is
answered with a Status of code 501 that says so.
";

fn report() -> String {
    let mut sections = String::new();
    let mut totals = [0; 3];
    for (area, about) in AREAS {
        let scenarios = scenario::of_area(&root(), area);
        sections.push_str(&format!(
            "\n## {about}\n\n| scenario | what it shows | |\n| --- | --- | --- |\n"
        ));
        for scenario in &scenarios {
            let (class, outcome) = outcome(scenario);
            totals[class] += 1;
            let name = scenario.name.split('/').next_back().unwrap_or_default();
            let file = format!("../tests/fidelity/{}.http", scenario.name);
            let sentence = cell(&scenario.sentence);
            let outcome = cell(&outcome);
            sections.push_str(&format!("| [{name}]({file}) | {sentence} | {outcome} |\n"));
        }
    }
    sections.push_str(
        "\n## kubectl\n\nSessions of kubectl 1.36, with what it wrote on both servers.\n",
    );
    sections.push_str("\n| session | what it shows | |\n| --- | --- | --- |\n");
    for (name, sentence, differs) in kubectl::sessions() {
        let file = format!("../tests/fidelity/kubectl/{name}.session");
        let sentence = cell(&sentence);
        let outcome = cell(&known(differs));
        sections.push_str(&format!("| [{name}]({file}) | {sentence} | {outcome} |\n"));
    }
    let [agree, differ, refused] = totals;
    let all = agree + differ + refused;
    format!(
        "{HEAD}\nOf {all} scenarios {agree} agree, {differ} differ in something, {refused} are refused.\n{sections}"
    )
}

/// 0 agrees, 1 differs, 2 is refused; and the words for it.
fn outcome(scenario: &Scenario) -> (usize, String) {
    let refused: Vec<&str> = scenario
        .steps
        .iter()
        .filter_map(|step| step.refused.as_deref())
        .collect();
    if !refused.is_empty() {
        return (2, format!("refused: {}", refused.join("; ")));
    }
    let differs = scenario.steps.iter().flat_map(|step| &step.differs);
    let differs: Vec<String> = differs.map(|known| known.why.clone()).collect();
    (usize::from(!differs.is_empty()), known(differs))
}

/// The words for known differences, each reason once.
fn known(mut differs: Vec<String>) -> String {
    differs.dedup();
    match differs.is_empty() {
        true => "agrees".into(),
        false => format!("differs: {}", differs.join("; ")),
    }
}

/// Words that do not end a cell of a table.
fn cell(words: &str) -> String {
    words.replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn the_document_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sandbox-fidelity.md");
    let report = report();
    if is_recording() {
        fs::write(&file, &report).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    assert!(
        written == report,
        "{} is not up to date; APPOP_RECORD=1 writes it",
        file.display()
    );
}
