//! The services this project uses, and the only module that names them.
pub mod accounts;
pub mod jobs;
pub mod postgres;
pub mod redis;

use std::sync::Arc;

use crate::{
    cache::{Store, memory::Memory},
    config::{Definition, Values},
    db::{Kind, sqlite},
};

/// Every kind of database has the same ones.
macro_rules! migrations {
    ($kind:literal) => {
        $crate::db::scripts!($kind: 1 "0001_notes", 2 "0002_jobs")
    };
}
pub(crate) use migrations;

pub(crate) const DATABASES: &[Kind] = &[sqlite::KIND, postgres::KIND];

/// Completes the sentence "DATABASE_URL must be …".
pub(crate) const DATABASE_URLS: &str =
    "sqlite::memory:, sqlite:///path/app.db or postgres://user:password@host:5432/name";

/// What tells the program where its cache is.
pub(crate) const CACHE_SETTINGS: &[Definition] = &[redis::REDIS_URL.definition];

/// The store that the settings name, else one in memory.
pub(crate) fn cache_store(values: &Values) -> Arc<dyn Store> {
    match values.get(&redis::REDIS_URL) {
        Some(url) => Arc::new(redis::Redis::open(&url)),
        None => Arc::new(Memory::default()),
    }
}
