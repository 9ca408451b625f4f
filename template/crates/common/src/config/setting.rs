//! What a setting is: a name with three spellings, a default, and a type that says what is allowed.
use std::{marker::PhantomData, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

/// A type that a setting can have.
pub trait Parse: Sized {
    /// Completes the sentence "NAME must be …".
    const ALLOWED: &'static str;

    fn parse(text: &str) -> Option<Self>;
}

/// A setting whose value has the type `T`.
pub struct Setting<T> {
    pub definition: Definition,
    of: PhantomData<fn() -> T>,
}

/// A setting without its type, as tables hold it.
#[derive(Clone, Copy)]
pub struct Definition {
    pub name: &'static str,
    pub default: &'static str,
    pub help: &'static str,
    pub secret: bool,
    pub allowed: &'static str,
    pub accepts: fn(&str) -> bool,
}

impl<T: Parse> Setting<T> {
    pub const fn new(name: &'static str, default: &'static str, help: &'static str) -> Self {
        let definition = Definition {
            name,
            default,
            help,
            secret: false,
            allowed: T::ALLOWED,
            accepts: |text| T::parse(text).is_some(),
        };
        Self {
            definition,
            of: PhantomData,
        }
    }

    /// A value that is never shown, and that can also come from a file named by `<NAME>_FILE`.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.definition.secret = true;
        self
    }

    /// The same setting for a program that uses it for something else.
    #[must_use]
    pub const fn with_help(mut self, help: &'static str) -> Self {
        self.definition.help = help;
        self
    }

    /// The same setting for a program that starts from another default.
    #[must_use]
    pub const fn with_default(mut self, default: &'static str) -> Self {
        self.definition.default = default;
        self
    }
}

impl Definition {
    /// The name as a command line flag, without the dashes in front.
    pub fn flag(&self) -> String {
        self.name.to_lowercase().replace('_', "-")
    }

    /// The name as a key of the configuration file.
    pub fn key(&self) -> String {
        self.name.to_lowercase()
    }

    /// The variable that names a file with the value.
    pub fn file_variable(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.name))
    }
}

impl Parse for SocketAddr {
    const ALLOWED: &'static str = "an address and a port such as 0.0.0.0:8080 or [::]:8080";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Parse for Duration {
    const ALLOWED: &'static str = "a duration such as 500ms, 5s or 2m";

    fn parse(text: &str) -> Option<Self> {
        humantime::parse_duration(text).ok()
    }
}

impl Parse for bool {
    const ALLOWED: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Parse for PathBuf {
    const ALLOWED: &'static str = "a folder";

    fn parse(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl Parse for usize {
    const ALLOWED: &'static str = "a whole number of bytes";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Parse for NonZeroU32 {
    const ALLOWED: &'static str = "a whole number from 1 upwards";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// An optional setting: the empty text means that it is not set.
impl<T: Parse> Parse for Option<T> {
    const ALLOWED: &'static str = T::ALLOWED;

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            Some(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}
