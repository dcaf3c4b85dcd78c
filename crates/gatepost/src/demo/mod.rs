//! `gatepost demo`: the whole promise on one machine, with real parts.
//!
//! A sample company with its OpenID provider, one mail domain, two templates and one rule, a web
//! application that people sign in to with their mail account, and the real server with Dovecot and Postfix on high loopback ports, in a temporary directory. The
//! objects are made with the command line, as an administrator would. With `--walkthrough` the
//! main job is then done step by step with real clients; each step prints its evidence.

mod cli;
mod clients;
mod company;
mod instance;
mod noticeboard;
mod stop;
mod story;
mod walkthrough;

use anyhow::Context as _;
use std::path::PathBuf;

pub use story::NotAsTold;

/// What to show.
#[derive(Debug, Clone)]
pub struct Options {
    /// Do the main job step by step and end.
    pub walkthrough: bool,
    /// Port of the web pages; any free one if not given.
    pub port: Option<u16>,
    /// Where everything is kept, and left behind; a temporary directory if not given.
    pub dir: Option<PathBuf>,
}

/// Runs the demo until Ctrl-C, or the walkthrough to its end. A signal that asks it to stop ends
/// both cleanly, whatever they are at.
///
/// # Errors
/// What could not be started, or the first step of the walkthrough that did not happen.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    instance::check_machine()?;
    let mut stop = stop::Stop::listen()?;
    let place = instance::Place::make(options.dir.as_deref())?;
    let company = company::Company::open()
        .await
        .context("the sample company")?;
    let mut server = instance::Server::spawn(&place, options.port)?;
    let told = async {
        server.wait().await?;
        company.register(&place.public_url(server.ports.web)).await;
        let cli = cli::Cli::new(&server.config_file)?;
        company::seed(&cli, company.issuer())
            .await
            .context("the sample objects")?;
        let clients = clients::Clients::unpack(&server)?;
        let app = noticeboard::Noticeboard::open(&server, &clients, &cli).await?;
        if options.walkthrough {
            let cast = walkthrough::Cast {
                company: &company,
                clients,
                app,
            };
            walkthrough::run(&server, cast, &cli, started).await
        } else {
            story::invite(&server, &company, &app);
            std::future::pending().await
        }
    };
    let outcome = tokio::select! {
        outcome = told => outcome,
        () = stop.asked() => match options.walkthrough {
            true => Err(stop::Interrupted.into()),
            false => Ok(()),
        },
    };
    if let Err(error) = &outcome
        && !error.is::<stop::Interrupted>()
    {
        server.show_log();
    }
    server.stop().await?;
    company.close().await;
    place.remove()?;
    outcome
}
