//! `gatepost config`

use std::path::PathBuf;
use std::process::ExitCode;

use super::output;
use crate::config::Config;
use crate::config::keys::KEYS;
use crate::exit;

/// Look at the configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check the file, the environment's overrides and the files they name.
    Check(File),
    /// Print what is in force, defaults included. Secrets appear by file name only.
    Show(File),
    /// Print every key with its environment variable, its default and its meaning.
    Explain,
}

#[derive(Debug, clap::Args)]
struct File {
    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "GATEPOST_CONFIG")]
    config: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.verb {
        Verb::Check(file) => {
            let config = Config::load(&file.config, crate::environment())?;
            let problems = config.file_problems();
            for problem in &problems {
                output::problem(&problem.to_string());
            }
            if !problems.is_empty() {
                return Ok(ExitCode::from(exit::CONFIG_INVALID));
            }
            output::line(&format!("{} is fine", file.config.display()));
        }
        Verb::Show(file) => {
            let config = Config::load(&file.config, crate::environment())?;
            output::line(config.to_toml()?.trim_end());
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
