//! What every program of this workspace shares: settings, logs, health, the server, the database and the cache.
pub mod about;
pub mod cache;
pub mod config;
pub mod db;
pub mod files;
pub mod health;
pub mod http;
pub mod program;
pub mod server;
pub mod services;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
