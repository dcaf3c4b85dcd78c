//! What the commands that administer have in common: options, the way to the use cases, printing.

use std::path::PathBuf;
use std::process::ExitCode;

use app::domains::Page;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Interrupted;
use super::output;
use crate::administration::admins::AdminRequest;
use crate::administration::{AskError, Connection, Request};
use crate::config::Config;

/// Options of every command that administers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "GATEPOST_CONFIG",
        hide_env_values = true,
        default_value = "/etc/gatepost/gatepost.toml"
    )]
    pub(super) config: PathBuf,
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

// No doc comment: clap would show it in place of what stands at the verbs.
#[derive(Debug, clap::Args)]
pub(super) struct Verbs<V: clap::Subcommand> {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: V,
}

impl<V: clap::Subcommand> Verbs<V> {
    /// As [`run`], with the verb that was typed.
    pub(super) fn run(
        self,
        act: impl AsyncFnOnce(&mut Office, V) -> anyhow::Result<ExitCode>,
    ) -> anyhow::Result<ExitCode> {
        run(&self.common, async |office| act(office, self.verb).await)
    }
}

/// How much of a list.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    /// Rows at most.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "all")]
    limit: u32,
    /// Every row, however many there are.
    #[arg(long)]
    all: bool,
    /// Where to go on: `next` of the list before.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

/// Most rows that are asked for at once.
const PAGE: u32 = 200;

/// A command at work.
pub(super) struct Office {
    pub(super) config: Config,
    pub(super) json: bool,
    connection: Option<Connection>,
}

/// Runs `act` to its end, or until Ctrl-C.
pub(super) fn run(
    common: &Common,
    act: impl AsyncFnOnce(&mut Office) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let config = Config::load(&common.config, crate::environment())?;
    let mut office = Office {
        config,
        json: common.json,
        connection: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            biased;
            // First, so that the signal is caught before anything is asked.
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
            outcome = act(&mut office) => outcome,
        }
    });
    runtime.shutdown_background();
    outcome
}

impl Office {
    /// Asks; the document of the answer.
    pub(super) async fn ask(&mut self, request: Request) -> anyhow::Result<Value> {
        self.ask_telling(request, &mut |_| {}).await
    }

    /// As [`Office::ask`], with the lines of long work.
    pub(super) async fn ask_telling(
        &mut self,
        request: Request,
        line: &mut (dyn FnMut(Value) + Send),
    ) -> anyhow::Result<Value> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                // What may be the very first command. Any other that finds no store was given the
                // wrong configuration.
                let first = matches!(
                    request,
                    Request::SetupLink | Request::Admin(AdminRequest::Create { .. })
                );
                Connection::open(&self.config, first).await?
            }
        };
        let answer = connection.ask(request, line).await?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Asks a running server and never takes its place; `None` while there is none, or if it went
    /// away before it answered.
    pub(super) async fn ask_server(&mut self, request: Request) -> anyhow::Result<Option<Value>> {
        let connection = match self.connection.take() {
            Some(connection) => Some(connection),
            None => Connection::to_server(&self.config.layout()).await?,
        };
        let Some(mut connection) = connection else {
            return Ok(None);
        };
        match connection.ask(request, &mut |_| {}).await {
            Ok(answer) => {
                self.connection = Some(connection);
                Ok(Some(answer))
            }
            Err(AskError::Lost(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for as many pages as `listing` wants and makes one document of them. Its rows stand in
    /// the field `rows`.
    pub(super) async fn list(
        &mut self,
        rows: &str,
        listing: &Listing,
        search: &str,
        request: impl Fn(Page) -> Request,
    ) -> anyhow::Result<Value> {
        let wanted = if listing.all { u32::MAX } else { listing.limit };
        let mut page = Page {
            after: listing.after.clone(),
            limit: wanted.clamp(1, PAGE),
            search: search.to_owned(),
        };
        let mut whole = self.ask(request(page.clone())).await?;
        loop {
            let have = whole[rows].as_array().map_or(0, Vec::len);
            let have = u32::try_from(have).unwrap_or(u32::MAX);
            let Some(next) = whole["next"].as_str().filter(|_| have < wanted) else {
                return Ok(whole);
            };
            page.after = Some(next.to_owned());
            page.limit = (wanted - have).min(PAGE);
            let mut more = self.ask(request(page.clone())).await?;
            let new = more[rows].take();
            if let (Some(all), Value::Array(new)) = (whole[rows].as_array_mut(), new) {
                all.extend(new);
            }
            whole["next"] = more["next"].take();
        }
    }

    /// Prints the document, or what `text` makes of it.
    pub(super) fn show<D: DeserializeOwned>(
        &self,
        document: Value,
        text: impl FnOnce(D) -> String,
    ) -> anyhow::Result<ExitCode> {
        if self.json {
            output::line(&serde_json::to_string_pretty(&document)?);
            return Ok(ExitCode::SUCCESS);
        }
        let text = text(serde_json::from_value(document)?);
        if text.is_empty() {
            output::problem("none");
        } else {
            output::line(&text);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints a page of a list, and says where it goes on.
    pub(super) fn show_list<D: DeserializeOwned>(
        &self,
        document: Value,
        text: impl FnOnce(D) -> String,
    ) -> anyhow::Result<ExitCode> {
        if !self.json
            && let Some(next) = document["next"].as_str()
        {
            output::problem(&format!("there is more: --after '{next}', or --all"));
        }
        self.show(document, text)
    }
}
