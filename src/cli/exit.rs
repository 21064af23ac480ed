//! Exit codes: 0 done; 1 failed, HTTP errors included; 2 wrong usage; 3 a partial answer.
//!
//! The one place where an error's class becomes a number.

use std::io;
use std::process::ExitCode;

use crate::output::Printer;

/// The command was understood by the parser but asks for something that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// What could be reached was printed, the rest was reported on stderr: exit code 3.
pub const PARTIAL: u8 = 3;
const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// The exit code of a command's result; an error is put on stderr first.
pub fn code(printer: Printer, result: anyhow::Result<ExitCode>) -> ExitCode {
    let problem = match result {
        Ok(code) => return code,
        Err(problem) => problem,
    };
    if is_broken_pipe(&problem) {
        // The reader has what it wanted (`| head`).
        return ExitCode::SUCCESS;
    }
    printer.error(&format!("{problem:#}"));
    if problem.chain().any(|cause| cause.is::<Usage>()) {
        ExitCode::from(USAGE)
    } else {
        ExitCode::from(FAILED)
    }
}

fn is_broken_pipe(problem: &anyhow::Error) -> bool {
    problem
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
