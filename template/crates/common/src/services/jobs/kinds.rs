//! The kinds of jobs there are. What each does stands in the worker, which fails its tests when one is missing there.
use std::time::Duration;

pub struct Kind {
    pub name: &'static str,
    /// Which workers take it: `default`, or `bulk` for what may wait behind others of its sort.
    pub queue: &'static str,
    /// How often it is tried before it counts as dead.
    pub attempts: i64,
    /// How long one attempt may take. What it waits for, such as another server, may never answer.
    pub limit: Duration,
    pub about: &'static str,
}

/// The example: its payload is the note's id.
pub const COUNT_WORDS: Kind = Kind {
    name: "count_words",
    queue: DEFAULT,
    attempts: 5,
    limit: Duration::from_secs(30),
    about: "counts the words of a note that was created",
};

pub const PRUNE: Kind = Kind {
    name: "prune",
    queue: BULK,
    attempts: 3,
    limit: Duration::from_mins(10),
    about: "removes jobs that were done longer ago than JOB_RETENTION",
};

pub const KINDS: &[Kind] = &[COUNT_WORDS, PRUNE];

pub const DEFAULT: &str = "default";
pub const BULK: &str = "bulk";
pub const QUEUES: &[&str] = &[DEFAULT, BULK];

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// How long to wait after the attempt of this number has failed: 1 s, 4 s, 16 s and so on, up to ten minutes.
pub fn backoff(attempt: i64) -> Duration {
    let exponent = u32::try_from(attempt.saturating_sub(1).max(0)).unwrap_or(u32::MAX);
    FIRST_WAIT
        .saturating_mul(4_u32.saturating_pow(exponent))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit() {
        let waits: Vec<_> = (1..=7).map(|attempt| backoff(attempt).as_secs()).collect();
        assert_eq!(waits, [1, 4, 16, 64, 256, 600, 600]);
        assert_eq!(backoff(i64::MAX), LONGEST_WAIT);
    }

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_queue_that_is_worked_on() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(QUEUES.contains(&kind.queue), "{}", kind.name);
            assert!(KINDS[..index].iter().all(|other| other.name != kind.name));
        }
    }
}
