//! The program as others see it: started for each test, on free ports, with a database in memory or in a file.
mod limits;
mod notes;
mod operations;
mod settings;
mod shutdown;
mod uploads;

use common::testing::Server;

const BACKEND: &str = env!("CARGO_BIN_EXE_backend");

async fn backend(environment: &[(&str, &str)]) -> Server {
    Server::start(BACKEND, environment).await
}

/// The URL of a database file that no other test uses.
fn database_file(name: &str) -> String {
    let path = format!(
        "{}/{name}-{}.db",
        env!("CARGO_TARGET_TMPDIR"),
        uuid::Uuid::now_v7()
    );
    format!("sqlite://{path}")
}
