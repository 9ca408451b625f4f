//! Runs jobs, sends them to whoever runs them, and shows them.
mod board;
mod broker;
mod handlers;
mod runner;
mod scheduler;
mod settings;

use std::{process::ExitCode, sync::Arc};

use clap::{ArgMatches, Command};
use common::{
    about,
    about::About,
    config::{self, Values},
    db::Database,
    health::{Health, Need},
    program::{self, Outcome},
    server::{self, Stop},
    services::jobs::commands,
};
use hyper::StatusCode;

use crate::{broker::Broker, runner::Runner, scheduler::Scheduler};

fn main() -> ExitCode {
    let about = about!();
    let table = settings::table();
    let matches = command(&about).get_matches();
    if let Some((name, matches)) = matches.subcommand()
        && let Some(code) = commands::run(&about, name, matches)
    {
        return code;
    }
    let known = [table.clone(), config::backend()].concat();
    let values = match program::settings(&about, &matches, &table, &known) {
        Ok(values) => values,
        Err(code) => return code,
    };
    let work = serve(about.clone(), &matches, &values);
    if matches.subcommand_name() == Some("healthcheck") {
        return program::answer(&about, &values, work);
    }
    program::run(&about, &values, work)
}

fn command(about: &About) -> Command {
    let role = |name, does| Command::new(name).about(does);
    program::program(about, "Runs jobs, sends them, and shows them")
        .args(config::arguments(&settings::table()))
        .subcommands([
            role("all", "Does all of it in one process (the default)"),
            role("run", "Runs the jobs of its queues"),
            role(
                "scheduler",
                "Sends jobs whose time has come, and starts those on a schedule",
            ),
            role("board", "Serves the dashboard"),
            role(
                "healthcheck",
                "Asks the running process whether it is ready",
            ),
            role("migrate", "Brings the database to this version's schema"),
        ])
        .subcommands(commands::all())
}

async fn serve(about: About, matches: &ArgMatches, values: &Values) -> Outcome {
    let name = matches.subcommand_name().unwrap_or("all");
    if name == "healthcheck" {
        return program::healthcheck(values, &settings::METRICS_ADDRESS).await;
    }
    let database = Database::open(values)?;
    if database.in_memory() {
        return Err("DATABASE_URL is a database in memory, which no other process sees: name a file, as the backend does".into());
    }
    if name == "migrate" {
        database.migrate().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let broker = broker::open(values, &database)?;
    // The dashboard shows rows, and sends nothing.
    let health = health(&database, (name != "board").then_some(&broker));
    let stop = Stop::on_signal();
    let run = Runner::new(values, &database, &broker).run(stop.clone());
    let schedule = Scheduler::new(values, &database, &broker).run(stop.clone());
    let board = board::routes(&database);
    match name {
        "run" => server::serve_operations(about, values, health, stop, run).await?,
        "scheduler" => server::serve_operations(about, values, health, stop, schedule).await?,
        "board" => serve_board(about, values, health, board).await?,
        _ => {
            let work = Box::pin(async {
                tokio::join!(run, schedule);
            });
            let work = async {
                server::within_shutdown(values, stop, work).await;
                Ok(())
            };
            // Who cannot be asked how it is does no work either.
            tokio::try_join!(serve_board(about, values, health, board), work)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve_board(
    about: About,
    values: &Values,
    health: Health,
    board: axum::Router,
) -> Result<(), server::ListenError> {
    server::serve(about, values, health, board, StatusCode::REQUEST_TIMEOUT).await
}

fn health(database: &Database, broker: Option<&Arc<dyn Broker>>) -> Health {
    let database = database.clone();
    let health =
        Health::default().with("database", Need::Required, move || database.clone().state());
    let Some(broker) = broker.map(Arc::clone) else {
        return health;
    };
    health.with("broker", Need::Required, move || {
        let broker = Arc::clone(&broker);
        async move { broker.state().await }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_configuration_page_is_current() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        common::config::docs::check(&page, "worker", &super::settings::table());
    }
}
