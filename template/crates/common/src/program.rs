//! What `main` does in every program: read the command line and the settings, start logs and threads, and end honestly.
use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use clap::{ArgMatches, Command};
use tokio::runtime::Runtime;

use crate::{
    about::About,
    config::{self, ConfigError, Definition, Setting, Values},
    http::client,
    telemetry,
};

/// How `main` ends: with what it found out, or with an error that is shown.
pub type Outcome = Result<ExitCode, Box<dyn Error>>;

/// The exit code of a program whose settings or arguments are wrong.
const WRONG_USAGE: u8 = 2;
/// How long a server may take to say whether it is ready.
const HEALTHCHECK_LIMIT: Duration = Duration::from_secs(3);

/// The command line of a server, with `serve` and `healthcheck`.
pub fn server(about: &About, purpose: &'static str, table: &[Definition]) -> Command {
    program(about, purpose)
        .args(config::arguments(table))
        .subcommand(Command::new("serve").about("Serves until a signal ends it (the default)"))
        .subcommand(
            Command::new("healthcheck").about("Asks the running server whether it is ready"),
        )
}

pub fn program(about: &About, purpose: &'static str) -> Command {
    Command::new(about.name)
        .version(about.version_line())
        .about(purpose)
}

/// Reads the settings in `table`, or shows what is wrong with them.
///
/// The configuration file may also hold settings that are only `known`.
pub fn settings(
    about: &About,
    matches: &ArgMatches,
    table: &[Definition],
    known: &[Definition],
) -> Result<Values, ExitCode> {
    config::read(matches, table, known).map_err(|error: ConfigError| {
        eprintln!("{}: {error}", about.name);
        ExitCode::from(WRONG_USAGE)
    })
}

/// Runs `work` with logs and threads, and shows its error.
pub fn run(about: &About, values: &Values, work: impl Future<Output = Outcome>) -> ExitCode {
    telemetry::init(values);
    complete(about, work)
}

/// The same for work that prints an answer: nothing else is on standard output.
pub fn answer(about: &About, values: &Values, work: impl Future<Output = Outcome>) -> ExitCode {
    telemetry::init_beside_an_answer(values);
    complete(about, work)
}

fn complete(about: &About, work: impl Future<Output = Outcome>) -> ExitCode {
    let outcome = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(work);
        // What blocks a thread, such as looking up a name, must not keep the program from ending.
        runtime.shutdown_background();
        outcome
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("{}: {error}", about.name);
        ExitCode::FAILURE
    })
}

/// Asks the server that listens on this machine at the address of `setting`, and prints its answer on one line.
pub async fn healthcheck(values: &Values, setting: &Setting<SocketAddr>) -> Outcome {
    let address = reached_at(values.get(setting));
    match client::get(address, "/readyz", HEALTHCHECK_LIMIT).await {
        Ok((status, body)) => {
            println!("{} {body}", status.as_u16());
            Ok(if status.is_success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Err(error) => {
            println!("{error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Where this machine reaches who listens at an address.
fn reached_at(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use tokio::task::spawn_blocking;

    use super::*;

    #[test]
    fn what_blocks_a_thread_does_not_keep_a_program_from_ending() {
        let limit = Duration::from_secs(30);
        let (_nobody_sends, told) = mpsc::channel::<()>();
        let begun = Instant::now();
        let code = complete(&crate::about!(), async move {
            spawn_blocking(move || told.recv_timeout(limit));
            Ok(ExitCode::SUCCESS)
        });
        assert_eq!(code, ExitCode::SUCCESS);
        assert!(begun.elapsed() < limit);
    }

    #[test]
    fn a_server_is_asked_where_it_was_told_to_listen() {
        for (listens, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "127.0.0.1:8080"),
            ("10.0.0.5:8080", "10.0.0.5:8080"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(reached_at(listens.parse().unwrap()).to_string(), asked);
        }
    }
}
