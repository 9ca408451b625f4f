//! Jobs in the form in which apalis-board asks for them, whichever broker carries them. Nothing can be added here.
use std::{
    pin::Pin,
    str::FromStr,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use apalis_core::{
    backend::{
        Backend, BackendConfig, FetchById, Filter, ListAllTasks, ListQueues, ListTasks,
        ListWorkers, Metrics, QueueInfo, RunningWorker, StatType, Statistic, WireFormatBackend,
        codec::Codec, finalize::Durable, queue::Queue,
    },
    task::{Task, builder::TaskBuilder, metadata::MetadataStore, status::Status, task_id::TaskId},
    worker::context::WorkerContext,
};
use common::{
    db::Database,
    services::jobs::{
        admin::{self, Job, Which},
        commands::as_json,
        kinds::QUEUES,
    },
};
use futures_sink::Sink;
use serde_json::Value;

#[derive(Clone)]
pub struct View {
    database: Database,
    queue: &'static str,
}

/// Values are shown as they are.
#[derive(Clone)]
pub struct AsItIs;

#[derive(Debug)]
pub enum Error {
    Database(sqlx::Error),
    OnlyShows,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(error) => write!(f, "{error}"),
            Self::OnlyShows => write!(f, "the dashboard only shows jobs"),
        }
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// The dashboard's names for states and for their numbers, in the order in which they are shown.
const STATES: [(&str, Status, &str); 5] = [
    ("waiting", Status::Pending, "PENDING_JOBS"),
    ("sent", Status::Queued, "ACTIVE_JOBS"),
    ("running", Status::Running, "RUNNING_JOBS"),
    ("done", Status::Done, "DONE_JOBS"),
    ("dead", Status::Killed, "KILLED_JOBS"),
];

impl View {
    pub fn new(database: &Database, queue: &'static str) -> Self {
        Self {
            database: database.clone(),
            queue,
        }
    }

    async fn tasks(&self, queue: Option<&str>, filter: &Filter) -> Result<Vec<Task<Value>>, Error> {
        let state = match &filter.status {
            // Jobs that failed wait for another attempt, or are dead.
            Some(Status::Failed) => Some("dead"),
            Some(status) => STATES
                .iter()
                .find(|(_, known, _)| known == status)
                .map(|(state, ..)| *state),
            None => None,
        };
        let which = Which {
            state,
            queue,
            ..Which::default()
        };
        let jobs =
            admin::list(self.database.pool(), which, filter.limit(), filter.offset()).await?;
        Ok(jobs.iter().map(task).collect())
    }

    async fn statistics(&self, queue: Option<&str>) -> Result<Vec<Statistic>, Error> {
        let counts = admin::counts(self.database.pool()).await?;
        Ok(STATES
            .iter()
            .map(|(state, _, title)| {
                let of = |(q, s, _): &&(String, String, i64)| {
                    s == state && queue.is_none_or(|queue| q == queue)
                };
                Statistic {
                    title: (*title).to_owned(),
                    stat_type: StatType::Number,
                    value: counts
                        .iter()
                        .filter(of)
                        .map(|(.., jobs)| jobs)
                        .sum::<i64>()
                        .to_string(),
                    priority: Some(1),
                }
            })
            .collect())
    }

    /// Whoever has run a job lately.
    async fn workers(&self, queue: Option<&str>) -> Result<Vec<RunningWorker>, Error> {
        let workers = admin::workers(self.database.pool()).await?;
        Ok(workers
            .into_iter()
            .filter(|worker| queue.is_none_or(|queue| worker.queue == queue))
            .map(|worker| RunningWorker {
                id: worker.name,
                queue: worker.queue,
                backend: "jobs".to_owned(),
                started_at: seconds(&worker.first_seen),
                last_heartbeat: seconds(&worker.last_seen),
                layers: String::new(),
            })
            .collect())
    }
}

/// A job as the dashboard's task; why it failed stands beside its payload.
fn task(job: &Job) -> Task<Value> {
    let status = STATES.iter().find(|(state, ..)| *state == job.state);
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    let mut metadata = MetadataStore::default();
    for (key, value) in [("kind", Some(&job.kind)), ("error", job.error.as_ref())] {
        if let Some(value) = value {
            let _ = metadata.insert(key.to_owned(), value.clone());
        }
    }
    let id = TaskId::from_str(&job.id).unwrap_or_else(|_| TaskId::from_string(&job.id));
    TaskBuilder::new(as_json(job))
        .task_id(id)
        .queue(Queue::from(job.queue.as_str()))
        .status(status.map_or(Status::Pending, |(_, status, _)| status.clone()))
        .attempt(count(job.attempt))
        .max_attempts(count(job.attempts))
        .run_at_timestamp(seconds(&job.due_at))
        .lock_at(job.started_at.as_deref().map(seconds))
        .lock_by(job.worker.clone())
        .done_at(job.finished_at.as_deref().map(seconds))
        .with_metadata(metadata)
        .build()
}

fn seconds(time: &str) -> u64 {
    let time = humantime::parse_rfc3339(time).unwrap_or(SystemTime::UNIX_EPOCH);
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

impl ListTasks for View {
    async fn list_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, Error> {
        self.tasks(Some(self.queue), filter).await
    }
}

impl ListAllTasks for View {
    async fn list_all_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, Error> {
        self.tasks(None, filter).await
    }
}

impl FetchById for View {
    async fn fetch_by_id(&mut self, id: &TaskId) -> Result<Option<Task<Value>>, Error> {
        let id = id.to_string();
        let which = Which {
            id: Some(&id),
            ..Which::default()
        };
        let jobs = admin::list(self.database.pool(), which, 1, 0).await?;
        Ok(jobs.first().map(task))
    }
}

impl ListQueues for View {
    async fn list_queues(&self) -> Result<Vec<QueueInfo>, Error> {
        let mut queues = Vec::new();
        for queue in QUEUES {
            queues.push(QueueInfo {
                name: (*queue).to_owned(),
                stats: self.statistics(Some(queue)).await?,
                workers: self
                    .workers(Some(queue))
                    .await?
                    .into_iter()
                    .map(|worker| worker.id)
                    .collect(),
                activity: Vec::new(),
            });
        }
        Ok(queues)
    }
}

impl ListWorkers for View {
    async fn list_workers(&self) -> Result<Vec<RunningWorker>, Error> {
        self.workers(Some(self.queue)).await
    }

    async fn list_all_workers(&self) -> Result<Vec<RunningWorker>, Error> {
        self.workers(None).await
    }
}

impl Metrics for View {
    async fn global(&self) -> Result<Vec<Statistic>, Error> {
        self.statistics(None).await
    }

    async fn fetch_by_queue(&self) -> Result<Vec<Statistic>, Error> {
        self.statistics(Some(self.queue)).await
    }
}

impl Backend for View {
    type Task = Task<Value>;
    type Error = Error;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Error>> {
        Poll::Ready(Err(Error::OnlyShows))
    }

    fn poll_next(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Error>>> {
        Poll::Ready(None)
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for View {
    type Args = Value;
    type Id = String;
    type Kind = Durable;
    type Config = ();
    type Layer = ();

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) {}
}

impl WireFormatBackend for View {
    type Codec = AsItIs;
    type Compact = Value;

    fn codec(&self) -> &AsItIs {
        &AsItIs
    }
}

impl Codec<Value> for AsItIs {
    type Error = Error;
    type Compact = Value;

    fn encode(&self, value: &Value) -> Result<Value, Error> {
        Ok(value.clone())
    }

    fn decode(&self, value: &Value) -> Result<Value, Error> {
        Ok(value.clone())
    }
}

impl Sink<Task<Value>> for View {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Err(Error::OnlyShows))
    }

    fn start_send(self: Pin<&mut Self>, _: Task<Value>) -> Result<(), Error> {
        Err(Error::OnlyShows)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Err(Error::OnlyShows))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}
