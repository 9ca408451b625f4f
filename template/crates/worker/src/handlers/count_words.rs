//! The example: counts the words of a note. Counting twice gives the same row.
use common::services::jobs::now;

use super::{Context, Outcome};

pub async fn run(context: &Context, payload: &str) -> Outcome {
    let id: String = serde_json::from_str(payload)?;
    let pool = context.database.pool();
    let note: Option<(String,)> = sqlx::query_as("SELECT text FROM notes WHERE id = $1")
        .bind(&id)
        .fetch_optional(pool)
        .await?;
    // A note that is gone needs no counting.
    let Some((text,)) = note else { return Ok(()) };
    let words = i64::try_from(text.split_whitespace().count())?;
    sqlx::query(
        "INSERT INTO note_words (note_id, words, counted_at) VALUES ($1, $2, $3)
         ON CONFLICT (note_id) DO UPDATE SET words = excluded.words, counted_at = excluded.counted_at",
    )
    .bind(id)
    .bind(words)
    .bind(now())
    .execute(pool)
    .await?;
    Ok(())
}
