//! What people and dashboards ask about jobs, and what they may do with them.
use sqlx::AnyPool;

use super::{KINDS, now};

/// A job as people see it.
#[derive(Clone, sqlx::FromRow)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub queue: String,
    pub payload: String,
    pub state: String,
    pub attempt: i64,
    pub attempts: i64,
    pub created_at: String,
    pub due_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub worker: Option<String>,
    pub error: Option<String>,
}

/// Which jobs; what is not given matches all.
#[derive(Clone, Copy, Default)]
pub struct Which<'a> {
    pub id: Option<&'a str>,
    pub state: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub queue: Option<&'a str>,
}

/// What the four parameters of a `Which` select.
const MATCHING: &str = "($1 = '' OR id = $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3) AND ($4 = '' OR queue = $4)";

/// The newest first.
pub async fn list(
    pool: &AnyPool,
    which: Which<'_>,
    limit: u32,
    offset: u32,
) -> Result<Vec<Job>, sqlx::Error> {
    let sql = format!(
        "SELECT id, kind, queue, payload, state, attempt, attempts, created_at, due_at, started_at,
             finished_at, worker, error
         FROM background_jobs WHERE {MATCHING} ORDER BY id DESC LIMIT $5 OFFSET $6"
    );
    which
        .bind(sqlx::query_as(sqlx::AssertSqlSafe(sql)))
        .bind(i64::from(limit))
        .bind(i64::from(offset))
        .fetch_all(pool)
        .await
}

/// How many jobs each queue has in each state.
pub async fn counts(pool: &AnyPool) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT queue, state, COUNT(*) FROM background_jobs GROUP BY queue, state ORDER BY 1, 2",
    )
    .fetch_all(pool)
    .await
}

/// Who has run jobs of a queue, and when first and last.
#[derive(sqlx::FromRow)]
pub struct Worker {
    pub name: String,
    pub queue: String,
    pub first_seen: String,
    pub last_seen: String,
}

/// The hundred workers that ran jobs last.
pub async fn workers(pool: &AnyPool) -> Result<Vec<Worker>, sqlx::Error> {
    sqlx::query_as(
        "SELECT worker AS name, queue, MIN(started_at) AS first_seen,
             MAX(COALESCE(finished_at, started_at)) AS last_seen
         FROM background_jobs WHERE worker IS NOT NULL AND started_at IS NOT NULL
         GROUP BY worker, queue ORDER BY 4 DESC LIMIT 100",
    )
    .fetch_all(pool)
    .await
}

/// Since when the oldest job waits whose time has come, if one does.
pub async fn oldest_due(pool: &AnyPool) -> Result<Option<String>, sqlx::Error> {
    let (oldest,) = sqlx::query_as(
        "SELECT MIN(due_at) FROM background_jobs WHERE state = 'waiting' AND due_at <= $1",
    )
    .bind(now())
    .fetch_one(pool)
    .await?;
    Ok(oldest)
}

/// Gives dead jobs all their attempts once more. Returns how many.
pub async fn retry(pool: &AnyPool, which: Which<'_>) -> Result<u64, sqlx::Error> {
    let more: Vec<_> = KINDS
        .iter()
        .map(|kind| format!("WHEN '{}' THEN {}", kind.name, kind.attempts))
        .collect();
    let more = more.join(" ");
    // Attempts are never counted anew: news of former ones may still come.
    let sql = format!(
        "UPDATE background_jobs SET state = 'waiting', attempts = attempt + CASE kind {more} ELSE attempts END,
             attempt = attempt + 1, due_at = $5, finished_at = NULL
         WHERE state = 'dead' AND {MATCHING}"
    );
    let done = which
        .bind_query(sqlx::query(sqlx::AssertSqlSafe(sql)))
        .bind(now())
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

/// Removes jobs that are over: dead ones, or done ones. Returns how many.
pub async fn purge(pool: &AnyPool, which: Which<'_>) -> Result<u64, sqlx::Error> {
    let sql = format!("DELETE FROM background_jobs WHERE state IN ('dead', 'done') AND {MATCHING}");
    let done = which
        .bind_query(sqlx::query(sqlx::AssertSqlSafe(sql)))
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

type Select<'q, T> = sqlx::query::QueryAs<'q, sqlx::Any, T, sqlx::any::AnyArguments>;
type Change<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

impl<'a> Which<'a> {
    fn parameters(self) -> [String; 4] {
        [self.id, self.state, self.kind, self.queue].map(|text| text.unwrap_or("").to_owned())
    }

    fn bind<T>(self, query: Select<'a, T>) -> Select<'a, T> {
        self.parameters().into_iter().fold(query, Select::bind)
    }

    fn bind_query(self, query: Change<'a>) -> Change<'a> {
        self.parameters().into_iter().fold(query, Change::bind)
    }
}
