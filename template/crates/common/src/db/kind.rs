//! What differs between kinds of databases; everything else is written once.
use sqlx::{AnyPool, any::AnyPoolOptions};

use crate::services;

pub(crate) struct Kind {
    /// Whether a URL names a database of this kind.
    pub accepts: fn(&str) -> bool,
    pub open: fn(&str, AnyPoolOptions) -> Result<AnyPool, sqlx::Error>,
    pub migrations: &'static [Script],
    /// Whether it knows `FOR UPDATE SKIP LOCKED`; one that does not has a single writer anyway.
    pub locks_rows: bool,
}

/// A migration: its number, its name and its SQL.
pub(crate) type Script = (i64, &'static str, &'static str);

/// A table of migrations, from files named `<number>_<name>.sql` in `migrations/<kind>/`.
macro_rules! scripts {
    ($kind:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$((
            $number,
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $kind, "/", $name, ".sql"
            )),
        )),+]
    };
}
pub(crate) use scripts;

impl Kind {
    pub fn of(url: &str) -> Option<&'static Self> {
        services::DATABASES.iter().find(|kind| (kind.accepts)(url))
    }
}
