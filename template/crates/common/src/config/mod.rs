//! Settings: one table, three spellings (variable, flag, key of a file), and errors that say what to change.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults.
mod command;
pub mod docs;
mod error;
mod file;
mod setting;
mod values;

pub use command::{arguments, read};
pub use error::{ConfigError, Problem};
pub use setting::{Definition, Parse, Setting};
pub use values::{Inputs, Source, Value, Values};

/// The table of a command that works on the database alone.
pub fn tool() -> Vec<Definition> {
    [crate::telemetry::SETTINGS, crate::db::SETTINGS].concat()
}

/// The table of the backend. It stands here because other programs read the same settings.
pub fn backend() -> Vec<Definition> {
    [
        &[
            crate::server::HTTP_ADDRESS.definition,
            crate::server::METRICS_ADDRESS.definition,
        ],
        crate::telemetry::SETTINGS,
        crate::server::SETTINGS,
        crate::files::SETTINGS,
        crate::db::SETTINGS,
        &[crate::db::MIGRATE_ON_START.definition],
        &crate::cache::settings(),
    ]
    .concat()
}
