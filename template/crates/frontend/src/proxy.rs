//! Passes requests on to the API: bodies stream both ways, upgrades (WebSocket) become tunnels.
mod headers;

use std::{error::Error, iter::successors, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use common::{config::Parse, http::Problem, server::Connection};
use http_body_util::LengthLimitError;
use hyper::{
    StatusCode, Uri, Version,
    http::uri::{Authority, PathAndQuery, Scheme},
    upgrade::OnUpgrade,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::io::copy_bidirectional;

/// Shorter than the time after which the API closes an idle connection, so that none is used while it is closed.
const IDLE: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// An API whose machine is gone says no goodbye: after so long a silence the kernel asks whether it is there, and when
/// it gets no answer in as long again, streams and tunnels end.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_RETRIES: u32 = 3;

pub struct BackendUrl(Authority);

#[derive(Clone)]
pub struct Backend {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

pub fn routes(backend: Backend) -> Router {
    Router::new()
        .route("/api", any(forward))
        .route("/api/{*path}", any(forward))
        .route("/openapi.json", any(forward))
        .with_state(backend)
}

impl Backend {
    pub fn at(BackendUrl(authority): BackendUrl) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE / KEEPALIVE_RETRIES));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client, authority }
    }

    fn uri(&self, path_and_query: Option<&PathAndQuery>) -> Uri {
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path_and_query.map_or("/", PathAndQuery::as_str))
            .build()
            .expect("a URI of valid parts is valid")
    }
}

async fn forward(
    State(backend): State<Backend>,
    Extension(connection): Extension<Connection>,
    mut request: Request,
) -> Response {
    let upgrade = headers::upgrade(request.headers());
    let client_side = hyper::upgrade::on(&mut request);
    headers::for_backend(
        request.headers_mut(),
        connection.peer.ip(),
        upgrade.as_ref(),
    );
    *request.uri_mut() = backend.uri(request.uri().path_and_query());
    *request.version_mut() = Version::HTTP_11;

    let mut response = match backend.client.request(request).await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if upgraded {
        let backend_side = hyper::upgrade::on(&mut response);
        tokio::spawn(tunnel(client_side, backend_side, connection));
    }
    headers::for_client(
        response.headers_mut(),
        upgrade.filter(|_| upgraded).as_ref(),
    );
    response.map(Body::new)
}

/// Carries bytes both ways until one side ends. The connection is kept, so that a stopping server waits for it.
async fn tunnel(client: OnUpgrade, backend: OnUpgrade, _connection: Connection) {
    let carried = async {
        let (client, backend) = tokio::try_join!(client, backend)?;
        copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(backend)).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    if let Err(error) = carried.await {
        tracing::debug!(error, "a tunnel failed");
    }
}

fn failed(error: &hyper_util::client::legacy::Error) -> Response {
    let first: &dyn Error = error;
    let causes: Vec<_> = successors(Some(first), |error| (*error).source()).collect();
    let problem = if causes.iter().any(|cause| cause.is::<LengthLimitError>()) {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
    } else if causes.iter().any(|cause| is_the_client_s(*cause)) {
        Problem::new(StatusCode::BAD_REQUEST).detail("The request's body is incomplete or invalid.")
    } else {
        let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        tracing::warn!(error = texts.join(": "), "the API does not answer");
        Problem::new(StatusCode::BAD_GATEWAY).detail("The API does not answer.")
    };
    problem.into_response()
}

/// Whether it was the request's body that failed, on its way here.
fn is_the_client_s(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_user)
}

impl Parse for BackendUrl {
    const ALLOWED: &'static str = "a URL of the form http://host:port";

    fn parse(text: &str) -> Option<Self> {
        let parts = text.parse::<Uri>().ok()?.into_parts();
        let no_path = parts.path_and_query.is_none_or(|path| path == "/");
        (parts.scheme == Some(Scheme::HTTP) && no_path).then_some(Self(parts.authority?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_is_a_host_and_a_port() {
        assert!(BackendUrl::parse("http://backend:8080").is_some());
        assert!(BackendUrl::parse("http://backend/").is_some());
        for wrong in ["backend:8080", "https://backend", "http://backend/api", ""] {
            assert!(BackendUrl::parse(wrong).is_none(), "{wrong} is accepted");
        }
    }
}
