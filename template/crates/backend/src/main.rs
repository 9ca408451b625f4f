//! The HTTP API.
mod api;
mod notes;
mod uploads;

use std::process::ExitCode;

use clap::Command;
use common::{
    about,
    about::About,
    cache::Cache,
    config::{self, Values},
    db::{Database, MIGRATE_ON_START},
    files::Files,
    health::{Health, Need},
    program::{self, Outcome},
    server,
};
use hyper::StatusCode;

use crate::api::App;

fn main() -> ExitCode {
    let (about, table) = (about!(), config::backend());
    let migrate = Command::new("migrate").about("Brings the database to this version's schema");
    let matches = program::server(&about, "The HTTP API", &table)
        .subcommand(migrate)
        .get_matches();
    let values = match program::settings(&about, &matches, &table, &table) {
        Ok(values) => values,
        Err(code) => return code,
    };
    match matches.subcommand_name() {
        Some("healthcheck") => program::answer(
            &about,
            &values,
            program::healthcheck(&values, &server::HTTP_ADDRESS),
        ),
        Some("migrate") => program::run(&about, &values, migrate_database(&values)),
        _ => program::run(&about, &values, serve(about.clone(), &values)),
    }
}

async fn migrate_database(values: &Values) -> Outcome {
    Database::open(values)?.migrate().await?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(about: About, values: &Values) -> Outcome {
    let database = Database::open(values)?;
    database
        .migrate_on_start(values.get(&MIGRATE_ON_START))
        .await?;
    let cache = Cache::open(values);
    let health = health(&database, &cache);
    let files = Files::open(values);
    let routes = api::routes(App {
        database,
        cache,
        files,
    });
    server::serve(about, values, health, routes, StatusCode::REQUEST_TIMEOUT).await?;
    Ok(ExitCode::SUCCESS)
}

fn health(database: &Database, cache: &Cache) -> Health {
    let (database, shared) = (database.clone(), cache.clone());
    let health =
        Health::default().with("database", Need::Required, move || database.clone().state());
    match cache.dependency() {
        // Without the cache, requests are slower but right.
        Some(name) => health.with(name, Need::Optional, move || shared.clone().state()),
        None => health,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_configuration_page_is_current() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        common::config::docs::check(&page, "backend", &common::config::backend());
    }
}
