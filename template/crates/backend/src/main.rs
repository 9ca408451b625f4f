//! The program `backend`.
use std::process::ExitCode;

fn main() -> ExitCode {
    common::run("backend", env!("CARGO_PKG_VERSION"), "0.0.0.0:8080")
}
