//! Where cached bytes are kept.
use std::{error::Error, pin::Pin, time::Duration};

pub(crate) type Answer<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

pub(crate) trait Store: Send + Sync {
    /// The store's name among the program's dependencies, if it can fail on its own.
    fn dependency(&self) -> Option<&'static str>;
    fn ping(&self) -> Answer<'_, ()>;
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Vec<u8>>>;
    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Answer<'a, ()>;
    fn remove<'a>(&'a self, key: &'a str) -> Answer<'a, ()>;
}
