//! The program `frontend`.
use std::process::ExitCode;

fn main() -> ExitCode {
    common::run("frontend", env!("CARGO_PKG_VERSION"), "0.0.0.0:8000")
}
