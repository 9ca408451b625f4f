//! The program on PostgreSQL, when TEST_DATABASE_URL names a throw-away server: each test leaves a database there.
use std::{env, time::Duration};

use common::{
    config::{self, Inputs, Values},
    db::Database,
    testing::{Server, run},
};
use sqlx::{AnyPool, AssertSqlSafe};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use uuid::Uuid;

const BACKEND: &str = env!("CARGO_BIN_EXE_backend");

/// Longer than what waits for nobody takes.
const PATIENCE: Duration = Duration::from_secs(10);

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
async fn a_migration_that_fails_ends_and_keeps_nobody_out() {
    let Some(url) = database().await else { return };
    let pool = AnyPool::connect(&url).await.unwrap();
    let create = "CREATE TABLE notes (something TEXT)";
    sqlx::query(create).execute(&pool).await.unwrap();
    let environment = [("DATABASE_URL", url.as_str())];
    let migrate = async || {
        let run = run(BACKEND, &["migrate"], &environment);
        timeout(PATIENCE, run).await.expect("it ends")
    };
    let ended = migrate().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("already exists"), "{}", ended.stderr);

    // This process lives on, and with it the connections that are kept.
    let mut inputs = Inputs::default();
    inputs.flags.insert("DATABASE_URL".to_owned(), url.clone());
    let values = Values::resolve(&config::backend(), &[], &inputs).unwrap();
    let database = Database::open(&values).unwrap();
    let failed = timeout(PATIENCE, database.migrate()).await;
    assert!(failed.expect("it ends").is_err());
    sqlx::query("DROP TABLE notes")
        .execute(&pool)
        .await
        .unwrap();
    let ended = migrate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_program_whose_connections_are_all_in_use_is_ready() {
    let Some(url) = database().await else { return };
    let server = Server::start(
        BACKEND,
        &[
            ("DATABASE_URL", &url),
            ("DATABASE_MAX_CONNECTIONS", "1"),
            ("MIGRATE_ON_START", "true"),
        ],
    )
    .await;
    let pool = AnyPool::connect(&url).await.unwrap();
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE notes")
        .execute(&mut *lock)
        .await
        .unwrap();
    let post = server.post("/api/notes", r#"{"text": "patient"}"#);
    let probes = async {
        let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'notes'::regclass";
        while sqlx::query(waiting)
            .fetch_optional(&pool)
            .await
            .unwrap()
            .is_none()
        {
            sleep(Duration::from_millis(10)).await;
        }
        let ready = server.get("/readyz").await;
        lock.commit().await.unwrap();
        ready
    };
    let (reply, ready) = timeout(PATIENCE, async { tokio::join!(post, probes) })
        .await
        .expect("nobody waits for ever");
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert_eq!(reply.status, 201, "{}", reply.body);
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_named_in_the_log() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://user@{}/name", silent.local_addr().unwrap());
    let server = Server::start(BACKEND, &[("DATABASE_URL", &url)]).await;
    let named = async {
        while !server.logs().contains(r#""dependency":"database""#) {
            assert_eq!(server.get("/readyz").await.status, 503);
        }
    };
    timeout(PATIENCE, named).await.expect("it is named");
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
