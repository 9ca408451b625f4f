//! Notes: stored, listed, cached, and refused with reasons.
use serde_json::json;

use crate::{BACKEND, backend, database_file};
use common::testing::{Reply, run};

fn assert_problem(reply: &Reply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["status"], status);
    assert!(reply.json()["title"].is_string());
}

#[tokio::test]
async fn what_is_posted_is_listed_newest_first() {
    let server = backend(&[]).await;
    for text in ["first", " second "] {
        let reply = server
            .post("/api/notes", json!({"text": text}).to_string())
            .await;
        assert_eq!(reply.status, 201);
        assert_eq!(reply.json()["text"], text.trim());
    }
    let list = server.get("/api/notes").await.json();
    let texts: Vec<_> = list["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| &note["text"])
        .collect();
    assert_eq!(texts, ["second", "first"]);
    assert!(
        list["notes"][0]["created_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
}

#[tokio::test]
async fn the_list_is_cached_until_a_note_is_added() {
    let server = backend(&[]).await;
    let cached = async || server.get("/api/notes").await.header("x-cache").to_owned();
    assert_eq!(cached().await, "miss");
    assert_eq!(cached().await, "hit");
    server.post("/api/notes", r#"{"text": "new"}"#).await;
    assert_eq!(cached().await, "miss");
}

#[tokio::test]
async fn what_is_wrong_with_a_field_is_said() {
    let server = backend(&[]).await;
    for (body, message) in [
        (json!({"text": "  "}), "must not be empty"),
        (json!({}), "must not be empty"),
        (
            json!({"text": "a\0b"}),
            "must not contain the character NUL",
        ),
        (
            json!({"text": "a".repeat(1001)}),
            "must have at most 1000 characters, not 1001",
        ),
    ] {
        let reply = server.post("/api/notes", body.to_string()).await;
        assert_problem(&reply, 422);
        assert_eq!(
            reply.json()["errors"],
            json!([{"field": "text", "message": message}])
        );
    }
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let server = backend(&[]).await;
    assert_problem(&server.post("/api/notes", "{").await, 400);
    assert_problem(&server.get("/nowhere").await, 404);
    let delete = hyper::Request::delete("/api/notes")
        .body(axum::body::Body::empty())
        .unwrap();
    let reply = server.send(delete).await;
    assert_problem(&reply, 405);
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
    let text = hyper::Request::post("/api/notes")
        .body("{}".into())
        .unwrap();
    assert_problem(&server.send(text).await, 415);
}

#[tokio::test]
async fn a_database_that_fails_is_our_error_and_stays_our_secret() {
    let server = backend(&[("DATABASE_URL", &database_file("unmigrated"))]).await;
    let reply = server.get("/api/notes").await;
    assert_problem(&reply, 500);
    assert!(!reply.body.contains("notes"), "{}", reply.body);
    assert!(server.logs().contains("no such table"), "{}", server.logs());
}

#[tokio::test]
async fn notes_in_a_file_outlive_the_server() {
    let url = database_file("outlive");
    let environment = [("DATABASE_URL", url.as_str())];
    assert_eq!(run(BACKEND, &["migrate"], &environment).await.code, Some(0));
    let server = backend(&environment).await;
    server.post("/api/notes", r#"{"text": "kept"}"#).await;
    server.kill().await;
    let list = backend(&environment).await.get("/api/notes").await.json();
    assert_eq!(list["notes"][0]["text"], "kept");
}
