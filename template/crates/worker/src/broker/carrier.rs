//! What every broker can do.
use std::{error::Error, pin::Pin, sync::Arc, time::Duration};

use apalis::prelude::Data;
use common::{health::State, server::Stop, services::jobs::life::Due};
use serde::{Deserialize, Serialize};

/// How often an idle queue is asked for news.
pub const POLL: Duration = Duration::from_millis(250);

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

/// What apalis' worker calls for each message.
pub(super) async fn handle(message: Message, handler: Data<Handler>) {
    let Handler(handle) = &*handler;
    handle(message).await;
}

/// Runs apalis' worker over a storage: its types differ with each broker, and have no short names.
macro_rules! receive {
    ($storage:expr, $worker:expr, $concurrency:expr, $handler:expr, $stop:expr) => {{
        use apalis::prelude::*;
        let (handler, mut stop): ($crate::broker::Handler, common::server::Stop) =
            ($handler, $stop);
        let context = WorkerContext::new($worker);
        let ending = context.clone();
        tokio::spawn(async move {
            stop.requested().await;
            // It fails where the worker has ended by itself.
            let _ = ending.stop();
        });
        let running = WorkerBuilder::new(context)
            .backend($storage.poll_with_interval($crate::broker::POLL))
            .concurrency($concurrency)
            .data(handler)
            .build($crate::broker::carrier::handle)
            .run();
        Box::pin(async move { Ok(running.await?) })
    }};
}
pub(super) use receive;
