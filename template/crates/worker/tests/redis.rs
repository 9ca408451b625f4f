//! The program with Redis as its broker, when TEST_REDIS_URL names one: each test takes a database of its own there.
mod scenarios;

use std::env;

use scenarios::{COUNTING, Place, Wire};
use uuid::Uuid;

async fn place(number: u8) -> Option<Place> {
    let Ok(redis) = env::var("TEST_REDIS_URL") else {
        eprintln!("skipped: TEST_REDIS_URL is not set");
        return None;
    };
    let path = format!(
        "{}/redis-{}.db",
        env!("CARGO_TARGET_TMPDIR"),
        Uuid::now_v7()
    );
    let (wire, url) = Wire::to(&redis, 6379).await;
    let (server, _) = url.rsplit_once('/').expect("it has a path");
    let broker = ("REDIS_URL", format!("{server}/{number}"));
    Some(Place::new(&format!("sqlite://{path}"), Some(broker), COUNTING).behind(wire))
}

/// Runs scenarios, each with a number of its own.
macro_rules! on_redis {
    ($($number:literal $scenario:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $scenario() {
            let Some(place) = place($number).await else { return };
            scenarios::$scenario(place).await;
        }
    )+};
}

on_redis!(
    1 a_job_runs_if_and_only_if_its_transaction_is_committed,
    2 a_killed_workers_job_is_done_by_another_and_counts_once,
    3 a_job_that_outlasts_its_lease_stays_with_its_worker,
    4 a_job_that_runs_when_the_signal_comes_is_finished,
    5 several_schedulers_fire_once,
    6 a_scheduler_that_is_killed_while_it_sends_loses_nothing,
    7 a_scheduler_that_is_killed_after_it_sent_has_the_job_run_once,
    8 a_broker_that_is_cut_off_in_the_middle_of_load_loses_nothing,
    9 what_the_broker_forgot_is_sent_again,
    10 a_poisoned_job_ends_among_the_dead_where_people_find_it,
    11 queues_are_apart,
    12 a_broker_that_falls_silent_is_connected_to_anew,
);

#[tokio::test]
async fn the_dashboard_is_there_while_its_broker_is_away() {
    let path = format!("{}/away-{}.db", env!("CARGO_TARGET_TMPDIR"), Uuid::now_v7());
    let broker = ("REDIS_URL", "redis://127.0.0.1:9".to_owned());
    let place = Place::new(&format!("sqlite://{path}"), Some(broker), COUNTING);
    place.migrated().await;
    let board = place.start("board").await;
    assert_eq!(board.get("/readyz").await.status, 200);
    let scheduler = place.start("scheduler").await;
    assert_eq!(scheduler.get("/readyz").await.status, 503);
}
