//! The database: one pool and one SQL text, whichever kind of database its URL names.
mod kind;
mod migrations;
pub(crate) mod sqlite;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{AnyPool, any::AnyPoolOptions};

pub(crate) use kind::{Kind, scripts};
pub use migrations::MigrationError;

use crate::{
    config::{Definition, Parse, Setting, Values},
    health::State,
    services,
};

const DATABASE_URL: Setting<DatabaseUrl> =
    Setting::new("DATABASE_URL", "sqlite::memory:", "The database").secret();
const DATABASE_MAX_CONNECTIONS: Setting<NonZeroU32> = Setting::new(
    "DATABASE_MAX_CONNECTIONS",
    "10",
    "How many connections to the database may be open at once; health checks have one more",
);
pub const MIGRATE_ON_START: Setting<bool> = Setting::new(
    "MIGRATE_ON_START",
    "false",
    "Whether to migrate the database at start; one in memory always is",
);

pub const SETTINGS: &[Definition] = &[DATABASE_URL.definition, DATABASE_MAX_CONNECTIONS.definition];

/// How long a request waits for a connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

struct DatabaseUrl(String);

#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    /// For probes alone: when all connections are in use, the database is busy, not away.
    probes: AnyPool,
    kind: &'static Kind,
    url: String,
    in_memory: bool,
    /// Once seen migrated, a database stays so: only the connection is probed from then on.
    migrated: Arc<AtomicBool>,
}

impl Database {
    /// Prepares a pool. Connections are made when they are needed, so the server comes up without the database.
    pub fn open(values: &Values) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let DatabaseUrl(url) = values.get(&DATABASE_URL);
        let kind = Kind::of(&url).expect("the setting accepts known kinds only");
        let open = |connections| {
            let options = AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT);
            (kind.open)(&url, options)
        };
        let pool = open(values.get(&DATABASE_MAX_CONNECTIONS).get())?;
        let in_memory = sqlite::in_memory(&url);
        let probes = if in_memory {
            // Another connection would have another database.
            pool.clone()
        } else {
            open(1)?
        };
        Ok(Self {
            pool,
            probes,
            kind,
            url,
            in_memory,
            migrated: Arc::default(),
        })
    }

    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Where it is, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether its data ends with this process, and no other process sees it.
    pub fn in_memory(&self) -> bool {
        self.in_memory
    }

    /// Whether rows can be locked, so that others pass over them.
    pub fn locks_rows(&self) -> bool {
        self.kind.locks_rows
    }

    /// Brings a database to this program's schema at start: where asked, and where nobody else could.
    pub async fn migrate_on_start(&self, asked: bool) -> Result<(), MigrationError> {
        if self.in_memory {
            tracing::warn!("the database is in memory: its data ends with this process");
        }
        if asked || self.in_memory {
            self.migrate().await
        } else {
            Ok(())
        }
    }

    /// Applies the migrations that are missing, one process at a time.
    pub async fn migrate(&self) -> Result<(), MigrationError> {
        migrations::apply(&self.pool, self.kind).await
    }

    pub async fn state(self) -> State {
        if let Err(error) = sqlx::query("SELECT 1").execute(&self.probes).await {
            tracing::warn!(%error, "the database does not answer");
            return State::Disconnected;
        }
        if !self.migrated.load(Ordering::Relaxed) {
            if migrations::pending(&self.probes, self.kind).await {
                return State::MigrationsPending;
            }
            self.migrated.store(true, Ordering::Relaxed);
        }
        State::Connected
    }
}

impl Parse for DatabaseUrl {
    const ALLOWED: &'static str = services::DATABASE_URLS;

    fn parse(text: &str) -> Option<Self> {
        Kind::of(text).map(|_| Self(text.to_owned()))
    }
}
