//! Sends due jobs to the broker, and only then writes down that it has: killed in between, the job is sent twice.
use std::collections::BTreeMap;

use common::{
    db::Database,
    services::jobs::life::{self, Due},
};
use sqlx::AnyConnection;

use super::Outcome;
use crate::broker::{Broker, Message};

/// Sends all that is due.
pub async fn run(database: &Database, broker: &dyn Broker) -> Outcome {
    loop {
        let sent = if database.locks_rows() {
            // Other schedulers pass over what is locked, and send what comes after.
            let mut transaction = database.pool().begin().await?;
            let sent = batch(&mut transaction, broker, true).await?;
            transaction.commit().await?;
            sent
        } else {
            batch(&mut *database.pool().acquire().await?, broker, false).await?
        };
        if sent == 0 {
            return Ok(());
        }
    }
}

async fn batch(
    connection: &mut AnyConnection,
    broker: &dyn Broker,
    locked: bool,
) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let due = life::due(connection, locked).await?;
    let mut queues: BTreeMap<&str, Vec<&Due>> = BTreeMap::new();
    for job in &due {
        queues.entry(&job.queue).or_default().push(job);
    }
    for (queue, jobs) in queues {
        broker
            .send(queue, jobs.iter().map(|job| Message::from(*job)).collect())
            .await?;
        for job in jobs {
            life::sent(connection, job).await?;
        }
    }
    Ok(due.len())
}
