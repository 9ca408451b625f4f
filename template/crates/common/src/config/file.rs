//! The configuration file: a flat TOML table whose keys are settings.
use std::{collections::BTreeMap, fs};

use toml::{Table, Value};

use super::{Definition, Problem};

/// Reads the file at `path`; its keys must be among `known`.
pub(super) fn read(
    path: &str,
    named_by: &str,
    known: &[Definition],
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let text = fs::read_to_string(path).map_err(|error| {
        let (variable, path) = (named_by.to_owned(), path.to_owned());
        vec![Problem::Unreadable {
            variable,
            path,
            reason: error.to_string(),
        }]
    })?;
    let table = text.parse::<Table>().map_err(|error| {
        // Only the message: the full error quotes the line, which may hold a secret.
        let (path, reason) = (path.to_owned(), error.message().to_owned());
        vec![Problem::NotToml { path, reason }]
    })?;
    let problems: Vec<_> = table
        .keys()
        .filter_map(|key| unknown(path, key, known))
        .collect();
    if problems.is_empty() {
        Ok(table
            .into_iter()
            .map(|(key, value)| (key, plain(value)))
            .collect())
    } else {
        Err(problems)
    }
}

fn unknown(path: &str, key: &str, known: &[Definition]) -> Option<Problem> {
    if known.iter().any(|definition| definition.key() == key) {
        return None;
    }
    let nearest = known
        .iter()
        .map(Definition::key)
        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)))
        .unwrap_or_default();
    Some(Problem::UnknownKey {
        path: path.to_owned(),
        key: key.to_owned(),
        nearest,
    })
}

/// The value as it would be written in a variable; what is no plain value fails as that setting's wrong value.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        other => format!("(a value of the type {})", other.type_str()),
    }
}
