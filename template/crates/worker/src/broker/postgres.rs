//! Messages in the same PostgreSQL as the jobs, in a schema of their own.
use std::time::Duration;

use apalis_core::backend::TaskSink;
use apalis_postgres::{Config, PgPool, PostgresStorage};
use common::{server::Stop, services::postgres::drop_lost};
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use super::{
    Answer, Broker, Handler, Message,
    carrier::{HEARTBEAT, MISSED, receive},
};

/// How long its migrations may take. They are few, and made for tables that are small.
const PREPARING: Duration = Duration::from_mins(1);

pub struct Postgres(PgPool);

impl Postgres {
    pub fn open(url: &str) -> Result<Self, sqlx::Error> {
        let options = PgPoolOptions::new()
            .max_connections(5)
            .acquire_timeout(Duration::from_secs(5));
        Ok(Self(drop_lost(options).connect_lazy(url)?))
    }

    fn storage(&self, queue: &str, concurrency: usize) -> PostgresStorage<Message> {
        let config = Config::default()
            .queue(queue)
            .batch_size(concurrency)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED);
        PostgresStorage::new(&self.0).with_config(config)
    }
}

impl Broker for Postgres {
    fn ping(&self) -> Answer<'_, ()> {
        let query = sqlx::query("SELECT 1 FROM apalis.jobs LIMIT 0");
        Box::pin(async { Ok(query.execute(&self.0).await.map(drop)?) })
    }

    fn prepare(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let mut migrator = PostgresStorage::migrations();
            // They share a list with the app's own.
            migrator.set_ignore_missing(true);
            let mut connection = self.0.acquire().await?;
            // A migration that fails leaves its lock to the connection, which is therefore not kept.
            connection.close_on_drop();
            Ok(timeout(
                PREPARING,
                migrator.run_direct(None, &mut *connection, false),
            )
            .await??)
        })
    }

    fn send<'a>(&'a self, queue: &'a str, messages: Vec<Message>) -> Answer<'a, ()> {
        Box::pin(async move { Ok(self.storage(queue, 1).push_bulk(messages).await?) })
    }

    fn receive<'a>(
        &'a self,
        queue: &'a str,
        worker: &'a str,
        concurrency: usize,
        handler: Handler,
        stop: Stop,
    ) -> Answer<'a, ()> {
        let storage = self.storage(queue, concurrency);
        receive!(storage, worker, concurrency, handler, stop)
    }

    fn prune(&self, age: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            for sql in [
                "DELETE FROM apalis.jobs WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < now() - $1 * interval '1 second'",
                "DELETE FROM apalis.workers WHERE last_seen < now() - $1 * interval '1 second'
                 AND id NOT IN (SELECT lock_by FROM apalis.jobs WHERE lock_by IS NOT NULL)",
            ] {
                sqlx::query(sql)
                    .bind(age.as_secs_f64())
                    .execute(&self.0)
                    .await?;
            }
            Ok(())
        })
    }
}
