//! `--help` of every command, as recorded in `tests/it/help`. Record anew with `APPOP_RECORD=1`.

use std::path::Path;

use crate::support;

#[test]
fn help_is_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/help");
    let record = std::env::var_os("APPOP_RECORD").is_some();
    let main = support::run(["--help"]).success();
    let commands: Vec<&str> = main
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 3, "{commands:?}");
    let mut recorded: Vec<String> = std::fs::read_dir(&dir)
        .map(|files| {
            files
                .map(|f| f.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    for (name, args) in std::iter::once(("appop", vec!["--help"]))
        .chain(commands.iter().map(|c| (*c, vec![*c, "--help"])))
    {
        let file = dir.join(format!("{name}.txt"));
        recorded.retain(|f| *f != format!("{name}.txt"));
        let help = support::run(&args).success();
        assert!(!help.contains('\x1b'), "help in a pipe has no colours");
        if record {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&file, &help).unwrap();
        }
        let wanted = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            help,
            wanted,
            "{} is out of date: APPOP_RECORD=1",
            file.display()
        );
    }
    assert_eq!(
        recorded,
        Vec::<String>::new(),
        "recorded for commands that are gone"
    );
}

#[test]
fn a_plugin_of_kubectl_calls_itself_so() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = dir.path().join("kubectl-appop");
    std::os::unix::fs::symlink(support::APPOP, &plugin).unwrap();
    let help = support::finish(std::process::Command::new(&plugin).args(["discover", "--help"]));
    let help = help.success();
    assert!(help.contains("Usage: kubectl appop discover"), "{help}");
    let answer = dir.path().join("kubectl_complete-appop");
    std::os::unix::fs::symlink(support::APPOP, &answer).unwrap();
    let found = support::finish(std::process::Command::new(&answer).arg("disc")).success();
    assert!(
        found.starts_with("discover\tWhat the server serves"),
        "{found}"
    );
    assert!(found.ends_with("\n:4\n"), "{found}");
}

#[test]
fn shells_get_their_completion() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = support::run(["completion", shell]).success();
        assert!(script.contains("COMPLETE"), "{shell}: {script}");
    }
    assert_eq!(support::run(["completion", "tcsh"]).code, 2);
    let mut ask = support::command(["--", "appop", "discover", "--sort"]);
    ask.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    let found = support::finish(&mut ask).success();
    assert!(found.contains("--sort-by"), "{found}");
}
