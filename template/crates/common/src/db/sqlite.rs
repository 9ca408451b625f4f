//! SQLite, embedded in the program: nothing to install for development and small deployments.
use std::str::FromStr;

use sqlx::{AnyPool, Executor, any::AnyPoolOptions, sqlite::SqliteConnectOptions};

use super::Kind;
use crate::services::migrations;

pub(crate) const KIND: Kind = Kind {
    accepts: |url| url.starts_with("sqlite:") && SqliteConnectOptions::from_str(url).is_ok(),
    open,
    migrations: migrations!("sqlite"),
    locks_rows: false,
};

pub(crate) fn in_memory(url: &str) -> bool {
    url.starts_with("sqlite:") && (url.contains(":memory:") || url.contains("mode=memory"))
}

fn open(url: &str, options: AnyPoolOptions) -> Result<AnyPool, sqlx::Error> {
    if in_memory(url) {
        // Each connection would have a database of its own, and closing it would lose the data.
        return options
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy(url);
    }
    let create = if url.contains("mode=") {
        ""
    } else if url.contains('?') {
        "&mode=rwc"
    } else {
        "?mode=rwc"
    };
    options
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Readers and the writer do not wait for one another.
                connection
                    .execute("PRAGMA journal_mode = WAL")
                    .await
                    .map(drop)
            })
        })
        .connect_lazy(&format!("{url}{create}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_memory_is_recognised() {
        assert!(in_memory("sqlite::memory:"));
        assert!(in_memory("sqlite://app.db?mode=memory"));
        assert!(!in_memory("sqlite:///data/app.db"));
    }
}
