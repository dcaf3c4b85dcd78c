//! `gatepost demo`

use std::path::PathBuf;
use std::process::ExitCode;

use crate::demo::{self, Options};

/// Runs a sample company and a whole server on loopback ports, in a temporary directory, until
/// Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost demo
  gatepost demo --walkthrough")]
pub(super) struct Arguments {
    /// Do the main job step by step with real clients, show the evidence, and end.
    #[arg(long)]
    walkthrough: bool,
    /// Port of the web pages; any free one by default.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Where everything is kept, and left behind; a temporary directory by default.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let options = Options {
        walkthrough: arguments.walkthrough,
        port: arguments.port,
        dir: arguments.dir,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(demo::run(options))?;
    Ok(ExitCode::SUCCESS)
}
