//! Where settings come from, and what is said when one is wrong.
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use common::config::{Definition, Inputs, Setting, Source, Values};

const LIMIT: Setting<usize> = Setting::new("LIMIT", "10", "A number");
const DELAY: Setting<Duration> = Setting::new("DELAY", "5s", "A time");
const KEY: Setting<Option<usize>> = Setting::new("KEY", "", "A secret").secret();
const TABLE: &[Definition] = &[LIMIT.definition, DELAY.definition, KEY.definition];

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn inputs(flags: &[(&str, &str)], environment: &[(&str, &str)]) -> Inputs {
    Inputs {
        flags: map(flags),
        environment: map(environment),
    }
}

/// A file of its own for each test.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn resolve(inputs: &Inputs) -> Values {
    Values::resolve(TABLE, TABLE, inputs).unwrap_or_else(|error| panic!("{error}"))
}

fn errors(inputs: &Inputs) -> String {
    Values::resolve(TABLE, TABLE, inputs)
        .err()
        .expect("something is wrong")
        .to_string()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let path = file("order.toml", "limit = 2");
    let from_file = [("CONFIG_FILE", path.as_str())];
    let from_environment = [from_file[0], ("LIMIT", "3")];
    let limit = |inputs: &Inputs| resolve(inputs).get(&LIMIT);
    assert_eq!(limit(&inputs(&[], &[])), 10);
    assert_eq!(limit(&inputs(&[], &from_file)), 2);
    assert_eq!(limit(&inputs(&[], &from_environment)), 3);
    assert_eq!(limit(&inputs(&[("LIMIT", "4")], &from_environment)), 4);
}

#[test]
fn the_file_can_be_named_by_a_flag() {
    let path = file("flag.toml", "delay = \"2m\"");
    let values = resolve(&inputs(&[("CONFIG_FILE", &path)], &[]));
    assert_eq!(values.get(&DELAY), Duration::from_mins(2));
}

#[test]
fn a_secret_can_come_from_a_file_and_is_never_shown() {
    let path = file("secret", " 4711\n");
    let values = resolve(&inputs(&[], &[("KEY_FILE", &path)]));
    assert_eq!(values.get(&KEY), Some(4711));
    let value = values.iter().last().unwrap();
    assert_eq!(value.source, Source::SecretFile(path));
    assert!(!value.shown().contains("4711"));
}

#[test]
fn every_wrong_value_is_named_with_its_source_and_what_is_allowed() {
    let path = file("wrong.toml", "limit = \"many\"");
    let text = errors(&inputs(&[("DELAY", "soon")], &[("CONFIG_FILE", &path)]));
    assert_eq!(
        text,
        format!(
            "2 settings are wrong\n  \
             LIMIT from {path}:limit is \"many\" and must be a whole number of bytes\n  \
             DELAY from the flag --delay is \"soon\" and must be a duration such as 500ms, 5s or 2m"
        )
    );
}

#[test]
fn a_wrong_secret_is_not_shown() {
    let path = file("wrong-secret", "hunter2");
    for wrong in [("KEY", "hunter2"), ("KEY_FILE", path.as_str())] {
        let text = errors(&inputs(&[], &[wrong]));
        assert!(text.contains("KEY") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_secret_in_a_broken_file_is_not_shown() {
    let path = file("broken.toml", "key = \"hunter2");
    let text = errors(&inputs(&[], &[("CONFIG_FILE", &path)]));
    assert!(
        text.contains("is not valid TOML") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn a_secret_set_twice_is_an_error() {
    let text = errors(&inputs(&[], &[("KEY", "1"), ("KEY_FILE", "/somewhere")]));
    assert!(text.contains("KEY and KEY_FILE are both set"), "{text}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let text = errors(&inputs(
        &[],
        &[
            ("KEY_FILE", "/nowhere/key"),
            ("CONFIG_FILE", "/nowhere/toml"),
        ],
    ));
    assert!(text.contains("KEY_FILE names /nowhere/key"), "{text}");
    assert!(text.contains("CONFIG_FILE names /nowhere/toml"), "{text}");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let path = file("unknown.toml", "dealy = \"5s\"");
    let text = errors(&inputs(&[], &[("CONFIG_FILE", &path)]));
    assert!(
        text.contains("there is no setting \"dealy\"; the nearest is \"delay\""),
        "{text}"
    );
}
