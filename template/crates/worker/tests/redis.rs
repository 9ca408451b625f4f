//! The program with Redis as its broker, when TEST_REDIS_URL names one: each test takes a database of its own there.
mod scenarios;

use std::env;

use scenarios::{COUNTING, Place};
use uuid::Uuid;

fn place(number: u8) -> Option<Place> {
    let Ok(redis) = env::var("TEST_REDIS_URL") else {
        eprintln!("skipped: TEST_REDIS_URL is not set");
        return None;
    };
    let (scheme, rest) = redis.split_once("://").expect("it is a URL");
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    let path = format!(
        "{}/redis-{}.db",
        env!("CARGO_TARGET_TMPDIR"),
        Uuid::now_v7()
    );
    let broker = ("REDIS_URL", format!("{scheme}://{server}/{number}"));
    Some(Place::new(
        &format!("sqlite://{path}"),
        Some(broker),
        COUNTING,
    ))
}

/// Runs scenarios, each with a number of its own.
macro_rules! on_redis {
    ($($number:literal $scenario:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $scenario() {
            let Some(place) = place($number) else { return };
            scenarios::$scenario(place).await;
        }
    )+};
}

on_redis!(
    1 a_job_runs_if_and_only_if_its_transaction_is_committed,
    2 a_killed_workers_job_is_done_by_another_and_counts_once,
    3 a_job_that_runs_when_the_signal_comes_is_finished,
    4 several_schedulers_fire_once,
    5 killed_between_commit_and_sending_the_job_arrives,
    6 a_job_that_is_sent_twice_runs_once,
    7 what_the_broker_forgot_is_sent_again,
    8 a_poisoned_job_ends_among_the_dead_where_people_find_it,
    9 queues_are_apart,
);
