//! The command line's side of the settings: a flag for each, and reading them from a parsed command line.
use std::{collections::BTreeMap, env};

use clap::{Arg, ArgMatches};

use super::{ConfigError, Definition, Inputs, Problem, Values};

/// A flag for each setting of the table, and one for the configuration file.
pub fn arguments(table: &[Definition]) -> Vec<Arg> {
    let file = Arg::new("CONFIG_FILE")
        .long("config-file")
        .value_name("PATH")
        .help("A TOML file with settings [env: CONFIG_FILE]");
    table
        .iter()
        .map(argument)
        .chain([file.global(true)])
        .collect()
}

fn argument(definition: &Definition) -> Arg {
    let Definition {
        name,
        help,
        default,
        ..
    } = definition;
    let or_file = definition
        .file_variable()
        .map_or(String::new(), |name| format!(" or {name}"));
    let default = if default.is_empty() {
        String::new()
    } else {
        format!(" [default: {default}]")
    };
    Arg::new(*name)
        .long(definition.flag())
        .value_name("VALUE")
        .help(format!("{help} [env: {name}{or_file}]{default}"))
        .allow_hyphen_values(true)
        .global(true)
}

/// Reads the settings of `table`, given the command line; the file may also hold settings that are only `known`.
pub fn read(
    matches: &ArgMatches,
    table: &[Definition],
    known: &[Definition],
) -> Result<Values, ConfigError> {
    let names = table
        .iter()
        .map(|definition| definition.name)
        .chain(["CONFIG_FILE"]);
    let flags = names
        .filter_map(|name| Some((name.to_owned(), matches.get_one::<String>(name)?.clone())))
        .collect();
    let environment = environment(table)?;
    Values::resolve(table, known, &Inputs { flags, environment })
}

/// The variables that have a value. One that `table` asks for must be text: it is not taken for one that is not set.
fn environment(table: &[Definition]) -> Result<BTreeMap<String, String>, ConfigError> {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, value) in env::vars_os() {
        let Ok(variable) = name.into_string() else {
            continue;
        };
        match value.into_string() {
            // Compose files and charts pass variables that nobody filled in: an empty one counts as not set.
            Ok(text) if text.is_empty() => {}
            Ok(text) => drop(found.insert(variable, text)),
            Err(_) if is_asked_for(&variable, table) => {
                problems.push(Problem::NotText { variable });
            }
            Err(_) => {}
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(ConfigError(problems))
    }
}

fn is_asked_for(variable: &str, table: &[Definition]) -> bool {
    variable == "CONFIG_FILE"
        || table.iter().any(|definition| {
            variable == definition.name || definition.file_variable().as_deref() == Some(variable)
        })
}
