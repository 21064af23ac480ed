//! The rules of the house: who may call whom, and which Rust is enough.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules of ours that it may know. What is not listed may know none.
const MAY_KNOW: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "app",
            "cluster",
            "crds",
            "discovery",
            "operator",
            "output",
            "ownership",
            "sandbox",
            "schema",
        ],
    ),
    ("crds", &["cluster", "discovery", "output", "schema"]),
    ("schema", &["cluster", "discovery", "output"]),
    ("discovery", &["cluster"]),
    ("cluster", &["output"]),
    ("operator", &["app", "cluster"]),
    ("ownership", &["cluster", "discovery"]),
    ("app", &[]),
    ("output", &[]),
    ("sandbox", &[]),
];

#[test]
fn modules_know_only_whom_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut modules = BTreeSet::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let Some(module) = inside.parent().and_then(|p| p.components().next()) else {
            continue;
        };
        let module = module.as_os_str().to_str().unwrap();
        modules.insert(module.to_owned());
        let allowed = MAY_KNOW
            .iter()
            .find(|(name, _)| *name == module)
            .map_or(&[][..], |(_, a)| a);
        for known in crate_paths(&fs::read_to_string(&file).unwrap()) {
            if known != module && !allowed.contains(&known.as_str()) {
                wrong.push(format!("{} must not know {known}", inside.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let listed: BTreeSet<String> = MAY_KNOW
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(
        modules, listed,
        "every module of src has its line in MAY_KNOW"
    );
}

/// The modules named after `crate::`, in `use` lines and in paths alike; in groups too.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    for line in code {
        for after in line.split("crate::").skip(1) {
            let names = after
                .strip_prefix('{')
                .map_or(after, |group| group.split('}').next().unwrap_or(group));
            for name in names.split(',') {
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                found.insert(name);
                if !after.starts_with('{') {
                    break;
                }
            }
        }
    }
    found
}

#[test]
fn the_reader_of_paths_sees_them_all() {
    let text = "use crate::output::{A, B};\nuse crate::{cluster, discovery::X};\n  let x = crate::schema::y();\n// crate::sandbox\n";
    let found: Vec<String> = crate_paths(text).into_iter().collect();
    assert_eq!(found, ["cluster", "discovery", "output", "schema"]);
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
