//! PostgreSQL, for deployments with more than one replica.
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::db::{Kind, scripts};

pub(crate) const KIND: Kind = Kind {
    accepts: |url| {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
            && PgConnectOptions::from_str(url).is_ok()
    },
    open: |url, options| options.connect_lazy(url),
    migrations: scripts!("postgres": 1 "0001_notes"),
};
