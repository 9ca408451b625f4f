//! The program on PostgreSQL, when TEST_DATABASE_URL names a throw-away server: each test leaves a database there.
use std::env;

use common::testing::{Server, run};
use sqlx::{AnyPool, AssertSqlSafe};
use uuid::Uuid;

const BACKEND: &str = env!("CARGO_BIN_EXE_backend");

/// The URL of a new, empty database.
async fn database() -> Option<String> {
    let Ok(server) = env::var("TEST_DATABASE_URL") else {
        eprintln!("skipped: TEST_DATABASE_URL is not set");
        return None;
    };
    sqlx::any::install_default_drivers();
    let pool = AnyPool::connect(&server)
        .await
        .expect("TEST_DATABASE_URL can be reached");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&pool)
        .await
        .expect("databases can be created");
    let (server, _) = server.rsplit_once('/').expect("the URL names a database");
    Some(format!("{server}/{name}"))
}

#[tokio::test]
async fn notes_are_stored_and_listed() {
    let Some(url) = database().await else { return };
    let server = Server::start(
        BACKEND,
        &[("DATABASE_URL", &url), ("MIGRATE_ON_START", "true")],
    )
    .await;
    assert_eq!(
        server.get("/health").await.body,
        r#"{"status":"healthy","database":"connected"}"#
    );
    for text in ["first", "second"] {
        let reply = server
            .post("/api/notes", format!(r#"{{"text": "{text}"}}"#))
            .await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    let list = server.get("/api/notes").await.json();
    assert_eq!(list["notes"][0]["text"], "second");
    assert_eq!(list["notes"][1]["text"], "first");
}

#[tokio::test]
async fn several_migrations_at_once_wait_for_each_other() {
    let Some(url) = database().await else { return };
    let server = Server::start(BACKEND, &[("DATABASE_URL", &url)]).await;
    assert_eq!(server.get("/readyz").await.status, 503);
    let environment = [("DATABASE_URL", url.as_str())];
    let migrate = || run(BACKEND, &["migrate"], &environment);
    let ended = tokio::join!(migrate(), migrate(), migrate(), migrate());
    for ended in [ended.0, ended.1, ended.2, ended.3] {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_server_that_is_away_is_named_and_its_password_is_not() {
    let url = "postgres://user:hunter2@127.0.0.1:9/name";
    let server = Server::start(BACKEND, &[("DATABASE_URL", url)]).await;
    let ready = server.get("/readyz").await;
    assert_eq!(
        (
            ready.status.as_u16(),
            &ready.json()["dependencies"]["database"]
        ),
        (503, &"disconnected".into())
    );
    assert!(!server.logs().contains("hunter2"), "{}", server.logs());
}
