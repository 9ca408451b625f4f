//! What operators ask: alive, ready, healthy, which version, how busy.
use serde_json::json;

use crate::{BACKEND, backend, database_file};
use common::testing::run;

#[tokio::test]
async fn a_server_that_is_well_says_so() {
    let server = backend(&[("APP_REVISION", "abc123")]).await;
    assert_eq!(server.get("/livez").await.status, 200);
    let ready = server.get("/readyz").await;
    assert_eq!(
        ready.json(),
        json!({"status": "ready", "dependencies": {"database": "connected"}})
    );
    assert_eq!(
        server.get("/health").await.body,
        r#"{"status":"healthy","database":"connected"}"#
    );
    let version = server.get("/version").await.json();
    assert_eq!(version["name"], "backend");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["revision"], "abc123");
}

#[tokio::test]
async fn an_unmigrated_database_is_named_until_it_is_migrated() {
    let url = database_file("pending");
    let environment = [("DATABASE_URL", url.as_str())];
    let server = backend(&environment).await;
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["dependencies"],
        json!({"database": "migrations pending"})
    );
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/health").await.json()["status"], "unhealthy");

    assert_eq!(run(BACKEND, &["migrate"], &environment).await.code, Some(0));
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named() {
    let server = backend(&[("DATABASE_URL", "sqlite:///nowhere/app.db")]).await;
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["dependencies"],
        json!({"database": "disconnected"})
    );
    assert_eq!(server.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_database_is_migrated_at_start_where_asked() {
    let url = database_file("start");
    let server = backend(&[("DATABASE_URL", &url), ("MIGRATE_ON_START", "true")]).await;
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_have_a_port_of_their_own() {
    let server = backend(&[]).await;
    server.get("/api/notes").await;
    assert_eq!(server.get("/metrics").await.status, 404);
    let metrics = server.scrape().await;
    let count = r#"http_requests_total{method="GET",route="/api/notes",status="200"} 1"#;
    assert!(metrics.contains(count), "{metrics}");
    assert!(
        metrics.contains("http_request_duration_seconds_bucket"),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_description_names_every_path_of_the_api() {
    let server = backend(&[]).await;
    let description = server.get("/openapi.json").await.json();
    let methods: Vec<_> = description["paths"]["/api/notes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(methods, ["get", "post"]);
}

#[tokio::test]
async fn requests_are_logged_with_their_id_but_without_their_query() {
    let server = backend(&[]).await;
    let request = hyper::Request::get("/api/notes?token=hunter2")
        .header("x-request-id", "given-by-the-client")
        .body(axum::body::Body::empty())
        .unwrap();
    let reply = server.send(request).await;
    assert_eq!(reply.header("x-request-id"), "given-by-the-client");
    server.get("/livez").await;
    assert_eq!(
        server.get("/version").await.header("x-request-id").len(),
        36
    );
    let logs = server.logs();
    assert!(logs.contains("given-by-the-client"), "{logs}");
    assert!(
        !logs.contains("hunter2") && !logs.contains("/livez"),
        "{logs}"
    );
}

#[tokio::test]
async fn the_health_check_asks_the_server() {
    let server = backend(&[]).await;
    let address = server.address.to_string();
    let check = async || run(BACKEND, &["healthcheck", "--http-address", &address], &[]).await;
    let ended = check().await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stdout.starts_with("200 {") && ended.stdout.lines().count() == 1,
        "{}",
        ended.stdout
    );
    server.kill().await;
    let ended = check().await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stdout, format!("nothing listens on {address}\n"));
}
