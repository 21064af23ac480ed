//! kubectl as a client: what people type, and what they read.
//!
//! A session is a file with commands, each a line that begins with `$ ` (and lines that begin with
//! `> ` for more of it), and below each what it wrote, stdout and stderr in one; `[1]` ends what
//! exited with 1. A session has a namespace of its own, `$NS`, and kubectl is set to it. A comment
//! `# differs: WHY` above a command says that the sandbox writes something else.

mod text;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::answer::Body;
use super::http::{Client, Request};
use super::replay::unique;
use super::target::Target;
use super::words::Words;
use super::{is_recording, root};
use crate::support;
use transcript::{Command as Typed, Transcript};

/// A test for each session.
macro_rules! sessions {
    ($($session:ident,)*) => {
        const SESSIONS: &[&str] = &[$(stringify!($session)),*];

        mod the_recordings_are_what_the_real_server_says {
            $(#[test]
            fn $session() {
                super::hold_recording(stringify!($session));
            })*
        }

        mod the_sandbox_serves_kubectl_as_recorded {
            $(#[test]
            fn $session() {
                super::hold_sandbox(stringify!($session));
            })*
        }
    };
}

sessions! {
    apply,
    delete,
    discover,
    nodes,
    objects,
    output,
    rollout,
    workloads,
}

fn file(session: &str) -> PathBuf {
    root().join(format!("kubectl/{session}.session"))
}

fn hold_recording(session: &str) {
    let Some(real) = Target::real() else { return };
    let recorded = read(session);
    let run = run(&recorded, real);
    if is_recording() {
        fs::write(file(session), run.write()).unwrap();
    } else {
        compare(&recorded, &run);
    }
}

fn hold_sandbox(session: &str) {
    if support::assets().is_none() {
        return;
    }
    let recorded = read(session);
    let mut run = run(&recorded, Target::sandbox());
    for (recorded, run) in recorded.commands.iter().zip(&mut run.commands) {
        if let Some(why) = recorded.differs() {
            let line = &recorded.line;
            assert_ne!(
                recorded.output, run.output,
                "{line}: differs no longer: {why}"
            );
            run.output.clone_from(&recorded.output);
            run.code = recorded.code;
        }
    }
    compare(&recorded, &run);
}

/// What is said of each session: its name, what it shows, and where the sandbox differs.
pub(super) fn sessions() -> Vec<(&'static str, String, Vec<String>)> {
    let said = SESSIONS.iter().map(|session| {
        let transcript = read(session);
        let differs = transcript.commands.iter().filter_map(Typed::differs);
        let differs = differs.map(str::to_owned).collect();
        let sentence = transcript.head.replace("# ", "").trim().to_owned();
        (*session, sentence, differs)
    });
    said.collect()
}

fn read(session: &str) -> Transcript {
    let text = fs::read_to_string(file(session)).unwrap();
    Transcript::read(&text).unwrap_or_else(|| panic!("{session}: nothing is typed"))
}

#[track_caller]
fn compare(recorded: &Transcript, run: &Transcript) {
    let (recorded, run) = (recorded.write(), run.write());
    let diff = similar::TextDiff::from_lines(&recorded, &run);
    let diff = diff.unified_diff().context_radius(4).to_string();
    assert!(diff.is_empty(), "\n{diff}");
}

/// Runs a session's commands; the transcript with what they wrote this time.
fn run(transcript: &Transcript, target: &Target) -> Transcript {
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("config");
    fs::copy(&target.kubeconfig, &kubeconfig).unwrap();
    let namespace = unique();
    let mut words = Words::new(&transcript.commands_alone(), &namespace, &target.known);
    let mut client = Client::new(target.server.clone());
    shell(
        &format!(
            "kubectl create namespace {namespace} && kubectl wait --for=create \
             serviceaccount/default configmap/kube-root-ca.crt -n {namespace} \
             && kubectl config set-context --current --namespace {namespace}"
        ),
        home.path(),
        &namespace,
    );
    let mut written = Vec::new();
    for command in &transcript.commands {
        written.push(shell(&command.line, home.path(), &namespace));
        learn(&mut words, &mut client, &namespace);
    }
    shell(
        &format!("kubectl delete namespace {namespace} --wait=false"),
        home.path(),
        &namespace,
    );
    let commands = transcript.commands.iter().zip(written);
    let commands = commands.map(|(command, (output, code))| Typed {
        comment: command.comment.clone(),
        line: command.line.clone(),
        output: text::normal(&output, &mut words),
        code,
    });
    Transcript {
        head: transcript.head.clone(),
        commands: commands.collect(),
    }
}

/// Looks for the names that the server has made up.
fn learn(words: &mut Words, client: &mut Client, namespace: &str) {
    for target in [
        format!("/api/v1/namespaces/{namespace}/configmaps"),
        format!("/api/v1/namespaces/{namespace}/pods"),
        format!("/apis/apps/v1/namespaces/{namespace}/replicasets"),
        format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions"),
        format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"),
    ] {
        let request = Request {
            method: "GET".into(),
            target,
            headers: Vec::new(),
            body: Vec::new(),
        };
        if let Ok(answer) = client.send(&request)
            && let Body::Json(Value::Object(list)) = answer.body
        {
            words.learn(&Value::Object(list));
        }
    }
}

/// What a command line wrote, and its exit code. `$NS` is the session's namespace.
fn shell(line: &str, home: &Path, namespace: &str) -> (String, i32) {
    let assets = support::assets().unwrap();
    let mut path = vec![assets];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec 2>&1\n{line}")])
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", home)
        .env("KUBECONFIG", home.join("config"))
        .env("NS", namespace);
    let output = support::finish(&mut command);
    (output.stdout, output.code)
}

#[test]
fn every_session_is_run() {
    let mut files: Vec<String> = fs::read_dir(root().join("kubectl"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let sessions: Vec<String> = SESSIONS
        .iter()
        .map(|name| format!("{name}.session"))
        .collect();
    assert_eq!(files, sessions);
}
