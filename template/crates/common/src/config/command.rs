//! The command line's side of the settings: a flag for each, and reading them from a parsed command line.
use std::env;

use clap::{Arg, ArgMatches};

use super::{ConfigError, Definition, Inputs, Values};

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
    // Compose files and charts pass variables that nobody filled in: an empty one counts as not set.
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    Values::resolve(table, known, &Inputs { flags, environment })
}
