//! What a client may cost: slow headers, large bodies, slow requests.
use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::backend;

#[tokio::test]
async fn a_connection_that_sends_no_headers_is_closed() {
    let server = backend(&[("HEADER_TIMEOUT", "300ms")]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: loc")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let elapsed = started.elapsed();
    assert!(
        elapsed > Duration::from_millis(250) && elapsed < Duration::from_secs(5),
        "{elapsed:?}"
    );
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = backend(&[("BODY_LIMIT", "100")]).await;
    let body = format!(r#"{{"text": "{}"}}"#, "a".repeat(100));
    let reply = server.post("/api/notes", body.clone()).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(
        server
            .post("/api/notes", r#"{"text": "short"}"#)
            .await
            .status,
        201
    );
    // Also when the client does not say how long it will be.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /api/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let chunk = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    stream.write_all(chunk.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends() {
    let server = backend(&[("REQUEST_TIMEOUT", "300ms")]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /api/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 20\r\nConnection: close\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}
