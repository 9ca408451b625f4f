//! Removes what is no longer kept: jobs that are done, and what the broker remembers of them.
use common::services::jobs::life;

use super::{Context, Outcome};

pub async fn run(context: &Context) -> Outcome {
    let pruned = life::prune(context.database.pool(), context.retention).await?;
    context.broker.prune(context.retention).await?;
    tracing::info!(pruned, "old jobs are removed");
    Ok(())
}
