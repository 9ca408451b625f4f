//! The command line: what it prints, and how it ends when a setting is wrong.
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

use crate::BACKEND;
use common::testing::run;

#[tokio::test]
async fn the_version_names_the_revision() {
    let version = env!("CARGO_PKG_VERSION");
    let ended = run(BACKEND, &["--version"], &[("APP_REVISION", "abc123")]).await;
    assert_eq!(ended.stdout, format!("backend {version} (abc123)\n"));
    let ended = run(BACKEND, &["--version"], &[]).await;
    assert_eq!(ended.stdout, format!("backend {version} (unknown)\n"));
}

#[tokio::test]
async fn wrong_settings_stop_the_start_together() {
    let environment = [
        ("DATABASE_URL", "mysql://user:hunter2@host/name"),
        ("CACHE_TTL", "short"),
    ];
    let ended = run(BACKEND, &["serve", "--log-level=loud"], &environment).await;
    assert_eq!(ended.code, Some(2));
    for part in [
        "3 settings are wrong",
        "LOG_LEVEL from the flag --log-level is \"loud\" and must be error, warn,",
        "DATABASE_URL from the environment must be sqlite::memory:",
        "CACHE_TTL from the environment is \"short\" and must be a duration such as",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is missing in: {}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[test]
fn a_setting_that_is_no_text_stops_the_start_too() {
    let ended = Command::new(BACKEND)
        .env_clear()
        .env("OTHER", OsStr::from_bytes(b"\xe4"))
        .env("DATABASE_URL", OsStr::from_bytes(b"mysql://p\xe4ss@db/app"))
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.ends_with(
            "a setting is wrong\n  DATABASE_URL from the environment is not valid UTF-8\n"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn help_names_each_setting_with_its_variable_and_default() {
    let help = run(BACKEND, &["--help"], &[]).await.stdout;
    assert!(help.contains("[env: DRAIN_DELAY] [default: 5s]"), "{help}");
    assert!(
        help.contains("[env: DATABASE_URL or DATABASE_URL_FILE]"),
        "{help}"
    );
}

#[tokio::test]
async fn an_address_in_use_is_a_failure_that_names_the_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(BACKEND, &["serve"], &[("HTTP_ADDRESS", &address)]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains(&format!("cannot listen on {address} (HTTP_ADDRESS)")),
        "{}",
        ended.stderr
    );
}
