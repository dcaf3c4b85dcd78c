//! Identity providers.

use app::providers::{SavedProvider, SecretChange};
use app::step_up::Doer;
use app::test_provider::CheckLine;
use app::{App, Problem};
use model::address::DomainName;
use model::audit::Actor;
use model::ids::DomainId;
use model::preset::{Instructions, Preset};
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, Leavers, Provider, ProviderSettings,
    RedirectForm, ResponseMode, TlsTrust,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::{RuleDocument, rule_documents};
use super::{Progress, deleted, document, moment, templates, test_sign_ins};
use crate::wiring::WireSecret;

/// What is asked about providers, by slug.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRequest {
    /// Adds one.
    Add {
        /// Its slug; made from the name when empty.
        slug: String,
        /// What is not left at its default; name and client id are needed.
        change: Box<ProviderChange>,
        /// The client secret.
        secret: Option<WireSecret>,
    },
    /// All, in display order.
    List,
    /// One.
    Show(String),
    /// Changes one.
    Edit {
        /// Its slug.
        slug: String,
        /// What changes.
        change: Box<ProviderChange>,
    },
    /// Tests the connection, line by line.
    Check(String),
    /// Test sign-ins: where one is started, and the results.
    Tests {
        /// Its slug.
        slug: String,
        /// With the values of private claims, which is put on record.
        open: bool,
    },
    /// Replaces the client secret, or removes it.
    Secret {
        /// Its slug.
        slug: String,
        /// The new one.
        secret: Option<WireSecret>,
    },
    /// Allows a host to have private addresses.
    AllowHost {
        /// Its slug.
        slug: String,
        /// The host's name.
        host: String,
    },
    /// Sets one known by endpoints to its issuer, with its links.
    LearnIssuer {
        /// Its slug.
        slug: String,
        /// The issuer as pasted.
        issuer: String,
    },
    /// Lets its background checks go on after they stopped.
    ResumeChecks(String),
    /// What to do at its side.
    Instructions {
        /// Its slug.
        slug: String,
        /// Whether to make a new client secret, which then stands in them.
        new_secret: bool,
    },
    /// Moves one to another place on the sign-in page.
    Move {
        /// Its slug.
        slug: String,
        /// The place, counted from 1.
        number: usize,
    },
    /// Deletes one that nobody is linked to.
    Delete(String),
}

/// What to set; `None` leaves a field alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProviderChange {
    /// Of what kind it is.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// The words on the button.
    pub name: Option<String>,
    /// Switched on.
    pub active: Option<bool>,
    /// Switching it on goes without a test sign-in.
    #[serde(default)]
    pub untested: bool,
    /// The issuer; not together with the three URLs.
    pub issuer: Option<String>,
    /// Authorization endpoint.
    pub authorize_url: Option<String>,
    /// Token endpoint.
    pub token_url: Option<String>,
    /// Userinfo endpoint.
    pub userinfo_url: Option<String>,
    /// Our client id there.
    pub client_id: Option<String>,
    /// How we authenticate there.
    pub client_auth: Option<ClientAuth>,
    /// The form of our redirect URL.
    pub redirect: Option<RedirectForm>,
    /// How it is asked to send its answers.
    pub response_mode: Option<ResponseMode>,
    /// Scopes to ask for.
    pub scopes: Option<String>,
    /// The claim that holds the address.
    pub address_claim: Option<String>,
    /// The claim in place of `sub`; empty for `sub` itself.
    pub subject_claim: Option<String>,
    /// What the provider's word about an address is worth.
    pub email_trust: Option<EmailTrust>,
    /// The domains it may sign people in for.
    pub domains: Option<Vec<DomainName>>,
    /// Whether mailboxes are created at first sign-in.
    pub create: Option<bool>,
    /// How its certificate is trusted.
    pub tls: Option<TlsTrust>,
    /// Hosts that may have private addresses.
    pub private_hosts: Option<Vec<String>>,
    /// Whether signing out here signs out there too.
    #[serde(default)]
    pub sign_out_there: Option<bool>,
    /// Whether it is asked in the background about people.
    #[serde(default)]
    pub background_checks: Option<bool>,
    /// Whether its logout tokens stop mail programs too.
    #[serde(default)]
    pub logout_means_gone: Option<bool>,
}

/// A provider. The client secret is never part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderDocument {
    /// Of what kind it is.
    pub preset: Preset,
    /// Its name in paths and commands.
    pub slug: String,
    /// The words on the button.
    pub name: String,
    /// Switched on.
    pub active: bool,
    /// The issuer, if it is known by one.
    pub issuer: Option<String>,
    /// Authorization endpoint, if typed by hand.
    pub authorize_url: Option<String>,
    /// Token endpoint, if typed by hand.
    pub token_url: Option<String>,
    /// Userinfo endpoint, if typed by hand.
    pub userinfo_url: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// How we authenticate there.
    pub client_auth: ClientAuth,
    /// When the client secret was set.
    pub secret_set: Option<String>,
    /// How it ends, if it is long.
    pub secret_ends: Option<String>,
    /// The form of our redirect URL.
    pub redirect: RedirectForm,
    /// How it is asked to send its answers.
    pub response_mode: ResponseMode,
    /// The exact redirect URL to register at the provider.
    pub redirect_url: String,
    /// Scopes to ask for.
    pub scopes: String,
    /// The claim that holds the address.
    pub address_claim: String,
    /// The claim in place of `sub`.
    pub subject_claim: Option<String>,
    /// What the provider's word about an address is worth.
    pub email_trust: EmailTrust,
    /// The domains it may sign people in for.
    pub domains: Vec<String>,
    /// Whether mailboxes are created at first sign-in.
    pub create: bool,
    /// Claim rules; first match wins.
    pub rules: Vec<RuleDocument>,
    /// The template of everyone else; nothing if they are refused.
    pub everyone_else: Option<String>,
    /// How its certificate is trusted.
    pub tls: TlsDocument,
    /// Hosts that may have private addresses.
    pub private_hosts: Vec<String>,
    /// Whether signing out here signs out there too.
    pub sign_out_there: bool,
    /// Whether it is asked in the background about people.
    pub background_checks: bool,
    /// Whether its logout tokens stop mail programs too.
    pub logout_means_gone: bool,
    /// Since when that has stopped, because too many people were said to be gone.
    pub checks_stopped: Option<String>,
    /// Where its subjects are unique.
    pub namespace: String,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
    /// After a save: repairs and warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// After an addition that made the client secret: what to do at its side, with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Instructions>,
}

/// How a certificate is trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TlsDocument {
    /// By the public authorities.
    Public,
    /// By these certificates too.
    Ca {
        /// PEM.
        pem: String,
    },
    /// Exactly this certificate.
    Pinned {
        /// SHA-256 of its DER form.
        sha256: String,
    },
    /// Not at all.
    Ignore {
        /// Until when; nothing without end.
        until: Option<String>,
    },
}

impl From<TlsTrust> for TlsDocument {
    fn from(trust: TlsTrust) -> Self {
        match trust {
            TlsTrust::Public => Self::Public,
            TlsTrust::Ca { pem } => Self::Ca { pem },
            TlsTrust::Pinned { sha256 } => Self::Pinned { sha256 },
            TlsTrust::Ignore { until } => Self::Ignore {
                until: until.map(moment),
            },
        }
    }
}

/// All providers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderList {
    /// In display order.
    pub providers: Vec<ProviderDocument>,
}

/// The connection test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckReport {
    /// The provider's slug.
    pub provider: String,
    /// Every line.
    pub checks: Vec<CheckLine>,
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: ProviderRequest,
    progress: Progress<'_>,
) -> Result<Value, Problem> {
    let saved = match request {
        ProviderRequest::Add {
            slug,
            change,
            secret,
        } => {
            let doer = Doer::from(actor).untested(change.untested);
            let settings = settings(app, *change).await?;
            let secret = secret.map(WireSecret::into_inner);
            let mut saved = app.create_provider(doer, &slug, settings, secret).await?;
            let Provider { slug, settings, .. } = &saved.provider;
            if !settings.active {
                saved.notes.push(format!(
                    "It is switched off. Test a sign-in (gatepost provider test {slug}), then \
                     switch it on (gatepost provider enable {slug})."
                ));
            }
            saved
        }
        ProviderRequest::List => return list(app, app.providers().await?).await,
        ProviderRequest::Move { slug, number } => {
            let moved = app.move_provider(actor, &slug, number).await?;
            return list(app, moved).await;
        }
        ProviderRequest::Show(slug) => unchanged(app.provider(&slug).await?),
        ProviderRequest::Edit { slug, change } => {
            let before = app.provider(&slug).await?;
            let doer = Doer::from(actor).untested(change.untested);
            let settings = change.over(app, before.settings).await?;
            let seen = Some(before.modified);
            app.edit_provider(doer, &slug, settings, SecretChange::Keep, seen)
                .await?
        }
        ProviderRequest::Check(slug) => return check(app, slug, progress).await,
        ProviderRequest::Tests { slug, open } => {
            return test_sign_ins::answer(app, open.then_some(actor), &slug).await;
        }
        ProviderRequest::Secret { slug, secret } => {
            let before = app.provider(&slug).await?;
            let change = secret.map_or(SecretChange::Clear, |secret| {
                SecretChange::Set(secret.into_inner())
            });
            let seen = Some(before.modified);
            app.edit_provider(actor, &slug, before.settings, change, seen)
                .await?
        }
        ProviderRequest::AllowHost { slug, host } => {
            unchanged(app.allow_private_host(actor, &slug, &host).await?)
        }
        ProviderRequest::ResumeChecks(slug) => unchanged(app.resume_checks(actor, &slug).await?),
        ProviderRequest::LearnIssuer { slug, issuer } => {
            let learned = app.learn_issuer(actor, &slug, &issuer).await?;
            let mut saved = learned.saved;
            let moved = format!("Links moved to the issuer: {}.", learned.moved);
            saved.notes.push(moved);
            saved
        }
        ProviderRequest::Instructions { slug, new_secret } => {
            let provider = app.provider(&slug).await?;
            let (provider, secret) = if new_secret {
                let seen = Some(provider.modified);
                let saved = app.renew_client_secret(actor, &slug, seen).await?;
                (saved.provider, saved.minted)
            } else {
                (provider, None)
            };
            let made = app
                .provider_instructions(&provider, secret.as_ref())
                .await?;
            return document(made);
        }
        ProviderRequest::Delete(slug) => {
            app.delete_provider(actor, &slug).await?;
            return deleted(slug);
        }
    };
    let instructions = match &saved.minted {
        Some(_) => {
            let secret = saved.minted.as_ref();
            Some(app.provider_instructions(&saved.provider, secret).await?)
        }
        None => None,
    };
    let described = describe(app, saved.provider, saved.notes).await?;
    document(ProviderDocument {
        instructions,
        ..described
    })
}

async fn list(app: &App, all: Vec<Provider>) -> Result<Value, Problem> {
    let mut providers = Vec::new();
    for provider in all {
        providers.push(describe(app, provider, Vec::new()).await?);
    }
    document(ProviderList { providers })
}

async fn check(app: &App, slug: String, progress: Progress<'_>) -> Result<Value, Problem> {
    let mut tell = |line: &CheckLine| {
        // A line of texts and numbers always has a JSON form.
        if let Ok(line) = document(line) {
            progress(line);
        }
    };
    let checks = app.test_provider(&slug, &mut tell).await?;
    document(CheckReport {
        provider: slug,
        checks,
    })
}

const fn unchanged(provider: Provider) -> SavedProvider {
    SavedProvider {
        provider,
        notes: Vec::new(),
        minted: None,
    }
}

/// The settings of a new provider.
async fn settings(app: &App, change: ProviderChange) -> Result<ProviderSettings, Problem> {
    let scopes_named = change.scopes.is_some();
    let defaults = change.preset.unwrap_or_default().settings();
    let mut settings = change.over(app, defaults).await?;
    if !scopes_named {
        settings.scopes = app.default_scopes(&settings).await;
    }
    Ok(settings)
}

impl ProviderChange {
    async fn over(self, app: &App, before: ProviderSettings) -> Result<ProviderSettings, Problem> {
        let domains = match &self.domains {
            Some(names) => ids(app, names).await?,
            None => before.domains.clone(),
        };
        let endpoints = self.endpoints(&before.endpoints)?;
        Ok(ProviderSettings {
            preset: self.preset.unwrap_or(before.preset),
            name: self.name.unwrap_or(before.name),
            active: self.active.unwrap_or(before.active),
            endpoints,
            client_id: self.client_id.unwrap_or(before.client_id),
            client_auth: self.client_auth.unwrap_or(before.client_auth),
            redirect: self.redirect.unwrap_or(before.redirect),
            response_mode: self.response_mode.unwrap_or(before.response_mode),
            scopes: self.scopes.unwrap_or(before.scopes),
            address_claim: self.address_claim.unwrap_or(before.address_claim),
            subject_claim: self.subject_claim.map_or(before.subject_claim, |claim| {
                Some(claim).filter(|c| !c.is_empty())
            }),
            email_trust: self.email_trust.unwrap_or(before.email_trust),
            domains,
            create: self.create.unwrap_or(before.create),
            rules: before.rules,
            everyone_else: before.everyone_else,
            tls: self.tls.unwrap_or(before.tls),
            private_hosts: self.private_hosts.unwrap_or(before.private_hosts),
            leavers: Leavers {
                sign_out_there: self.sign_out_there.unwrap_or(before.leavers.sign_out_there),
                background_checks: self
                    .background_checks
                    .unwrap_or(before.leavers.background_checks),
                logout_means_gone: self
                    .logout_means_gone
                    .unwrap_or(before.leavers.logout_means_gone),
            },
        })
    }

    fn endpoints(&self, before: &Endpoints) -> Result<Endpoints, Problem> {
        let typed = [&self.authorize_url, &self.token_url, &self.userinfo_url];
        let any_typed = typed.iter().any(|url| url.is_some());
        match (&self.issuer, any_typed) {
            (Some(_), true) => Err(Problem::field(
                "issuer",
                "name the issuer or the three endpoint URLs, not both",
            )),
            (Some(issuer), false) => Ok(Endpoints::Issuer {
                issuer: issuer.clone(),
            }),
            (None, false) => Ok(before.clone()),
            (None, true) => {
                let kept = match before {
                    Endpoints::Manual {
                        authorize,
                        token,
                        userinfo,
                    } => [authorize.clone(), token.clone(), userinfo.clone()],
                    Endpoints::Issuer { .. } => Default::default(),
                };
                let [authorize, token, userinfo] = kept;
                Ok(Endpoints::Manual {
                    authorize: self.authorize_url.clone().unwrap_or(authorize),
                    token: self.token_url.clone().unwrap_or(token),
                    userinfo: self.userinfo_url.clone().unwrap_or(userinfo),
                })
            }
        }
    }
}

async fn ids(app: &App, names: &[DomainName]) -> Result<Vec<DomainId>, Problem> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(app.domain(name).await?.0.id);
    }
    Ok(ids)
}

/// A provider as it is printed.
pub(super) async fn describe(
    app: &App,
    provider: Provider,
    notes: Vec<String>,
) -> Result<ProviderDocument, Problem> {
    let templates = templates::names(app).await?;
    let redirect_url = app.redirect_url(&provider);
    let settings = provider.settings;
    let domains = app.domain_names(&settings.domains).await?;
    let (secret_set, secret_ends) = provider
        .secret
        .map(|secret| (moment(secret.set), secret.ends))
        .unzip();
    let (issuer, [authorize_url, token_url, userinfo_url]) = match settings.endpoints {
        Endpoints::Issuer { issuer } => (Some(issuer), [None, None, None]),
        Endpoints::Manual {
            authorize,
            token,
            userinfo,
        } => (None, [authorize, token, userinfo].map(Some)),
    };
    Ok(ProviderDocument {
        preset: settings.preset,
        slug: provider.slug,
        name: settings.name,
        active: settings.active,
        issuer,
        authorize_url,
        token_url,
        userinfo_url,
        client_id: settings.client_id,
        client_auth: settings.client_auth,
        secret_set,
        secret_ends: secret_ends.filter(|ends| !ends.is_empty()),
        redirect: settings.redirect,
        response_mode: settings.response_mode,
        redirect_url,
        scopes: settings.scopes,
        address_claim: settings.address_claim,
        subject_claim: settings.subject_claim,
        email_trust: settings.email_trust,
        domains: domains.iter().map(ToString::to_string).collect(),
        create: settings.create,
        rules: rule_documents(&settings.rules, &templates),
        everyone_else: match settings.everyone_else {
            EveryoneElse::Refuse => None,
            EveryoneElse::Template(id) => templates.get(&id).cloned(),
        },
        tls: settings.tls.into(),
        private_hosts: settings.private_hosts,
        sign_out_there: settings.leavers.sign_out_there,
        background_checks: settings.leavers.background_checks,
        logout_means_gone: settings.leavers.logout_means_gone,
        checks_stopped: provider.checks_stopped.map(moment),
        namespace: provider.namespace.to_string(),
        created: moment(provider.created),
        modified: moment(provider.modified),
        notes,
        instructions: None,
    })
}
