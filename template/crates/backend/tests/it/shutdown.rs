//! The end of a server: no request that was sent is lost, and the exit code says that all went well.
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Body;
use common::testing::{Reply, send};
use hyper::{
    Request, StatusCode,
    header::{CONNECTION, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::backend;

/// Sends requests until it is told to stop, as a load balancer would: a connection is used until the server closes it.
async fn client(address: SocketAddr, stop: Arc<AtomicBool>, answered: Arc<AtomicU32>) -> u32 {
    let mut failed = 0;
    while !stop.load(Ordering::Relaxed) {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server accepts");
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        while !stop.load(Ordering::Relaxed) {
            let body = Body::from(r#"{"text": "load"}"#);
            let request = Request::post("/api/notes").header(HOST, "localhost");
            let request = request
                .header("content-type", "application/json")
                .body(body)
                .unwrap();
            let Ok(response) = sender.send_request(request).await else {
                failed += 1;
                break;
            };
            let closes = response.headers().contains_key(CONNECTION);
            let reply = Reply::read(response).await;
            if reply.status == StatusCode::CREATED {
                answered.fetch_add(1, Ordering::Relaxed);
            } else {
                failed += 1;
            }
            if closes {
                break;
            }
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_no_request() {
    let mut server = backend(&[("DRAIN_DELAY", "1500ms")]).await;
    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let clients: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn(client(
                server.address,
                Arc::clone(&stop),
                Arc::clone(&answered),
            ))
        })
        .collect();
    sleep(Duration::from_millis(500)).await;
    server.signal("TERM").await;
    sleep(Duration::from_millis(200)).await;

    // The server tells that it is to be left, and goes on serving meanwhile.
    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.json()["status"]),
        (503, &"draining".into())
    );
    let before = answered.load(Ordering::Relaxed);
    sleep(Duration::from_millis(300)).await;
    assert!(
        answered.load(Ordering::Relaxed) > before,
        "it no longer serves"
    );
    stop.store(true, Ordering::Relaxed);

    let mut failed = 0;
    for client in clients {
        failed += client.await.expect("no client panics");
    }
    let answered = answered.load(Ordering::Relaxed);
    assert_eq!(
        failed,
        0,
        "{failed} of {} requests failed",
        answered + failed
    );
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let mut server = backend(&[("DRAIN_DELAY", "0s")]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /api/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 16\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    server.signal("TERM").await;
    sleep(Duration::from_millis(500)).await;
    let refused = send(
        server.address,
        Request::get("/livez").body(Body::empty()).unwrap(),
    )
    .await;
    assert!(refused.is_err(), "it still accepts connections");

    stream.write_all(br#"{"text": "late"}"#).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut() {
    let mut server = backend(&[("DRAIN_DELAY", "0s"), ("SHUTDOWN_TIMEOUT", "300ms")]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"POST /api/notes HTTP/1.1\r\nHost: localhost\r\n")
        .await
        .unwrap();
    stream
        .write_all(b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    server.signal("TERM").await;
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_server() {
    let mut server = backend(&[("DRAIN_DELAY", "0s")]).await;
    let _idle = TcpStream::connect(server.address).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    server.signal("TERM").await;
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn sigint_does_not_wait_for_others() {
    let mut server = backend(&[("DRAIN_DELAY", "60s")]).await;
    server.signal("INT").await;
    assert_eq!(server.ended().await.code(), Some(0));
}
