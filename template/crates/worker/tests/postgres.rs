//! The program on PostgreSQL, when TEST_DATABASE_URL names a throw-away server: each test leaves a database there.
mod scenarios;

use std::env;

use scenarios::{Brake, Place};
use sqlx::{AnyPool, AssertSqlSafe};
use uuid::Uuid;

const SLEEPING: Brake = Brake {
    on: &[
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN PERFORM pg_sleep(AMOUNT); RETURN NEW; END'",
        "CREATE TRIGGER slow BEFORE INSERT ON note_words FOR EACH ROW EXECUTE FUNCTION slow()",
    ],
    off: "DROP TRIGGER slow ON note_words",
    short: "1",
    long: "60",
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
    a_job_that_runs_when_the_signal_comes_is_finished,
    several_schedulers_fire_once,
    killed_between_commit_and_sending_the_job_arrives,
    a_job_that_is_sent_twice_runs_once,
    what_the_broker_forgot_is_sent_again,
    a_poisoned_job_ends_among_the_dead_where_people_find_it,
    queues_are_apart,
);
