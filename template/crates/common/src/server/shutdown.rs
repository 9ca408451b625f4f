//! When to stop: SIGTERM drains first, because others still send requests; SIGINT comes from a person who waits.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

/// Whether the server is about to stop; clones share the answer.
#[derive(Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn start(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until no further connection is to be accepted.
pub(super) async fn requested(draining: Draining, delay: Duration) {
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate()), on(SignalKind::interrupt()));
    let interrupted = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => true,
    };
    draining.start();
    if !interrupted {
        tracing::info!(
            ?delay,
            "draining: /readyz answers 503, requests are still served"
        );
        tokio::select! {
            () = sleep(delay) => {}
            _ = interrupt.recv() => {}
        }
    }
}

fn on(kind: SignalKind) -> Signal {
    signal(kind).expect("the runtime can watch signals")
}
