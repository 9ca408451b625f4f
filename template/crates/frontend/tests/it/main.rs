//! The program as browsers and the API see it: started for each test, with an API that each test makes up.
mod proxy;
mod settings;
mod site;
mod streams;
mod upstream;

use common::testing::Server;

const FRONTEND: &str = env!("CARGO_BIN_EXE_frontend");

async fn frontend(environment: &[(&str, &str)]) -> Server {
    Server::start(FRONTEND, environment).await
}
