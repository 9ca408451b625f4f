//! The program with its cache in Redis, when TEST_REDIS_URL names one, and with a Redis that is away.
use std::env;

use common::testing::Server;
use uuid::Uuid;

const BACKEND: &str = env!("CARGO_BIN_EXE_backend");

#[tokio::test]
async fn servers_share_the_cache() {
    let Ok(redis) = env::var("TEST_REDIS_URL") else {
        eprintln!("skipped: TEST_REDIS_URL is not set");
        return;
    };
    let path = format!(
        "{}/cached-{}.db",
        env!("CARGO_TARGET_TMPDIR"),
        Uuid::now_v7()
    );
    let database = format!("sqlite://{path}");
    let environment = [
        ("REDIS_URL", redis.as_str()),
        ("DATABASE_URL", &database),
        ("MIGRATE_ON_START", "true"),
        ("CACHE_TTL", "500ms"),
    ];
    let one = Server::start(BACKEND, &environment).await;
    let two = Server::start(BACKEND, &environment).await;
    let healthy = r#"{"status":"healthy","database":"connected","redis":"connected"}"#;
    assert_eq!(one.get("/health").await.body, healthy);

    let cached =
        async |server: &Server| server.get("/api/notes").await.header("x-cache").to_owned();
    one.post("/api/notes", r#"{"text": "first"}"#).await;
    assert_eq!(cached(&one).await, "miss");
    assert_eq!(cached(&two).await, "hit");
    two.post("/api/notes", r#"{"text": "second"}"#).await;
    assert_eq!(cached(&one).await, "miss");
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(cached(&one).await, "miss");
}

#[tokio::test]
async fn without_it_requests_are_still_answered() {
    let server = Server::start(BACKEND, &[("REDIS_URL", "redis://:hunter2@127.0.0.1:9/0")]).await;
    assert_eq!(
        server.post("/api/notes", r#"{"text": "new"}"#).await.status,
        201
    );
    let list = server.get("/api/notes").await;
    assert_eq!(
        (list.status.as_u16(), list.header("x-cache")),
        (200, "miss")
    );

    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.json()["status"]),
        (200, &"degraded".into())
    );
    assert_eq!(ready.json()["dependencies"]["redis"], "disconnected");
    let health = server.get("/health").await;
    assert_eq!(
        (health.status.as_u16(), &health.json()["status"]),
        (503, &"unhealthy".into())
    );
    assert!(!server.logs().contains("hunter2"), "{}", server.logs());
}
