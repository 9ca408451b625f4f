//! The site, embedded in this program, and the way from it to the API.
mod proxy;
mod site;

use std::{net::SocketAddr, process::ExitCode};

use common::{
    about,
    about::About,
    config::{Definition, Setting, Values},
    health::Health,
    program::{self, Outcome},
    server, telemetry,
};
use hyper::StatusCode;

use crate::proxy::{Backend, BackendUrl};

const HTTP_ADDRESS: Setting<SocketAddr> = server::HTTP_ADDRESS.with_default("0.0.0.0:8000");
const METRICS_ADDRESS: Setting<SocketAddr> = server::METRICS_ADDRESS.with_default("0.0.0.0:9091");
const BACKEND_URL: Setting<BackendUrl> =
    Setting::new("BACKEND_URL", "http://127.0.0.1:8080", "Where the API is");

fn main() -> ExitCode {
    let (about, table) = (about!(), settings());
    let matches = program::server(&about, "The site, and the way to the API", &table).get_matches();
    let values = match program::settings(&about, &matches, &table, &table) {
        Ok(values) => values,
        Err(code) => return code,
    };
    match matches.subcommand_name() {
        Some("healthcheck") => program::answer(
            &about,
            &values,
            program::healthcheck(&values, &HTTP_ADDRESS),
        ),
        _ => program::run(&about, &values, serve(about.clone(), &values)),
    }
}

fn settings() -> Vec<Definition> {
    [
        &[HTTP_ADDRESS.definition, METRICS_ADDRESS.definition],
        telemetry::SETTINGS,
        server::SETTINGS,
        &[BACKEND_URL.definition],
    ]
    .concat()
}

async fn serve(about: About, values: &Values) -> Outcome {
    let routes = proxy::routes(Backend::at(values.get(&BACKEND_URL))).merge(site::routes());
    // Not even the API is a dependency: without it, this server still does all that it can.
    let health = Health::default();
    server::serve(about, values, health, routes, StatusCode::GATEWAY_TIMEOUT).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_configuration_page_is_current() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        common::config::docs::check(&page, "frontend", &super::settings());
    }
}
