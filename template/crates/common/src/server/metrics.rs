//! Metrics in Prometheus' text form, on a port of their own so that the public one cannot show them. It also answers
//! what operators ask, for programs that have no public one.
use std::time::Duration;

use axum::{Router, routing::get};
use hyper::{header::CONTENT_TYPE, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, time::interval};

use super::{
    client::{Client, WRITE_TIMEOUT},
    connections::pause_after,
};

const BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

pub(super) fn install() -> PrometheusHandle {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
        .expect("there are buckets")
        .install_recorder()
        .expect("a process installs one recorder")
}

/// Serves /metrics until the process ends: also a draining server is worth watching.
pub(super) async fn serve(listener: TcpListener, recorder: PrometheusHandle, operations: Router) {
    tokio::spawn(upkeep(recorder.clone()));
    let page = move || {
        let text = recorder.render();
        async move {
            (
                [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                text,
            )
        }
    };
    let app = operations.route("/metrics", get(page));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let client = Client::new(stream, WRITE_TIMEOUT);
                let service = TowerToHyperService::new(app.clone());
                tokio::spawn(http.serve_connection(TokioIo::new(client), service));
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Folds samples together now and then, or they would pile up where nobody reads the metrics.
async fn upkeep(recorder: PrometheusHandle) {
    let mut tick = interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        recorder.run_upkeep();
    }
}
