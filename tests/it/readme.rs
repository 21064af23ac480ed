//! The README's commands, run as they stand there.

use std::path::Path;
use std::process::Command;

use crate::support;

/// A code block that is to be run: its lines and the exit code that each must have.
struct Block {
    lines: Vec<String>,
    code: i32,
}

/// The blocks that follow `<!-- run -->` or, for another exit code, `<!-- run: CODE -->`.
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line
            .strip_prefix("<!-- run")
            .and_then(|l| l.strip_suffix("-->"))
        else {
            continue;
        };
        let code = mark.trim_start_matches(':').trim();
        let code = if code.is_empty() {
            0
        } else {
            code.parse().unwrap()
        };
        assert_eq!(lines.next(), Some("```sh"), "a code block follows {line}");
        let lines: Vec<String> = lines
            .by_ref()
            .take_while(|l| *l != "```")
            .map(str::to_owned)
            .collect();
        found.push(Block { lines, code });
    }
    found
}

#[test]
fn the_readmes_commands_do_what_they_promise() {
    let Some(real) = support::real() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = blocks(&std::fs::read_to_string(root.join("README.md")).unwrap());
    assert!(all.len() >= 2, "the README has commands to run");
    let binary = Path::new(support::APPOP).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let dirs = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(dirs).unwrap();
    let home = tempfile::tempdir().unwrap();
    for Block { lines, code } in all {
        for line in lines {
            let mut bash = Command::new("bash");
            bash.args(["-c", &line])
                .env_clear()
                .env("PATH", &path)
                .env("HOME", home.path())
                .env("KUBECONFIG", &real.kubeconfig);
            let output = support::finish(&mut bash);
            assert_eq!(output.code, code, "{line}\n{}", output.stderr);
            let told = if code == 0 {
                &output.stdout
            } else {
                &output.stderr
            };
            // A server without custom resources has nothing to list.
            assert!(
                !told.is_empty() || line.contains("crds"),
                "{line} says nothing"
            );
        }
    }
}
