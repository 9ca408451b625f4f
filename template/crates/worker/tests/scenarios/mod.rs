//! What must hold whichever database and broker there are: each test file runs these with its own.
#![allow(dead_code, reason = "each test file runs those that concern it")]

mod wire;

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

pub use wire::Wire;

pub const WORKER: &str = env!("CARGO_BIN_EXE_worker");
/// Longer than anything that works takes, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A database with its broker, for one test.
pub struct Place {
    database: Database,
    environment: Vec<(&'static str, String)>,
    brake: Brake,
    wire: Option<Wire>,
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
            wire: None,
        }
    }

    /// The same, with its broker at the end of a wire.
    pub fn behind(mut self, wire: Wire) -> Self {
        self.wire = Some(wire);
        self
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn database_url(&self) -> &str {
        self.database.url()
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
        self.until_within(PATIENCE, sql, expected).await;
    }

    async fn until_within(&self, patience: Duration, sql: &str, expected: i64) {
        let begun = Instant::now();
        loop {
            let count = self.count(sql).await;
            if count == expected {
                return;
            }
            assert!(
                begun.elapsed() < patience,
                "{sql} gives {count}, not {expected}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes a moment take this long.
    async fn slow(&self, moment: &str, seconds: u32) {
        let amount = self.amount(seconds).await;
        for sql in self.brake.on {
            let sql = sql.replace("MOMENT", moment);
            self.change(&sql.replace("AMOUNT", &amount)).await;
        }
    }

    /// Makes it take this long to read a note, which keeps nobody from writing.
    async fn slow_to_read(&self, seconds: u32) {
        let amount = self.amount(seconds).await;
        for sql in self.brake.reading {
            self.change(&sql.replace("AMOUNT", &amount)).await;
        }
    }

    async fn amount(&self, seconds: u32) -> String {
        let Some(counts) = self.brake.counts else {
            return seconds.to_string();
        };
        // The fastest of many that are short is as fast as the machine can be, whatever else it does just now: what
        // counts while there is less to do takes no less time than it should.
        let mut fastest = Duration::MAX;
        for _ in 0..50 {
            let begun = Instant::now();
            self.count(counts).await;
            fastest = fastest.min(begun.elapsed());
        }
        let times = Duration::from_secs(seconds.into()).div_duration_f64(fastest);
        format!("{:.0}", times * 50_000.0)
    }

    /// Makes what was slow as fast as before, also for who is in the middle of it.
    async fn fast(&self) {
        for sql in self.brake.off {
            self.change(sql).await;
        }
    }

    /// Waits until somebody is in the middle of what is slow.
    async fn braked(&self) {
        if let Some(braked) = self.brake.braked {
            return self.until(braked, 1).await;
        }
        // Who writes to an SQLite file keeps others from it; they wait five seconds, which is longer than any other
        // writing takes.
        let begun = Instant::now();
        while sqlx::query("DELETE FROM notes WHERE id = 'none'")
            .execute(self.pool())
            .await
            .is_ok()
        {
            assert!(begun.elapsed() < PATIENCE, "nobody is slow");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes a scheduler stand still while it sends, before the broker has anything.
    async fn hold_sending(&self) {
        match &self.wire {
            Some(wire) => wire.hold(),
            None => self.slow(self.brake.sending, AGES).await,
        }
    }

    /// Waits until a scheduler stands there.
    async fn held_sending(&self) {
        match &self.wire {
            Some(wire) => wire.holds(COUNT_WORDS.name).await,
            None => self.braked().await,
        }
    }

    async fn release_sending(&self) {
        match &self.wire {
            Some(wire) => wire.open(),
            None => self.fast().await,
        }
    }
}

/// How a database is made to take its time.
pub struct Brake {
    /// Makes MOMENT take AMOUNT.
    pub on: &'static [&'static str],
    pub off: &'static [&'static str],
    /// Makes reading a note take AMOUNT.
    pub reading: &'static [&'static str],
    /// Where AMOUNT is how far to count: counts up to 50,000. Elsewhere it is seconds.
    pub counts: Option<&'static str>,
    /// Counts who is in the middle of it, where the database knows.
    pub braked: Option<&'static str>,
    /// The moment when its broker gets a message.
    pub sending: &'static str,
    /// The moment when its broker hands one over, where it is lost at that moment.
    pub receiving: Option<&'static str>,
}

/// When the example job writes its result.
const RESULT: &str = "INSERT ON note_words FOR EACH ROW";
/// When a scheduler writes down that it has sent a job.
const SENT_DOWN: &str = "UPDATE ON background_jobs FOR EACH ROW WHEN (NEW.state = 'sent')";
/// When a job does it that removes what is no longer kept.
const PRUNING: &str = "DELETE ON background_jobs FOR EACH STATEMENT";
/// For how many seconds a broker may be silent.
const SILENCE: u32 = 30;
/// How many jobs there are in the middle of which something happens.
const LOAD: i64 = 200;
/// Longer than programs wait for a connection, and than a lease.
const OUTAGE: Duration = Duration::from_secs(7);
/// Longer than any test waits.
const AGES: u32 = 100;

/// SQLite cannot sleep, so it counts.
pub const COUNTING: Brake = Brake {
    on: &[
        "CREATE VIEW many AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < AMOUNT) SELECT x FROM c",
        "CREATE TRIGGER slow BEFORE MOMENT BEGIN SELECT COUNT(*) FROM many; END",
    ],
    off: &["DROP TRIGGER slow"],
    reading: &[
        "CREATE VIEW many AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < AMOUNT) SELECT x FROM c",
        "ALTER TABLE notes RENAME TO stored_notes",
        "CREATE VIEW notes AS SELECT * FROM stored_notes WHERE (SELECT COUNT(*) FROM many) > 0",
    ],
    counts: Some(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 50000) SELECT COUNT(*) FROM c",
    ),
    braked: None,
    sending: "INSERT ON Jobs FOR EACH ROW",
    receiving: None,
};

const WAITING: &str = "SELECT COUNT(*) FROM background_jobs WHERE state = 'waiting'";
const SENT: &str = "SELECT COUNT(*) FROM background_jobs WHERE state = 'sent'";
pub const DONE: &str =
    "SELECT COUNT(*) FROM background_jobs WHERE state = 'done' AND kind = 'count_words'";
const RUNNING: &str = "SELECT COUNT(*) FROM background_jobs WHERE state = 'running'";

/// Asserts how many jobs ended so, as workers' logs say: a line is there soon after the job's row is.
async fn ended(workers: &[&Server], outcome: &str, expected: usize) {
    let begun = Instant::now();
    loop {
        let logs: String = workers.iter().map(|worker| worker.logs()).collect();
        let count = logs
            .lines()
            .filter(|line| line.contains("a job ended") && line.contains(outcome))
            .count();
        if count >= expected {
            assert_eq!(count, expected, "{logs}");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{count} of {expected}: {logs}");
        sleep(Duration::from_millis(50)).await;
    }
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
    let metrics = worker.scrape().await;
    assert!(
        metrics.contains(r#"jobs_total{kind="count_words",outcome="done"} 1"#),
        "{metrics}"
    );
}

pub async fn a_killed_workers_job_is_done_by_another_and_counts_once(place: Place) {
    place.migrated().await;
    place.slow(RESULT, AGES).await;
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
        killed.elapsed() < Duration::from_secs(40),
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
    ended(&[&second], "\"done\"", 1).await;
    drop(scheduler);
}

pub async fn a_job_that_outlasts_its_lease_stays_with_its_worker(place: Place) {
    const LEASE: Duration = Duration::from_secs(6);
    // A busy machine may hold up a renewal for seconds.
    let place = place.with("JOB_LEASE", &format!("{}s", LEASE.as_secs()));
    place.migrated().await;
    place.note("a b c").await;
    // How long it takes beyond that depends on the machine: it may come to its kind's limit.
    place.slow_to_read(25).await;
    let _scheduler = place.start("scheduler").await;
    // Either takes what the other loses.
    let workers = [place.start("run").await, place.start("run").await];
    place.until(RUNNING, 1).await;
    let begun = Instant::now();
    let held = "SELECT COUNT(*) FROM background_jobs WHERE state = 'running' AND attempt = 1";
    while begun.elapsed() < LEASE * 3 {
        let logs = workers.each_ref().map(Server::logs);
        let passed = begun.elapsed();
        assert_eq!(place.count(held).await, 1, "after {passed:?}: {logs:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

pub async fn a_job_that_runs_when_the_signal_comes_is_finished(place: Place) {
    // A busy machine may hold up what keeps a lease alive, and who looks whether the job runs.
    let place = place.with("JOB_LEASE", "30s");
    place.migrated().await;
    place.note("a b").await;
    place.slow_to_read(4).await;
    let _scheduler = place.start("scheduler").await;
    let mut worker = place.start("run").await;
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

pub async fn a_scheduler_that_is_killed_while_it_sends_loses_nothing(place: Place) {
    place.migrated().await;
    let mut scheduler = place.start("scheduler").await;
    // Once it has sent, what the broker keeps messages in is there.
    place.note("one").await;
    place.until(SENT, 1).await;
    place.hold_sending().await;
    place.note("one two").await;
    place.held_sending().await;
    scheduler.signal("KILL").await;
    scheduler.ended().await;
    place.release_sending().await;
    assert_eq!(place.count(WAITING).await, 1);
    let _scheduler = place.start("scheduler").await;
    let _worker = place.start("run").await;
    place.until(DONE, 2).await;
}

pub async fn a_scheduler_that_is_killed_after_it_sent_has_the_job_run_once(place: Place) {
    place.migrated().await;
    place.slow(SENT_DOWN, AGES).await;
    let mut scheduler = place.start("scheduler").await;
    place.note("one").await;
    // The broker has the message, and the scheduler is about to write that down.
    place.braked().await;
    scheduler.signal("KILL").await;
    scheduler.ended().await;
    place.fast().await;
    assert_eq!(place.count(WAITING).await, 1);
    let _scheduler = place.start("scheduler").await;
    place.until(SENT, 1).await;
    let worker = place.start("run").await;
    place.until(DONE, 1).await;
    // What comes after both messages shows that both were handled.
    place.note("two").await;
    place.until(DONE, 2).await;
    ended(&[&worker], "\"done\"", 2).await;
    ended(&[&worker], "", 2).await;
}

pub async fn a_broker_that_is_cut_off_in_the_middle_of_load_loses_nothing(place: Place) {
    place.migrated().await;
    let wire = place.wire.as_ref().expect("its broker is behind a wire");
    let _scheduler = place.start("scheduler").await;
    // One, so that nobody does its work when it has given up.
    let _worker = place.start("run").await;
    // Others go on asking for jobs, whatever scheduler and worker can reach.
    let load = async {
        for _ in 0..LOAD {
            place.note("one two").await;
            sleep(Duration::from_millis(50)).await;
        }
    };
    let outage = async {
        let begun = Instant::now();
        while place.count(DONE).await < LOAD / 10 {
            assert!(begun.elapsed() < PATIENCE);
            sleep(Duration::from_millis(10)).await;
        }
        wire.cut();
        sleep(OUTAGE).await;
        let missing = place.count("SELECT COUNT(*) FROM notes").await - place.count(DONE).await;
        wire.open();
        missing
    };
    let ((), missing) = tokio::join!(load, outage);
    assert!(missing > LOAD / 10, "{missing} jobs met an outage");
    // A job whose news was lost is sent again after a minute.
    place.until_within(PATIENCE * 3, DONE, LOAD).await;
    let counted = "SELECT COUNT(*) FROM note_words WHERE words = 2";
    assert_eq!(place.count(counted).await, LOAD);
}

pub async fn a_broker_that_falls_silent_is_connected_to_anew(place: Place) {
    place.migrated().await;
    let wire = place.wire.as_ref().expect("its broker is behind a wire");
    let _worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    wire.lose();
    place.note("one two").await;
    // Only connections that are made from now on lead anywhere.
    wire.open();
    place.until_within(PATIENCE * 2, DONE, 2).await;
}

pub async fn who_is_never_answered_while_it_sends_asks_again(place: Place) {
    let sending = place.brake.sending;
    never_answered(place, sending).await;
}

pub async fn who_is_never_answered_while_it_receives_asks_again(place: Place) {
    let receiving = place.brake.receiving.expect("it is its own broker");
    never_answered(place, receiving).await;
}

pub async fn a_job_that_is_never_answered_is_tried_again(place: Place) {
    never_answered(place, RESULT).await;
}

/// Has the server go away without a word at a moment of a job's life.
async fn never_answered(place: Place, moment: &str) {
    place.migrated().await;
    let wire = place.wire.as_ref().expect("it is behind a wire");
    let _worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    place.slow(moment, AGES).await;
    place.note("one two").await;
    place.braked().await;
    wire.lose();
    place.fast().await;
    wire.open();
    place.until_within(PATIENCE * 2, DONE, 2).await;
}

pub async fn a_worker_that_is_full_of_long_jobs_takes_no_more(place: Place) {
    let place = place
        .with("CONCURRENCY", "2")
        .with("JOB_RETENTION", "0s")
        .with("JOB_LEASE", "30s");
    place.migrated().await;
    let mut scheduler = place.start("scheduler").await;
    let _worker = place.start("run").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    place.slow(PRUNING, SILENCE + 10).await;
    place.enqueue(&PRUNE, "").await;
    place.until(RUNNING, 1).await;
    // What waits is sent at once, and is more than the worker has room for.
    scheduler.signal("KILL").await;
    scheduler.ended().await;
    for _ in 0..3 {
        place.enqueue(&PRUNE, "").await;
    }
    let _scheduler = place.start("scheduler").await;
    let pruned = "SELECT COUNT(*) FROM background_jobs WHERE state = 'done' AND kind = 'prune'";
    let begun = Instant::now();
    while place.count(pruned).await == 0 {
        let running = place.count(RUNNING).await;
        assert!(running <= 2, "{running} at once");
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        place
            .count("SELECT MAX(attempt) FROM background_jobs")
            .await,
        1
    );
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
        limit: PATIENCE,
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
    ended(&[&worker], "retried", 1).await;
    ended(&[&worker], "\"dead\"", 1).await;

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
