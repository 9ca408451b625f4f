//! Errors as RFC 9457 problem details, the one form in which every error leaves a server.
use axum::{
    body::{HttpBody, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// A longer text is no error message but content, and stays as it is.
const LONGEST_MESSAGE: usize = 1024;

#[derive(Debug, Serialize)]
pub struct Problem {
    /// The title says all that the status says: the type is RFC 9457's "about:blank".
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one field of the request.
#[derive(Debug, Serialize)]
pub struct FieldError {
    pub field: &'static str,
    pub message: String,
}

impl Problem {
    pub fn new(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            title,
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// An error that is ours: the cause goes to the log, and nothing of it to the client.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem is plain data");
        (status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
    }
}

/// Gives the bare errors of routers, extractors and layers the same form as our own.
pub(super) async fn instead_of_plain_errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !is_plain_error(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let message = to_bytes(body, LONGEST_MESSAGE).await.unwrap_or_default();
    let mut problem = Problem::new(parts.status);
    if !message.is_empty() {
        problem = problem.detail(String::from_utf8_lossy(&message));
    }
    // What else the response said (an Allow header, say) stays.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    (parts.headers, problem).into_response()
}

fn is_plain_error(response: &Response) -> bool {
    let status = response.status();
    let plain = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let short = response
        .body()
        .size_hint()
        .upper()
        .is_some_and(|size| size <= LONGEST_MESSAGE as u64);
    (status.is_client_error() || status.is_server_error()) && plain && short
}
