//! Starts jobs on a schedule, once however many schedulers run: who moves the next time forward has fired.
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use common::services::jobs::{self, kinds::PRUNE, timestamp};
use cron::Schedule;
use sqlx::{AnyConnection, AnyPool};

use super::Outcome;

/// Starts what is due.
pub async fn run(pool: &AnyPool, schedule: &Schedule) -> Outcome {
    let name = PRUNE.name;
    let found: Option<(String, String)> =
        sqlx::query_as("SELECT schedule, due_at FROM schedules WHERE name = $1")
            .bind(name)
            .fetch_optional(pool)
            .await?;
    // After the question: who looks at the clock before it may take the firing that others just did for one to come.
    let now = Utc::now();
    let mut coming = schedule.after(&now).map(text);
    let Some(next) = coming.next() else {
        return Ok(());
    };
    let Some((before, due)) = found else {
        return Ok(sqlx::query(
            "INSERT INTO schedules (name, schedule, due_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(schedule.source())
        .bind(next)
        .execute(pool)
        .await
        .map(drop)?);
    };
    let fires = due <= text(now);
    // A scheduler whose clock was ahead has put it off. One beyond the next may be of a clock a little ahead.
    let put_off = coming.next().is_some_and(|second| due > second);
    if fires || put_off || before != schedule.source() {
        let mut transaction = pool.begin().await?;
        if moved(&mut transaction, name, schedule, [&due, &next]).await? {
            if fires {
                jobs::enqueue(&mut transaction, &PRUNE, &due).await?;
            }
            transaction.commit().await?;
        }
    }
    Ok(())
}

/// Whether it was this scheduler that moved the time.
async fn moved(
    connection: &mut AnyConnection,
    name: &str,
    schedule: &Schedule,
    [from, to]: [&str; 2],
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE schedules SET schedule = $1, due_at = $2 WHERE name = $3 AND due_at = $4",
    )
    .bind(schedule.source())
    .bind(to)
    .bind(name)
    .bind(from)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

fn text(moment: DateTime<Utc>) -> String {
    timestamp(SystemTime::from(moment))
}
