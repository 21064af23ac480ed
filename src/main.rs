//! The `appop` binary: hands the command line to the library and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    appop::cli::main(std::env::args_os())
}
