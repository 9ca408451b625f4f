//! An API that does what a test needs, byte by byte, so that nothing between it and the proxy is helpful.
use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Serves every connection on which a request comes with `answer`, which gets its head.
pub async fn upstream<F>(answer: impl Fn(TcpStream, String) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Who asks may be gone before it has said what it wants.
            if let Some(head) = a_head(&mut stream).await {
                tokio::spawn(answer(stream, head));
            }
        }
    });
    url
}

pub async fn say(mut stream: TcpStream, text: &str) -> TcpStream {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// An address on which nothing listens.
pub async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub async fn connect(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Everything up to the empty line, in lower case.
pub async fn head(stream: &mut TcpStream) -> String {
    a_head(stream).await.expect("there is a head")
}

/// The same, or nothing when the other side ends before it.
async fn a_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head is text");
    Some(head.to_lowercase())
}

/// Reads until `text` has come.
pub async fn expect(stream: &mut TcpStream, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        let byte = stream
            .read_u8()
            .await
            .unwrap_or_else(|_| panic!("{text:?} did not come: {seen}"));
        seen.push(byte.into());
    }
}
