//! Redis, a cache that all replicas share.
use std::time::Duration;

use redis::{
    AsyncTypedCommands, Client, IntoConnectionInfo,
    aio::{ConnectionManager, ConnectionManagerConfig},
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

pub(super) struct Redis(ConnectionManager);

impl Redis {
    /// Connects when it is first needed, and again whenever the connection was lost.
    pub fn open(RedisUrl(url): &RedisUrl) -> Self {
        // Fails only where a provider has been chosen before, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let client = Client::open(url.as_str()).expect("the setting accepts such URLs only");
        let manager = ConnectionManager::new_lazy_with_config(client, config);
        Self(manager.expect("nothing is connected yet that could fail"))
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
