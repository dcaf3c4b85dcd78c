//! Clients that demand of a provider whatever a specification demands: programs of
//! `tests/relying_parties` around libraries of other people.

use super::{Registration, RelyingPartyError, installed};
use crate::process::Process;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use url::Url;

/// For one step, on a busy machine.
const STEP: Duration = Duration::from_secs(60);

/// Whose library signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// Authlib from PyPI. With the scope `offline_access` it also refreshes, introspects and revokes.
    Authlib,
    /// The `openidconnect` crate.
    Openidconnect,
}

impl Strict {
    fn command(self) -> Result<Command, RelyingPartyError> {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/relying_parties");
        let place = Path::new(place);
        let (program, script) = match self {
            Self::Authlib => ("authlib/venv/bin/python", Some("authlib/client.py")),
            Self::Openidconnect => ("openidconnect/target/debug/openidconnect-client", None),
        };
        let program = place.join(program);
        installed(&[&program.to_string_lossy()])?;
        let mut command = Command::new(program);
        command.args(script.map(|script| place.join(script)));
        Ok(command)
    }
}

/// A complete sign-in. `browser` takes the question to the provider and returns where it sends the
/// browser with the answer. Returns what the client saw: `id_token` and `userinfo` (claims),
/// `algorithm`, `scope`, `expires_in`, `answer_names_issuer`, and more as the programs say.
///
/// # Errors
/// [`RelyingPartyError::Refused`] with the client's own words when it does not accept what the
/// provider did.
pub async fn sign_in(
    client: Strict,
    registration: &Registration,
    redirect_uri: &str,
    scope: &str,
    browser: impl AsyncFnOnce(&str) -> Url,
) -> Result<Value, RelyingPartyError> {
    let mut process = Process::start(client.command()?)?;
    let setup = json!({
        "issuer": registration.issuer,
        "client_id": registration.client_id,
        "client_secret": registration.client_secret,
        "redirect_uri": redirect_uri,
        "scope": scope,
    });
    process.say(&setup.to_string())?;
    let question = said(&process, "go ").await?;
    let answer = browser(&question).await;
    process.say(answer.as_str())?;
    seen(&said(&process, "saw ").await?)
}

/// A device of the `openidconnect` crate that shows a code (RFC 8628). `person` takes the page with the
/// code filled in, and answers. Returns what the device saw: `id_token` and `userinfo` (claims),
/// `scope`, `verification_uri`, `user_code`, and how many seconds it `waited` each time.
///
/// # Errors
/// As [`sign_in`].
pub async fn connect_device(
    registration: &Registration,
    scope: &str,
    person: impl AsyncFnOnce(&str),
) -> Result<Value, RelyingPartyError> {
    let mut process = Process::start(Strict::Openidconnect.command()?)?;
    let setup = json!({
        "issuer": registration.issuer,
        "client_id": registration.client_id,
        "client_secret": registration.client_secret,
        "scope": scope,
        "device": true,
    });
    process.say(&setup.to_string())?;
    person(&said(&process, "go ").await?).await;
    seen(&said(&process, "saw ").await?)
}

fn seen(saw: &str) -> Result<Value, RelyingPartyError> {
    serde_json::from_str(saw)
        .map_err(|error| RelyingPartyError::Refused(format!("{error} in {saw}")))
}

/// The rest of the line that starts with `prefix`, or the reason why there is none.
async fn said(process: &Process, prefix: &str) -> Result<String, RelyingPartyError> {
    let error = match process.says(prefix, STEP).await {
        Ok(rest) => return Ok(rest),
        Err(error) => error,
    };
    let output = process.output();
    let reason = output
        .lines()
        .find_map(|line| line.strip_prefix("refused "));
    match reason {
        Some(reason) => Err(RelyingPartyError::Refused(reason.to_owned())),
        None => Err(error.into()),
    }
}
