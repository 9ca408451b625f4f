//! The program `cli`.
use std::process::ExitCode;

fn main() -> ExitCode {
    common::run("cli", env!("CARGO_PKG_VERSION"), "0.0.0.0:0")
}
