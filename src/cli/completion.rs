//! `appop completion SHELL`: the script that makes a shell complete appop's command lines.
//!
//! The script calls appop itself, which looks things up where a list cannot be fixed (paths for
//! `raw`, resources for `explain`). As `kubectl_complete-appop` on the PATH, appop completes
//! `kubectl appop` too.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use super::exit::Usage;
use super::{Cli, Context};
use crate::output::{ColorChoice, Printer};

/// The variable by which the shell's script tells appop to complete.
const VARIABLE: &str = "COMPLETE";
/// The name by which kubectl asks a plugin for completions
/// (k8s.io/kubectl/pkg/cmd/plugin/plugin_completion.go).
const KUBECTL: &str = "kubectl_complete-appop";
/// cobra's directive: do not complete file names.
const NO_FILES: &str = ":4";

/// Arguments of `appop completion`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL", value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

const EXAMPLES: &str = "\
Examples:
  source <(appop completion bash)                              this shell; or put it in ~/.bashrc
  appop completion fish > ~/.config/fish/completions/appop.fish
  ln -s \"$(command -v appop)\" ~/bin/kubectl-appop              appop as a kubectl plugin, and
  ln -s \"$(command -v appop)\" ~/bin/kubectl_complete-appop     completion for kubectl appop";

impl Args {
    /// Prints the script.
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let shells = Shells::builtins();
        let shell = shells
            .completer(&self.shell)
            .ok_or_else(|| Usage(format!("there is no completion for {:?}", self.shell)))?;
        let mut script = Vec::new();
        shell
            .write_registration(VARIABLE, "appop", "appop", "appop", &mut script)
            .context("cannot write the completion script")?;
        context.printer.bytes(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Answers a shell, or kubectl, that asks for completions; `None` where nobody did.
pub(super) fn answer(args: &[OsString]) -> Option<ExitCode> {
    let name = args
        .first()
        .and_then(|first| Path::new(first).file_stem())?;
    if name == KUBECTL {
        let mut words = vec![OsString::from("appop")];
        words.extend_from_slice(&args[1..]);
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(&mut Cli::command(), words, last, None);
        let mut text = String::new();
        for candidate in found.unwrap_or_default() {
            let _ = write!(text, "{}", candidate.get_value().to_string_lossy());
            if let Some(help) = candidate.get_help() {
                let _ = write!(text, "\t{help}");
            }
            text.push('\n');
        }
        text.push_str(NO_FILES);
        text.push('\n');
        // kubectl reads what there is; there is nobody to tell of a broken pipe.
        let _ = Printer::new(ColorChoice::Never).data(&text);
        return Some(ExitCode::SUCCESS);
    }
    let here = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(args.iter().cloned(), here.as_deref());
    match answered {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) | Err(_) => None,
    }
}
