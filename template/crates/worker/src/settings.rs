//! What the worker can be told.
use std::{net::SocketAddr, num::NonZeroU32, str::FromStr, time::Duration};

use common::{
    config::{Definition, Parse, Setting},
    db, server,
    services::jobs::kinds,
    telemetry,
};

use crate::broker;

pub const HTTP_ADDRESS: Setting<SocketAddr> = server::HTTP_ADDRESS
    .with_default("0.0.0.0:8082")
    .with_help("Where the dashboard is served");
pub const METRICS_ADDRESS: Setting<SocketAddr> = server::METRICS_ADDRESS
    .with_default("0.0.0.0:9092")
    .with_help("Where /metrics is served, and /livez, /readyz, /health and /version");
pub const QUEUES: Setting<Queues> =
    Setting::new("QUEUES", "default,bulk", "The queues whose jobs are run");
pub const CONCURRENCY: Setting<NonZeroU32> = Setting::new(
    "CONCURRENCY",
    "4",
    "How many jobs of each queue are run at once",
);
pub const JOB_LEASE: Setting<Lease> = Setting::new(
    "JOB_LEASE",
    "30s",
    "How long after a worker's last sign of life its jobs are given to others",
);
pub const JOB_RETENTION: Setting<Duration> = Setting::new(
    "JOB_RETENTION",
    "7d",
    "How long jobs are kept that are done; dead ones stay",
);
pub const PRUNE_SCHEDULE: Setting<Cron> = Setting::new(
    "PRUNE_SCHEDULE",
    "0 30 3 * * *",
    "When jobs are removed that are no longer kept, in UTC",
);

pub fn table() -> Vec<Definition> {
    [
        &[HTTP_ADDRESS.definition, METRICS_ADDRESS.definition],
        telemetry::SETTINGS,
        server::SETTINGS,
        db::SETTINGS,
        broker::SETTINGS,
        &[
            QUEUES.definition,
            CONCURRENCY.definition,
            JOB_LEASE.definition,
            JOB_RETENTION.definition,
            PRUNE_SCHEDULE.definition,
        ],
    ]
    .concat()
}

pub struct Queues(pub Vec<&'static str>);

/// At least a second: a shorter one could end before it is renewed.
pub struct Lease(pub Duration);

pub struct Cron(pub cron::Schedule);

impl Parse for Queues {
    const ALLOWED: &'static str = "default, bulk, or both with a comma between them";

    fn parse(text: &str) -> Option<Self> {
        let known = |name: &str| kinds::QUEUES.iter().find(|queue| **queue == name.trim());
        text.split(',')
            .map(|name| known(name).copied())
            .collect::<Option<_>>()
            .map(Self)
    }
}

impl Parse for Lease {
    const ALLOWED: &'static str = "a duration of at least a second such as 10s or 2m";

    fn parse(text: &str) -> Option<Self> {
        Duration::parse(text)
            .filter(|lease| *lease >= Duration::from_secs(1))
            .map(Self)
    }
}

impl Parse for Cron {
    const ALLOWED: &'static str =
        "six fields (second, minute, hour, day, month, weekday) such as 0 30 3 * * *";

    fn parse(text: &str) -> Option<Self> {
        cron::Schedule::from_str(text).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_long_enough_to_be_renewed() {
        assert!(Lease::parse("0s").is_none());
        assert!(Lease::parse("999ms").is_none());
        assert_eq!(Lease::parse("1s").unwrap().0, Duration::from_secs(1));
    }
}
