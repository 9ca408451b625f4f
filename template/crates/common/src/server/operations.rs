//! What operators and orchestrators ask every server: alive, ready, healthy, and which version.
use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use hyper::StatusCode;
use serde::Serialize;

use super::Draining;
use crate::{
    about::About,
    health::{Health, Report},
};

/// The paths that are asked every few seconds, and so are not worth a line in the log.
pub(crate) const PROBES: &[&str] = &["/livez", "/readyz", "/health"];

#[derive(Clone)]
struct Server {
    about: About,
    health: Arc<Health>,
    draining: Draining,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    dependencies: Report,
}

/// `/health` names the dependencies beside the status, not below it.
#[derive(Serialize)]
struct Healthiness {
    status: &'static str,
    #[serde(flatten)]
    dependencies: Report,
}

pub(super) fn routes(about: About, health: Arc<Health>, draining: Draining) -> Router {
    Router::new()
        .route(
            "/livez",
            get(async || Json(serde_json::json!({"status": "alive"}))),
        )
        .route("/readyz", get(readyz))
        .route("/health", get(healthz))
        .route(
            "/version",
            get(async |State(server): State<Server>| Json(server.about)),
        )
        .with_state(Server {
            about,
            health,
            draining,
        })
}

/// Whether requests should be sent here.
async fn readyz(State(server): State<Server>) -> (StatusCode, Json<Readiness>) {
    let dependencies = server.health.check().await;
    let (code, status) = if server.draining.is_on() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if !dependencies.ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    } else if !dependencies.well() {
        (StatusCode::OK, "degraded")
    } else {
        (StatusCode::OK, "ready")
    };
    (
        code,
        Json(Readiness {
            status,
            dependencies,
        }),
    )
}

/// Whether anything at all is wrong, for people and dashboards.
async fn healthz(State(server): State<Server>) -> (StatusCode, Json<Healthiness>) {
    let dependencies = server.health.check().await;
    let (code, status) = if dependencies.well() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    (
        code,
        Json(Healthiness {
            status,
            dependencies,
        }),
    )
}
