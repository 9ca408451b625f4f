//! Messages in the same SQLite file as the jobs.
use std::{str::FromStr, time::Duration};

use apalis_core::backend::TaskSink;
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use common::server::Stop;
use tokio::sync::Mutex;

use super::{
    Answer, Broker, Handler, Message,
    carrier::{HEARTBEAT, MISSED, receive},
};

pub struct Sqlite {
    pool: SqlitePool,
    /// Its migrations have no lock of their own, and a query that meets one half-way ends its connection.
    preparing: Mutex<()>,
}

impl Sqlite {
    pub fn open(url: &str) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::from_str(url)?.create_if_missing(true);
        Ok(Self {
            pool: SqlitePoolOptions::new().connect_lazy_with(options),
            preparing: Mutex::default(),
        })
    }

    fn storage(&self, queue: &str, concurrency: usize) -> SqliteStorage<Message> {
        let config = Config::default()
            .queue(queue)
            .batch_size(concurrency)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(MISSED);
        SqliteStorage::new(&self.pool).with_config(config)
    }
}

impl Broker for Sqlite {
    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async {
            Ok(sqlx::query("SELECT 1 FROM Jobs LIMIT 0")
                .execute(&self.pool)
                .await
                .map(drop)?)
        })
    }

    fn prepare(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let _alone = self.preparing.lock().await;
            let mut migrator = SqliteStorage::migrations();
            // They share a list with the app's own.
            migrator.set_ignore_missing(true);
            Ok(migrator.run(&self.pool).await?)
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
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            sqlx::query("DELETE FROM Jobs WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < unixepoch() - ?1")
                .bind(seconds)
                .execute(&self.pool)
                .await?;
            sqlx::query("DELETE FROM Workers WHERE last_seen < unixepoch() - ?1 AND id NOT IN (SELECT lock_by FROM Jobs WHERE lock_by IS NOT NULL)")
                .bind(seconds)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }
}
