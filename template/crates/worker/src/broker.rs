//! What carries the news of a job from a scheduler to a worker, and the only module that names its kinds.
mod carrier;
mod postgres;
mod redis;
mod sqlite;

use std::{error::Error, sync::Arc};

use common::{
    config::{Definition, Values},
    db::Database,
    services::redis as cache,
};

pub use carrier::{Answer, Broker, Handler, Message, POLL};

/// What tells the program where its broker is, beside its database.
pub const SETTINGS: &[Definition] = &[cache::REDIS_URL
    .with_help("The Redis that carries jobs; without it, the database does")
    .definition];

/// The broker of a project with these settings: Redis where there is one, else the database.
pub fn open(values: &Values, database: &Database) -> Result<Arc<dyn Broker>, Box<dyn Error>> {
    if let Some(url) = cache::url(values) {
        return Ok(Arc::new(redis::Redis::open(&url)?));
    }
    if database.url().starts_with("postgres") {
        return Ok(Arc::new(postgres::Postgres::open(database.url())?));
    }
    Ok(Arc::new(sqlite::Sqlite::open(database.url())?))
}
