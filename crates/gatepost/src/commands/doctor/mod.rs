//! `gatepost doctor`: what an administrator would look at first, each with its remedy.
//!
//! Nothing is changed. Every check says what was seen; one that cannot tell says so.

mod engines;
mod machine;
mod server;
mod store;

use std::process::ExitCode;

use serde::Serialize;

use super::office::Common;
use super::output;
use crate::config::{Config, TlsMode};
use crate::exit;

/// Look whether everything is well, and say what to do where it is not.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost doctor
  gatepost doctor --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Well.
    Ok,
    /// Works, with something to look at; or cannot be told.
    Warn,
    /// Does not work.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    group: &'static str,
    name: String,
    state: State,
    /// What was seen.
    evidence: String,
    /// What to do; empty when all is well.
    fix: String,
}

#[derive(Debug, Serialize)]
struct Report {
    checks: Vec<Check>,
}

impl Check {
    fn ok(group: &'static str, name: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self {
            group,
            name: name.into(),
            state: State::Ok,
            evidence: evidence.into(),
            fix: String::new(),
        }
    }

    fn warn(
        group: &'static str,
        name: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warn,
            fix: fix.into(),
            ..Self::ok(group, name, evidence)
        }
    }

    fn failed(
        group: &'static str,
        name: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Failed,
            fix: fix.into(),
            ..Self::ok(group, name, evidence)
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    let mut checks = Vec::new();
    match Config::load(&common.config, crate::environment()) {
        Err(error) => {
            let fix = "mend the file; gatepost config explain names every key";
            checks.push(Check::failed("config", "file", error.to_string(), fix));
        }
        Ok(config) => {
            checks.extend(configuration(&common.config.display().to_string(), &config));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                checks.extend(server::look(&config).await);
                checks.extend(store::look(&config).await);
                checks.extend(engines::look(&config).await);
                checks.extend(machine::look(&config).await);
            });
            runtime.shutdown_background();
        }
    }
    let report = Report { checks };
    if common.json {
        output::line(&serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    let sick = report
        .checks
        .iter()
        .any(|check| check.state == State::Failed);
    Ok(if sick {
        ExitCode::from(exit::PROBLEMS_FOUND)
    } else {
        ExitCode::SUCCESS
    })
}

fn configuration(file: &str, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    let problems = config.file_problems();
    if problems.is_empty() {
        checks.push(Check::ok("config", "file", format!("{file} is fine")));
    }
    for problem in problems {
        let fix = "mend what the line names, then run gatepost config check";
        checks.push(Check::failed("config", "file", problem.to_string(), fix));
    }
    if config.tls.mode == TlsMode::SelfSigned {
        checks.push(Check::warn(
            "config",
            "certificate",
            "self-signed: browsers and mail programs warn about it",
            "set tls.mode to files, or to proxy behind one",
        ));
    }
    checks
}

impl Report {
    fn print(&self) {
        let mut group = "";
        for check in &self.checks {
            if check.group != group {
                group = check.group;
                output::line(group);
            }
            let state = match check.state {
                State::Ok => "ok",
                State::Warn => "warn",
                State::Failed => "failed",
            };
            output::line(&format!("  {state:7} {}: {}", check.name, check.evidence));
            if !check.fix.is_empty() {
                output::line(&format!("          fix: {}", check.fix));
            }
        }
    }
}
