//! Why the settings cannot be used, written for the person who has to change them.
use std::fmt::{self, Display, Formatter};

use super::{Definition, Source};

/// Everything that is wrong, so that one attempt shows all of it.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<Problem>);

/// One thing that is wrong. None of them holds the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{name} from {source_name} {}must be {allowed}", shown(.value.as_ref()))]
    NotAllowed {
        name: &'static str,
        source_name: String,
        value: Option<String>,
        allowed: &'static str,
    },
    #[error("{variable} from the environment is not valid UTF-8")]
    NotText { variable: String },
    #[error("{name} and {name}_FILE are both set: remove one of them")]
    SetTwice { name: &'static str },
    #[error("{variable} names {path}, which cannot be read: {reason}")]
    Unreadable {
        variable: String,
        path: String,
        reason: String,
    },
    #[error("{path} is not valid TOML: {reason}")]
    NotToml { path: String, reason: String },
    #[error("{path}: there is no setting {key:?}; the nearest is {nearest:?}")]
    UnknownKey {
        path: String,
        key: String,
        nearest: String,
    },
}

impl Problem {
    pub(super) fn not_allowed(definition: &Definition, source: &Source, value: &str) -> Self {
        Self::NotAllowed {
            name: definition.name,
            source_name: source.to_string(),
            value: (!definition.secret).then(|| value.to_owned()),
            allowed: definition.allowed,
        }
    }
}

fn shown(value: Option<&String>) -> String {
    value.map_or_else(String::new, |value| format!("is {value:?} and "))
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [_] => write!(f, "a setting is wrong")?,
            all => write!(f, "{} settings are wrong", all.len())?,
        }
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
