//! Who may open the dashboard: names, and passwords as argon2 hashes.
use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sqlx::AnyPool;
use tokio::task::spawn_blocking;

use super::jobs::now;

/// A shorter password can be tried out, however well it is kept.
const SHORTEST: usize = 12;

/// What the password of a name that nobody has is compared with, so that it takes as long.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash("nobody's").expect("any text can be hashed"));

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("a name has no colon, and at least one character")]
    Name,
    #[error("a password has at least {SHORTEST} characters: this one has {0}")]
    Password(usize),
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    #[error("the account cannot be stored: {0}")]
    Database(#[from] sqlx::Error),
}

/// Makes the account, or gives it a new password.
pub async fn create(pool: &AnyPool, name: &str, password: &str) -> Result<(), AccountError> {
    if name.is_empty() || name.contains(':') {
        return Err(AccountError::Name);
    }
    if password.chars().count() < SHORTEST {
        return Err(AccountError::Password(password.chars().count()));
    }
    sqlx::query(
        "INSERT INTO accounts (name, password_hash, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash",
    )
    .bind(name)
    .bind(hash(password).map_err(AccountError::Hash)?)
    .bind(now())
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether it is this account's password. It takes as long when there is no such account.
pub async fn verify(pool: &AnyPool, name: &str, password: String) -> Result<bool, sqlx::Error> {
    let stored: Option<(String,)> =
        sqlx::query_as("SELECT password_hash FROM accounts WHERE name = $1")
            .bind(name)
            .fetch_optional(pool)
            .await?;
    let known = stored.is_some();
    let stored = stored.map_or_else(|| NOBODY.clone(), |(stored,)| stored);
    // Slow on purpose, so not among the tasks that must not wait.
    let right = spawn_blocking(move || matches(&stored, &password)).await;
    Ok(known && right.unwrap_or(false))
}

fn hash(password: &str) -> Result<String, String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

fn matches(stored: &str, password: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.as_bytes(), &stored)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_matches_and_it_is_not_kept() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(matches(&stored, "correct horse battery"));
        assert!(!matches(&stored, "correct horse"));
        assert!(!matches("no hash", "correct horse"));
    }
}
