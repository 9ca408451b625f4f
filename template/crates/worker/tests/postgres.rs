//! The program on PostgreSQL, when TEST_DATABASE_URL names a throw-away server: each test leaves a database there.
mod scenarios;

use std::{
    env,
    time::{Duration, Instant},
};

use scenarios::{Brake, DONE, PATIENCE, Place, Wire};
use sqlx::{AnyPool, AssertSqlSafe};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const SLEEPING: Brake = Brake {
    on: &[
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN PERFORM pg_sleep(AMOUNT); RETURN NEW; END'",
        "CREATE TRIGGER slow BEFORE MOMENT EXECUTE FUNCTION slow()",
    ],
    // The server does not notice that a client was killed for which it sleeps.
    off: &[
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event = 'PgSleep'",
        "DROP FUNCTION slow CASCADE",
    ],
    reading: &[
        "ALTER TABLE notes RENAME TO stored_notes",
        "CREATE VIEW notes AS SELECT stored_notes.* FROM stored_notes CROSS JOIN pg_sleep(AMOUNT)",
    ],
    counts: None,
    braked: Some(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    ),
    sending: "INSERT ON apalis.jobs FOR EACH ROW",
    receiving: Some("UPDATE ON apalis.jobs FOR EACH ROW WHEN (NEW.status = 'Queued')"),
};

async fn place() -> Option<Place> {
    let Ok(server) = env::var("TEST_DATABASE_URL") else {
        eprintln!("skipped: TEST_DATABASE_URL is not set");
        return None;
    };
    sqlx::any::install_default_drivers();
    let pool = AnyPool::connect(&server)
        .await
        .expect("TEST_DATABASE_URL can be reached");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&pool)
        .await
        .expect("databases can be created");
    let (server, _) = server.rsplit_once('/').expect("the URL names a database");
    Some(Place::new(&format!("{server}/{name}"), None, SLEEPING))
}

/// Runs scenarios, each on a database of its own.
macro_rules! on_postgres {
    ($($scenario:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $scenario() {
            let Some(place) = place().await else { return };
            scenarios::$scenario(place).await;
        }
    )+};
}

on_postgres!(
    a_job_runs_if_and_only_if_its_transaction_is_committed,
    a_killed_workers_job_is_done_by_another_and_counts_once,
    a_job_that_outlasts_its_lease_stays_with_its_worker,
    a_job_that_runs_when_the_signal_comes_is_finished,
    several_schedulers_fire_once,
    a_scheduler_that_is_killed_while_it_sends_loses_nothing,
    a_scheduler_that_is_killed_after_it_sent_has_the_job_run_once,
    a_worker_that_is_full_of_long_jobs_takes_no_more,
    what_the_broker_forgot_is_sent_again,
    a_poisoned_job_ends_among_the_dead_where_people_find_it,
    queues_are_apart,
);

/// Runs scenarios whose programs reach the database, which is also their broker, over a wire; the test itself does not.
macro_rules! over_a_wire {
    ($($scenario:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $scenario() {
            let Some(place) = place().await else { return };
            let (wire, url) = Wire::to(place.database_url(), 5432).await;
            let place = place.behind(wire).with("DATABASE_URL", &url);
            // A connection that is lost for good leaves none.
            let place = place.with("DATABASE_MAX_CONNECTIONS", "1");
            scenarios::$scenario(place).await;
        }
    )+};
}

over_a_wire!(
    a_broker_that_is_cut_off_in_the_middle_of_load_loses_nothing,
    // As when the server's host is lost with its connections.
    who_is_never_answered_while_it_sends_asks_again,
    who_is_never_answered_while_it_receives_asks_again,
    a_job_that_is_never_answered_is_tried_again,
);

#[tokio::test]
async fn a_broker_that_cannot_be_prepared_keeps_nobody_from_migrating() {
    let Some(place) = place().await else { return };
    place.migrated().await;
    let worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    worker.kill().await;
    place
        .change("UPDATE apalis._sqlx_migrations SET checksum = ''")
        .await;
    let worker = place.start("all").await;
    let begun = Instant::now();
    while worker.logs().matches("has been modified").count() < 6 {
        assert!(begun.elapsed() < PATIENCE, "{}", worker.logs());
        sleep(Duration::from_millis(100)).await;
    }
    let migrated = timeout(Duration::from_secs(20), place.run(&["migrate"])).await;
    assert_eq!(migrated.expect("it does not wait for ever").code, Some(0));
}

#[tokio::test]
async fn messages_that_were_handled_are_forgotten_without_a_job() {
    let Some(place) = place().await else { return };
    place.migrated().await;
    let worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    let handled = "SELECT COUNT(*) FROM apalis.jobs WHERE status = 'Done'";
    place.until(handled, 1).await;
    worker.kill().await;
    place
        .change("UPDATE apalis.jobs SET done_at = now() - interval '6 minutes'")
        .await;
    let _scheduler = place.start("scheduler").await;
    place.until(handled, 0).await;
}
