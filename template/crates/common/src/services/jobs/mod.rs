//! Jobs: work that a request asks for and a worker does later, at least once.
//!
//! A job is a row, written in the transaction that needs it. A scheduler sends due rows to the broker, a worker takes
//! a row by changing its state, and whoever changes it first has it: news that arrives twice does no harm.
pub mod admin;
pub mod commands;
pub mod kinds;
pub mod life;

use std::time::{Duration, SystemTime};

use serde::Serialize;
use sqlx::AnyConnection;
use uuid::Uuid;

pub use kinds::{KINDS, Kind};

/// Asks for a job, in the caller's transaction: it exists if, and only if, that is committed.
pub async fn enqueue(
    connection: &mut AnyConnection,
    kind: &Kind,
    payload: &(impl Serialize + Sync),
) -> Result<String, sqlx::Error> {
    let payload =
        serde_json::to_string(payload).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let (id, now) = (Uuid::now_v7().to_string(), now());
    sqlx::query(
        "INSERT INTO background_jobs (id, kind, queue, payload, state, attempt, attempts, created_at, due_at)
         VALUES ($1, $2, $3, $4, 'waiting', 1, $5, $6, $6)",
    )
    .bind(&id)
    .bind(kind.name)
    .bind(kind.queue)
    .bind(payload)
    .bind(kind.attempts)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(id)
}

/// A moment as rows hold it: of one length, so that texts sort as times do.
pub fn timestamp(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}

pub fn now() -> String {
    timestamp(SystemTime::now())
}

fn ago(age: Duration) -> String {
    let moment = SystemTime::now().checked_sub(age);
    // What is kept for ever is older than the first moment that can be written.
    timestamp(moment.map_or(SystemTime::UNIX_EPOCH, |moment| {
        moment.max(SystemTime::UNIX_EPOCH)
    }))
}

fn later(wait: Duration) -> String {
    timestamp(SystemTime::now() + wait)
}
