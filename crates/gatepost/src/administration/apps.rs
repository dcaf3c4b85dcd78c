//! Apps: OAuth clients.

use app::domains::Page;
use app::oauth::apps::{MadeApp, Overlap};
use app::oauth::received::{AppMend, AppTest};
use app::{App, Problem};
use model::address::DomainName;
use model::app_cards::CardGuide;
use model::audit::Actor;
use model::ids::ProviderId;
use model::oauth_app::{
    AppAccess, AppCard, AppKind, AppSecret, AppSettings, Consent, FullName, IdTokenAlg, OauthApp,
    PkceRule, RefreshRule, SubjectKind,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

use super::{deleted, document, moment};

/// What is asked about apps. They are named by client id or by their small id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppRequest {
    /// Adds one.
    Add {
        /// What kind of app it is.
        card: AppCard,
        /// The client id that its other side knows already.
        client_id: Option<String>,
        /// What differs from what its card says.
        change: Box<AppChange>,
    },
    /// A page of them.
    List(Page),
    /// One.
    Show(String),
    /// Changes one.
    Edit {
        /// Which.
        name: String,
        /// What changes.
        change: Box<AppChange>,
    },
    /// Makes a new secret.
    Rotate {
        /// Of which.
        name: String,
        /// How long the others count.
        overlap: Overlap,
    },
    /// Ends all its tokens.
    Revoke(String),
    /// What to paste at its side.
    Block(String),
    /// What it would receive for a person.
    Test {
        /// Which.
        name: String,
        /// Whose sign-in.
        person: String,
        /// What it asks for.
        scopes: Option<String>,
    },
    /// Deletes one.
    Remove(String),
}

/// What to set; `None` and empty lists leave a field alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AppChange {
    /// Its name for people.
    pub name: Option<String>,
    /// All its redirects.
    pub redirects: Vec<String>,
    /// Redirects beside those it has.
    pub add_redirects: Vec<String>,
    /// All places where people may be brought after signing out.
    pub sign_out_redirects: Option<Vec<String>>,
    /// Where it is told that a session ended; an empty text for nowhere.
    pub back_channel: Option<String>,
    /// That place may have a private address.
    pub back_channel_private: Option<bool>,
    /// Certificates in PEM form that are trusted there; an empty text for the public authorities alone.
    pub back_channel_ca: Option<String>,
    /// Everybody may use it.
    pub everybody: bool,
    /// People of these domains may use it.
    pub domains: Vec<DomainName>,
    /// People with these tags may use it.
    pub tags: Vec<String>,
    /// Whether people are asked.
    pub consent: Option<Consent>,
    /// Whether PKCE is demanded.
    pub pkce: Option<PkceRule>,
    /// Whether it keeps a secret.
    pub kind: Option<AppKind>,
    /// Answers as mailcow does.
    pub mailcow: Option<bool>,
    /// Its tokens count in the address of the profile.
    pub token_in_query: Option<bool>,
    /// Shows codes that people type in a browser.
    pub devices: Option<bool>,
    /// What `full_name` says.
    pub full_name: Option<FullName>,
    /// Whether it gets refresh tokens.
    pub refresh: Option<RefreshRule>,
    /// How ID tokens are signed.
    pub id_token_alg: Option<IdTokenAlg>,
    /// What `sub` is.
    pub subject: Option<SubjectKind>,
    /// The provider people go to straight away, by its slug; an empty text for the usual choice.
    pub straight_to: Option<String>,
    /// Providers through which nobody signs in to it, by their slugs.
    pub never_through: Option<Vec<String>>,
    /// Switched on.
    pub active: Option<bool>,
}

/// Who may use an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessDocument {
    /// Everybody with a mailbox.
    pub everybody: bool,
    /// Else people of these domains.
    pub domains: Vec<DomainName>,
    /// Or with these tags.
    pub tags: BTreeSet<String>,
}

/// A secret that counts; never itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretDocument {
    /// Its last characters.
    pub ending: String,
    /// When it was made.
    pub created: String,
    /// Until when it counts; `null` while it is not replaced.
    pub ends: Option<String>,
    /// Its last use, to the hour.
    pub last_used: Option<String>,
}

/// An app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppDocument {
    /// Its small id.
    pub id: i64,
    /// Its name in requests.
    pub client_id: String,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
    /// Who may use it, by names.
    pub who: AccessDocument,
    /// Why it could not be told of a session that ended; it is told again.
    pub not_told: Option<String>,
    /// The provider people go to straight away.
    pub straight_to: Option<String>,
    /// Providers through which nobody signs in to it.
    pub never_through: Vec<String>,
    /// Everything else.
    pub settings: AppSettings,
    /// Its secrets that count.
    pub secrets: Vec<SecretDocument>,
}

/// An app with a new secret, and what to do at its side.
#[derive(Clone, Serialize, Deserialize)]
pub struct MadeAppDocument {
    /// The app.
    pub app: AppDocument,
    /// Its new secret; it is not shown again.
    pub client_secret: Option<String>,
    /// What to do at its side, with the secret.
    pub guide: CardGuide,
}

/// A page of apps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppList {
    /// Newest first.
    pub apps: Vec<AppDocument>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// An app whose tokens have ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokedAppDocument {
    /// Its client id.
    pub client_id: String,
    /// How many sign-ins ended.
    pub ended: u64,
}

/// What an app would receive for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppTestDocument {
    /// Whether the person comes to the app.
    pub gets_in: bool,
    /// The decision.
    pub sentence: String,
    /// Why not, in both texts.
    pub told: Option<RefusedDocument>,
    /// The command that shows where that is mended.
    pub fix: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub test: AppTest,
}

/// A refusal in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusedDocument {
    /// Its code.
    pub code: String,
    /// What the person reads.
    pub person: String,
    /// What administrators read.
    pub admin: String,
}

fn command(mend: AppMend, app: &str, address: &str) -> String {
    match mend {
        AppMend::App => format!("gatepost app show {app}"),
        AppMend::Mailbox => format!("gatepost mailbox show {address}"),
        AppMend::Domain => {
            let domain = address.rsplit('@').next().unwrap_or_default();
            format!("gatepost domain show {domain}")
        }
    }
}

impl SecretDocument {
    fn new(secret: AppSecret) -> Self {
        Self {
            ending: secret.hint,
            created: moment(secret.created),
            ends: secret.ends.map(moment),
            last_used: secret.last_used.map(moment),
        }
    }
}

impl AppChange {
    async fn over(self, app: &App, mut settings: AppSettings) -> Result<AppSettings, Problem> {
        settings.access = self.access(app, &settings.access).await?;
        if let Some(slug) = self.straight_to {
            settings.straight_to = match slug.as_str() {
                "" => None,
                slug => Some(provider(app, slug).await?),
            };
        }
        if let Some(slugs) = self.never_through {
            settings.never_through.clear();
            for slug in slugs.iter().filter(|slug| !slug.is_empty()) {
                settings.never_through.insert(provider(app, slug).await?);
            }
        }
        if !self.redirects.is_empty() {
            settings.redirects = self.redirects;
        }
        settings.redirects.extend(self.add_redirects);
        if let Some(mut urls) = self.sign_out_redirects {
            urls.retain(|url| !url.is_empty());
            settings.sign_out_redirects = urls;
        }
        if let Some(url) = self.back_channel {
            settings.back_channel = Some(url).filter(|url| !url.is_empty());
        }
        if let Some(pem) = self.back_channel_ca {
            settings.back_channel_ca = Some(pem).filter(|pem| !pem.is_empty());
        }
        let set = &mut settings;
        put(&mut set.name, self.name);
        put(&mut set.back_channel_private, self.back_channel_private);
        put(&mut set.consent, self.consent);
        put(&mut set.pkce, self.pkce);
        put(&mut set.kind, self.kind);
        put(&mut set.mailcow, self.mailcow);
        put(&mut set.token_in_query, self.token_in_query);
        put(&mut set.devices, self.devices);
        put(&mut set.full_name, self.full_name);
        put(&mut set.refresh, self.refresh);
        put(&mut set.id_token_alg, self.id_token_alg);
        put(&mut set.subject, self.subject);
        put(&mut set.active, self.active);
        Ok(settings)
    }

    async fn access(&self, app: &App, before: &AppAccess) -> Result<AppAccess, Problem> {
        if self.everybody {
            return Ok(AppAccess::All);
        }
        if self.domains.is_empty() && self.tags.is_empty() {
            return Ok(before.clone());
        }
        let mut domains = BTreeSet::new();
        for name in &self.domains {
            domains.insert(app.domain(name).await?.0.id);
        }
        let tags = self.tags.iter().cloned().collect();
        Ok(AppAccess::Only { domains, tags })
    }
}

fn put<T>(field: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *field = new;
    }
}

async fn provider(app: &App, slug: &str) -> Result<ProviderId, Problem> {
    Ok(app.provider(slug).await?.id)
}

async fn of(app: &App, one: OauthApp) -> Result<AppDocument, Problem> {
    let secrets = app.app_secrets(one.id).await?;
    let providers = app.providers().await?;
    let slug = |id: &ProviderId| {
        let mut all = providers.iter();
        all.find(|provider| provider.id == *id)
            .map(|provider| provider.slug.clone())
    };
    let who = match &one.settings.access {
        AppAccess::All => AccessDocument {
            everybody: true,
            domains: Vec::new(),
            tags: BTreeSet::new(),
        },
        AppAccess::Only { domains, tags } => AccessDocument {
            everybody: false,
            domains: app
                .domain_names(&domains.iter().copied().collect::<Vec<_>>())
                .await?,
            tags: tags.clone(),
        },
    };
    Ok(AppDocument {
        id: one.id.0,
        client_id: one.client_id,
        created: moment(one.created),
        modified: moment(one.modified),
        who,
        not_told: app.not_told(one.id).await?.map(|behind| behind.problem),
        straight_to: one.settings.straight_to.as_ref().and_then(slug),
        never_through: one.settings.never_through.iter().filter_map(slug).collect(),
        settings: one.settings,
        secrets: secrets.into_iter().map(SecretDocument::new).collect(),
    })
}

async fn made(app: &App, made: MadeApp) -> Result<Value, Problem> {
    let guide = app.app_guide(&made.app, made.secret.as_ref());
    let secret = made.secret.as_ref();
    document(MadeAppDocument {
        client_secret: secret.map(|secret| secret.expose_secret().to_owned()),
        guide,
        app: of(app, made.app).await?,
    })
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: AppRequest,
) -> Result<Value, Problem> {
    match request {
        AppRequest::Add {
            card,
            client_id,
            change,
        } => {
            let settings = change.over(app, card.settings()).await?;
            let new = match client_id {
                Some(given) => app.add_app_as(&given, settings, actor).await?,
                None => app.add_app(settings, actor).await?,
            };
            made(app, new).await
        }
        AppRequest::List(page) => {
            let listed = app.oauth_apps(page).await?;
            let mut apps = Vec::with_capacity(listed.rows.len());
            for one in listed.rows {
                apps.push(of(app, one).await?);
            }
            document(AppList {
                apps,
                next: listed.next,
            })
        }
        AppRequest::Show(name) => {
            let one = app.named_app(&name).await?;
            document(of(app, one).await?)
        }
        AppRequest::Edit { name, change } => {
            let before = app.named_app(&name).await?;
            let settings = change.over(app, before.settings).await?;
            let seen = Some(before.modified);
            let after = app.edit_app(before.id, settings, seen, actor).await?;
            document(of(app, after).await?)
        }
        AppRequest::Rotate { name, overlap } => {
            let id = app.named_app(&name).await?.id;
            let new = app.rotate_app_secret(id, overlap, actor).await?;
            made(app, new).await
        }
        AppRequest::Revoke(name) => {
            let one = app.named_app(&name).await?;
            document(RevokedAppDocument {
                ended: app.revoke_app_tokens(one.id, actor).await?,
                client_id: one.client_id,
            })
        }
        AppRequest::Block(name) => {
            let one = app.named_app(&name).await?;
            document(app.app_guide(&one, None))
        }
        AppRequest::Test {
            name,
            person,
            scopes,
        } => {
            let id = app.named_app(&name).await?.id;
            let test = app.test_app(id, &person, scopes.as_deref()).await?;
            document(AppTestDocument {
                gets_in: test.gets_in(),
                sentence: test.sentence(),
                told: test.refusal.as_ref().map(|refusal| RefusedDocument {
                    code: refusal.code.to_string(),
                    person: refusal.person(),
                    admin: refusal.admin(),
                }),
                fix: test.mend.map(|mend| command(mend, &name, &test.address)),
                test,
            })
        }
        AppRequest::Remove(name) => {
            let id = app.named_app(&name).await?.id;
            deleted(app.delete_app(id, actor).await?.settings.name)
        }
    }
}
