//! What each kind of job does. Each may run twice, so each has the same effect however often it runs.
mod count_words;
mod prune;

use std::{error::Error, pin::Pin, time::Duration};

use common::{
    db::Database,
    services::jobs::kinds::{COUNT_WORDS, Kind, PRUNE},
};
use tokio::time::timeout;

/// What jobs work with.
#[derive(Clone)]
pub struct Context {
    pub database: Database,
    pub retention: Duration,
}

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;
type Work = for<'a> fn(&'a Context, &'a str) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

const HANDLERS: &[(Kind, Work)] = &[
    (COUNT_WORDS, |context, payload| {
        Box::pin(count_words::run(context, payload))
    }),
    (PRUNE, |context, _| Box::pin(prune::run(context))),
];

/// Does what the kind asks for, within its limit. A kind that is not known here may be known to a newer worker: it is
/// tried again.
pub async fn run(context: &Context, kind: &str, payload: &str) -> Outcome {
    let handler = HANDLERS.iter().find(|(known, _)| known.name == kind);
    let (Kind { limit, .. }, work) =
        handler.ok_or_else(|| format!("this worker knows no kind {kind:?}"))?;
    timeout(*limit, work(context, payload))
        .await
        .map_err(|_| format!("it was not done after {limit:?}, its kind's limit"))?
}

#[cfg(test)]
mod tests {
    use common::services::jobs::KINDS;

    use super::HANDLERS;

    #[test]
    fn every_kind_has_a_handler_and_every_handler_a_kind() {
        let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        let handled: Vec<_> = HANDLERS.iter().map(|(kind, _)| kind.name).collect();
        assert_eq!(kinds, handled);
    }
}
