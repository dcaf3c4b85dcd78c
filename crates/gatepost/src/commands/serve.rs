//! `gatepost serve`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::config::Config;
use crate::{keeper, logging};

/// Runs until SIGTERM or Ctrl-C. SIGHUP takes over a changed configuration and a newly installed
/// program without losing a sign-in.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        value_name = "FILE",
        env = "GATEPOST_CONFIG",
        hide_env_values = true,
        default_value = "/etc/gatepost/gatepost.toml"
    )]
    config: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config_file = std::path::absolute(&arguments.config)
        .with_context(|| format!("{} is no path", arguments.config.display()))?;
    let config = Config::load(&config_file, crate::environment())?;
    logging::start(&config.log, "keeper");
    let program = std::env::current_exe().context("the running program has no path")?;
    // One thread: the keeper only waits.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(keeper::serve(
        keeper::Options {
            config_file,
            program,
        },
        config,
    ))?;
    Ok(ExitCode::SUCCESS)
}
