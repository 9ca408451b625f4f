//! How long a job that was sent may stay unheard of before it is sent again.
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_mins(15);

/// It doubles each time that jobs are sent again: while nobody works on a queue, the same news must not pile up in its
/// broker. Once nothing has been sent again for longer than that, it is short again.
pub struct Patience(Mutex<(Duration, Instant)>);

impl Default for Patience {
    fn default() -> Self {
        Self(Mutex::new((SHORTEST, Instant::now())))
    }
}

impl Patience {
    pub fn now(&self) -> Duration {
        self.at(Instant::now())
    }

    pub fn grow(&self) {
        self.grow_at(Instant::now());
    }

    fn at(&self, now: Instant) -> Duration {
        let (wait, grown) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(grown) > wait * 2 {
            SHORTEST
        } else {
            wait
        }
    }

    fn grow_at(&self, now: Instant) {
        let wait = (self.at(now) * 2).min(LONGEST);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (wait, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_limit_and_begins_anew_when_all_is_well() {
        let patience = Patience::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..6 {
            let wait = patience.at(now);
            waits.push(wait.as_secs() / 60);
            // A little later than it could have been.
            now += wait + Duration::from_secs(10);
            patience.grow_at(now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 15, 15]);
        assert_eq!(patience.at(now + LONGEST), LONGEST);
        assert_eq!(patience.at(now + LONGEST * 3), SHORTEST);
    }
}
