//! The program as a person uses it.
use std::fs;

use common::testing::{Ended, run};

const CLI: &str = env!("CARGO_BIN_EXE_cli");

#[tokio::test]
async fn effective_settings_are_shown_with_their_sources_but_without_secrets() {
    let path = format!("{}/check.toml", env!("CARGO_TARGET_TMPDIR"));
    fs::write(&path, "cache_ttl = \"1m\"").unwrap();
    let environment = [
        ("CONFIG_FILE", path.as_str()),
        ("DATABASE_URL", "sqlite:///hunter2.db"),
    ];
    let ended = run(
        CLI,
        &["config", "check", "--log-level", "warn"],
        &environment,
    )
    .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for line in [
        "DRAIN_DELAY = 5s (from the default)",
        "LOG_LEVEL = warn (from the flag --log-level)",
        "DATABASE_URL = ******** (from the environment)",
        &format!("CACHE_TTL = 1m (from {path}:cache_ttl)"),
    ] {
        assert!(
            ended.stdout.lines().any(|shown| shown == line),
            "{line} is missing in {}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
}

#[tokio::test]
async fn wrong_settings_are_found() {
    let ended = run(CLI, &["config", "check"], &[("BODY_LIMIT", "1 MB")]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("BODY_LIMIT from the environment is \"1 MB\""),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn the_database_is_migrated_whatever_the_server_is_told() {
    let path = format!("{}/migrate.db", env!("CARGO_TARGET_TMPDIR"));
    let config = format!("{}/migrate.toml", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_file(&path);
    fs::write(&config, "http_address = \"nonsense\"").unwrap();
    let environment = [
        ("DATABASE_URL", &*format!("sqlite://{path}")),
        ("CONFIG_FILE", &config),
    ];
    for _ in 0..2 {
        let ended = run(CLI, &["migrate"], &environment).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert!(fs::exists(&path).unwrap());
}

#[tokio::test]
async fn several_may_migrate_a_new_database_at_once() {
    let path = format!("{}/at-once.db", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_file(&path);
    let url = format!("sqlite://{path}");
    let environment = [("DATABASE_URL", url.as_str())];
    let migrate = || run(CLI, &["migrate"], &environment);
    for ended in <[Ended; 4]>::from(tokio::join!(migrate(), migrate(), migrate(), migrate())) {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_migrated_is_a_failure() {
    let ended = run(
        CLI,
        &["migrate"],
        &[("DATABASE_URL", "sqlite:///nowhere/app.db")],
    )
    .await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("the database cannot be migrated"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let path = format!("{}/doctor.db", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_file(&path);
    let url = format!("sqlite://{path}");
    let environment = [("DATABASE_URL", url.as_str())];
    let ended = run(CLI, &["doctor"], &environment).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("fix: run `cli migrate`"),
        "{}",
        ended.stdout
    );
    assert_eq!(run(CLI, &["migrate"], &environment).await.code, Some(0));
    let ended = run(CLI, &["doctor"], &environment).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("database: ok"), "{}", ended.stdout);
    let ended = run(
        CLI,
        &["doctor"],
        &[("DATABASE_URL", "sqlite:///nowhere/app.db")],
    )
    .await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("correct DATABASE_URL"),
        "{}",
        ended.stdout
    );
    // The default is in memory, which nothing but the program itself can migrate.
    let ended = run(CLI, &["doctor"], &[]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stderr.contains("in memory"), "{}", ended.stderr);
}
