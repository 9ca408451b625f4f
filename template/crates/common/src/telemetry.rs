//! Logs: JSON lines for machines, text for people at a terminal.
use std::io::{IsTerminal, stderr, stdout};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::config::{Definition, Parse, Setting, Values};

const LOG_LEVEL: Setting<LevelFilter> = Setting::new(
    "LOG_LEVEL",
    "info",
    "The least important messages that are logged",
);
const LOG_FORMAT: Setting<LogFormat> = Setting::new(
    "LOG_FORMAT",
    "auto",
    "How logs are written; auto is text on a terminal, else json",
);

pub const SETTINGS: &[Definition] = &[LOG_LEVEL.definition, LOG_FORMAT.definition];

#[derive(Clone, Copy)]
enum LogFormat {
    Auto,
    Json,
    Text,
}

/// Sends the process's logs to standard output, as the settings say.
pub fn init(values: &Values) {
    start(values, BoxMakeWriter::new(stdout), stdout().is_terminal());
}

/// The same to standard error, where standard output is for an answer.
pub fn init_beside_an_answer(values: &Values) {
    start(values, BoxMakeWriter::new(stderr), stderr().is_terminal());
}

fn start(values: &Values, writer: BoxMakeWriter, terminal: bool) {
    let logs = tracing_subscriber::fmt()
        .with_max_level(values.get(&LOG_LEVEL))
        .with_target(false)
        .with_writer(writer);
    let json = match values.get(&LOG_FORMAT) {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    if json {
        logs.json().flatten_event(true).with_span_list(false).init();
    } else {
        logs.with_ansi(terminal).init();
    }
}

impl Parse for LevelFilter {
    const ALLOWED: &'static str = "error, warn, info, debug or trace";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "error" => Some(Self::ERROR),
            "warn" => Some(Self::WARN),
            "info" => Some(Self::INFO),
            "debug" => Some(Self::DEBUG),
            "trace" => Some(Self::TRACE),
            _ => None,
        }
    }
}

impl Parse for LogFormat {
    const ALLOWED: &'static str = "auto, json or text";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }
}
