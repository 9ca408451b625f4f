//! Redis: its address, the connection to it, and the cache there that all replicas share.
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use redis::{
    AsyncTypedCommands, Client, Cmd, IntoConnectionInfo, Pipeline, RedisError, RedisFuture,
    RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
};

use crate::{
    cache::{Answer, Store},
    config::{Parse, Setting, Values},
};

pub const REDIS_URL: Setting<Option<RedisUrl>> = Setting::new(
    "REDIS_URL",
    "",
    "The Redis to cache in; without it, the cache is in memory",
)
.secret();

/// A cache slower than this is no help: requests go without it.
const PATIENCE: Duration = Duration::from_millis(500);

/// A URL that names a Redis.
pub struct RedisUrl(String);

/// A connection that is made when it is first needed, and again whenever it was lost: also without a word, as with the
/// machine at its other end.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    config: ConnectionManagerConfig,
    current: Arc<Mutex<Current>>,
}

#[derive(Clone)]
struct Current {
    manager: ConnectionManager,
    /// How many there were before.
    number: u64,
}

pub(super) struct Redis(Connection);

impl Connection {
    /// To the server of a URL, which counts as lost when it takes longer than `patience` to answer.
    pub fn to(url: &str, patience: Duration) -> Result<Self, RedisError> {
        // Fails only where a provider has been chosen before, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            .set_number_of_retries(0);
        let client = Client::open(url)?;
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        let current = Arc::new(Mutex::new(Current { manager, number: 0 }));
        Ok(Self {
            client,
            config,
            current,
        })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().expect("nobody panics while holding it")
    }

    /// Looks at what came over a connection: a manager takes one for lost that was closed, but not one that is silent.
    fn seen<T>(&self, number: u64, result: RedisResult<T>) -> RedisResult<T> {
        if result.as_ref().is_err_and(RedisError::is_timeout) {
            let mut current = self.current();
            // Of all who waited for an answer, one connects anew.
            if current.number == number {
                let (client, config) = (self.client.clone(), self.config.clone());
                current.manager = ConnectionManager::new_lazy_with_config(client, config)?;
                current.number += 1;
            }
        }
        result
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let Current {
            mut manager,
            number,
        } = self.current().clone();
        Box::pin(async move { self.seen(number, manager.req_packed_command(command).await) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let Current {
            mut manager,
            number,
        } = self.current().clone();
        Box::pin(async move {
            let answers = manager.req_packed_commands(commands, offset, count).await;
            self.seen(number, answers)
        })
    }

    fn get_db(&self) -> i64 {
        self.current().manager.get_db()
    }
}

impl Redis {
    pub fn open(RedisUrl(url): &RedisUrl) -> Self {
        Self(Connection::to(url, PATIENCE).expect("the setting accepts such URLs only"))
    }
}

/// Where Redis is, with the password, if the settings name one.
pub fn url(values: &Values) -> Option<String> {
    values.get(&REDIS_URL).map(|RedisUrl(url)| url)
}

impl Store for Redis {
    fn dependency(&self) -> Option<&'static str> {
        Some("redis")
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(self.0.clone().ping().await.map(drop)?) })
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(redis::AsyncCommands::get(&mut self.0.clone(), key).await?) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
            Ok(self.0.clone().pset_ex(key, value, milliseconds).await?)
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.0.clone().del(key).await.map(drop)?) })
    }
}

impl Parse for RedisUrl {
    const ALLOWED: &'static str = "redis://:password@host:6379/0, or rediss:// for TLS";

    fn parse(text: &str) -> Option<Self> {
        text.into_connection_info()
            .ok()
            .map(|_| Self(text.to_owned()))
    }
}
