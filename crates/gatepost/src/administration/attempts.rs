//! Recorded attempts to sign in.

use app::attempts::AttemptFilter;
use app::domains::Page;
use app::{App, Problem};
use model::attempt::{Attempt, Door, Reference, SeenClaim, Step};
use model::audit::Actor;
use model::ids::ProviderId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

use super::{document, moment};

/// What is asked about attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptRequest {
    /// A page, newest first; the page's search is an address.
    List {
        /// Which ones.
        filter: AttemptFilter,
        /// Which page.
        page: Page,
    },
    /// One with its steps and claims.
    Show(Reference),
    /// The same with the values of private claims, which is put on record.
    Open(Reference),
    /// Decides anew on what it brought.
    Replay(Reference),
    /// Decides on claims as typed.
    WhatIf {
        /// The provider's slug.
        provider: String,
        /// A JSON object.
        claims: String,
    },
}

/// An attempt, or the attempts of one credential and cause within a minute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptDocument {
    /// What the person tells the helpdesk.
    pub reference: String,
    /// When.
    pub at: String,
    /// How: `provider`, `local`, or the protocol of a mail program.
    pub door: String,
    /// The provider's slug.
    pub provider: Option<String>,
    /// The address, as far as known.
    pub address: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// How many, when several are told as one.
    pub count: i64,
    /// Why it was refused; nothing if it succeeded.
    pub code: Option<String>,
    /// The reason in the administrator's words.
    pub reason: Option<String>,
    /// Something to notice about one that succeeded.
    pub notice: Option<String>,
}

/// An attempt with everything that was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptDetails {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptDocument,
    /// What the person read.
    pub person: Option<String>,
    /// The browser's own words.
    pub user_agent: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The claims that the provider sent.
    pub claims: Vec<SeenClaim>,
}

/// A page of attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptList {
    /// Newest first.
    pub attempts: Vec<AttemptDocument>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// The names of providers in attempts.
pub(super) struct Slugs(HashMap<ProviderId, String>);

impl Slugs {
    pub(super) async fn read(app: &App) -> Result<Self, Problem> {
        let providers = app.providers().await?;
        Ok(Self(
            providers.into_iter().map(|p| (p.id, p.slug)).collect(),
        ))
    }

    pub(super) fn document(&self, attempt: &Attempt) -> AttemptDocument {
        let refusal = attempt.refusal.as_ref();
        AttemptDocument {
            reference: attempt.reference.to_string(),
            at: moment(attempt.at),
            door: match attempt.door {
                Door::Provider => "provider",
                Door::Local => "local",
                Door::App => "app",
                Door::Mail(protocol) => protocol.name(),
            }
            .to_owned(),
            provider: attempt.provider.and_then(|id| self.0.get(&id).cloned()),
            address: attempt.address.clone(),
            ip: attempt.ip.map(|ip| ip.to_string()),
            count: attempt.count,
            code: refusal.map(|refusal| refusal.code.to_string()),
            reason: refusal.map(model::outcome::Refusal::admin),
            notice: attempt.notice.map(|code| code.to_string()),
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: AttemptRequest,
) -> Result<Value, Problem> {
    let slugs = Slugs::read(app).await?;
    match request {
        AttemptRequest::List { filter, page } => {
            let listed = app.attempts(filter, page).await?;
            document(AttemptList {
                attempts: listed.rows.iter().map(|row| slugs.document(row)).collect(),
                next: listed.next,
            })
        }
        AttemptRequest::Show(reference) => details(&slugs, app.attempt(&reference).await?),
        AttemptRequest::Open(reference) => {
            details(&slugs, app.open_attempt(actor, &reference).await?)
        }
        AttemptRequest::Replay(reference) => document(app.replay(&reference).await?),
        AttemptRequest::WhatIf { provider, claims } => {
            document(app.what_if(&provider, &claims).await?)
        }
    }
}

fn details(slugs: &Slugs, attempt: Attempt) -> Result<Value, Problem> {
    document(AttemptDetails {
        person: attempt
            .refusal
            .as_ref()
            .map(model::outcome::Refusal::person),
        attempt: slugs.document(&attempt),
        user_agent: attempt.user_agent,
        steps: attempt.trace.steps,
        claims: attempt.trace.claims,
    })
}
