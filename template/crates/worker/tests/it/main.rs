//! The program on an SQLite file that all its processes share, and what it says to people.
#[path = "../scenarios/mod.rs"]
mod scenarios;

use std::time::Duration;

use common::{
    services::jobs::{
        kinds::{COUNT_WORDS, PRUNE},
        life,
    },
    testing::{Server, run, run_with_input},
};
use hyper::Request;
use scenarios::{COUNTING, DONE, Place, WORKER};

fn place(name: &str) -> Place {
    let path = format!(
        "{}/{name}-{}.db",
        env!("CARGO_TARGET_TMPDIR"),
        uuid::Uuid::now_v7()
    );
    Place::new(&format!("sqlite://{path}"), None, COUNTING)
}

#[tokio::test]
async fn a_job_runs_if_and_only_if_its_transaction_is_committed() {
    scenarios::a_job_runs_if_and_only_if_its_transaction_is_committed(place("committed")).await;
}

#[tokio::test]
async fn a_killed_workers_job_is_done_by_another_and_counts_once() {
    scenarios::a_killed_workers_job_is_done_by_another_and_counts_once(place("killed")).await;
}

#[tokio::test]
async fn a_job_that_outlasts_its_lease_stays_with_its_worker() {
    scenarios::a_job_that_outlasts_its_lease_stays_with_its_worker(place("lasting")).await;
}

#[tokio::test]
async fn a_job_that_runs_when_the_signal_comes_is_finished() {
    scenarios::a_job_that_runs_when_the_signal_comes_is_finished(place("drained")).await;
}

#[tokio::test]
async fn several_schedulers_fire_once() {
    scenarios::several_schedulers_fire_once(place("schedules")).await;
}

#[tokio::test]
async fn a_scheduler_that_is_killed_while_it_sends_loses_nothing() {
    scenarios::a_scheduler_that_is_killed_while_it_sends_loses_nothing(place("sending")).await;
}

#[tokio::test]
async fn a_scheduler_that_is_killed_after_it_sent_has_the_job_run_once() {
    scenarios::a_scheduler_that_is_killed_after_it_sent_has_the_job_run_once(place("sent")).await;
}

#[tokio::test]
async fn what_the_broker_forgot_is_sent_again() {
    scenarios::what_the_broker_forgot_is_sent_again(place("forgotten")).await;
}

#[tokio::test]
async fn a_poisoned_job_ends_among_the_dead_where_people_find_it() {
    scenarios::a_poisoned_job_ends_among_the_dead_where_people_find_it(place("poison")).await;
}

#[tokio::test]
async fn queues_are_apart() {
    scenarios::queues_are_apart(place("queues")).await;
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_put_off_fires() {
    let place = place("put-off").with("PRUNE_SCHEDULE", "* * * * * *");
    place.migrated().await;
    place
        .change(
            "INSERT INTO schedules (name, schedule, due_at)
             VALUES ('prune', '* * * * * *', '2999-01-01T00:00:00.000Z')",
        )
        .await;
    let _scheduler = place.start("scheduler").await;
    let fired = "SELECT COUNT(*) > 0 FROM background_jobs WHERE kind = 'prune'";
    place.until(fired, 1).await;
}

#[tokio::test]
async fn jobs_may_be_kept_for_ever() {
    let place = place("kept").with("JOB_RETENTION", "1000y");
    place.migrated().await;
    let _worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    place.enqueue(&PRUNE, "").await;
    let pruned = "SELECT COUNT(*) FROM background_jobs WHERE kind = 'prune' AND state = 'done'";
    place.until(pruned, 1).await;
    assert_eq!(place.count(DONE).await, 1);
}

#[tokio::test]
async fn lost_is_what_its_queue_went_on_without() {
    let place = place("lost");
    place.migrated().await;
    for payload in ["passed over", "taken", "waits its turn"] {
        place.enqueue(&COUNT_WORDS, payload).await;
    }
    place
        .change(
            r#"UPDATE background_jobs SET state = 'sent', sent_at = CASE payload
                   WHEN '"passed over"' THEN '2020-01-01T00:00:00.000Z'
                   WHEN '"taken"' THEN '2020-01-02T00:00:00.000Z'
                   ELSE '2020-01-03T00:00:00.000Z' END"#,
        )
        .await;
    place
        .change(
            r#"UPDATE background_jobs SET state = 'running', started_at = '2999-01-01T00:00:00.000Z'
               WHERE payload = '"taken"'"#,
        )
        .await;
    let found = life::send_again(place.pool(), Duration::from_mins(1)).await;
    assert_eq!(found.unwrap(), 1);
    let again = r#"SELECT COUNT(*) FROM background_jobs
                   WHERE state = 'waiting' AND payload = '"passed over"'"#;
    assert_eq!(place.count(again).await, 1);
}

#[tokio::test]
async fn only_an_account_opens_the_dashboard_and_it_changes_nothing() {
    let place = place("board");
    place.migrated().await;
    let board = place.start("board").await;
    let refused = board.get("/api/v1/queues").await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Basic "));
    assert_eq!(board.get("/livez").await.status, 200);

    let create = ["admin", "create", "ann"];
    let environment = place.environment();
    let short = run_with_input(WORKER, &create, &environment, "short\n").await;
    assert_eq!(short.code, Some(1), "{}", short.stdout);
    assert!(
        short.stderr.contains("at least 12 characters"),
        "{}",
        short.stderr
    );
    let made = run_with_input(WORKER, &create, &environment, "correct horse battery\n").await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);

    // "ann:correct horse battery", then the same with another name and another password.
    let right = "Basic YW5uOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";
    let ask = async |method: &str, path: &str, header: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", header);
        board
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await
    };
    assert_eq!(ask("GET", "/api/v1/queues", right).await.status, 200);
    assert_eq!(ask("GET", "/", right).await.status, 200);
    for wrong in [
        "Basic Ym9iOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==",
        "Basic YW5uOndyb25n",
        "Bearer x",
    ] {
        assert_eq!(
            ask("GET", "/api/v1/queues", wrong).await.status,
            401,
            "{wrong}"
        );
    }
    let overview = ask("GET", "/api/v1/overview", right).await.json();
    let titles: Vec<_> = overview
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number["title"].as_str().unwrap())
        .collect();
    // As the page knows them: any other is shown as a total.
    let known = ["PENDING", "ACTIVE", "RUNNING", "DONE", "KILLED"];
    assert_eq!(titles, known.map(|name| format!("{name}_JOBS")));
    // A stream without an end, by which the page sees that it is connected.
    let events = Request::get("/api/v1/events")
        .header("authorization", right)
        .body(axum::body::Body::empty())
        .unwrap();
    let events = common::testing::send(board.address, events).await.unwrap();
    assert_eq!(events.status(), 200);
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let changed = ask("PUT", "/api/v1/queues/default/tasks", right).await;
    assert_eq!(changed.status, 405, "{}", changed.body);
    assert!(!board.logs().contains("correct horse"));
}

#[tokio::test]
async fn a_database_that_nobody_else_sees_is_refused() {
    let ended = run(WORKER, &[], &[]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("DATABASE_URL is a database in memory"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn it_waits_for_the_schema_and_says_so() {
    let place = place("waits");
    let worker = Server::start(WORKER, &place.environment()).await;
    let ready = worker.get("/readyz").await;
    assert_eq!(
        (
            ready.status.as_u16(),
            &ready.json()["dependencies"]["database"]
        ),
        (503, &"migrations pending".into())
    );
    place.migrated().await;
    place.note("one two three").await;
    place
        .until("SELECT COUNT(*) FROM note_words WHERE words = 3", 1)
        .await;
    assert_eq!(worker.get("/readyz").await.status, 200);
    // Its queues and its scheduler all want the broker's tables, which are made once.
    let logs = worker.logs();
    assert!(!logs.contains("the broker is away"), "{logs}");
}

#[tokio::test]
async fn an_answer_has_no_log_in_it() {
    let place = place("answers").with("LOG_LEVEL", "trace");
    place.migrated().await;
    place.note("a b c").await;
    let list = place.run(&["jobs", "list", "--json"]).await;
    assert_eq!(list.stdout.lines().count(), 1, "{}", list.stdout);
    assert!(list.stdout.contains("\"count_words\""), "{}", list.stdout);
    assert!(list.stderr.contains("SELECT"), "{}", list.stderr);
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let environment = [("QUEUES", "fast"), ("PRUNE_SCHEDULE", "daily, please")];
    let ended = run(WORKER, &["run"], &environment).await;
    assert_eq!(ended.code, Some(2));
    for part in [
        "QUEUES from the environment is \"fast\" and must be default, bulk,",
        "PRUNE_SCHEDULE from",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part} is missing in {}",
            ended.stderr
        );
    }
    // The others are a shell's variable that is not set.
    for which in [
        &["purge"] as &[&str],
        &["purge", ""],
        &["retry", "--kind", ""],
    ] {
        let ended = run(WORKER, &[&["jobs"], which].concat(), &[]).await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("say which jobs"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_dead_job_gets_its_attempts_once_more_however_often() {
    let place = place("again");
    place.migrated().await;
    place.enqueue(&PRUNE, "").await;
    for (made, of) in [(3, 6), (6, 9)] {
        place
            .change(&format!(
                "UPDATE background_jobs SET state = 'dead', attempt = {made}"
            ))
            .await;
        let retried = place.run(&["jobs", "retry", "--all"]).await;
        assert_eq!(retried.code, Some(0), "{}", retried.stderr);
        let list = place.run(&["jobs", "list"]).await.stdout;
        assert!(list.contains(&format!("{}/{of}", made + 1)), "{list}");
    }
}

#[tokio::test]
async fn who_cannot_send_is_not_ready() {
    let place = place("tables");
    place.migrated().await;
    let worker = place.start("all").await;
    place.note("one").await;
    place.until(DONE, 1).await;
    assert_eq!(worker.get("/readyz").await.status, 200);
    place.change("DROP TABLE Jobs").await;
    let ready = worker.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["dependencies"]["broker"], "disconnected");
}

#[tokio::test]
async fn all_of_it_ends_where_part_of_it_cannot_listen() {
    let place = place("taken");
    place.migrated().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = place.with("HTTP_ADDRESS", &address);
    let ended = place.run(&["all"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("HTTP_ADDRESS"), "{}", ended.stderr);
}
