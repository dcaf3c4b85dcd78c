//! `gatepost config`

use std::process::ExitCode;

use serde_json::{Value, json};

use super::office::Common;
use super::output;
use crate::config::keys::{KEYS, Key, Kind};
use crate::config::{Config, ConfigError, Problem};
use crate::exit;

/// Look at the configuration.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost config check
  gatepost config explain --json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check the file, the environment's overrides and the files they name.
    Check,
    /// Print what is in force, defaults included. Secrets appear by file name only.
    Show,
    /// Print every key with its environment variable, its default and its meaning.
    Explain,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    match arguments.verb {
        Verb::Check => return check(common),
        Verb::Show => {
            let config = Config::load(&common.config, crate::environment())?;
            if common.json {
                print(&serde_json::to_value(&config)?);
            } else {
                output::line(config.to_toml()?.trim_end());
            }
        }
        Verb::Explain if common.json => {
            print(&KEYS.iter().map(explained).collect());
        }
        Verb::Explain => {
            for key in KEYS {
                output::line(&format!(
                    "{}\n    {}\n    default: {}; environment: {}",
                    key.path,
                    key.meaning,
                    key.default,
                    key.variable()
                ));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(common: &Common) -> anyhow::Result<ExitCode> {
    let problems = match Config::load(&common.config, crate::environment()) {
        Ok(config) => config.file_problems(),
        Err(ConfigError::Invalid { problems, .. }) if common.json => problems,
        Err(error) => return Err(error.into()),
    };
    if common.json {
        let problems: Vec<Value> = problems.iter().map(told).collect();
        print(&json!({ "file": common.config, "problems": problems }));
    } else if problems.is_empty() {
        output::line(&format!("{} is fine", common.config.display()));
    } else {
        for problem in &problems {
            output::problem(&problem.to_string());
        }
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::CONFIG_INVALID)
    })
}

fn told(problem: &Problem) -> Value {
    json!({ "key": problem.key, "problem": problem.message, "text": problem.to_string() })
}

fn explained(key: &Key) -> Value {
    json!({
        "key": key.path,
        "list": key.kind == Kind::List,
        "default": key.default,
        "meaning": key.meaning,
        "variable": key.variable(),
    })
}

fn print(document: &Value) {
    output::line(&format!("{document:#}"));
}
