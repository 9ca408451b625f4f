//! Files that clients send and get back. Where a proxy shares the folder, it serves them without asking here.
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::IntoResponse,
};
use common::{files::Files, http::Problem};
use hyper::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::App;

/// What is taken: nothing that a browser would run.
const TYPES: &[(&str, &str)] = &[
    ("application/pdf", "pdf"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
];
/// A name is given once, so what it leads to never changes.
const FOREVER: &str = "private, max-age=31536000, immutable";

#[derive(Serialize, ToSchema)]
pub struct Upload {
    /// Where the file is from now on.
    path: String,
}

/// Keeps a file: a PDF, JPEG, PNG or WebP of at most BODY_LIMIT bytes.
#[utoipa::path(post, path = "/api/uploads", request_body(content = Vec<u8>, content_type = "image/png"), responses(
    (status = 201, body = Upload),
    (status = 404, description = "This server keeps no files"),
    (status = 415, description = "Another type of file"),
))]
pub async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    content: Bytes,
) -> Result<impl IntoResponse, Problem> {
    let files = files(&app)?;
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|given| given.to_str().ok());
    let known = TYPES.iter().find(|(name, _)| Some(*name) == given);
    let Some((_, extension)) = known else {
        let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail(format!("Content-Type must be one of {}", names.join(", "))));
    };
    let name = files
        .store(extension, content)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let path = format!("/api/uploads/{name}");
    Ok((
        StatusCode::CREATED,
        [(LOCATION, path.clone())],
        Json(Upload { path }),
    ))
}

/// Gives a file back.
#[utoipa::path(get, path = "/api/uploads/{name}", params(("name" = String, Path)), responses(
    (status = 200, description = "The file", content_type = "image/png"),
    (status = 404, description = "There is no such file"),
))]
pub async fn get(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let files = files(&app)?;
    let missing = || Problem::new(StatusCode::NOT_FOUND);
    let (kind, _) = TYPES
        .iter()
        .find(|(_, extension)| name.ends_with(&format!(".{extension}")))
        .ok_or_else(missing)?;
    let content = files
        .read(&name)
        .await
        .map_err(|error| Problem::internal(&error))?
        .ok_or_else(missing)?;
    let headers = [
        (CONTENT_TYPE, *kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, FOREVER),
    ];
    Ok((headers, content))
}

fn files(app: &App) -> Result<&Files, Problem> {
    app.files.as_ref().ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND)
            .detail("This server keeps no files: UPLOADS_DIR is not set.")
    })
}
