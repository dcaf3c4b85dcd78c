//! `gatepost help`: of commands, and of outcome codes.

use std::process::ExitCode;

use clap::Command;
use model::outcome::{Code, Fix};

use super::output;
use crate::config::keys;
use crate::exit;

/// Explain an outcome code, or a command.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost help SSO-403
  gatepost help provider add")]
pub(super) struct Arguments {
    /// A code such as SSO-403, or a command.
    #[arg(value_name = "CODE|COMMAND")]
    words: Vec<String>,
}

/// `commands` is the whole command line.
pub(super) fn run(arguments: &Arguments, commands: Command) -> anyhow::Result<ExitCode> {
    if let Some(code) = arguments.words.first().and_then(|word| code(word)) {
        output::line(&explained(code));
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = commands;
    // Global options appear in the help of every command below.
    command.build();
    for word in &arguments.words {
        let Some(found) = command.find_subcommand(word) else {
            return Ok(unknown(word, &command));
        };
        command = found.clone();
    }
    command.print_long_help()?;
    Ok(ExitCode::SUCCESS)
}

/// A code, however it is written.
pub(super) fn code(text: &str) -> Option<Code> {
    text.trim().to_ascii_uppercase().parse().ok()
}

fn unknown(word: &str, command: &Command) -> ExitCode {
    output::problem(&format!("error: there is no code and no command {word:?}"));
    let names = command.get_subcommands().map(Command::get_name);
    let codes = Code::ALL.iter().map(|code| code.id());
    if let Some(meant) = keys::closest(word, names.chain(codes)) {
        output::problem(&format!("help: did you mean {meant}?"));
    }
    ExitCode::from(exit::NOT_FOUND)
}

fn explained(code: Code) -> String {
    let entry = code.entry();
    let retry = if entry.retry {
        "\nTrying again can help."
    } else {
        ""
    };
    format!(
        "{code}: {}\n\nThe person reads\n  {}\n\nAdministrators read\n  {}\n\nMended at: {}{retry}",
        named(entry.title),
        named(entry.person),
        named(entry.admin),
        place(entry.fix),
    )
}

/// Live values by their names: `{domain}` reads DOMAIN.
fn named(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for c in text.chars() {
        match c {
            '{' => within = true,
            '}' => within = false,
            '_' if within => out.push(' '),
            c if within => out.extend(c.to_uppercase()),
            c => out.push(c),
        }
    }
    out
}

const fn place(fix: Fix) -> &'static str {
    match fix {
        Fix::Provider => "the provider (gatepost provider edit)",
        Fix::ProviderCheck => "the provider's connection test (gatepost provider check)",
        Fix::Rules => "the provider's rules (gatepost rule)",
        Fix::Domain => "the mail domain (gatepost domain edit)",
        Fix::AddDomain => "a new mail domain (gatepost domain add)",
        Fix::Mailbox => "the mailbox (gatepost mailbox)",
        Fix::AddMailbox => "a new mailbox (gatepost mailbox add)",
        Fix::Alias => "the alias (gatepost alias)",
        Fix::Block => "the block (gatepost mailbox unblock)",
        Fix::App => "the app (gatepost app)",
        Fix::Person => "nothing here: the person can do it",
        Fix::Server => "the server (gatepost doctor)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_without_placeholders() {
        for code in Code::ALL {
            let text = explained(*code);
            assert!(text.starts_with(code.id()), "{text}");
            assert!(!text.contains('{'), "{text}");
        }
    }

    #[test]
    fn codes_are_found_however_they_are_written() {
        assert_eq!(code("sso-405"), Some(Code::NoMapping));
        assert_eq!(code("domain"), None);
    }
}
