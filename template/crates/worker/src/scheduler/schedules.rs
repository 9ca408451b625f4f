//! Starts jobs on a schedule, once however many schedulers run: who moves the next time forward has fired.
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use common::services::jobs::{self, kinds::PRUNE, now, timestamp};
use cron::Schedule;
use sqlx::AnyPool;

use super::Outcome;

/// Starts what is due.
pub async fn run(pool: &AnyPool, prune: &Schedule) -> Outcome {
    let name = PRUNE.name;
    let Some(next) = next(prune, Utc::now()) else {
        return Ok(());
    };
    let due: Option<(String,)> = sqlx::query_as("SELECT due_at FROM schedules WHERE name = $1")
        .bind(name)
        .fetch_optional(pool)
        .await?;
    let Some((due,)) = due else {
        return Ok(sqlx::query(
            "INSERT INTO schedules (name, due_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(next)
        .execute(pool)
        .await
        .map(drop)?);
    };
    if due <= now() {
        let mut transaction = pool.begin().await?;
        if moved(&mut transaction, name, &due, &next).await? {
            jobs::enqueue(&mut transaction, &PRUNE, &()).await?;
            transaction.commit().await?;
        }
    } else if next < due {
        // The schedule was changed, and fires sooner now.
        moved(&mut *pool.acquire().await?, name, &due, &next).await?;
    }
    Ok(())
}

/// Whether it was this scheduler that moved the time.
async fn moved(
    connection: &mut sqlx::AnyConnection,
    name: &str,
    from: &str,
    to: &str,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query("UPDATE schedules SET due_at = $1 WHERE name = $2 AND due_at = $3")
        .bind(to)
        .bind(name)
        .bind(from)
        .execute(connection)
        .await?;
    Ok(moved.rows_affected() == 1)
}

fn next(schedule: &Schedule, after: DateTime<Utc>) -> Option<String> {
    schedule
        .after(&after)
        .next()
        .map(|time| timestamp(SystemTime::from(time)))
}
