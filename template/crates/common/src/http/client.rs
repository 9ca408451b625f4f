//! The smallest possible client, for a program that asks itself whether it is ready.
use std::{io, net::SocketAddr, time::Duration};

use axum::body::{Body, Bytes, to_bytes};
use hyper::{Request, StatusCode, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

#[derive(Debug, thiserror::Error)]
pub enum GetError {
    #[error("nothing listens on {0}")]
    NothingListens(SocketAddr),
    #[error("no answer from {0} within {1:?}")]
    TooSlow(SocketAddr, Duration),
    #[error("no answer from {0}: {1}")]
    Failed(SocketAddr, Box<dyn std::error::Error + Send + Sync>),
}

/// The status and the body of `path`, or why there is none within `limit`.
pub async fn get(
    address: SocketAddr,
    path: &str,
    limit: Duration,
) -> Result<(StatusCode, String), GetError> {
    let answer = async {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::ConnectionRefused => GetError::NothingListens(address),
                _ => GetError::Failed(address, error.into()),
            })?;
        exchange(stream, path)
            .await
            .map_err(|error| GetError::Failed(address, error))
    };
    timeout(limit, answer)
        .await
        .unwrap_or(Err(GetError::TooSlow(address, limit)))
}

async fn exchange(
    stream: TcpStream,
    path: &str,
) -> Result<(StatusCode, String), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, "localhost")
        .body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body: Bytes = to_bytes(Body::new(response.into_body()), 64 * 1024).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
