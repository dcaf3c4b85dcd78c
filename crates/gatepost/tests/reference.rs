//! Pages of `docs/reference` that are written from the program. After a change run this test with
//! `UPDATE_REFERENCE=1` and commit the page.

#![expect(clippy::unwrap_used, reason = "tests")]

use clap::Command;
use gatepost::config::keys::{KEYS, Kind};
use std::fmt::Write as _;

const SETTINGS: &str = "# Settings

One TOML file, `/etc/gatepost/gatepost.toml` unless `--config` names another. A key that is not in
this table is refused. An environment variable wins over the file; lists are separated by commas
there. Secrets are never values: a setting names the file that holds them. `gatepost config check`
reads everything and says what is wrong, `gatepost config show` prints what is in force.

| Key | Default | Meaning | Variable |
|---|---|---|---|
";

const COMMANDS: &str = "# Commands

Every command but `serve`, `demo` and `help` takes `--config FILE` (default
`/etc/gatepost/gatepost.toml`) and `--json`, which prints one document. While the server runs, commands
go through it; otherwise they open the store themselves, as root or the web worker's account. Secrets
are asked for, or read from standard input or a file, and never stand on the command line.

| Exit code | Means |
|---|---|
";

/// Compares the page with what the program says.
fn same(name: &str, page: &str) {
    let path = format!("{}/../../docs/reference/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/{name} is out of date: see the top of this test"
    );
}

#[test]
fn the_page_of_settings_is_the_table() {
    let mut page = SETTINGS.to_owned();
    for key in KEYS {
        let list = if key.kind == Kind::List {
            " (a list)"
        } else {
            ""
        };
        writeln!(
            page,
            "| `{}`{list} | {} | {} | `{}` |",
            key.path,
            key.default.replace('|', "\\|"),
            key.meaning.replace('|', "\\|"),
            key.variable()
        )
        .unwrap();
    }
    same("configuration.md", &page);
}

#[test]
fn the_page_of_commands_is_the_command_line() {
    let mut page = COMMANDS.to_owned();
    for (code, meaning) in gatepost::exit::MEANINGS {
        writeln!(page, "| {code} | {meaning} |").unwrap();
    }
    let mut program = gatepost::commands::command();
    program.build();
    for noun in visible(&program) {
        let verbs: Vec<_> = visible(noun).collect();
        write!(
            page,
            "\n## gatepost {}\n\n{}\n",
            noun.get_name(),
            about(noun)
        )
        .unwrap();
        if verbs.is_empty() {
            describe(&mut page, noun);
        }
        for verb in verbs {
            write!(
                page,
                "\n### gatepost {} {}\n\n{}\n",
                noun.get_name(),
                verb.get_name(),
                about(verb)
            )
            .unwrap();
            describe(&mut page, verb);
        }
    }
    same("commands.md", &page);
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let text = about.map(ToString::to_string).unwrap_or_default();
    if text.ends_with('.') {
        text
    } else {
        text + "."
    }
}

/// How it is called, and what is its own: options that all commands share are named once above.
fn describe(page: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    write!(
        page,
        "\n```\n{}\n```\n",
        usage.trim_start_matches("Usage: ")
    )
    .unwrap();
    let own = command.get_arguments().filter(|argument| {
        !argument.is_hide_set() && !["help", "config", "json"].contains(&argument.get_id().as_str())
    });
    for (at, argument) in own.enumerate() {
        if at == 0 {
            page.push('\n');
        }
        let name = argument.to_string().replace('|', "\\|");
        let help = argument
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        writeln!(page, "- `{name}` {help}").unwrap();
    }
    for inner in visible(command) {
        write!(page, "\n#### … {}\n\n{}\n", inner.get_name(), about(inner)).unwrap();
        describe(page, inner);
    }
}
