//! A cache inside the process, bounded in size and in time.
use std::time::{Duration, Instant};

use moka::{Expiry, sync::Cache};

use super::{Answer, Store};

/// Many small answers: enough for a program that has nothing else to share them with.
const MOST_ENTRIES: u64 = 10_000;

type Entry = (Vec<u8>, Duration);

pub(crate) struct Memory(Cache<String, Entry>);

/// Each entry says how long it lives.
struct ByEntry;

impl Expiry<String, Entry> for ByEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.1)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.1)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MOST_ENTRIES)
                .expire_after(ByEntry)
                .build(),
        )
    }
}

impl Store for Memory {
    fn dependency(&self) -> Option<&'static str> {
        None
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async { Ok(self.0.get(key).map(|(value, _)| value)) })
    }

    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Answer<'a, ()> {
        self.0.insert(key.to_owned(), (value, ttl));
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        self.0.invalidate(key);
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_stored_is_found_until_it_is_too_old() {
        let store = Memory::default();
        store
            .put("short", b"1".to_vec(), Duration::from_millis(20))
            .await
            .unwrap();
        store
            .put("long", b"2".to_vec(), Duration::from_mins(1))
            .await
            .unwrap();
        assert_eq!(store.get("short").await.unwrap(), Some(b"1".to_vec()));
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert_eq!(store.get("short").await.unwrap(), None);
        assert_eq!(store.get("long").await.unwrap(), Some(b"2".to_vec()));
    }

    #[tokio::test]
    async fn what_is_removed_is_not_found() {
        let store = Memory::default();
        store
            .put("key", b"1".to_vec(), Duration::from_mins(1))
            .await
            .unwrap();
        store.remove("key").await.unwrap();
        assert_eq!(store.get("key").await.unwrap(), None);
    }
}
