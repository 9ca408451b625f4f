//! `jobs` and `admin` on the command line, for every program that offers them.
use std::{
    env, fs,
    io::{self, IsTerminal, Read},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use sqlx::AnyPool;

use super::{
    KINDS,
    admin::{self, Job, Which},
};
use crate::{
    about::About,
    config::{self, Values},
    db::Database,
    program::{self, Outcome},
    services::accounts,
};

/// How many jobs `jobs list` shows.
const SHOWN: &str = "50";
const STATES: [&str; 5] = ["waiting", "sent", "running", "done", "dead"];

/// The commands `jobs` and `admin`.
pub fn all() -> [Command; 2] {
    [jobs(), admin()]
}

fn jobs() -> Command {
    let which = |command: Command| {
        command
            .arg(
                Arg::new("id")
                    .value_name("ID")
                    .help("Only the job with this id"),
            )
            .arg(option("kind", "KIND", "Only jobs of this kind"))
            .arg(option("queue", "QUEUE", "Only jobs of this queue"))
    };
    let state = |states: &'static [&'static str]| {
        option("state", "STATE", "Only jobs in this state").value_parser(states.to_vec())
    };
    let all = |help| {
        Arg::new("all")
            .long("all")
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let list = which(Command::new("list").about("Shows jobs, the newest first"))
        .arg(state(&STATES))
        .arg(
            option("limit", "N", "How many to show")
                .default_value(SHOWN)
                .value_parser(clap::value_parser!(u32)),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("A line of JSON for each, with its payload"),
        );
    let retry = which(Command::new("retry").about("Gives dead jobs all their attempts once more"))
        .arg(all("Every dead job"));
    let purge = which(Command::new("purge").about("Removes jobs that are over"))
        .arg(state(&["dead", "done"]))
        .arg(all("Every dead or done job"));
    let kinds = Command::new("kinds").about("Shows which kinds of jobs there are");
    Command::new("jobs")
        .about("Looks at jobs, and helps those that failed")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(config::arguments(&config::tool()))
        .subcommands([kinds, list, retry, purge])
}

fn admin() -> Command {
    let create = Command::new("create")
        .about("Makes an account for the dashboard, or gives it a new password")
        .long_about(
            "Makes an account for the dashboard, or gives it a new password. The password is read from the file that \
             ADMIN_PASSWORD_FILE names, else from standard input: an argument would show in the list of processes.",
        )
        .arg(Arg::new("name").value_name("NAME").required(true).help("The account's name"));
    Command::new("admin")
        .about("Manages who may open the dashboard")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(config::arguments(&config::tool()))
        .subcommand(create)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// Runs `jobs` or `admin`; nothing when the command is another.
pub fn run(about: &About, name: &str, matches: &ArgMatches) -> Option<ExitCode> {
    let (name, inner) = match (name, matches.subcommand()?) {
        ("jobs", ("kinds", _)) => return Some(kinds()),
        ("jobs" | "admin", (name, inner)) => (name, inner),
        _ => return None,
    };
    let table = config::tool();
    Some(
        match program::settings(about, inner, &table, &config::backend()) {
            Ok(values) => program::answer(about, &values, change(&values, name, inner)),
            Err(code) => code,
        },
    )
}

fn kinds() -> ExitCode {
    for kind in KINDS {
        println!(
            "{:<14} {:<8} up to {} attempts: {}",
            kind.name, kind.queue, kind.attempts, kind.about
        );
    }
    ExitCode::SUCCESS
}

async fn change(values: &Values, name: &str, matches: &ArgMatches) -> Outcome {
    let database = Database::open(values)?;
    let pool = database.pool();
    match name {
        "list" => list(pool, matches).await,
        "retry" => {
            let which = chosen(matches)?;
            Ok(counted(
                admin::retry(pool, which).await?,
                "will be tried again",
            ))
        }
        "purge" => {
            let which = chosen(matches)?;
            Ok(counted(admin::purge(pool, which).await?, "removed"))
        }
        _ => create(pool, matches).await,
    }
}

async fn list(pool: &AnyPool, matches: &ArgMatches) -> Outcome {
    let limit = *matches.get_one("limit").expect("it has a default");
    for job in admin::list(pool, which(matches), limit, 0).await? {
        if matches.get_flag("json") {
            println!("{}", as_json(&job));
        } else {
            let Job {
                id,
                kind,
                queue,
                state,
                attempt,
                attempts,
                due_at,
                ..
            } = &job;
            let error = job.error.as_deref().unwrap_or("");
            println!(
                "{id}  {state:<8} {kind:<14} {queue:<8} {attempt}/{attempts}  {due_at}  {error}"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A job with everything that is known of it.
pub fn as_json(job: &Job) -> serde_json::Value {
    let payload = serde_json::from_str(&job.payload).unwrap_or_else(|_| json!(job.payload));
    json!({
        "id": job.id, "kind": job.kind, "queue": job.queue, "state": job.state,
        "attempt": job.attempt, "attempts": job.attempts, "payload": payload,
        "created_at": job.created_at, "due_at": job.due_at, "started_at": job.started_at,
        "finished_at": job.finished_at, "worker": job.worker, "error": job.error,
    })
}

fn which(matches: &ArgMatches) -> Which<'_> {
    let text = |name| {
        matches
            .try_get_one::<String>(name)
            .ok()
            .flatten()
            .map(String::as_str)
            // An empty one is a shell's variable that is not set, and nobody means all jobs by that.
            .filter(|text| !text.is_empty())
    };
    Which {
        id: text("id"),
        state: text("state"),
        kind: text("kind"),
        queue: text("queue"),
    }
}

/// What to change: named, or all of it, but never all of it by accident.
fn chosen(matches: &ArgMatches) -> Result<Which<'_>, Box<dyn std::error::Error>> {
    let which = which(matches);
    let named = [which.id, which.state, which.kind, which.queue]
        .iter()
        .any(Option::is_some);
    if named == matches.get_flag("all") {
        return Err("say which jobs: an id, --kind, --queue or --state, or else --all".into());
    }
    Ok(which)
}

fn counted(jobs: u64, what: &str) -> ExitCode {
    println!("{jobs} {} {what}", if jobs == 1 { "job" } else { "jobs" });
    ExitCode::SUCCESS
}

async fn create(pool: &AnyPool, matches: &ArgMatches) -> Outcome {
    let name: &String = matches.get_one("name").expect("it is required");
    let password = password()?;
    accounts::create(pool, name, &password).await?;
    println!("the account {name} may open the dashboard");
    Ok(ExitCode::SUCCESS)
}

fn password() -> Result<String, Box<dyn std::error::Error>> {
    let text = if let Some(path) = env::var_os("ADMIN_PASSWORD_FILE") {
        fs::read_to_string(&path)
            .map_err(|error| format!("ADMIN_PASSWORD_FILE cannot be read: {error}"))?
    } else {
        if io::stdin().is_terminal() {
            eprintln!("The password, then Ctrl-D:");
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
