//! What every broker can do.
use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis::prelude::Data;
use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use common::{health::State, server::Stop, services::jobs::life::Due};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

/// How often an idle queue is asked for news.
pub const POLL: Duration = Duration::from_millis(250);
/// How often who receives tells its broker that it lives, however much it has to do.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(10);
/// Without this many, it counts as lost: to itself, and to others, who then take the messages that it had.
pub(super) const MISSED: usize = 3;

pub type Answer<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// What is done with a message. It never fails: what becomes of a job stands in its row.
#[derive(Clone)]
pub struct Handler(pub Arc<Handle>);

pub type Handle = dyn Fn(Message) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// The news that there is a job. It may come twice, late or not at all: the job's row decides.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    pub job: String,
    pub kind: String,
    pub attempt: i64,
}

pub trait Broker: Send + Sync {
    /// Whether messages can be sent.
    fn ping(&self) -> Answer<'_, ()>;

    /// Makes what it stores messages in, where that is missing.
    fn prepare(&self) -> Answer<'_, ()>;

    fn send<'a>(&'a self, queue: &'a str, messages: Vec<Message>) -> Answer<'a, ()>;

    /// Hands over a queue's messages until `stop`, as many at a time as `concurrency` says.
    fn receive<'a>(
        &'a self,
        queue: &'a str,
        worker: &'a str,
        concurrency: usize,
        handler: Handler,
        stop: Stop,
    ) -> Answer<'a, ()>;

    /// Forgets messages that were handled longer ago than `age`.
    fn prune(&self, age: Duration) -> Answer<'_, ()>;
}

impl dyn Broker {
    pub async fn state(&self) -> State {
        match self.ping().await {
            Ok(()) => State::Connected,
            Err(error) => {
                tracing::warn!(%error, "the broker does not answer");
                State::Disconnected
            }
        }
    }
}

impl From<&Due> for Message {
    fn from(due: &Due) -> Self {
        Self {
            job: due.id.clone(),
            kind: due.kind.clone(),
            attempt: due.attempt,
        }
    }
}

/// How many messages are being handled. It is told of each change, and of each heartbeat.
pub(super) type Pulse = watch::Sender<usize>;

/// What apalis' worker calls for each message.
pub(super) async fn handle(message: Message, handler: Data<Handler>, pulse: Data<Pulse>) {
    let Handler(handle) = &*handler;
    pulse.send_modify(|handled| *handled += 1);
    handle(message).await;
    pulse.send_modify(|handled| *handled -= 1);
}

/// Wakes apalis' worker at an interval. Its own strategy forgets to when asking the broker took longer than that, and
/// the worker then asks no more until its next heartbeat.
pub(super) struct Every(Interval);

impl Every {
    pub fn new(period: Duration) -> Self {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(ticks)
    }
}

impl PollStrategy for Every {
    fn poll_drive(&mut self, context: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut answer = Poll::Pending;
        // Only a tick that is still to come wakes anybody.
        while self.0.poll_tick(context).is_ready() {
            answer = Poll::Ready(Some(()));
        }
        answer
    }
}

/// Ends once there has been no sign of life for too long. apalis' worker waits for each answer of its broker: when that
/// has gone away without a word, for ever. While it handles as many messages as it may, and has others waiting, it asks
/// nothing.
pub(super) async fn silence(
    patience: Duration,
    concurrency: usize,
    mut pulse: watch::Receiver<usize>,
) -> String {
    loop {
        match timeout(patience, pulse.changed()).await {
            Ok(Ok(())) => {}
            Err(_) if *pulse.borrow() >= concurrency => {}
            _ => return format!("it has not answered for {patience:?}"),
        }
    }
}

/// Runs apalis' worker over a storage: its types differ with each broker, and have no short names.
macro_rules! receive {
    ($storage:expr, $worker:expr, $concurrency:expr, $handler:expr, $stop:expr) => {{
        use apalis::prelude::*;
        let (handler, mut stop): ($crate::broker::Handler, common::server::Stop) =
            ($handler, $stop);
        let storage = $storage;
        let patience = apalis_core::backend::BackendConfig::config(&storage).orphaned_duration();
        let context = WorkerContext::new($worker);
        let ending = context.clone();
        let (pulse, signs) = tokio::sync::watch::channel(0);
        let heart = pulse.clone();
        let ticks = $crate::broker::carrier::Every::new($crate::broker::POLL);
        let running = WorkerBuilder::new(context)
            .backend(storage.poll_with_strategy(ticks))
            .concurrency($concurrency)
            .data(handler)
            .data(pulse)
            .on_event(move |_, event| {
                if matches!(event, Event::HeartBeat) {
                    heart.send_modify(|_| {});
                }
            })
            .build($crate::broker::carrier::handle)
            .run();
        Box::pin(async move {
            let mut running = std::pin::pin!(running);
            tokio::select! {
                // Only a worker that has been started can be stopped.
                biased;
                ended = running.as_mut() => return Ok(ended?),
                error = $crate::broker::carrier::silence(patience, $concurrency, signs) =>
                    return Err(error.into()),
                () = stop.requested() => if ending.stop().is_err() {
                    return Ok(());
                },
            }
            Ok(running.await?)
        })
    }};
}
pub(super) use receive;

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, thread};

    use super::*;

    #[tokio::test]
    async fn a_worker_is_woken_again_however_long_its_broker_takes() {
        let period = Duration::from_millis(5);
        let (mut ticks, mut polls) = (Every::new(period), 0);
        let polled = poll_fn(|context| {
            let _ = ticks.poll_drive(context, &PollSnapshot::new());
            polls += 1;
            // What a broker does that takes longer than the period.
            thread::sleep(period * 2);
            if polls < 10 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        });
        let woken = timeout(Duration::from_secs(10), polled).await;
        assert!(woken.is_ok(), "nobody wakes it any more");
    }
}
