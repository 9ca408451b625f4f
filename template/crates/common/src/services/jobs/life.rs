//! A job's life: waiting, sent, running, and done or dead. Each step changes the row only if it is where it was seen.
use std::time::Duration;

use sqlx::{AnyConnection, AnyPool};

use super::{ago, kinds::QUEUES, later, now};

/// How many jobs are sent at once.
const BATCH: i64 = 100;
/// The longest error text that a row keeps.
const LONGEST_ERROR: usize = 1000;

/// A job whose time has come.
#[derive(Clone, sqlx::FromRow)]
pub struct Due {
    pub id: String,
    pub kind: String,
    pub queue: String,
    pub attempt: i64,
}

/// A job that this worker has, until its lease ends.
#[derive(Clone)]
pub struct Claim {
    pub id: String,
    pub kind: String,
    pub payload: String,
    pub attempt: i64,
    pub worker: String,
}

/// What became of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It will be tried again.
    Retried,
    /// It has been tried often enough, and is kept for people to look at.
    Dead,
    /// It is no longer this worker's: its lease had ended.
    Lost,
}

/// The jobs whose time has come, oldest first; `locked` keeps other schedulers from sending the same.
pub async fn due(connection: &mut AnyConnection, locked: bool) -> Result<Vec<Due>, sqlx::Error> {
    let lock = if locked { "FOR UPDATE SKIP LOCKED" } else { "" };
    let query = format!(
        "SELECT id, kind, queue, attempt FROM background_jobs WHERE state = 'waiting' AND due_at <= $1
         ORDER BY due_at, id LIMIT {BATCH} {lock}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(now())
        .fetch_all(connection)
        .await
}

/// Notes that the broker has it. One that a worker has taken meanwhile stays as it is.
pub async fn sent(connection: &mut AnyConnection, job: &Due) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE background_jobs SET state = 'sent', sent_at = $1
         WHERE id = $2 AND attempt = $3 AND state = 'waiting'",
    )
    .bind(now())
    .bind(&job.id)
    .bind(job.attempt)
    .execute(connection)
    .await
    .map(drop)
}

/// Takes the job, unless somebody else has, or it is no longer at this attempt.
pub async fn claim(
    pool: &AnyPool,
    id: &str,
    attempt: i64,
    worker: &str,
    lease: Duration,
) -> Result<Option<Claim>, sqlx::Error> {
    let taken: Option<(String, String)> = sqlx::query_as(
        "UPDATE background_jobs SET state = 'running', worker = $1, started_at = $2, lease_until = $3
         WHERE id = $4 AND attempt = $5 AND state IN ('waiting', 'sent') RETURNING kind, payload",
    )
    .bind(worker)
    .bind(now())
    .bind(later(lease))
    .bind(id)
    .bind(attempt)
    .fetch_optional(pool)
    .await?;
    Ok(taken.map(|(kind, payload)| Claim {
        id: id.to_owned(),
        kind,
        payload,
        attempt,
        worker: worker.to_owned(),
    }))
}

/// Makes the lease longer, for as long as the job runs.
pub async fn renew(pool: &AnyPool, claim: &Claim, lease: Duration) -> Result<(), sqlx::Error> {
    held(
        "UPDATE background_jobs SET lease_until = $4 WHERE id = $1 AND attempt = $2 AND worker = $3 AND state = 'running'",
        claim,
    )
    .bind(later(lease))
    .execute(pool)
    .await
    .map(drop)
}

/// Whether the job was still this worker's, and is done now.
pub async fn done(pool: &AnyPool, claim: &Claim) -> Result<bool, sqlx::Error> {
    let done = held(
        "UPDATE background_jobs SET state = 'done', finished_at = $4, lease_until = NULL, error = NULL
         WHERE id = $1 AND attempt = $2 AND worker = $3 AND state = 'running'",
        claim,
    )
    .bind(now())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Plans the next attempt `wait` from now, or none when this was the last.
pub async fn failed(
    pool: &AnyPool,
    claim: &Claim,
    error: &str,
    wait: Duration,
) -> Result<Failed, sqlx::Error> {
    let state: Option<(String,)> = sqlx::query_as(
        "UPDATE background_jobs SET
             state = CASE WHEN attempt < attempts THEN 'waiting' ELSE 'dead' END,
             finished_at = CASE WHEN attempt < attempts THEN NULL ELSE $5 END,
             attempt = CASE WHEN attempt < attempts THEN attempt + 1 ELSE attempt END,
             due_at = $4, lease_until = NULL, error = $6
         WHERE id = $1 AND attempt = $2 AND worker = $3 AND state = 'running' RETURNING state",
    )
    .bind(&claim.id)
    .bind(claim.attempt)
    .bind(&claim.worker)
    .bind(later(wait))
    .bind(now())
    .bind(error.chars().take(LONGEST_ERROR).collect::<String>())
    .fetch_optional(pool)
    .await?;
    Ok(match state {
        Some((state,)) if state == "dead" => Failed::Dead,
        Some(_) => Failed::Retried,
        None => Failed::Lost,
    })
}

/// Takes jobs back from workers that no longer renew their leases. Returns how many.
pub async fn take_back(pool: &AnyPool) -> Result<usize, sqlx::Error> {
    let ended: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT id, attempt, worker FROM background_jobs WHERE state = 'running' AND lease_until < $1",
    )
    .bind(now())
    .fetch_all(pool)
    .await?;
    let mut taken = 0;
    for (id, attempt, worker) in ended {
        let error = format!("the worker {worker} vanished during attempt {attempt}");
        tracing::warn!(
            job = id,
            worker,
            attempt,
            "a job is taken back: its worker is gone"
        );
        let claim = Claim {
            id,
            kind: String::new(),
            payload: String::new(),
            attempt,
            worker,
        };
        if failed(pool, &claim, &error, Duration::ZERO).await? != Failed::Lost {
            taken += 1;
        }
    }
    Ok(taken)
}

/// Sends again what the broker seems to have lost: sent long ago, while its queue went on to later ones, or to none.
///
/// A broker that loses its memory loses no job. Where it lost none, a job is announced again, which is nobody's news.
/// The oldest that a queue went on to is looked up once, not for each job: SQLite lets nobody write meanwhile.
pub async fn send_again(pool: &AnyPool, after: Duration) -> Result<u64, sqlx::Error> {
    let (long_ago, mut jobs) = (ago(after), 0);
    for queue in QUEUES {
        let again = sqlx::query(
            "UPDATE background_jobs SET state = 'waiting'
             WHERE state = 'sent' AND queue = $1 AND sent_at < $2 AND sent_at < COALESCE(
                 (SELECT MIN(sent_at) FROM background_jobs WHERE queue = $1 AND started_at > $2), $2
             )",
        )
        .bind(queue)
        .bind(&long_ago)
        .execute(pool)
        .await?;
        jobs += again.rows_affected();
    }
    Ok(jobs)
}

/// Removes jobs that were done longer ago than `age`; dead ones stay until somebody removes them.
pub async fn prune(pool: &AnyPool, age: Duration) -> Result<u64, sqlx::Error> {
    let pruned =
        sqlx::query("DELETE FROM background_jobs WHERE state = 'done' AND finished_at < $1")
            .bind(ago(age))
            .execute(pool)
            .await?;
    Ok(pruned.rows_affected())
}

/// A statement about a job as long as it is this worker's: $1 to $3 are bound.
fn held<'q>(
    sql: &'static str,
    claim: &'q Claim,
) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    sqlx::query(sql)
        .bind(&claim.id)
        .bind(claim.attempt)
        .bind(&claim.worker)
}
