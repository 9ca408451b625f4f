//! The API: what is served under which path, and its description.
use axum::{Json, Router, routing::get};
use common::{cache::Cache, db::Database};
use utoipa::OpenApi;

use crate::notes;

#[derive(OpenApi)]
#[openapi(paths(notes::list, notes::create))]
struct Description;

/// What handlers work with.
#[derive(Clone)]
pub struct App {
    pub database: Database,
    pub cache: Cache,
}

pub fn routes(database: Database, cache: Cache) -> Router {
    Router::new()
        .route("/api/notes", get(notes::list).post(notes::create))
        .with_state(App { database, cache })
        .route("/openapi.json", get(async || Json(Description::openapi())))
}
