//! Accepts connections, serves them, and ends without losing a request that has been sent.
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    sync::{
        mpsc::{Sender, channel},
        watch,
    },
    time::{sleep, timeout},
};

use super::client::Client;

/// How long accepted connections may take to deliver a request that is already on its way.
const LAST_CALL: Duration = Duration::from_millis(100);

/// A request's extension: the connection it came over.
#[derive(Clone)]
pub struct Connection {
    pub peer: SocketAddr,
    /// Whoever keeps a clone is waited for when the server stops, within `SHUTDOWN_TIMEOUT`.
    pub alive: Sender<Infallible>,
}

pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    header_timeout: Duration,
    write_timeout: Duration,
    stop: impl Future<Output = ()>,
    shutdown_timeout: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout);
    let (last_request, ending) = watch::channel(());
    let (alive, mut all_gone) = channel(1);
    let open = |stream, peer| {
        let client = Client::new(stream, write_timeout);
        let connection = Connection {
            peer,
            alive: alive.clone(),
        };
        spawn(&http, ending.clone(), app.clone(), client, connection);
    };

    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => open(stream, peer),
                Err(error) => pause_after(&error).await,
            },
            () = &mut stop => break,
        }
    }
    // Closing the listener resets what waits in its queue, so take those in first.
    while let Ok(Ok((stream, peer))) = timeout(Duration::ZERO, listener.accept()).await {
        open(stream, peer);
    }
    drop(listener);
    sleep(LAST_CALL).await;
    drop((last_request, alive));
    if timeout(shutdown_timeout, all_gone.recv()).await.is_err() {
        tracing::warn!("some requests or streams did not end in time and are cut");
    }
}

fn spawn(
    http: &http1::Builder,
    mut ending: watch::Receiver<()>,
    app: Router,
    client: Client,
    connection: Connection,
) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        app.call(request)
    });
    let served = http
        .serve_connection(TokioIo::new(client), service)
        .with_upgrades();
    tokio::spawn(async move {
        let mut served = pin!(served);
        let result = tokio::select! {
            result = served.as_mut() => result,
            _ = ending.changed() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection failed");
        }
    });
}

/// Out of file descriptors, say: accepting again at once would only spin.
pub(super) async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    sleep(Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests {
    use std::{future::pending, io, time::Instant};

    use axum::{body::Bytes, extract::Request, routing::get};
    use hyper::{
        StatusCode,
        header::UPGRADE,
        upgrade::{self, OnUpgrade},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::mpsc::{UnboundedSender, unbounded_channel},
    };

    use super::*;

    const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
    const SOON: Duration = Duration::from_secs(20);
    /// More than the kernel keeps for both ends of a connection.
    const LARGE: usize = 32 << 20;

    /// A body that tells when it is let go of.
    struct Kept(Vec<u8>, UnboundedSender<()>);

    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = self.1.send(());
        }
    }

    /// Serves `routes`, and asks them for `/`.
    async fn ask(routes: Router, more: &str) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = serve(listener, routes, SOON, WRITE_TIMEOUT, pending(), SOON);
        tokio::spawn(served);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_cut_off() {
        let (let_go, mut gone) = unbounded_channel();
        let large = get(async move || Bytes::from_owner(Kept(vec![b'x'; LARGE], let_go)));
        let mut stream = ask(Router::new().route("/", large), "").await;
        timeout(SOON, gone.recv()).await.expect("the body is kept");
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).await;
        assert!(end.is_err() && answer.len() < LARGE, "{end:?}");
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_everything() {
        let large = get(async || vec![b'x'; LARGE]);
        let close = "Connection: close\r\n";
        let mut stream = ask(Router::new().route("/", large), close).await;
        let (begun, mut part, mut length) = (Instant::now(), vec![0; 64 << 10], 0);
        loop {
            match stream.read(&mut part).await.expect("it is not cut off") {
                0 => break,
                read => length += read,
            }
            if begun.elapsed() < 4 * WRITE_TIMEOUT {
                sleep(WRITE_TIMEOUT / 10).await;
            }
        }
        assert!(length > LARGE, "{length}");
    }

    /// A tunnel that is silent for long, and then says more than the client wants to hear.
    async fn silent_then_loud(tunnel: OnUpgrade) -> io::Result<()> {
        let mut tunnel = TokioIo::new(tunnel.await.expect("it is one"));
        sleep(2 * WRITE_TIMEOUT).await;
        tunnel.write_all(b"hello").await?;
        tunnel.write_all(&vec![b'x'; LARGE]).await
    }

    #[tokio::test]
    async fn a_tunnel_may_be_silent_but_not_unread() {
        let (end, mut ended) = unbounded_channel();
        let tunnel = get(async move |mut request: Request| {
            let tunnel = upgrade::on(&mut request);
            tokio::spawn(async move { end.send(silent_then_loud(tunnel).await) });
            (StatusCode::SWITCHING_PROTOCOLS, [(UPGRADE, "test")])
        });
        let upgrade = "Connection: upgrade\r\nUpgrade: test\r\n";
        let mut stream = ask(Router::new().route("/", tunnel), upgrade).await;
        let mut seen = String::new();
        while !seen.ends_with("hello") {
            seen.push(stream.read_u8().await.expect("it is not cut off").into());
        }
        let end = timeout(SOON, ended.recv()).await.expect("it is cut off");
        assert_eq!(end.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
