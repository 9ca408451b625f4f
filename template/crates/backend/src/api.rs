//! The API: what is served under which path, and its description.
use axum::{
    Json, Router,
    routing::{get, post},
};
use common::{cache::Cache, db::Database, files::Files};
use utoipa::OpenApi;

use crate::{notes, uploads};

#[derive(OpenApi)]
#[openapi(paths(notes::list, notes::create, uploads::create, uploads::get))]
struct Description;

/// What handlers work with.
#[derive(Clone)]
pub struct App {
    pub database: Database,
    pub cache: Cache,
    pub files: Option<Files>,
}

pub fn routes(app: App) -> Router {
    Router::new()
        .route("/api/notes", get(notes::list).post(notes::create))
        .route("/api/uploads", post(uploads::create))
        .route("/api/uploads/{name}", get(uploads::get))
        .with_state(app)
        .route("/openapi.json", get(async || Json(Description::openapi())))
}
