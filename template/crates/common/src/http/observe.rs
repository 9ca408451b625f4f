//! Makes each request visible: an id, a line in the log, and metrics.
use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use hyper::{
    Method, StatusCode,
    header::{CONNECTION, HeaderName, HeaderValue},
};
use metrics::{counter, histogram};
use tracing::Instrument;
use uuid::Uuid;

use crate::server::{Draining, PROBES};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_SECONDS: &str = "http_request_duration_seconds";

pub(super) async fn observe(
    State(draining): State<Draining>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // The path without its query, which may hold what is nobody's business.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span =
        tracing::info_span!("request", request_id = id.to_str().unwrap_or_default(), %method, path);

    let mut response = next.run(request).instrument(span.clone()).await;

    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    span.in_scope(|| {
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if PROBES.contains(&path.as_str()) {
            tracing::debug!(status, milliseconds, "answered");
        } else {
            tracing::info!(status, milliseconds, "answered");
        }
    });
    let labels = [
        ("method", known(&method)),
        (
            "route",
            route.map_or("none".to_owned(), |route| route.as_str().to_owned()),
        ),
        ("status", status.to_string()),
    ];
    counter!("http_requests_total", &labels).increment(1);
    histogram!(REQUEST_SECONDS, &labels[..2]).record(elapsed);
    response.headers_mut().insert(REQUEST_ID, id);
    if draining.is_on() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // Sends clients elsewhere now, so that none is surprised when the connection ends.
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The id the request came with, so that one id follows it through all programs, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID).filter(|id| {
        let length = id.len();
        (1..=64).contains(&length)
            && id
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    });
    given.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("an id is plain ASCII")
    })
}

/// Clients can invent methods; metrics must not grow with their fantasy.
fn known(method: &Method) -> String {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.to_string(),
        _ => "other".to_owned(),
    }
}
