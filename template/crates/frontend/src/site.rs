//! The site's files, embedded in the program. A debug build reads them from disk, so a page changes with a reload.
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::get,
};
use common::http::Problem;
use hyper::{
    HeaderMap, StatusCode, Uri,
    header::{
        ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
        IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    },
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "site/"]
struct Site;

const INDEX: &str = "index.html";
/// Under this folder a file's name holds the hash of its content: what is behind a name never changes.
const ASSETS: &str = "assets/";
/// The first segments of paths that belong to machines: a page is never the answer there.
const NOT_PAGES: &[&str] = &[
    "api",
    "assets",
    "livez",
    "readyz",
    "health",
    "version",
    "metrics",
    "openapi.json",
];

const SECURITY: [(HeaderName, &str); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
];

pub fn routes() -> Router {
    Router::new().fallback_service(get(file_or_page))
}

async fn file_or_page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let name = if path.is_empty() { INDEX } else { path };
    match Site::get(name) {
        Some(file) => answer(name, file, &headers),
        None if is_page(path) && wants_html(&headers) => match Site::get(INDEX) {
            Some(file) => answer(INDEX, file, &headers),
            None => not_found(),
        },
        None => not_found(),
    }
}

/// Whether the page's own router may know the path: it looks neither like a file nor like an endpoint.
fn is_page(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    !NOT_PAGES.contains(&first) && !last.contains('.')
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_none_or(|accept| {
            ["text/html", "text/*", "*/*"]
                .iter()
                .any(|kind| accept.contains(kind))
        })
}

fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let caching = if name.starts_with(ASSETS) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let etag = etag(&file);
    let common = [(CACHE_CONTROL, caching.to_owned()), (ETAG, etag.clone())];
    if is_known(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, common, SECURITY).into_response();
    }
    (
        common,
        SECURITY,
        [(CONTENT_TYPE, content_type(name))],
        Body::from(file.data),
    )
        .into_response()
}

fn etag(file: &EmbeddedFile) -> String {
    format!(
        "\"{:016x}\"",
        u64::from_be_bytes(
            *file
                .metadata
                .sha256_hash()
                .first_chunk()
                .expect("a hash is longer")
        )
    )
}

/// Whether the client's copy is the file that it would get.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn not_found() -> Response {
    Problem::new(StatusCode::NOT_FOUND).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_named_for_their_content() {
        for name in Site::iter().filter(|name| name.starts_with(ASSETS)) {
            let file = Site::get(&name).expect("what is listed is there");
            let hash = &etag(&file)[1..9];
            let (stem, extension) = name.rsplit_once('.').expect("assets have an extension");
            let (stem, named) = stem
                .rsplit_once('-')
                .expect("assets are named <name>-<hash>.<extension>");
            assert_eq!(
                named, hash,
                "rename site/{name} to site/{stem}-{hash}.{extension}, also where it is used"
            );
        }
    }

    #[test]
    fn pages_only_use_assets_that_exist() {
        for name in Site::iter().filter(|name| !name.starts_with(ASSETS)) {
            let text = String::from_utf8(Site::get(&name).unwrap().data.into_owned()).unwrap();
            for used in text
                .split(['"', '\''])
                .filter_map(|part| part.strip_prefix("/assets/"))
            {
                assert!(
                    Site::get(&format!("{ASSETS}{used}")).is_some() || used.is_empty(),
                    "{name} uses {used}"
                );
            }
        }
    }

    #[test]
    fn paths_of_machines_and_files_are_no_pages() {
        for page in ["", "notes", "notes/7", "a.b/c"] {
            assert!(is_page(page), "{page:?} is no page");
        }
        for other in [
            "livez/",
            "api/missing",
            "assets/missing",
            "missing.png",
            "a/b.js",
        ] {
            assert!(!is_page(other), "{other:?} is a page");
        }
    }
}
