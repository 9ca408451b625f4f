//! Makes each request visible: an id, a line in the log, and metrics.
use std::{mem, time::Instant};

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
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::server::{Draining, PROBES};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_SECONDS: &str = "http_request_duration_seconds";
/// Not a status that is sent, but the one by which proxies count those to whom none could be.
const CLIENT_GONE: u16 = 499;

pub(super) async fn observe(
    State(draining): State<Draining>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut record = Record::begin(&request, &id);

    let mut response = next.run(request).instrument(record.span.clone()).await;

    record.status = Some(response.status());
    drop(record);
    response.headers_mut().insert(REQUEST_ID, id);
    if draining.is_on() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // Sends clients elsewhere now, so that none is surprised when the connection ends.
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What is told of a request when this is dropped: with its answer, or without one, because when a client goes away,
/// its connection drops whatever still works for it.
struct Record {
    started: Instant,
    span: Span,
    method: Method,
    path: String,
    route: String,
    status: Option<StatusCode>,
}

impl Record {
    fn begin(request: &Request, id: &HeaderValue) -> Self {
        // The path without its query, which may hold what is nobody's business.
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let id = id.to_str().unwrap_or_default();
        let route = request.extensions().get::<MatchedPath>();
        Self {
            started: Instant::now(),
            span: tracing::info_span!("request", request_id = id, %method, path),
            method,
            path,
            route: route.map_or("none", MatchedPath::as_str).to_owned(),
            status: None,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let (status, message) = match self.status {
            Some(status) => (status.as_u16(), "answered"),
            None => (
                CLIENT_GONE,
                "the client went away, or was cut off, before the answer",
            ),
        };
        self.span.in_scope(|| {
            if PROBES.contains(&self.path.as_str()) {
                tracing::debug!(status, milliseconds, "{message}");
            } else {
                tracing::info!(status, milliseconds, "{message}");
            }
        });
        let labels = [
            ("method", known(&self.method)),
            ("route", mem::take(&mut self.route)),
            ("status", status.to_string()),
        ];
        counter!("http_requests_total", &labels).increment(1);
        histogram!(REQUEST_SECONDS, &labels[..2]).record(elapsed);
    }
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
