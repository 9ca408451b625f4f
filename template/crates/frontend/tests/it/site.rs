//! The site as a browser gets it: what may be kept, what is asked for again, and what is a page.
use axum::body::Body;
use common::testing::{Reply, Server};
use hyper::{Method, Request};

use crate::{frontend, upstream::nowhere};

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// The path of the page's script.
async fn script(server: &Server) -> String {
    let page = server.get("/").await.body;
    let (_, rest) = page.split_once("src=\"").expect("the page has a script");
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn assets_are_kept_for_a_year_and_the_rest_is_asked_for_again() {
    let server = frontend(&[]).await;
    let asset = server.get(&script(&server).await).await;
    assert_eq!(
        asset.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        asset.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache", "{path}");
        assert_eq!(reply.header("content-type"), kind, "{path}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let server = frontend(&[]).await;
    for path in ["/", "/sw.js", &script(&server).await] {
        let first = server.get(path).await;
        let etag = first.header("etag");
        for known in [etag, &format!("\"other\", W/{etag}"), "*"] {
            let again = ask(&server, Method::GET, path, &[("if-none-match", known)]).await;
            assert_eq!(
                (again.status.as_u16(), again.body.as_str()),
                (304, ""),
                "{path} {known}"
            );
            assert_eq!(again.header("etag"), etag);
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
        }
        let other = ask(
            &server,
            Method::GET,
            path,
            &[("if-none-match", "\"other\"")],
        )
        .await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test]
async fn unknown_paths_are_the_page() {
    let server = frontend(&[]).await;
    let page = server.get("/").await.body;
    for path in ["/notes", "/notes/7?tab=1", "/a/b/c"] {
        let reply = ask(
            &server,
            Method::GET,
            path,
            &[("accept", "text/html,*/*;q=0.8")],
        )
        .await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &page), "{path}");
        let head = ask(&server, Method::HEAD, path, &[]).await;
        assert_eq!(
            (head.status.as_u16(), head.body.as_str()),
            (200, ""),
            "{path}"
        );
    }
}

#[tokio::test]
async fn machines_never_get_the_page() {
    let server = frontend(&[("BACKEND_URL", &nowhere().await)]).await;
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/livez/", 404),
        ("/health/x", 404),
        ("/metrics", 404),
        ("/assets/missing-00000000.js", 404),
        ("/assets/missing", 404),
        ("/missing.png", 404),
        ("/../Cargo.toml", 404),
        ("/api", 502),
        ("/api/missing", 502),
        ("/openapi.json", 502),
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.status, status, "{path}");
        assert!(!reply.body.contains("<html"), "{path}");
    }
    let json = ask(
        &server,
        Method::GET,
        "/notes",
        &[("accept", "application/json")],
    )
    .await;
    assert_eq!(json.status, 404);
    let post = ask(&server, Method::POST, "/notes", &[]).await;
    assert_eq!(post.status, 405);
    assert_eq!(post.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn pages_come_with_security_headers() {
    let server = frontend(&[]).await;
    let page = server.get("/").await;
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'self'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn the_server_is_healthy_on_its_own() {
    let server = frontend(&[("BACKEND_URL", &nowhere().await)]).await;
    assert_eq!(server.get("/health").await.body, r#"{"status":"healthy"}"#);
    assert_eq!(server.get("/version").await.json()["name"], "frontend");
}
