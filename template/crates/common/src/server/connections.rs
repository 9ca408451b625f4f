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
    net::{TcpListener, TcpStream},
    sync::{
        mpsc::{Sender, channel},
        watch,
    },
    time::{sleep, timeout},
};

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
    stop: impl Future<Output = ()>,
    shutdown_timeout: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout);
    let (last_request, ending) = watch::channel(());
    let (alive, mut all_gone) = channel(1);
    let open = |stream, peer| {
        let connection = Connection {
            peer,
            alive: alive.clone(),
        };
        spawn(&http, ending.clone(), app.clone(), stream, connection);
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
    stream: TcpStream,
    connection: Connection,
) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        app.call(request)
    });
    let served = http
        .serve_connection(TokioIo::new(stream), service)
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
