//! A server: its settings, its addresses, and its life from the first connection to the last.
mod client;
mod connections;
mod metrics;
mod operations;
mod shutdown;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::StatusCode;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::sleep,
};

use client::WRITE_TIMEOUT;
pub use connections::Connection;
pub(crate) use operations::PROBES;
use shutdown::Signals;
pub use shutdown::{Draining, Stop};

use crate::{
    about::About,
    config::{Definition, Setting, Values},
    health::Health,
    http::{self, Limits},
};

pub const HTTP_ADDRESS: Setting<SocketAddr> =
    Setting::new("HTTP_ADDRESS", "0.0.0.0:8080", "Where requests are served");
pub const METRICS_ADDRESS: Setting<SocketAddr> = Setting::new(
    "METRICS_ADDRESS",
    "0.0.0.0:9090",
    "Where /metrics is served, apart from requests",
);
const DRAIN_DELAY: Setting<Duration> = Setting::new(
    "DRAIN_DELAY",
    "5s",
    "After SIGTERM, how long to keep serving while /readyz answers 503",
);
const SHUTDOWN_TIMEOUT: Setting<Duration> = Setting::new(
    "SHUTDOWN_TIMEOUT",
    "20s",
    "After that, how long requests in flight and open streams may take to end",
);
const REQUEST_TIMEOUT: Setting<Duration> = Setting::new(
    "REQUEST_TIMEOUT",
    "30s",
    "How long a request may take until its response begins; the response may then stream for ever",
);
const HEADER_TIMEOUT: Setting<Duration> = Setting::new(
    "HEADER_TIMEOUT",
    "10s",
    "How long a connection may take until it has sent a request's headers; an idle one is closed then",
);
const BODY_LIMIT: Setting<usize> =
    Setting::new("BODY_LIMIT", "1048576", "The largest request body in bytes");

/// What every server can be told, beside its two addresses, whose defaults differ.
pub const SETTINGS: &[Definition] = &[
    DRAIN_DELAY.definition,
    SHUTDOWN_TIMEOUT.definition,
    REQUEST_TIMEOUT.definition,
    HEADER_TIMEOUT.definition,
    BODY_LIMIT.definition,
];

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({name}): {reason}")]
pub struct ListenError {
    name: &'static str,
    address: SocketAddr,
    reason: io::Error,
}

/// Serves `routes` and the operations' endpoints until a signal ends it.
///
/// `too_slow` is the status of a request that exceeds `REQUEST_TIMEOUT`.
pub async fn serve(
    about: About,
    values: &Values,
    health: Health,
    routes: Router,
    too_slow: StatusCode,
) -> Result<(), ListenError> {
    let (signals, draining) = (Signals::catch(), Draining::default());
    let limits = Limits {
        request_timeout: values.get(&REQUEST_TIMEOUT),
        body_limit: values.get(&BODY_LIMIT),
        too_slow,
    };
    let listener = listen(&HTTP_ADDRESS, values)?;
    let metrics_listener = listen(&METRICS_ADDRESS, values)?;
    tracing::info!(
        name = about.name,
        version = about.version,
        revision = about.revision,
        address = %address_of(&listener),
        metrics = %address_of(&metrics_listener),
        "listening"
    );
    let operations = operations::routes(about, Arc::new(health), draining.clone());
    let app = http::layers(routes.merge(operations.clone()), limits, draining.clone());
    tokio::spawn(metrics::serve(
        metrics_listener,
        metrics::install(),
        operations,
    ));
    connections::serve(
        listener,
        app,
        values.get(&HEADER_TIMEOUT),
        WRITE_TIMEOUT,
        signals.end(draining, values.get(&DRAIN_DELAY)),
        values.get(&SHUTDOWN_TIMEOUT),
    )
    .await;
    tracing::info!("stopped");
    Ok(())
}

/// Serves the operations' endpoints alone, at METRICS_ADDRESS, until `work` has ended, which `stop` tells it to do.
pub async fn serve_operations(
    about: About,
    values: &Values,
    health: Health,
    stop: Stop,
    work: impl Future<Output = ()>,
) -> Result<(), ListenError> {
    let draining = Draining::default();
    let listener = listen(&METRICS_ADDRESS, values)?;
    tracing::info!(
        name = about.name,
        version = about.version,
        revision = about.revision,
        address = %address_of(&listener),
        metrics = %address_of(&listener),
        "listening"
    );
    let operations = operations::routes(about, Arc::new(health), draining.clone());
    tokio::spawn(metrics::serve(listener, metrics::install(), operations));
    let mut told = stop.clone();
    tokio::spawn(async move {
        told.requested().await;
        draining.start();
    });
    within_shutdown(values, stop, work).await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for `work`, but after `stop` no longer than SHUTDOWN_TIMEOUT.
pub async fn within_shutdown(values: &Values, mut stop: Stop, work: impl Future<Output = ()>) {
    let limit = values.get(&SHUTDOWN_TIMEOUT);
    tokio::select! {
        () = work => {}
        () = async { stop.requested().await; sleep(limit).await } => {
            tracing::warn!(?limit, "some work did not end in time and is cut");
        }
    }
}

fn listen(setting: &Setting<SocketAddr>, values: &Values) -> Result<TcpListener, ListenError> {
    let (name, address) = (setting.definition.name, values.get(setting));
    bind(address).map_err(|reason| ListenError {
        name,
        address,
        reason,
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    // Each connection inherits it: the kernel asks a client that was silent for two hours whether it is still there.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

fn address_of(listener: &TcpListener) -> String {
    listener
        .local_addr()
        .map_or_else(|error| error.to_string(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn the_kernel_looks_after_clients_that_are_silent() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (_client, accepted) = tokio::try_join!(client, listener.accept()).unwrap();
        let socket = TcpSocket::from_std_stream(accepted.0.into_std().unwrap());
        assert!(socket.keepalive().unwrap());
    }
}
