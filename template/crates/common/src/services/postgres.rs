//! PostgreSQL, for deployments with more than one replica.
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::migrations;
use crate::db::Kind;

pub(crate) const KIND: Kind = Kind {
    accepts: |url| {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
            && PgConnectOptions::from_str(url).is_ok()
    },
    open: |url, options| options.connect_lazy(url),
    migrations: migrations!("postgres"),
    locks_rows: true,
};
