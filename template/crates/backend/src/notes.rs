//! The example: notes, from the request to the database and the cache. Delete it with its migration and its page.
use std::time::SystemTime;

use axum::{Json, extract::State, response::IntoResponse};
use common::{
    http::{FieldError, Problem},
    services::jobs,
};
use hyper::{StatusCode, header::HeaderName};
use serde::{Deserialize, Serialize};
use sqlx::AnyPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::App;

const LIST: &str = "notes";
const LONGEST: usize = 1000;
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

#[derive(Deserialize, ToSchema)]
pub struct NewNote {
    /// From 1 to 1000 characters; spaces around them are dropped.
    #[serde(default)]
    #[schema(required = true)]
    text: String,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Note {
    id: String,
    text: String,
    /// RFC 3339, in UTC.
    created_at: String,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Notes {
    notes: Vec<Note>,
}

/// Stores a note.
#[utoipa::path(post, path = "/api/notes", request_body = NewNote, responses(
    (status = 201, body = Note),
    (status = 422, description = "What is wrong, as problem details"),
))]
pub async fn create(
    State(app): State<App>,
    Json(new): Json<NewNote>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let note = Note::new(validated(&new.text)?);
    insert(app.database.pool(), &note)
        .await
        .map_err(|error| Problem::internal(&error))?;
    app.cache.remove(LIST).await;
    Ok((StatusCode::CREATED, Json(note)))
}

/// The hundred newest notes, newest first.
#[utoipa::path(get, path = "/api/notes", responses((status = 200, body = Notes)))]
pub async fn list(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    if let Some(notes) = app.cache.get::<Notes>(LIST).await {
        return Ok(([(X_CACHE, "hit")], Json(notes)));
    }
    let notes = newest(app.database.pool())
        .await
        .map_err(|error| Problem::internal(&error))?;
    app.cache.put(LIST, &notes).await;
    Ok(([(X_CACHE, "miss")], Json(notes)))
}

impl Note {
    fn new(text: String) -> Self {
        let created_at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        // Version 7 ids sort by time, so the primary key is also the order of the list.
        Self {
            id: Uuid::now_v7().to_string(),
            text,
            created_at,
        }
    }
}

fn validated(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let message = match text.chars().count() {
        0 => "must not be empty".to_owned(),
        // Not every database keeps a text with one.
        _ if text.contains('\0') => "must not contain the character NUL".to_owned(),
        1..=LONGEST => return Ok(text.to_owned()),
        length => format!("must have at most {LONGEST} characters, not {length}"),
    };
    let errors = vec![FieldError {
        field: "text",
        message,
    }];
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY).errors(errors))
}

/// Stores the note, and asks for its words to be counted: both, or neither.
async fn insert(pool: &AnyPool, note: &Note) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("INSERT INTO notes (id, text, created_at) VALUES ($1, $2, $3)")
        .bind(&note.id)
        .bind(&note.text)
        .bind(&note.created_at)
        .execute(&mut *transaction)
        .await?;
    jobs::enqueue(&mut transaction, &jobs::kinds::COUNT_WORDS, &note.id).await?;
    transaction.commit().await
}

async fn newest(pool: &AnyPool) -> Result<Notes, sqlx::Error> {
    let rows = sqlx::query_as("SELECT id, text, created_at FROM notes ORDER BY id DESC LIMIT 100")
        .fetch_all(pool)
        .await?;
    let note = |(id, text, created_at)| Note {
        id,
        text,
        created_at,
    };
    Ok(Notes {
        notes: rows.into_iter().map(note).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_its_length_checked() {
        assert_eq!(validated("  hello ").unwrap(), "hello");
        assert!(validated(" \n ").is_err());
        assert!(validated(&"ä".repeat(LONGEST)).is_ok());
        assert!(validated(&"ä".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn later_notes_have_larger_ids() {
        let ids: Vec<_> = (0..100).map(|_| Note::new("text".to_owned()).id).collect();
        assert!(ids.is_sorted());
    }
}
