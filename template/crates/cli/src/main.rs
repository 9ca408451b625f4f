//! What people do by hand: migrating the database, and checking settings and servers before they are used.
mod doctor;
mod parts;

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use common::{
    about,
    about::About,
    config::{self, Values},
    db::Database,
    program::{self, Outcome},
};

fn main() -> ExitCode {
    let about = about!();
    let matches = command(&about).get_matches();
    match matches.subcommand() {
        Some(("migrate", matches)) => migrate(&about, matches),
        Some(("config", matches)) => check_config(&about, matches),
        Some(("doctor", matches)) => examine(&about, matches),
        Some((name, matches)) => parts::run(&about, name, matches),
        None => unreachable!("the command line demands a command"),
    }
}

fn command(about: &About) -> Command {
    let migrate = Command::new("migrate")
        .about("Brings the database to this version's schema")
        .args(config::arguments(&config::tool()));
    let check = Command::new("check")
        .about("Shows each setting of the backend and where it comes from")
        .args(config::arguments(&config::backend()));
    let config = Command::new("config")
        .about("Looks at settings")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(check);
    let doctor = Command::new("doctor")
        .about("Asks each server that the backend needs, and says what to do where one does not answer")
        .args(config::arguments(&config::backend()));
    program::program(about, "Works on what the servers use")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([migrate, config, doctor])
        .subcommands(parts::commands())
}

fn migrate(about: &About, matches: &ArgMatches) -> ExitCode {
    // The file may be the backend's: what is there for the server is none of our business.
    let known = config::backend();
    match program::settings(about, matches, &config::tool(), &known) {
        Ok(values) => program::run(about, &values, migrate_database(&values)),
        Err(code) => code,
    }
}

async fn migrate_database(values: &Values) -> Outcome {
    Database::open(values)?.migrate().await?;
    Ok(ExitCode::SUCCESS)
}

fn examine(about: &About, matches: &ArgMatches) -> ExitCode {
    let table = config::backend();
    match program::settings(about, matches, &table, &table) {
        Ok(values) => program::answer(about, &values, doctor::examine(&values)),
        Err(code) => code,
    }
}

fn check_config(about: &About, matches: &ArgMatches) -> ExitCode {
    let (_, matches) = matches
        .subcommand()
        .expect("the command line demands a command");
    let table = config::backend();
    match program::settings(about, matches, &table, &table) {
        Ok(values) => {
            for value in values.iter() {
                println!(
                    "{} = {} (from {})",
                    value.definition.name,
                    value.shown(),
                    value.source
                );
            }
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_configuration_page_is_current() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        common::config::docs::check(&page, "cli", &common::config::tool());
    }
}
