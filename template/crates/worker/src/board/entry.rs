//! Who may see the dashboard: an account, by HTTP Basic.
use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use common::{db::Database, http::Problem, services::accounts};
use hyper::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use moka::sync::Cache;
use tokio::sync::Semaphore;

/// Comparing is slow on purpose, and a page asks for several things: who was let in is known for a while.
const KNOWN_FOR: Duration = Duration::from_mins(1);
/// How many passwords are compared at once: each takes 19 MiB and much of a processor.
const AT_ONCE: usize = 2;

#[derive(Clone)]
pub struct Entry {
    database: Database,
    known: Cache<String, ()>,
    comparing: Arc<Semaphore>,
}

impl Entry {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            known: Cache::builder()
                .max_capacity(100)
                .time_to_live(KNOWN_FOR)
                .build(),
            comparing: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    async fn lets_in(&self, headers: &HeaderMap) -> Result<bool, sqlx::Error> {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|given| given.to_str().ok());
        let Some((given, name, password)) = given.and_then(credentials) else {
            return Ok(false);
        };
        if self.known.contains_key(given) {
            return Ok(true);
        }
        let turn = Arc::clone(&self.comparing).acquire_owned().await;
        let database = self.database.clone();
        // A task of its own: its turn lasts as long as the comparing, also when the client has gone.
        let compared = tokio::spawn(async move {
            let _turn = turn;
            accounts::verify(database.pool(), &name, password).await
        });
        let right = compared.await.unwrap_or(Ok(false))?;
        if right {
            self.known.insert(given.to_owned(), ());
        }
        Ok(right)
    }
}

/// The header's own text, and the name and the password in it.
fn credentials(header: &str) -> Option<(&str, String, String)> {
    let (scheme, given) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(given.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    // No account has such a name, and a database may refuse to look for it.
    if name.contains('\0') {
        return None;
    }
    Some((given, name.to_owned(), password.to_owned()))
}

pub async fn guard(State(entry): State<Entry>, request: Request, next: Next) -> Response {
    match entry.lets_in(request.headers()).await {
        Ok(true) => next.run(request).await,
        Ok(false) => {
            let challenge = HeaderValue::from_static("Basic realm=\"jobs\", charset=\"UTF-8\"");
            let problem = Problem::new(StatusCode::UNAUTHORIZED)
                .detail("An account opens the dashboard: `admin create NAME` makes one.");
            ([(WWW_AUTHENTICATE, challenge)], problem).into_response()
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use common::config::{Inputs, Values, tool};
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_name_and_a_password_are_read_whatever_the_password_holds() {
        let header = format!("Basic {}", BASE64_STANDARD.encode("ann:a:b c"));
        let (_, name, password) = credentials(&header).unwrap();
        assert_eq!((name.as_str(), password.as_str()), ("ann", "a:b c"));
        for wrong in [
            "",
            "Basic",
            "Basic !",
            "Bearer YTpi",
            "Basic YQ==",
            "Basic AGE6Yg==",
        ] {
            assert!(credentials(wrong).is_none(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_client_that_goes_away_leaves_its_turn_to_nobody_before_the_comparing_ends() {
        let mut inputs = Inputs::default();
        inputs
            .flags
            .insert("DATABASE_MAX_CONNECTIONS".to_owned(), "1".to_owned());
        let values = Values::resolve(&tool(), &[], &inputs).unwrap();
        let database = Database::open(&values).unwrap();
        let entry = Entry::new(&database);
        // As long as the test has the only connection, no comparing ends.
        let _only = database.pool().acquire().await.unwrap();
        let given = format!("Basic {}", BASE64_STANDARD.encode("nobody:a long password"));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, given.try_into().unwrap())]);
        for _ in 0..AT_ONCE {
            let gone = timeout(Duration::from_millis(5), entry.lets_in(&headers)).await;
            assert!(gone.is_err(), "nobody can have answered");
        }
        assert_eq!(entry.comparing.available_permits(), 0);
    }
}
