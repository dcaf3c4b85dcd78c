//! `gatepost app`

use std::process::ExitCode;

use ::app::oauth::apps::Overlap;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::address::DomainName;
use model::app_cards::CardGuide;
use model::oauth_app::{
    AppCard, AppKind, Consent, FullName, IdTokenAlg, PkceRule, RefreshRule, SubjectKind,
};

use super::input::{self, Leave};
use super::office::{Listing, Office, Verbs};
use super::output::{self, details, on_off, table, when, when_or, yes_no};
use super::values;
use crate::administration::Request;
use crate::administration::apps::{
    AppChange, AppDocument, AppList, AppRequest, AppTestDocument, MadeAppDocument,
    RevokedAppDocument,
};
use crate::exit;

/// Apps that people sign in to with their mail account: OAuth clients.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost app add nextcloud --redirect https://cloud.example.org/apps/user_oidc/code
  gatepost app rotate a1b2c3d4e5f6 --others-end week")]
pub(super) enum Verb {
    /// Add an app, and print its secret and what to paste at its side, once.
    Add {
        /// What it is: authentik, nextcloud, roundcube, grafana, gitea or generic.
        #[arg(value_parser = card())]
        card: AppCard,
        /// The client id, if the app has one already; one is made by default.
        #[arg(long, value_name = "ID")]
        client_id: Option<String>,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Print apps, newest first.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Print one app.
    Show {
        /// Its client id, or its number.
        app: String,
    },
    /// Change what is named.
    Edit {
        /// Its client id, or its number.
        app: String,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Make a new client secret and print it, once.
    Rotate {
        /// Its client id, or its number.
        app: String,
        /// When the secrets so far end: at_once, hour, day or week.
        #[arg(long, value_name = "WHEN", value_parser = overlap(), default_value = "day", hide_possible_values = true)]
        others_end: Overlap,
    },
    /// End all tokens of an app: everybody signs in to it again.
    Revoke {
        /// Its client id, or its number.
        app: String,
    },
    /// Print what to paste at the app's side, without the secret.
    Block {
        /// Its client id, or its number.
        app: String,
    },
    /// Print what an app would receive for a person; stores nothing. Exit code 7 if the person would
    /// not come to the app.
    Test {
        /// Its client id, or its number.
        app: String,
        /// The person.
        address: String,
        /// What it asks for, separated by spaces; what its guide has by default.
        #[arg(long, value_name = "SCOPES")]
        scopes: Option<String>,
    },
    /// Delete an app with its tokens and all that people allowed it.
    Remove {
        /// Its client id, or its number.
        app: String,
        #[command(flatten)]
        leave: Leave,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// Its name for people.
    #[arg(long)]
    name: Option<String>,
    /// Where people are sent back to, byte for byte; all of them, one an option.
    #[arg(long, value_name = "URL")]
    redirect: Vec<String>,
    /// A redirect beside those it has.
    #[arg(long, value_name = "URL", conflicts_with = "redirect")]
    add_redirect: Vec<String>,
    /// Where people may be brought after signing out, byte for byte; all of them, one an option; ''
    /// for none.
    #[arg(long, value_name = "URL")]
    sign_out_redirect: Option<Vec<String>>,
    /// Where it is told that a session ended (back-channel logout); '' for nowhere.
    #[arg(long, value_name = "URL")]
    back_channel: Option<String>,
    /// Whether that place may have a private address, or be on this machine.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    back_channel_private: Option<bool>,
    /// Trust the certificates in this PEM file there too, of your own authority; '' for none.
    #[arg(long, value_name = "FILE")]
    back_channel_ca: Option<String>,
    /// Everybody with a mailbox may use it.
    #[arg(long, conflicts_with_all = ["domain", "tag"])]
    everybody: bool,
    /// Only people of this domain, or with a tag that is named.
    #[arg(long, value_name = "DOMAIN", value_parser = values::domain)]
    domain: Vec<DomainName>,
    /// Only people with this tag, or of a domain that is named.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Whether people are asked: ask, or trusted.
    #[arg(long, value_name = "HOW", value_parser = named(CONSENT), hide_possible_values = true)]
    consent: Option<Consent>,
    /// Whether PKCE is demanded: required, or if_sent.
    #[arg(long, value_name = "HOW", value_parser = named(PKCE), hide_possible_values = true)]
    pkce: Option<PkceRule>,
    /// Whether it keeps a secret: confidential, or public (in a browser alone, or on people's devices).
    /// Does not change later.
    #[arg(long, value_name = "KIND", value_parser = named(KIND), hide_possible_values = true)]
    kind: Option<AppKind>,
    /// Answers as mailcow does.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    mailcow: Option<bool>,
    /// Its tokens count in the address of mailcow's profile, and open nothing else.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    token_in_query: Option<bool>,
    /// Shows codes that people type in a browser: televisions, command lines.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    devices: Option<bool>,
    /// What full_name of mailcow's profile says: name, or address.
    #[arg(long, value_name = "WHAT", value_parser = named(FULL_NAME), hide_possible_values = true)]
    full_name: Option<FullName>,
    /// When it gets refresh tokens: offline_access, or always.
    #[arg(long, value_name = "WHEN", value_parser = named(REFRESH), hide_possible_values = true)]
    refresh: Option<RefreshRule>,
    /// How ID tokens are signed: ES256, or RS256.
    #[arg(long, value_name = "ALG", value_parser = named(ALG), hide_possible_values = true)]
    id_token_alg: Option<IdTokenAlg>,
    /// People's lasting id there: public (the same for every app), or pairwise.
    #[arg(long, value_name = "KIND", value_parser = named(SUBJECT), hide_possible_values = true)]
    subject: Option<SubjectKind>,
    /// The provider people go to straight away; '' for the usual choice.
    #[arg(long, value_name = "PROVIDER")]
    straight_to: Option<String>,
    /// A provider through which nobody signs in to it; '' for none.
    #[arg(long, value_name = "PROVIDER")]
    never_through: Option<Vec<String>>,
    /// Whether it is switched on.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    active: Option<bool>,
}

type Named<T> = &'static [(&'static str, T)];

const CONSENT: Named<Consent> = &[("ask", Consent::Ask), ("trusted", Consent::Trusted)];
const PKCE: Named<PkceRule> = &[
    ("required", PkceRule::Required),
    ("if_sent", PkceRule::IfSent),
];
const KIND: Named<AppKind> = &[
    ("confidential", AppKind::Confidential),
    ("public", AppKind::Public),
];
const FULL_NAME: Named<FullName> = &[("name", FullName::Name), ("address", FullName::Address)];
const REFRESH: Named<RefreshRule> = &[
    ("offline_access", RefreshRule::OfflineAccess),
    ("always", RefreshRule::Always),
];
const ALG: Named<IdTokenAlg> = &[("ES256", IdTokenAlg::Es256), ("RS256", IdTokenAlg::Rs256)];
const SUBJECT: Named<SubjectKind> = &[
    ("public", SubjectKind::Public),
    ("pairwise", SubjectKind::Pairwise),
];

/// One of a few, by its name.
fn named<T>(all: Named<T>) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let names = all.iter().map(|(name, _)| *name);
    PossibleValuesParser::new(names).try_map(move |typed| {
        let mut all = all.iter();
        all.find(|(name, _)| *name == typed)
            .map(|(_, value)| *value)
            .ok_or(NotOne)
    })
}

#[derive(Debug, thiserror::Error)]
#[error("no such value")]
struct NotOne;

fn card() -> impl TypedValueParser<Value = AppCard> {
    PossibleValuesParser::new(AppCard::ALL.map(AppCard::key))
        .try_map(|typed| AppCard::of_key(&typed).ok_or(NotOne))
}

fn overlap() -> impl TypedValueParser<Value = Overlap> {
    PossibleValuesParser::new(Overlap::ALL.map(Overlap::name)).try_map(|typed| {
        let mut all = Overlap::ALL.into_iter();
        all.find(|one| one.name() == typed).ok_or(NotOne)
    })
}

impl Fields {
    async fn change(self) -> anyhow::Result<AppChange> {
        Ok(AppChange {
            name: self.name,
            redirects: self.redirect,
            add_redirects: self.add_redirect,
            sign_out_redirects: self.sign_out_redirect,
            back_channel: self.back_channel,
            back_channel_private: self.back_channel_private,
            back_channel_ca: match self.back_channel_ca {
                Some(file) if !file.is_empty() => Some(input::certificates(file.as_ref()).await?),
                none => none,
            },
            everybody: self.everybody,
            domains: self.domain,
            tags: self.tag,
            consent: self.consent,
            pkce: self.pkce,
            kind: self.kind,
            mailcow: self.mailcow,
            token_in_query: self.token_in_query,
            devices: self.devices,
            full_name: self.full_name,
            refresh: self.refresh,
            id_token_alg: self.id_token_alg,
            subject: self.subject,
            straight_to: self.straight_to,
            never_through: self.never_through,
            active: self.active,
        })
    }
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add {
            card,
            client_id,
            fields,
        } => {
            let change = Box::new(fields.change().await?);
            return show_made(
                office,
                AppRequest::Add {
                    card,
                    client_id,
                    change,
                },
            )
            .await;
        }
        Verb::Rotate {
            app: name,
            others_end: overlap,
        } => return show_made(office, AppRequest::Rotate { name, overlap }).await,
        Verb::List { listing } => {
            let page = |page| Request::App(AppRequest::List(page));
            let document = office.list("apps", &listing, "", page).await?;
            return office.show_list(document, list);
        }
        Verb::Revoke { app } => {
            let document = office.ask(Request::App(AppRequest::Revoke(app))).await?;
            return office.show(document, |gone: RevokedAppDocument| {
                format!("{} sign-ins to {} are ended", gone.ended, gone.client_id)
            });
        }
        Verb::Block { app } => {
            let document = office.ask(Request::App(AppRequest::Block(app))).await?;
            return office.show(document, |made: CardGuide| guide(&made));
        }
        Verb::Test {
            app: name,
            address: person,
            scopes,
        } => {
            let request = AppRequest::Test {
                name,
                person,
                scopes,
            };
            let document = office.ask(Request::App(request)).await?;
            let gets_in = document["gets_in"] == true;
            let shown = office.show(document, |told: AppTestDocument| tested(&told))?;
            return Ok(if gets_in {
                shown
            } else {
                ExitCode::from(exit::PROBLEMS_FOUND)
            });
        }
        Verb::Remove { app, leave } => {
            leave.to_delete("app", &app).await?;
            let document = office.ask(Request::App(AppRequest::Remove(app))).await?;
            return office.show(document, super::deleted);
        }
        Verb::Show { app } => AppRequest::Show(app),
        Verb::Edit { app: name, fields } => AppRequest::Edit {
            name,
            change: Box::new(fields.change().await?),
        },
    };
    let document = office.ask(Request::App(request)).await?;
    office.show(document, |app: AppDocument| one(&app))
}

async fn show_made(office: &mut Office, request: AppRequest) -> anyhow::Result<ExitCode> {
    let document = office.ask(Request::App(request)).await?;
    if !document["client_secret"].is_null() {
        output::problem("This secret is not shown again:");
    }
    office.show(document, |made: MadeAppDocument| {
        let mut fields = vec![("Client id", made.app.client_id)];
        fields.extend(made.client_secret.map(|secret| ("Client secret", secret)));
        format!("{}\n\n{}", details(&fields), guide(&made.guide))
    })
}

/// What to do at the app's side.
fn guide(made: &CardGuide) -> String {
    let mut parts = Vec::new();
    let steps = made.steps.iter().zip(1..);
    let steps: Vec<_> = steps.map(|(step, n)| format!("{n}. {step}")).collect();
    parts.push(steps.join("\n"));
    if !made.values.is_empty() {
        let values = made.values.iter();
        let values: Vec<_> = values
            .map(|value| (value.field.as_str(), value.value.clone()))
            .collect();
        parts.push(details(&values));
    }
    if let Some(block) = &made.block {
        parts.push(format!("{}:\n\n{}", block.title, block.text.trim_end()));
    }
    let remarks: Vec<_> = made.remarks.iter().map(|one| format!("- {one}")).collect();
    parts.push(remarks.join("\n"));
    parts.join("\n\n")
}

/// The decision, then everything that the app would receive.
fn tested(told: &AppTestDocument) -> String {
    let AppTestDocument {
        sentence,
        told: refused,
        fix,
        test,
        ..
    } = told;
    let mut parts = vec![sentence.clone()];
    let mut facts = Vec::new();
    if let Some(refused) = refused {
        facts.push(("Why", refused.admin.clone()));
        facts.push(("They read", refused.person.clone()));
    }
    facts.extend(fix.iter().map(|fix| ("Look at", fix.clone())));
    facts.extend(test.consent.iter().map(|why| ("Consent", why.clone())));
    if refused.is_none() {
        facts.push(("Asked for", test.asked.clone()));
        facts.push(("Granted", test.scopes.clone()));
    }
    let ways = test.ways.iter().map(|way| {
        let mark = if way.open { "yes" } else { "no" };
        format!("{mark}: {}", way.words)
    });
    let ways = ways.collect::<Vec<_>>().join("\n");
    if !ways.is_empty() {
        facts.push(("Ways there", ways));
    }
    parts.push(details(&facts));
    let received = test.received.iter();
    parts.extend(received.map(|one| format!("{} ({})\n{}", one.title, one.about, one.text)));
    if !test.otherwise.is_empty() {
        let lines = test.otherwise.iter().map(|one| format!("- {one}"));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n")
}

fn who(app: &AppDocument) -> String {
    if app.who.everybody {
        return "everybody".to_owned();
    }
    let domains = app.who.domains.iter().map(ToString::to_string);
    let tags = app.who.tags.iter().map(|tag| format!("tag {tag}"));
    domains.chain(tags).collect::<Vec<_>>().join(", ")
}

fn word<T: PartialEq>(all: Named<T>, value: &T) -> String {
    let found = all.iter().find(|(_, one)| one == value);
    found.map_or("", |(name, _)| name).to_owned()
}

fn one(app: &AppDocument) -> String {
    let settings = &app.settings;
    let secrets = app.secrets.iter().map(|secret| {
        format!(
            "…{}, made {}, counts until {}",
            secret.ending,
            when(&secret.created),
            when_or(secret.ends.as_ref(), "it is replaced")
        )
    });
    details(&[
        ("App", settings.name.clone()),
        ("Number", app.id.to_string()),
        ("Client id", app.client_id.clone()),
        ("Kind", settings.card.label().to_owned()),
        ("State", on_off(settings.active).to_owned()),
        ("Redirects", settings.redirects.join("\n")),
        ("After signing out", settings.sign_out_redirects.join("\n")),
        (
            "Back-channel logout",
            settings.back_channel.clone().unwrap_or_default(),
        ),
        (
            "CA certificate for it",
            if settings.back_channel_ca.is_some() {
                "given".to_owned()
            } else {
                String::new()
            },
        ),
        ("Not told", app.not_told.clone().unwrap_or_default()),
        ("Who may use it", who(app)),
        ("Consent", word(CONSENT, &settings.consent)),
        (
            "Keeps a secret",
            yes_no(settings.kind == AppKind::Confidential).to_owned(),
        ),
        ("PKCE", word(PKCE, &settings.pkce)),
        ("As mailcow", yes_no(settings.mailcow).to_owned()),
        ("Codes on devices", yes_no(settings.devices).to_owned()),
        ("Refresh tokens", word(REFRESH, &settings.refresh)),
        ("ID tokens", word(ALG, &settings.id_token_alg)),
        ("Subject", word(SUBJECT, &settings.subject)),
        ("Straight to", app.straight_to.clone().unwrap_or_default()),
        ("Never through", app.never_through.join(", ")),
        ("Secrets", secrets.collect::<Vec<_>>().join("\n")),
        ("Added", when(&app.created)),
        ("Changed", when(&app.modified)),
    ])
}

fn list(list: AppList) -> String {
    let row = |app: AppDocument| {
        [
            app.id.to_string(),
            app.client_id.clone(),
            app.settings.name.clone(),
            on_off(app.settings.active).to_owned(),
            who(&app),
        ]
    };
    let rows: Vec<_> = list.apps.into_iter().map(row).collect();
    table(
        ["ID", "CLIENT ID", "NAME", "STATE", "WHO MAY USE IT"],
        &rows,
    )
}
