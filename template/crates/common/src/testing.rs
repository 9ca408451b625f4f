//! Helpers for tests of programs: each test starts the real binary, on free ports and with settings of its own.
use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::body::{Body, Bytes, to_bytes};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Longer than anything that works takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it is killed when the test ends.
pub struct Server {
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    child: Child,
    logs: Arc<Mutex<Vec<String>>>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// What a command that ended has left.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `binary` to its end.
pub async fn run(binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    run_with_input(binary, arguments, environment, "").await
}

/// Runs `binary` to its end, with a text on its standard input.
pub async fn run_with_input(
    binary: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> Ended {
    let mut child = command(binary, environment)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that reads nothing may have ended by now.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("programs write UTF-8");
    Ended {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn command(binary: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary);
    // Nothing of the developer's own environment may decide a test.
    command
        .env_clear()
        .envs(environment.iter().copied())
        .kill_on_drop(true);
    command
}

impl Server {
    pub async fn start(binary: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_as(binary, &[], environment).await
    }

    /// Starts it with a command line.
    pub async fn start_as(binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let free_ports = [
            ("HTTP_ADDRESS", "127.0.0.1:0"),
            ("METRICS_ADDRESS", "127.0.0.1:0"),
        ];
        let mut child = command(binary, environment)
            .args(arguments)
            .envs(free_ports)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let logs = Arc::default();
        let listening = timeout(PATIENCE, listening(&mut lines, &logs))
            .await
            .expect("it listens");
        tokio::spawn(collect(lines, Arc::clone(&logs)));
        let address = |key: &str| listening[key].as_str().unwrap().parse().unwrap();
        Self {
            address: address("address"),
            metrics: address("metrics"),
            child,
            logs,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, json: impl Into<String>) -> Reply {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.into())).unwrap())
            .await
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        Reply::read(
            send(self.address, request)
                .await
                .expect("there is an answer"),
        )
        .await
    }

    /// Reads its metrics, as a monitoring system does.
    pub async fn scrape(&self) -> String {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = send(self.metrics, request)
            .await
            .expect("there is an answer");
        Reply::read(response).await.body
    }

    /// Sends a signal by its name, such as TERM.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        // The shell's own kill: small systems have no such program.
        let script = format!("kill -s {name} {id}");
        let status = Command::new("sh").args(["-c", &script]).status().await;
        assert!(status.expect("there is a shell").success());
    }

    /// Kills it, and returns when it is gone: until then its port may still take a connection.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it is a child");
    }

    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends")
            .expect("it is a child")
    }

    /// What has been logged up to now.
    pub fn logs(&self) -> String {
        self.logs.lock().unwrap().join("\n")
    }
}

impl Reply {
    pub async fn read(response: hyper::Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body: Bytes = to_bytes(Body::new(body), usize::MAX)
            .await
            .expect("the body is whole");
        let body = String::from_utf8(body.into()).expect("the body is text");
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// The header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are text"))
    }
}

/// Sends a request over a connection of its own.
pub async fn send(
    address: SocketAddr,
    mut request: Request<Body>,
) -> Result<hyper::Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    request
        .headers_mut()
        .entry(HOST)
        .or_insert("localhost".parse()?);
    Ok(sender.send_request(request).await?)
}

/// The log line with which a server tells where it listens.
async fn listening(lines: &mut Lines<BufReader<ChildStdout>>, logs: &Mutex<Vec<String>>) -> Value {
    while let Some(line) = lines.next_line().await.expect("logs are text") {
        let event: Value = serde_json::from_str(&line).expect("logs are JSON");
        logs.lock().unwrap().push(line);
        if event["message"] == "listening" {
            return event;
        }
    }
    panic!("it ended before it listened");
}

async fn collect(mut lines: Lines<BufReader<ChildStdout>>, logs: Arc<Mutex<Vec<String>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        logs.lock().unwrap().push(line);
    }
}
