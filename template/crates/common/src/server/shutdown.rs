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

/// The signals that end a server, caught from the moment this exists.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn catch() -> Self {
        let on = |kind| signal(kind).expect("the runtime can catch signals");
        Self {
            terminate: on(SignalKind::terminate()),
            interrupt: on(SignalKind::interrupt()),
        }
    }

    /// Waits until no further connection is to be accepted.
    pub async fn end(mut self, draining: Draining, delay: Duration) {
        let interrupted = tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => true,
        };
        draining.start();
        if !interrupted {
            tracing::info!(
                ?delay,
                "draining: /readyz answers 503, requests are still served"
            );
            tokio::select! {
                () = sleep(delay) => {}
                _ = self.interrupt.recv() => {}
            }
        }
    }
}
