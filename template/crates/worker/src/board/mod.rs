//! The dashboard: what apalis-board shows, of the rows that say how jobs are. It only shows; `jobs` commands change.
mod entry;
mod view;

use apalis_board::axum::{
    framework::{ApiBuilder, RegisterRoute},
    sse::TracingBroadcaster,
    ui::ServeUI,
};
use axum::{
    Extension, Router,
    extract::Request,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use common::{db::Database, http::Problem, services::jobs::kinds::QUEUES};
use hyper::{Method, StatusCode};

use entry::Entry;
use view::View;

pub fn routes(database: &Database) -> Router {
    let view = |queue| View::new(database, queue);
    let api = QUEUES
        .iter()
        .fold(ApiBuilder::new(Router::new()), |api, queue| {
            api.register(queue, view(queue))
        });
    Router::new()
        .nest("/api/v1", api.build())
        // By the stream of its events, a page sees that it is connected. Nobody sends any: logs are elsewhere.
        .layer(Extension(TracingBroadcaster::create()))
        .fallback_service(ServeUI::new())
        .layer(from_fn(only_reading))
        .layer(from_fn_with_state(Entry::new(database), entry::guard))
}

async fn only_reading(request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::METHOD_NOT_ALLOWED)
        .detail("The dashboard only shows jobs. To change them, use the commands `jobs retry` and `jobs purge`.")
        .into_response()
}
