//! Who a program is: its name and version from Cargo, its revision from the environment.
use std::env;

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct About {
    pub name: &'static str,
    pub version: &'static str,
    pub revision: String,
}

impl About {
    /// The revision is set when the program runs, not when it is compiled: a commit alone must not cost a build.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        let revision = env::var("APP_REVISION")
            .ok()
            .filter(|revision| !revision.is_empty());
        Self {
            name,
            version,
            revision: revision.unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    /// What `--version` prints after the name.
    pub fn version_line(&self) -> String {
        format!("{} ({})", self.version, self.revision)
    }
}

/// The program whose crate this stands in.
#[macro_export]
macro_rules! about {
    () => {
        $crate::about::About::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    };
}
