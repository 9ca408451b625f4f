//! The registry of what a program depends on, and how each of it is at this moment.
use std::{pin::Pin, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};
use tokio::time::timeout;

/// A probe that takes longer counts as failed, so that the answer comes before the asker gives up.
const PATIENCE: Duration = Duration::from_secs(1);

type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = State> + Send>> + Send + Sync>;

#[derive(Default)]
pub struct Health(Vec<Dependency>);

struct Dependency {
    name: &'static str,
    need: Need,
    probe: Probe,
}

/// What becomes of the program when a dependency fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Requests cannot be answered: the program is not ready.
    Required,
    /// Requests are answered without it: the program is ready, and says that it is degraded.
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    #[serde(rename = "connected")]
    Connected,
    #[serde(rename = "disconnected")]
    Disconnected,
    #[serde(rename = "migrations pending")]
    MigrationsPending,
}

/// Each dependency by name; in JSON an object.
#[derive(Debug)]
pub struct Report(Vec<(&'static str, Need, State)>);

impl Health {
    #[must_use]
    pub fn with<F>(
        mut self,
        name: &'static str,
        need: Need,
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = State> + Send + 'static,
    {
        let probe: Probe = Box::new(move || Box::pin(probe()));
        self.0.push(Dependency { name, need, probe });
        self
    }

    pub async fn check(&self) -> Report {
        let mut states = Vec::new();
        for Dependency { name, need, probe } in &self.0 {
            let state = timeout(PATIENCE, probe()).await.unwrap_or_else(|_| {
                tracing::warn!(dependency = name, "a dependency does not answer in time");
                State::Disconnected
            });
            states.push((*name, *need, state));
        }
        Report(states)
    }
}

impl Report {
    /// Whether requests can be answered.
    pub fn ready(&self) -> bool {
        self.0
            .iter()
            .all(|(_, need, state)| *need == Need::Optional || *state == State::Connected)
    }

    /// Whether nothing at all is wrong.
    pub fn well(&self) -> bool {
        self.0
            .iter()
            .all(|(_, _, state)| *state == State::Connected)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, State)> {
        self.0.iter().map(|(name, _, state)| (*name, *state))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, state) in self.iter() {
            map.serialize_entry(name, &state)?;
        }
        map.end()
    }
}
