//! Renders a table of settings for docs/configuration.md, so that the page cannot drift from the code.
use std::{env, fs, path::Path};

use super::Definition;

/// Fails when the section of `program` in the page at `path` differs from its table.
///
/// With `UPDATE_DOCS=1` the section is rewritten instead.
pub fn check(path: &Path, program: &str, table: &[Definition]) {
    let page = fs::read_to_string(path).expect("the page can be read");
    let (start, end) = (format!("<!-- settings: {program} -->\n"), "<!-- end -->");
    let (before, rest) = page
        .split_once(&start)
        .expect("the page marks the section's start");
    let (section, after) = rest
        .split_once(end)
        .expect("the page marks the section's end");
    let expected = render(table);
    if env::var("UPDATE_DOCS").is_ok() {
        fs::write(path, format!("{before}{start}{expected}{end}{after}"))
            .expect("the page can be written");
    } else {
        assert_eq!(
            section,
            expected,
            "{} is stale: run `UPDATE_DOCS=1 cargo test`",
            path.display()
        );
    }
}

fn render(table: &[Definition]) -> String {
    let rows = table.iter().map(row).collect::<String>();
    format!("| Variable | Default | What it is | Must be |\n|---|---|---|---|\n{rows}")
}

fn row(definition: &Definition) -> String {
    let Definition {
        name,
        help,
        allowed,
        default,
        ..
    } = definition;
    let default = if default.is_empty() {
        "not set".to_owned()
    } else {
        format!("`{default}`")
    };
    let secret = if definition.secret { " (secret)" } else { "" };
    format!("| `{name}`{secret} | {default} | {help} | {allowed} |\n")
}
