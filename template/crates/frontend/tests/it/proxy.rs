//! The way to the API: requests arrive whole and with who asks, and failures say which side failed.
use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::sleep,
};

use crate::{
    frontend,
    upstream::{connect, head, nowhere, say, upstream},
};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn requests_reach_the_api_and_tell_who_asks() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let url = upstream(move |stream, head| {
        let heads = heads.clone();
        async move {
            heads.send(head).unwrap();
            say(stream, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nhi").await;
        }
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url)]).await;
    let request = hyper::Request::get("/api/notes?after=7")
        .header("host", "example.org")
        .header("connection", "x-private")
        .header("x-private", "1");
    let reply = server
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, "hi"));
    assert_eq!(
        (reply.header("x-mine"), reply.header("keep-alive")),
        ("1", "")
    );

    let head = seen.recv().await.unwrap();
    assert!(
        head.starts_with("get /api/notes?after=7 http/1.1\r\n"),
        "{head}"
    );
    let host = url.trim_start_matches("http://");
    for line in [
        &format!("host: {host}"),
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: http",
        "x-forwarded-host: example.org",
        &format!("x-request-id: {}", reply.header("x-request-id")),
    ] {
        assert!(
            head.contains(&format!("\r\n{line}\r\n")),
            "{line} is missing in {head}"
        );
    }
    assert!(!head.contains("x-private"), "{head}");
    assert_eq!(server.get("/openapi.json").await.body, "hi");
}

#[tokio::test]
async fn an_api_that_is_away_is_a_bad_gateway() {
    let begun = Instant::now();
    let server = frontend(&[("BACKEND_URL", &nowhere().await)]).await;
    let reply = server.get("/api/notes").await;
    assert_eq!(reply.status, 502);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(server.get("/readyz").await.status, 200);
    while !server.logs().contains("onnection refused") {
        assert!(begun.elapsed() < SOON, "{}", server.logs());
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_whole_is_the_client_s_fault() {
    let url = upstream(|mut stream, _| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url)]).await;
    for rest in [
        "Transfer-Encoding: chunked\r\n\r\nno length\r\n",
        "Content-Length: 10\r\n\r\nshort",
    ] {
        let request = format!("POST /api/notes HTTP/1.1\r\nHost: x\r\n{rest}");
        let mut stream = connect(server.address, &request).await;
        stream.shutdown().await.unwrap();
        let head = head(&mut stream).await;
        assert!(head.starts_with("http/1.1 400 "), "{head}");
    }
    assert!(
        !server.logs().contains("does not answer"),
        "{}",
        server.logs()
    );
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_a_gateway_timeout() {
    let url = upstream(|stream, _| async move {
        sleep(SOON).await;
        drop(stream);
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url), ("REQUEST_TIMEOUT", "300ms")]).await;
    let reply = server.get("/api/notes").await;
    assert_eq!(reply.status, 504);
    assert_eq!(reply.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_is_in_the_log_and_in_the_metrics() {
    let begun = Instant::now();
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let url = upstream(move |stream, _| {
        asked.send(()).unwrap();
        async move {
            sleep(2 * SOON).await;
            drop(stream);
        }
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url)]).await;
    let request = "GET /api/notes HTTP/1.1\r\nHost: x\r\n\r\n";
    let stream = connect(server.address, request).await;
    was_asked.recv().await.unwrap();
    drop(stream);

    let labels = r#"{method="GET",route="/api/{*path}",status="499"}"#;
    loop {
        let (logs, metrics) = (server.logs(), server.scrape().await);
        let logged = logs.contains("the client went away") && logs.contains("/api/notes");
        if logged && metrics.contains(&format!("http_requests_total{labels} 1")) {
            break;
        }
        assert!(begun.elapsed() < SOON, "{logs}\n{metrics}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_also_when_its_size_is_not_told() {
    let url = upstream(|mut stream, _| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url), ("BODY_LIMIT", "10")]).await;
    assert_eq!(server.post("/api/notes", "x".repeat(11)).await.status, 413);
    let request = "POST /api/notes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{request}14\r\n{}\r\n0\r\n\r\n", "x".repeat(20));
    let mut stream = connect(server.address, &chunk).await;
    let head = head(&mut stream).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
}
