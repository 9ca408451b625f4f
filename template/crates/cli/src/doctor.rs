//! Asks each server that the backend needs, and says what to do where one does not answer.
use std::process::ExitCode;

use common::{cache::Cache, config::Values, db::Database, health::State, program::Outcome};

pub async fn examine(values: &Values) -> Outcome {
    let database = Database::open(values)?;
    // As the server does at its start: nobody else could migrate one in memory.
    database.migrate_on_start(false).await?;
    let mut found = vec![("database", database.state().await)];
    let cache = Cache::open(values);
    if let Some(name) = cache.dependency() {
        found.push((name, cache.state().await));
    }
    let mut well = true;
    for (name, state) in found {
        let setting = format!("{}_URL", name.to_uppercase());
        match state {
            State::Connected => println!("{name}: ok"),
            State::MigrationsPending => {
                well = false;
                println!(
                    "{name}: answers, but its schema is older than this program\n  fix: run `cli migrate`"
                );
            }
            State::Disconnected => {
                well = false;
                println!(
                    "{name}: does not answer; the log above says why\n  fix: start it, or correct {setting}: `cli config check` says where that comes from"
                );
            }
        }
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
