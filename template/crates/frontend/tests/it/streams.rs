//! What does not end: WebSockets, endless responses, and bodies that come bit by bit.
use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    frontend,
    upstream::{connect, expect, head, say, upstream},
};

const SOON: Duration = Duration::from_secs(5);

const WEBSOCKET: &str = "GET /api/socket HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Accepts an upgrade, then repeats what it is told.
async fn echo(stream: TcpStream, head: String) {
    assert!(
        head.contains("connection: upgrade") && head.contains("sec-websocket-key"),
        "{head}"
    );
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let mut stream = say(stream, switch).await;
    let (mut read, mut write) = stream.split();
    let _ = tokio::io::copy(&mut read, &mut write).await;
}

/// Begins a response that never ends.
async fn endless(stream: TcpStream, _: String) {
    let mut stream = say(
        stream,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    while stream.write_all(b"5\r\ntick\n\r\n").await.is_ok() {
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_websocket_passes_both_ways() {
    let url = upstream(echo).await;
    let server = frontend(&[("BACKEND_URL", &url), ("REQUEST_TIMEOUT", "300ms")]).await;
    let mut socket = connect(server.address, WEBSOCKET).await;
    let head = head(&mut socket).await;
    assert!(
        head.starts_with("http/1.1 101 ") && head.contains("upgrade: websocket"),
        "{head}"
    );
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    for text in ["hello", "again"] {
        socket.write_all(text.as_bytes()).await.unwrap();
        timeout(SOON, expect(&mut socket, text)).await.unwrap();
        // Longer than a request may take: a tunnel is none.
        sleep(Duration::from_millis(400)).await;
    }
}

/// In this kernel's own words: the second timer is that of keep-alive, which runs for 30 seconds.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_tunnel_is_one_that_the_kernel_keeps_an_eye_on() {
    let url = upstream(echo).await;
    let server = frontend(&[("BACKEND_URL", &url)]).await;
    let mut socket = connect(server.address, WEBSOCKET).await;
    head(&mut socket).await;
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    // Its columns: a number, both addresses, the state, both queues, and the timer with its hundredths of seconds.
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut lines = connections
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let to_the_api = lines
        .find(|columns| columns[2].ends_with(&format!(":{port:04X}")) && columns[3] == "01")
        .expect("it is connected");
    let (timer, left) = to_the_api[5].split_once(':').unwrap();
    let left = u32::from_str_radix(left, 16).unwrap();
    assert!(timer == "02" && left <= 3000, "{to_the_api:?}");
}

#[tokio::test]
async fn a_response_without_end_streams_and_is_spared_by_the_request_timeout() {
    let url = upstream(endless).await;
    let server = frontend(&[("BACKEND_URL", &url), ("REQUEST_TIMEOUT", "300ms")]).await;
    let mut stream = connect(
        server.address,
        "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    for _ in 0..20 {
        timeout(SOON, expect(&mut stream, "tick")).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_body_streams() {
    let url = upstream(|mut stream, _| async move {
        expect(&mut stream, "first").await;
        // The answer begins before the request has ended.
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
        let mut stream = say(stream, answer).await;
        // To the very end: closing with something unread would reset the connection.
        expect(&mut stream, "second\r\n0\r\n\r\n").await;
        say(stream, "3\r\ntwo\r\n0\r\n\r\n").await;
    })
    .await;
    let server = frontend(&[("BACKEND_URL", &url)]).await;
    let head = "POST /api/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = connect(server.address, &format!("{head}5\r\nfirst\r\n")).await;
    timeout(SOON, expect(&mut stream, "one")).await.unwrap();
    stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    timeout(SOON, expect(&mut stream, "two")).await.unwrap();
}

#[tokio::test]
async fn a_stopping_server_cuts_streams_and_tunnels_when_time_is_up() {
    let url = upstream(|stream, head| async {
        if head.contains("upgrade") {
            echo(stream, head).await;
        } else {
            endless(stream, head).await;
        }
    })
    .await;
    let mut server = frontend(&[
        ("BACKEND_URL", &url),
        ("DRAIN_DELAY", "0s"),
        ("SHUTDOWN_TIMEOUT", "700ms"),
    ])
    .await;
    let mut stream = connect(
        server.address,
        "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    let mut socket = connect(server.address, WEBSOCKET).await;
    expect(&mut stream, "tick").await;
    head(&mut socket).await;
    server.signal("TERM").await;
    sleep(Duration::from_millis(400)).await;
    // Both live on for as long as they may.
    expect(&mut stream, "tick").await;
    socket.write_all(b"late").await.unwrap();
    expect(&mut socket, "late").await;
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(socket.read(&mut [0; 8]).await.unwrap_or(0), 0);
}
