//! Runs the jobs of this process' queues: takes each, keeps its lease alive, and writes down what became of it.
use std::{
    collections::HashMap,
    env,
    num::NonZeroU32,
    pin::Pin,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    config::Values,
    db::Database,
    server::Stop,
    services::jobs::{
        kinds::backoff,
        life::{self, Claim, Failed},
    },
};
use tokio::{
    sync::RwLock,
    time::{error::Elapsed, interval, sleep, timeout},
};

use crate::{
    broker::{Broker, Handler, Message},
    handlers::{self, Context},
    settings::{CONCURRENCY, JOB_LEASE, JOB_RETENTION, QUEUES},
};

/// Between two attempts to reach a database or a broker that is away.
const PAUSE: Duration = Duration::from_secs(1);

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'a>>;

#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    context: Context,
    broker: Arc<dyn Broker>,
    name: String,
    queues: Vec<&'static str>,
    concurrency: NonZeroU32,
    lease: Duration,
    /// The jobs that run at this moment, by id.
    running: Mutex<HashMap<String, Claim>>,
    /// Held for reading by each job that runs: who gets it for writing knows that none does.
    busy: Arc<RwLock<()>>,
    connections: AtomicU32,
}

impl Runner {
    pub fn new(values: &Values, database: &Database, broker: &Arc<dyn Broker>) -> Self {
        let host = env::var("HOSTNAME").unwrap_or_else(|_| "worker".to_owned());
        // The time tells apart containers that are given the same name and process id again.
        let started = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_millis());
        Self(Arc::new(Inner {
            context: Context {
                database: database.clone(),
                retention: values.get(&JOB_RETENTION),
            },
            broker: Arc::clone(broker),
            name: format!("{host}-{}-{started}", process::id()),
            queues: values.get(&QUEUES).0,
            concurrency: values.get(&CONCURRENCY),
            lease: values.get(&JOB_LEASE).0,
            running: Mutex::default(),
            busy: Arc::default(),
            connections: AtomicU32::default(),
        }))
    }

    /// Runs jobs until `stop`, and then until the last of them has ended.
    pub async fn run(self, stop: Stop) {
        let renewing = tokio::spawn(self.clone().renew());
        let mut queues = Vec::new();
        for queue in &self.0.queues {
            queues.push(tokio::spawn(self.clone().receive(queue, stop.clone())));
        }
        for queue in queues {
            let _ = queue.await;
        }
        drop(self.0.busy.write().await);
        renewing.abort();
    }

    /// Takes jobs of a queue, beginning anew whenever the broker was away.
    async fn receive(self, queue: &'static str, mut stop: Stop) {
        let concurrency = usize::try_from(self.0.concurrency.get()).unwrap_or(usize::MAX);
        let runner = self.clone();
        let handler = Handler(Arc::new(move |message| {
            let runner = runner.clone();
            // A job of its own: it goes on when the broker, who waits for it here, is lost.
            let job = tokio::spawn(async move { runner.handle(message).await });
            Box::pin(async move {
                let _ = job.await;
            })
        }));
        let broker = &self.0.broker;
        while !stop.is_requested() {
            // A broker that has lost a worker takes no other of the same name for a while.
            let connection = self.0.connections.fetch_add(1, Ordering::Relaxed);
            let worker = format!("{}-{queue}-{connection}", self.0.name);
            let received = async {
                broker.prepare().await?;
                let handler = handler.clone();
                broker
                    .receive(queue, &worker, concurrency, handler, stop.clone())
                    .await
            };
            match received.await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, queue, "the broker is away: trying again"),
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = stop.requested() => {}
            }
        }
    }

    async fn handle(self, message: Message) {
        let _busy = Arc::clone(&self.0.busy).read_owned().await;
        let inner = &self.0;
        let pool = inner.context.database.pool();
        let claim = self
            .insist(|| {
                let (name, lease) = (&inner.name, inner.lease);
                Box::pin(life::claim(
                    pool,
                    &message.job,
                    message.attempt,
                    name,
                    lease,
                ))
            })
            .await
            .flatten();
        // Somebody else has it, or had it: this is old news.
        let Some(claim) = claim else { return };
        self.running(|running| running.insert(claim.id.clone(), claim.clone()));
        let begun = Instant::now();
        let outcome = self.attempt(&claim).await;
        let took = begun.elapsed();
        let became = match outcome {
            Ok(()) => self
                .insist(|| Box::pin(life::done(pool, &claim)))
                .await
                .map(|held| if held { "done" } else { "lost" }),
            Err(error) => self.failed(&claim, &error).await,
        };
        self.running(|running| running.remove(&claim.id));
        tell(&claim, became.unwrap_or("lost"), took);
    }

    /// Runs the job. A panic is its failure, and nobody else's.
    async fn attempt(&self, claim: &Claim) -> Result<(), String> {
        let (context, claim) = (self.0.context.clone(), claim.clone());
        let job =
            tokio::spawn(async move { handlers::run(&context, &claim.kind, &claim.payload).await });
        match job.await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("it panicked: the log above says where".to_owned()),
        }
    }

    async fn failed(&self, claim: &Claim, error: &str) -> Option<&'static str> {
        let pool = self.0.context.database.pool();
        let wait = backoff(claim.attempt);
        let became = self
            .insist(|| Box::pin(life::failed(pool, claim, error, wait)))
            .await?;
        let (job, kind, attempt) = (&claim.id, &claim.kind, claim.attempt);
        Some(match became {
            Failed::Retried => {
                tracing::warn!(
                    job,
                    kind,
                    attempt,
                    error,
                    ?wait,
                    "a job failed and will be tried again"
                );
                "retried"
            }
            Failed::Dead => {
                tracing::error!(
                    job,
                    kind,
                    attempt,
                    error,
                    "a job failed for the last time and is dead"
                );
                "dead"
            }
            Failed::Lost => "lost",
        })
    }

    /// Asks the database until it answers, for as long as a lease lasts: after that the job is somebody else's.
    async fn insist<'a, T>(&self, ask: impl Fn() -> Asked<'a, T>) -> Option<T> {
        let begun = Instant::now();
        loop {
            match within(self.0.lease, ask()).await {
                Ok(answer) => return Some(answer),
                Err(error) => tracing::warn!(%error, "the database does not answer a worker"),
            }
            if begun.elapsed() > self.0.lease {
                return None;
            }
            sleep(PAUSE).await;
        }
    }

    /// Keeps the leases of what runs here alive.
    async fn renew(self) {
        let mut tick = interval(self.0.lease / 3);
        loop {
            tick.tick().await;
            let claims: Vec<_> = self.running(|running| running.values().cloned().collect());
            for claim in claims {
                let pool = self.0.context.database.pool();
                let renewed = life::renew(pool, &claim, self.0.lease);
                if let Err(error) = within(self.0.lease / 3, renewed).await {
                    tracing::warn!(%error, job = claim.id, "a lease cannot be renewed");
                }
            }
        }
    }

    fn running<T>(&self, change: impl FnOnce(&mut HashMap<String, Claim>) -> T) -> T {
        change(
            &mut self
                .0
                .running
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// What a query gives, or an error after this long: a server may go away without a word.
async fn within<T>(
    limit: Duration,
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |late: Elapsed| Err(sqlx::Error::Io(late.into()));
    timeout(limit, query).await.unwrap_or_else(late)
}

fn tell(claim: &Claim, outcome: &'static str, took: Duration) {
    let kind = claim.kind.clone();
    metrics::counter!("jobs_total", "kind" => kind.clone(), "outcome" => outcome).increment(1);
    metrics::histogram!("job_duration_seconds", "kind" => kind).record(took);
    tracing::info!(
        job = claim.id,
        kind = claim.kind,
        attempt = claim.attempt,
        outcome,
        ?took,
        "a job ended"
    );
}
