//! Migrations: embedded in the program, applied in order, never twice and never by two at once.
use std::collections::BTreeSet;

use sqlx::{
    AnyPool, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::Kind;

#[derive(Debug, thiserror::Error)]
#[error("the database cannot be migrated: {0}")]
pub struct MigrationError(#[from] MigrateError);

pub(super) async fn apply(pool: &AnyPool, kind: &Kind) -> Result<(), MigrationError> {
    let scripts = kind.migrations.iter().map(|(number, name, sql)| {
        Migration::new(
            *number,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(scripts.collect());
    // An older release must work beside, and after, a newer one's migrations: that is what a rollback is.
    migrator.set_ignore_missing(true);
    let mut outcome = run(&migrator, pool).await;
    // SQLite keeps no other process out: who was overtaken at one goes on with the next. Where several write, each waits
    // for its turn, and what failed would fail again.
    for _ in kind.migrations {
        if outcome.is_err() && !kind.locks_rows {
            outcome = run(&migrator, pool).await;
        }
    }
    outcome?;
    tracing::info!(
        migrations = kind.migrations.len(),
        "the database is migrated"
    );
    Ok(())
}

async fn run(migrator: &Migrator, pool: &AnyPool) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    let outcome = migrator.run_direct(None, &mut *connection, false).await;
    if outcome.is_err() {
        // It may still have the lock that keeps others out.
        connection.close_on_drop();
    }
    outcome
}

/// Whether a migration of this program has not been applied; a database never migrated has no list of them.
pub(super) async fn pending(pool: &AnyPool, kind: &Kind) -> bool {
    let applied = sqlx::query_as("SELECT version FROM _sqlx_migrations WHERE success = TRUE")
        .fetch_all(pool)
        .await
        .unwrap_or_default();
    let applied: BTreeSet<i64> = applied.into_iter().map(|(version,)| version).collect();
    kind.migrations
        .iter()
        .any(|(number, ..)| !applied.contains(number))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use crate::services::DATABASES;

    #[test]
    fn every_kind_of_database_has_the_same_migrations() {
        let names = |index: usize| DATABASES[index].migrations.iter().map(|(_, name, _)| *name);
        for index in 1..DATABASES.len() {
            assert!(names(index).eq(names(0)));
        }
    }

    #[test]
    fn numbers_are_those_of_the_names() {
        for (number, name, _) in DATABASES.iter().flat_map(|kind| kind.migrations) {
            assert!(
                name.starts_with(&format!("{number:04}_")),
                "{name} is not number {number}"
            );
        }
    }

    #[test]
    fn every_file_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        for kind in fs::read_dir(folder).unwrap() {
            for file in fs::read_dir(kind.unwrap().path()).unwrap() {
                let sql = fs::read_to_string(file.as_ref().unwrap().path()).unwrap();
                let mut listed = DATABASES.iter().flat_map(|kind| kind.migrations);
                assert!(
                    listed.any(|(_, _, text)| *text == sql),
                    "{file:?} is not listed"
                );
            }
        }
    }
}
