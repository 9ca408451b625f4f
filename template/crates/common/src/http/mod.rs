//! What happens to every request, whatever it asks for.
pub mod client;
mod observe;
mod problem;

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use hyper::StatusCode;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

pub use problem::{FieldError, Problem};

use crate::server::Draining;

/// What a request may cost.
#[derive(Clone, Copy)]
pub struct Limits {
    pub request_timeout: Duration,
    pub body_limit: usize,
    pub too_slow: StatusCode,
}

/// Wraps `routes` with what every request gets; the last layer is the first to see it.
pub fn layers(routes: Router, limits: Limits, draining: Draining) -> Router {
    routes
        // The limit below is the only one, and also holds where a body is streamed.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body_limit))
        .layer(from_fn_with_state(limits, within_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(problem::instead_of_plain_errors))
        .layer(from_fn_with_state(draining, observe::observe))
}

async fn within_time(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(limits.too_slow)
            .detail("The request took too long.")
            .into_response(),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands over the box"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let panic = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(panic, "a request handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, body::to_bytes, routing::get};
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    async fn answer(routes: Router) -> (StatusCode, String) {
        let limits = Limits {
            request_timeout: Duration::from_secs(5),
            body_limit: 10,
            too_slow: StatusCode::REQUEST_TIMEOUT,
        };
        let app = TowerToHyperService::new(layers(routes, limits, Draining::default()));
        let response = app.call(Request::new(Body::empty())).await.unwrap();
        let (parts, body) = response.into_parts();
        (
            parts.status,
            String::from_utf8(to_bytes(body, 1000).await.unwrap().into()).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_ours_that_tells_nothing() {
        let panics = get(async || -> &'static str { panic!("hunter2") });
        let expected = r#"{"title":"Internal Server Error","status":500}"#;
        assert_eq!(
            answer(Router::new().route("/", panics)).await,
            (StatusCode::INTERNAL_SERVER_ERROR, expected.to_owned())
        );
    }

    #[tokio::test]
    async fn a_bare_error_becomes_a_problem_with_its_text() {
        let gone = get(async || (StatusCode::GONE, "It was eaten."));
        let expected = r#"{"title":"Gone","status":410,"detail":"It was eaten."}"#;
        assert_eq!(
            answer(Router::new().route("/", gone)).await,
            (StatusCode::GONE, expected.to_owned())
        );
    }
}
