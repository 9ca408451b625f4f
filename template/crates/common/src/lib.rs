//! What every program of this workspace shares: for now, a server that says it is alive.
use std::{env, net::SocketAddr, process::ExitCode};

use axum::{Json, Router, routing::get};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
};

/// Runs the program named `name`, which listens on `address` unless HTTP_ADDRESS says otherwise.
pub fn run(name: &'static str, version: &'static str, address: &str) -> ExitCode {
    let revision = env::var("APP_REVISION").unwrap_or_else(|_| "unknown".into());
    let address: SocketAddr = env::var("HTTP_ADDRESS")
        .unwrap_or_else(|_| address.into())
        .parse()
        .expect("HTTP_ADDRESS must be an address such as 0.0.0.0:8080");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    match env::args().nth(1).as_deref() {
        Some("--version") => println!("{name} {version} ({revision})"),
        Some("healthcheck") => return runtime.block_on(healthcheck(address.port())),
        Some("migrate" | "config") => {}
        _ => runtime.block_on(serve(name, version, revision, address)),
    }
    ExitCode::SUCCESS
}

async fn serve(name: &'static str, version: &'static str, revision: String, address: SocketAddr) {
    let about = serde_json::json!({"name": name, "version": version, "revision": revision});
    let router = Router::new()
        .route(
            "/livez",
            get(|| async { Json(serde_json::json!({"status": "ok"})) }),
        )
        .route(
            "/readyz",
            get(|| async { Json(serde_json::json!({"status": "ready"})) }),
        )
        .route(
            "/health",
            get(|| async { Json(serde_json::json!({"status": "healthy"})) }),
        )
        .route("/version", get(|| async { Json(about) }));
    let listener = TcpListener::bind(address)
        .await
        .expect("the address is free");
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be caught");
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted.expect("connections can be accepted"),
            _ = terminate.recv() => return,
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn healthcheck(port: u16) -> ExitCode {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        println!("nothing listens on 127.0.0.1:{port}");
        return ExitCode::FAILURE;
    };
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).await;
    let read = stream.read_to_string(&mut answer).await;
    println!("{answer}");
    ExitCode::from(u8::from(
        sent.is_err() || read.is_err() || !answer.starts_with("HTTP/1.1 200"),
    ))
}
