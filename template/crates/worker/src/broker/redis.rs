//! Messages in Redis, which tells of them sooner and spares the database.
use std::time::Duration;

use apalis_core::backend::{TaskSink, Vacuum};
use apalis_redis::{Config, RedisStorage};
use common::{server::Stop, services::jobs::kinds::QUEUES};
use redis::{
    AsyncTypedCommands, Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{
    Answer, Broker, Handler, Message,
    carrier::{HEARTBEAT, MISSED, receive},
};

const PATIENCE: Duration = Duration::from_secs(5);

pub struct Redis(ConnectionManager);

impl Redis {
    /// Connects when it is first needed, and again whenever the connection was lost.
    pub fn open(url: &str) -> Result<Self, redis::RedisError> {
        // Fails only where a provider has been chosen before, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let client = Client::open(url)?;
        Ok(Self(ConnectionManager::new_lazy_with_config(
            client, config,
        )?))
    }

    fn storage(&self, queue: &str, concurrency: usize) -> RedisStorage<Message> {
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
        Box::pin(async { Ok(self.0.clone().ping().await.map(drop)?) })
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
