//! Removes jobs that are done and no longer kept.
use common::services::jobs::life;

use super::{Context, Outcome};

pub async fn run(context: &Context) -> Outcome {
    let pruned = life::prune(context.database.pool(), context.retention).await?;
    tracing::info!(pruned, "old jobs are removed");
    Ok(())
}
