//! What happens without being asked for: due jobs are sent, lost ones are found, schedules fire. Several may run at once.
mod patience;
mod relay;
mod schedules;

use std::{error::Error, sync::Arc, time::Duration};

use common::{
    config::Values,
    db::Database,
    health::State,
    server::Stop,
    services::jobs::{admin, life},
};
use tokio::time::{sleep, timeout};

use self::patience::Patience;
use crate::{
    broker::Broker,
    settings::{JOB_LEASE, PRUNE_SCHEDULE},
};

/// How long due jobs wait at most.
const RELAY: Duration = Duration::from_millis(250);
const TICK: Duration = Duration::from_secs(1);
const GAUGES: Duration = Duration::from_secs(5);
/// How often the broker forgets messages, and how long ago they were handled then: nobody looks at them any more, and
/// a broker in memory has only so much.
const FORGET: Duration = Duration::from_mins(5);
/// How often to look for jobs that the broker has lost.
const SEARCH: Duration = Duration::from_secs(10);
/// Longer than any of it takes: a server may go away without a word.
const TOO_LONG: Duration = Duration::from_secs(30);

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

pub struct Scheduler {
    database: Database,
    broker: Arc<dyn Broker>,
    lease: Duration,
    prune: cron::Schedule,
}

impl Scheduler {
    pub fn new(values: &Values, database: &Database, broker: &Arc<dyn Broker>) -> Self {
        Self {
            database: database.clone(),
            broker: Arc::clone(broker),
            lease: values.get(&JOB_LEASE).0,
            prune: values.get(&PRUNE_SCHEDULE).0,
        }
    }

    /// Works until `stop`.
    pub async fn run(self, mut stop: Stop) {
        let pool = self.database.pool();
        let ready = Box::pin(async {
            while timeout(TOO_LONG, self.database.clone().state()).await != Ok(State::Connected) {
                tracing::warn!("the database is not ready for a scheduler");
                sleep(TICK).await;
            }
            while let Err(error) = self.broker.prepare().await {
                tracing::warn!(%error, "the broker is not ready for a scheduler");
                sleep(TICK).await;
            }
        });
        let patience = Patience::default();
        let work = async {
            ready.await;
            tokio::join!(
                every(RELAY, "sending jobs", async || relay::run(
                    &self.database,
                    &*self.broker
                )
                .await),
                every(self.lease / 6, "taking jobs back", async || {
                    Ok(life::take_back(pool).await.map(drop)?)
                }),
                every(SEARCH, "finding lost jobs", async || {
                    let again = life::send_again(pool, patience.now()).await?;
                    if again > 0 {
                        patience.grow();
                        tracing::warn!(
                            jobs = again,
                            "the broker seems to have lost jobs: they are sent again"
                        );
                    }
                    Ok(())
                }),
                every(TICK, "starting what is on a schedule", async || {
                    schedules::run(pool, &self.prune).await
                }),
                // Not by a job: a broker that is full takes none.
                every(FORGET, "forgetting messages", async || {
                    self.broker.prune(FORGET).await
                }),
                every(GAUGES, "counting jobs", async || gauges(&self.database)
                    .await),
            );
        };
        tokio::select! {
            () = work => {}
            () = stop.requested() => {}
        }
    }
}

/// Does `work` again and again. What fails, or is never answered, is done with the next time.
async fn every(period: Duration, what: &str, work: impl AsyncFn() -> Outcome) {
    loop {
        let outcome = timeout(TOO_LONG, work()).await;
        if let Err(error) = outcome.unwrap_or_else(|late| Err(late.into())) {
            tracing::warn!(%error, "{what} failed: trying again");
            sleep(TICK).await;
        } else {
            sleep(period).await;
        }
    }
}

/// How long the queues are, as metrics.
async fn gauges(database: &Database) -> Outcome {
    let counts = admin::counts(database.pool()).await?;
    for queue in common::services::jobs::kinds::QUEUES {
        for state in ["waiting", "sent", "running", "done", "dead"] {
            let found = counts.iter().find(|(q, s, _)| q == queue && s == state);
            let jobs = found.map_or(0, |(.., jobs)| *jobs);
            #[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
            metrics::gauge!("jobs", "queue" => *queue, "state" => state).set(jobs as f64);
        }
    }
    let oldest = admin::oldest_due(database.pool()).await?;
    let waits = oldest.and_then(|oldest| humantime::parse_rfc3339(&oldest).ok()?.elapsed().ok());
    metrics::gauge!("jobs_oldest_due_seconds").set(waits.unwrap_or_default().as_secs_f64());
    Ok(())
}
