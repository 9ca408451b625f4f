//! Messages in Redis, which tells of them sooner and spares the database.
use std::time::Duration;

use apalis_core::backend::{TaskSink, Vacuum};
use apalis_redis::{Config, RedisStorage};
use common::{
    server::Stop,
    services::{jobs::kinds::QUEUES, redis::Connection},
};
use redis::AsyncTypedCommands;

use super::{
    Answer, Broker, Handler, Message,
    carrier::{HEARTBEAT, MISSED, receive},
};

const PATIENCE: Duration = Duration::from_secs(5);

pub struct Redis(Connection);

impl Redis {
    pub fn open(url: &str) -> Result<Self, redis::RedisError> {
        Ok(Self(Connection::to(url, PATIENCE)?))
    }

    fn storage(&self, queue: &str, concurrency: usize) -> RedisStorage<Message, Connection> {
        let config = Config::default()
            .queue(name(queue))
            .batch_size(concurrency)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED);
        RedisStorage::new(self.0.clone()).with_config(config)
    }
}

/// Redis is also the cache: what belongs to jobs says so in its keys.
fn name(queue: &str) -> String {
    format!("jobs:{queue}")
}

impl Broker for Redis {
    fn ping(&self) -> Answer<'_, ()> {
        // One whose memory is full, or that only reads, answers a PING too.
        Box::pin(async { Ok(self.0.clone().set_ex("jobs:ping", "", 60).await?) })
    }

    fn prepare(&self) -> Answer<'_, ()> {
        self.ping()
    }

    fn send<'a>(&'a self, queue: &'a str, messages: Vec<Message>) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.storage(queue, 1).push_bulk(messages).await?) })
    }

    fn receive<'a>(
        &'a self,
        queue: &'a str,
        worker: &'a str,
        concurrency: usize,
        handler: Handler,
        stop: Stop,
    ) -> Answer<'a, ()> {
        let storage = self.storage(queue, concurrency);
        receive!(storage, worker, concurrency, handler, stop)
    }

    fn prune(&self, age: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            for queue in QUEUES {
                self.storage(queue, 1).vacuum_before(age).await?;
                // A list of ids that nothing takes from.
                self.0.clone().del(format!("{}:done", name(queue))).await?;
            }
            Ok(())
        })
    }
}
