//! Answers to apps, and the code in a good one.

use super::request::Read;
use crate::oauth::names::Secret;
use crate::oauth::{consented, goes_on, subject};
use crate::sign_in::Record;
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::ids::GrantId;
use model::mailbox::Mailbox;
use model::session::Session;
use oidc::callback::Delivery;
use oidc::op::pkce::ChallengeMethod;
use oidc::op::redirect::{form_action_source, with_parameters};
use std::sync::Arc;
use store::app_codes::Code as StoredCode;
use store::app_grants::NewGrant;
use store::{Conn, StoreError};

/// What an app is sent, by way of the person's browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes; known to be right.
    pub redirect: String,
    /// What it says.
    pub parameters: Vec<(&'static str, String)>,
    /// How it travels.
    pub delivery: Delivery,
}

impl Answer {
    pub(super) const fn new(
        redirect: String,
        parameters: Vec<(&'static str, String)>,
        delivery: Delivery,
    ) -> Self {
        Self {
            redirect,
            parameters,
            delivery,
        }
    }

    pub(super) fn add(&mut self, name: &'static str, value: &str) {
        self.parameters.push((name, value.to_owned()));
    }

    /// The redirect with what it says, for [`Delivery::Query`].
    #[must_use]
    pub fn url(&self) -> String {
        let pairs: Vec<(&str, &str)> = self
            .parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        with_parameters(&self.redirect, &pairs)
    }

    /// The one source that `form-action` must name besides this site.
    #[must_use]
    pub fn form_action(&self) -> String {
        form_action_source(&self.redirect)
    }
}

/// Everything that is written when an app is allowed something.
struct Given {
    read: Read,
    mailbox: Mailbox,
    session: Session,
    /// The person was asked now.
    asked: bool,
    sid: String,
    tag: Vec<u8>,
    claims: Option<String>,
    record: Record,
}

impl App {
    /// Gives the app a code: grant, code, connection and attempt in one commit. `None` if the session
    /// ended, or the person may not use the app any more, in this very moment.
    pub(super) async fn give_code(
        &self,
        read: Read,
        (mailbox, session): (&Mailbox, &Session),
        asked: bool,
        client: &Client,
    ) -> Result<Option<Answer>, Problem> {
        let code = self.new_app_token(&read.app);
        let back = read.back.clone();
        let claims = &read.request.claims;
        let claims = (!claims.is_empty()).then(|| serde_json::to_string(claims));
        let mut record = Record::new(self, Door::App, client);
        record.attempt.app = Some(read.app.id);
        record.attempt.provider = session.provider;
        record.about(Some(mailbox.id), &mailbox.address);
        let words = format!("{} may know: {}", read.app.settings.name, read.scopes);
        record.attempt.trace.push("allowed", StepState::Ok, words);
        let given = Arc::new(Given {
            sid: self.new_app_sid(),
            tag: self.oauth_tag(Secret::Code, &code),
            claims: claims
                .transpose()
                .map_err(|e| Problem::Unavailable(e.to_string()))?,
            mailbox: mailbox.clone(),
            session: session.clone(),
            asked,
            record,
            read,
        });
        let given = self
            .store
            .write(async move |tx: &mut Conn| given.store(tx).await)
            .await?;
        Ok(given.then(|| back.with("code", &code)))
    }

    /// What an app knows a person by.
    pub(super) fn known_as(read: &Read, mailbox: &Mailbox) -> String {
        subject(&read.app.settings, mailbox.storage)
    }
}

impl Given {
    /// Writes all of it; nothing and `false` if it does not count any more.
    async fn store(&self, tx: &mut Conn) -> Result<bool, StoreError> {
        let (mailbox, app) = (self.mailbox.id, self.read.app.id);
        let app = consented::still_counts(tx, &self.session, mailbox, app).await?;
        if app.is_none() {
            return Ok(false);
        }
        let grant = self.store_grant(tx).await?;
        self.store_code(tx, grant).await?;
        let allowed = (self.read.app.id, self.read.scopes.as_str());
        consented::remember(
            tx,
            self.mailbox.id,
            allowed,
            self.asked,
            self.record.attempt.at,
        )
        .await?;
        self.record.clone().insert(tx).await?;
        Ok(true)
    }

    async fn store_grant(&self, tx: &mut Conn) -> Result<GrantId, StoreError> {
        let (app, now) = (&self.read.app, self.record.attempt.at);
        let goes_on = goes_on(&app.settings, &self.read.scopes);
        let new = NewGrant {
            app: app.id,
            mailbox: self.mailbox.id,
            session: (!goes_on).then_some(self.session.id),
            begun_in: Some(self.session.id),
            sid: &self.sid,
            storage: self.mailbox.storage,
            scopes: &self.read.scopes,
            auth_time: self.session.proved,
            claims: self.claims.as_deref(),
            now,
            ends: now.plus(app.settings.lifetimes().code),
        };
        store::app_grants::insert(tx, &new).await
    }

    async fn store_code(&self, tx: &mut Conn, grant: GrantId) -> Result<(), StoreError> {
        let request = &self.read.request;
        let challenge = request.challenge.as_ref();
        let code = StoredCode {
            grant,
            redirect: request.redirect_uri.clone(),
            challenge: challenge.map(|challenge| challenge.value.clone()),
            plain: challenge.is_some_and(|c| c.method == ChallengeMethod::Plain),
            nonce: request.nonce.clone(),
            ends: self
                .record
                .attempt
                .at
                .plus(self.read.app.settings.lifetimes().code),
            used: None,
        };
        store::app_codes::insert(tx, &self.tag, &code).await
    }
}
