//! Commands of parts that not every project has, and the only module that names them.
use std::process::ExitCode;

use clap::{ArgMatches, Command};
use common::about::About;
use common::services::jobs::commands as jobs;

pub fn commands() -> [Command; 2] {
    jobs::all()
}

pub fn run(about: &About, name: &str, matches: &ArgMatches) -> ExitCode {
    jobs::run(about, name, matches).expect("the command line demands one of these commands")
}
