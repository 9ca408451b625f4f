//! What must hold whichever database and broker there are: each test file runs these with its own.
#![allow(dead_code, reason = "each test file runs those that concern it")]

use std::time::{Duration, Instant};

use common::{
    config::{Inputs, Values, tool},
    db::Database,
    services::jobs::{
        self, Kind,
        kinds::{COUNT_WORDS, PRUNE},
    },
    testing::{Ended, Server, run},
};
use sqlx::{AnyPool, AssertSqlSafe};
use tokio::time::sleep;
use uuid::Uuid;

pub const WORKER: &str = env!("CARGO_BIN_EXE_worker");
/// Longer than anything that works takes, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database with its broker, for one test.
pub struct Place {
    database: Database,
    environment: Vec<(&'static str, String)>,
    brake: Brake,
}

impl Place {
    pub fn new(database_url: &str, broker: Option<(&'static str, String)>, brake: Brake) -> Self {
        let mut inputs = Inputs::default();
        inputs
            .flags
            .insert("DATABASE_URL".to_owned(), database_url.to_owned());
        let values =
            Values::resolve(&tool(), &[], &inputs).unwrap_or_else(|error| panic!("{error}"));
        let mut environment = vec![
            ("DATABASE_URL", database_url.to_owned()),
            ("JOB_LEASE", "2s".to_owned()),
            ("DRAIN_DELAY", "0s".to_owned()),
        ];
        environment.extend(broker);
        Self {
            database: Database::open(&values).unwrap(),
            environment,
            brake,
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    pub fn pool(&self) -> &AnyPool {
        self.database.pool()
    }

    pub async fn migrated(&self) {
        self.database.migrate().await.expect("it can be migrated");
    }

    pub async fn start(&self, role: &str) -> Server {
        Server::start_as(WORKER, &[role], &self.environment()).await
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        run(WORKER, arguments, &self.environment()).await
    }

    /// Stores a note and asks for its words to be counted, as the backend does.
    pub async fn note(&self, text: &str) -> String {
        let id = Uuid::now_v7().to_string();
        let mut transaction = self.pool().begin().await.unwrap();
        sqlx::query("INSERT INTO notes (id, text, created_at) VALUES ($1, $2, $3)")
            .bind(&id)
            .bind(text)
            .bind(jobs::now())
            .execute(&mut *transaction)
            .await
            .unwrap();
        jobs::enqueue(&mut transaction, &COUNT_WORDS, &id)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        id
    }

    pub async fn enqueue(&self, kind: &Kind, payload: &str) {
        let mut connection = self.pool().acquire().await.unwrap();
        jobs::enqueue(&mut connection, kind, &payload)
            .await
            .unwrap();
    }

    pub async fn change(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql))
            .execute(self.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let (count,) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(self.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        count
    }

    /// Waits until a query that counts gives `expected`.
    pub async fn until(&self, sql: &str, expected: i64) {
        let begun = Instant::now();
        loop {
            let count = self.count(sql).await;
            if count == expected {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{sql} gives {count}, not {expected}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes the example job take a while: a second or so, or longer than any test waits.
    async fn slow(&self, long: bool) {
        for sql in self.brake.on {
            let amount = if long {
                self.brake.long
            } else {
                self.brake.short
            };
            self.change(&sql.replace("AMOUNT", amount)).await;
        }
    }

    async fn fast(&self) {
        self.change(self.brake.off).await;
    }
}

/// How a database is made to take its time over an insertion.
pub struct Brake {
    pub on: &'static [&'static str],
    pub off: &'static str,
    pub short: &'static str,
    pub long: &'static str,
}

/// Counts up to a large number.
pub const COUNTING: Brake = Brake {
    on: &[
        "CREATE VIEW many AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < AMOUNT) SELECT x FROM c",
        "CREATE TRIGGER slow BEFORE INSERT ON note_words BEGIN SELECT COUNT(*) FROM many; END",
    ],
    off: "DROP TRIGGER slow",
    short: "5000000",
    long: "500000000",
};

const DONE: &str =
    "SELECT COUNT(*) FROM background_jobs WHERE state = 'done' AND kind = 'count_words'";
const RUNNING: &str = "SELECT COUNT(*) FROM background_jobs WHERE state = 'running'";

fn ended(server: &Server, outcome: &str) -> usize {
    let logs = server.logs();
    logs.lines()
        .filter(|line| line.contains("a job ended") && line.contains(outcome))
        .count()
}

pub async fn a_job_runs_if_and_only_if_its_transaction_is_committed(place: Place) {
    place.migrated().await;
    let worker = place.start("all").await;
    let mut transaction = place.pool().begin().await.unwrap();
    jobs::enqueue(&mut transaction, &COUNT_WORDS, &"never")
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    place.note("one two  three").await;
    place.until(DONE, 1).await;
    assert_eq!(place.count("SELECT words FROM note_words").await, 3);
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM background_jobs WHERE kind = 'count_words'")
            .await,
        1
    );
    let metrics = Reply::metrics(&worker).await;
    assert!(
        metrics.contains(r#"jobs_total{kind="count_words",outcome="done"} 1"#),
        "{metrics}"
    );
}

struct Reply;

impl Reply {
    async fn metrics(server: &Server) -> String {
        let request = hyper::Request::get("/metrics")
            .body(axum::body::Body::empty())
            .unwrap();
        let response = common::testing::send(server.metrics, request)
            .await
            .unwrap();
        common::testing::Reply::read(response).await.body
    }
}

pub async fn a_killed_workers_job_is_done_by_another_and_counts_once(place: Place) {
    place.migrated().await;
    place.slow(true).await;
    let scheduler = place.start("scheduler").await;
    let mut first = place.start("run").await;
    place.note("a b c d").await;
    place.until(RUNNING, 1).await;
    first.signal("KILL").await;
    first.ended().await;
    assert_eq!(
        place.count("SELECT COUNT(*) FROM note_words").await,
        0,
        "it was killed too late"
    );
    place.fast().await;
    let killed = Instant::now();
    let second = place.start("run").await;
    place.until(DONE, 1).await;
    // The lease of two seconds, and what sending takes; the machine may be busy.
    assert!(
        killed.elapsed() < Duration::from_secs(20),
        "{:?}",
        killed.elapsed()
    );
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM note_words WHERE words = 4")
            .await,
        1
    );
    assert_eq!(
        place
            .count("SELECT attempt FROM background_jobs WHERE kind = 'count_words'")
            .await,
        2
    );
    assert_eq!(ended(&second, "done"), 1, "{}", second.logs());
    drop(scheduler);
}

pub async fn a_job_that_runs_when_the_signal_comes_is_finished(place: Place) {
    place.migrated().await;
    place.slow(false).await;
    let _scheduler = place.start("scheduler").await;
    let mut worker = place.start("run").await;
    place.note("a b").await;
    place.until(RUNNING, 1).await;
    worker.signal("TERM").await;
    assert_eq!(worker.ended().await.code(), Some(0));
    assert_eq!(place.count(DONE).await, 1);
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM note_words WHERE words = 2")
            .await,
        1
    );
}

pub async fn several_schedulers_fire_once(place: Place) {
    let place = place.with("PRUNE_SCHEDULE", "* * * * * *");
    place.migrated().await;
    let schedulers = [
        place.start("scheduler").await,
        place.start("scheduler").await,
        place.start("scheduler").await,
    ];
    let fired = "SELECT COUNT(*) FROM background_jobs WHERE kind = 'prune'";
    let begun = Instant::now();
    while place.count(fired).await < 3 {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    drop(schedulers);
    // Each says for which time it was fired.
    let twice =
        "SELECT COUNT(*) - COUNT(DISTINCT payload) FROM background_jobs WHERE kind = 'prune'";
    assert_eq!(place.count(twice).await, 0);
}

pub async fn killed_between_commit_and_sending_the_job_arrives(place: Place) {
    place.migrated().await;
    let mut scheduler = place.start("scheduler").await;
    scheduler.signal("KILL").await;
    scheduler.ended().await;
    // Committed, and nobody there to send it.
    place.note("one").await;
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM background_jobs WHERE state = 'waiting'")
            .await,
        1
    );
    let _scheduler = place.start("scheduler").await;
    let _worker = place.start("run").await;
    place.until(DONE, 1).await;
}

pub async fn a_job_that_is_sent_twice_runs_once(place: Place) {
    place.migrated().await;
    let _scheduler = place.start("scheduler").await;
    place.note("one").await;
    let sent = "SELECT COUNT(*) FROM background_jobs WHERE state = 'sent'";
    place.until(sent, 1).await;
    // As after a crash between sending and writing it down.
    place
        .change("UPDATE background_jobs SET state = 'waiting'")
        .await;
    place.until(sent, 1).await;
    let worker = place.start("run").await;
    place.until(DONE, 1).await;
    // What comes after both messages shows that both were handled.
    place.note("two").await;
    place.until(DONE, 2).await;
    assert_eq!(ended(&worker, "\"done\""), 2, "{}", worker.logs());
}

pub async fn what_the_broker_forgot_is_sent_again(place: Place) {
    place.migrated().await;
    place.note("one").await;
    place
        .change("UPDATE background_jobs SET state = 'sent', sent_at = '2020-01-01T00:00:00.000Z'")
        .await;
    let _worker = place.start("all").await;
    place.until(DONE, 1).await;
}

pub async fn a_poisoned_job_ends_among_the_dead_where_people_find_it(place: Place) {
    place.migrated().await;
    let worker = place.start("all").await;
    let poison = Kind {
        name: "nonsense",
        queue: "default",
        attempts: 2,
        about: "",
    };
    place.enqueue(&poison, "x").await;
    place
        .until(
            "SELECT COUNT(*) FROM background_jobs WHERE state = 'dead'",
            1,
        )
        .await;
    // The worker has survived it.
    place.note("one").await;
    place.until(DONE, 1).await;
    assert_eq!(
        (ended(&worker, "retried"), ended(&worker, "\"dead\"")),
        (1, 1),
        "{}",
        worker.logs()
    );

    let list = place.run(&["jobs", "list", "--state", "dead"]).await;
    assert!(
        list.stdout.contains("nonsense") && list.stdout.contains("2/2"),
        "{}",
        list.stdout
    );
    assert!(
        list.stdout.contains("this worker knows no kind"),
        "{}",
        list.stdout
    );
    let retried = place.run(&["jobs", "retry", "--kind", "nonsense"]).await;
    assert_eq!(
        retried.stdout, "1 job will be tried again\n",
        "{}",
        retried.stderr
    );
    place
        .until(
            "SELECT COUNT(*) FROM background_jobs WHERE state = 'dead' AND attempt = 4",
            1,
        )
        .await;
    let purged = place.run(&["jobs", "purge", "--state", "dead"]).await;
    assert_eq!(purged.stdout, "1 job removed\n", "{}", purged.stderr);
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM background_jobs WHERE state = 'dead'")
            .await,
        0
    );
}

pub async fn queues_are_apart(place: Place) {
    let place = place.with("JOB_RETENTION", "0s");
    place.migrated().await;
    let _scheduler = place.start("scheduler").await;
    let _fast = Server::start_as(
        WORKER,
        &["run", "--queues", "default"],
        &place.environment(),
    )
    .await;
    place.enqueue(&PRUNE, "").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    assert_eq!(
        place
            .count("SELECT COUNT(*) FROM background_jobs WHERE kind = 'prune' AND state = 'sent'")
            .await,
        1
    );
    let _bulk = Server::start_as(WORKER, &["run", "--queues", "bulk"], &place.environment()).await;
    // Pruning removes the job that is done.
    place.until(DONE, 0).await;
}
