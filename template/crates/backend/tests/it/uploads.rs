//! Uploaded files: kept, given back as they were, and refused with reasons.
use axum::body::Body;
use hyper::Request;

use crate::backend;
use common::testing::{Reply, Server};

const PIXELS: &str = "not really a picture";

async fn upload(server: &Server, kind: &str) -> Reply {
    let request = Request::post("/api/uploads")
        .header("content-type", kind)
        .body(Body::from(PIXELS))
        .unwrap();
    server.send(request).await
}

fn folder(name: &str) -> String {
    format!(
        "{}/{name}-{}",
        env!("CARGO_TARGET_TMPDIR"),
        uuid::Uuid::now_v7()
    )
}

#[tokio::test]
async fn what_is_uploaded_is_given_back() {
    let folder = folder("uploads");
    let server = backend(&[("UPLOADS_DIR", &folder)]).await;
    let made = upload(&server, "image/png").await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.json()["path"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), path);
    let again = server.get(&path).await;
    assert_eq!(again.body, PIXELS);
    assert_eq!(again.header("content-type"), "image/png");
    assert_eq!(again.header("x-content-type-options"), "nosniff");
    // Nothing half-written stays beside it.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let folder = folder("refused");
    let server = backend(&[("UPLOADS_DIR", &folder)]).await;
    let script = upload(&server, "text/html").await;
    assert_eq!(script.status, 415);
    assert!(script.body.contains("image/png"), "{}", script.body);
    let id = uuid::Uuid::now_v7();
    for path in [
        "/api/uploads/..%2f..%2fetc%2fpasswd",
        "/api/uploads/none.png",
        &format!("/api/uploads/{id}.png"),
        &format!("/api/uploads/{id}.%00png"),
        &format!("/api/uploads/{id}.{}", "a".repeat(300)),
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let without = backend(&[]).await;
    let refused = upload(&without, "image/png").await;
    assert_eq!(refused.status, 404);
    assert!(refused.body.contains("UPLOADS_DIR"), "{}", refused.body);
}
