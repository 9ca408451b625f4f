//! PostgreSQL, for deployments with more than one replica.
use std::{str::FromStr, time::Duration};

use sqlx::{Connection, Database, pool::PoolOptions, postgres::PgConnectOptions};
use tokio::time::{error::Elapsed, timeout};

use super::migrations;
use crate::db::Kind;

pub(crate) const KIND: Kind = Kind {
    accepts: |url| {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
            && PgConnectOptions::from_str(url).is_ok()
    },
    open: |url, options| drop_lost(options).connect_lazy(url),
    migrations: migrations!("postgres"),
    locks_rows: true,
};

/// Longer than a server takes that is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has a pool drop a connection whose server went away without a word: by itself it waits for an answer before it has the
/// connection back, and for as long, that is one connection fewer.
#[must_use]
pub fn drop_lost<DB: Database>(options: PoolOptions<DB>) -> PoolOptions<DB> {
    options.after_release(|connection, _| {
        Box::pin(async {
            let late = |late: Elapsed| Err(sqlx::Error::Io(late.into()));
            let answer = timeout(PATIENCE, connection.ping()).await;
            answer.unwrap_or_else(late).map(|()| true)
        })
    })
}
