//! The cache: answers that may be a little old. It never makes a request fail.
pub(crate) mod memory;
mod store;

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use store::{Answer, Store};

use crate::{
    config::{Definition, Setting, Values},
    health::State,
    services,
};

const CACHE_TTL: Setting<Duration> = Setting::new(
    "CACHE_TTL",
    "30s",
    "How long an answer may come from the cache",
);

/// The cache's settings in a program's table.
pub fn settings() -> Vec<Definition> {
    [services::CACHE_SETTINGS, &[CACHE_TTL.definition]].concat()
}

/// A handle on the cache; clones share it.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn Store>,
    ttl: Duration,
}

impl Cache {
    pub fn open(values: &Values) -> Self {
        Self {
            store: services::cache_store(values),
            ttl: values.get(&CACHE_TTL),
        }
    }

    /// What is stored under `key`, unless it is too old, or the cache is away.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let stored = self.store.get(key).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the cache does not answer: going without it");
            None
        });
        serde_json::from_slice(&stored?).ok()
    }

    pub async fn put<T: Serialize + Sync>(&self, key: &str, value: &T) {
        let bytes = serde_json::to_vec(value).expect("what is cached is plain data");
        if let Err(error) = self.store.put(key, bytes, self.ttl).await {
            tracing::warn!(%error, "the cache does not store: going without it");
        }
    }

    /// Forgets `key`. Should the cache be away, what it holds is old for `CACHE_TTL` at most.
    pub async fn remove(&self, key: &str) {
        if let Err(error) = self.store.remove(key).await {
            tracing::warn!(%error, "the cache does not forget: an old answer may be given");
        }
    }

    /// The name under which the store's state is reported; one inside the process has none.
    pub fn dependency(&self) -> Option<&'static str> {
        self.store.dependency()
    }

    pub async fn state(self) -> State {
        match self.store.ping().await {
            Ok(()) => State::Connected,
            Err(error) => {
                tracing::warn!(%error, "the cache does not answer");
                State::Disconnected
            }
        }
    }
}
