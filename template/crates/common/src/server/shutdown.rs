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
    sync::watch,
    time::sleep,
};

/// Whether the server is about to stop; clones share the answer.
#[derive(Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn start(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Tells work without requests when to end; clones are told together.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Ends with the first signal that ends a server.
    pub fn on_signal() -> Self {
        let mut signals = Signals::catch();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            signals.first().await;
            let _ = stop.send(true);
        });
        Self(stopped)
    }

    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    pub async fn requested(&mut self) {
        // The sender goes only after it has sent.
        let _ = self.0.wait_for(|stop| *stop).await;
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

    /// Waits for a signal, and returns whether a person sent it.
    async fn first(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => true,
        }
    }

    /// Waits until no further connection is to be accepted.
    pub async fn end(mut self, draining: Draining, delay: Duration) {
        let interrupted = self.first().await;
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
