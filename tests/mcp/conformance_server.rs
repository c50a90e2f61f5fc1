//! The daemon, with what the conformance suite of the protocol calls beside everything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    lukhas_mcp::cli::run(std::env::args_os())
}
