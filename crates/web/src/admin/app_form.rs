//! The form of an app: what an administrator typed, as settings and as fields.

use crate::parts::{Field, Opt, Problems};
use model::domain::MailDomain;
use model::ids::ProviderId;
use model::oauth_app::{
    AppAccess, AppCard, AppKind, AppSettings, Consent, FullName, IdTokenAlg, OauthApp, PkceRule,
    RefreshRule, SubjectKind,
};
use model::provider::Provider;
use serde::Deserialize;
use std::collections::BTreeSet;

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub card: AppCard,
    name: String,
    pub client_id: String,
    kind: AppKind,
    redirects: String,
    pub(super) sign_out_redirects: String,
    pub(super) back_channel: String,
    pub(super) back_channel_private: bool,
    pub(super) back_channel_ca: String,
    who: String,
    domains: Vec<String>,
    tags: String,
    consent: Consent,
    pkce: PkceRule,
    mailcow: bool,
    token_in_query: bool,
    devices: bool,
    full_name: FullName,
    refresh: RefreshRule,
    id_token_alg: IdTokenAlg,
    subject: SubjectKind,
    straight_to: String,
    never_through: Vec<String>,
    pub modified: i64,
}

/// What the fields need beside what was typed.
pub(super) struct Draft<'a> {
    /// The app, unless it is new.
    pub app: Option<&'a OauthApp>,
    /// The domains to choose from.
    pub domains: &'a [MailDomain],
    /// The providers to choose from.
    pub providers: &'a [Provider],
    /// What is wrong.
    pub problems: &'a Problems,
}

/// Fields that are folded away while they are as usual.
const RARE: [&str; 13] = [
    "kind",
    "devices",
    "pkce",
    "mailcow",
    "full_name",
    "refresh",
    "id_token_alg",
    "subject",
    "straight_to",
    "never_through",
    "sign_out_redirects",
    "back_channel",
    "back_channel_ca",
];

/// Two or more ways to have it: value, its name, words, and a line that explains it.
fn radios<T: Copy + PartialEq>(
    name: &'static str,
    label: &'static str,
    chosen: T,
    options: &[(T, &'static str, &'static str, &'static str)],
) -> Field {
    let option = |(value, key, words, help): &(T, &'static str, &'static str, &'static str)| {
        let option = Opt::new(key, *words, *value == chosen);
        match *help {
            "" => option,
            help => option.help(help),
        }
    };
    Field::radios(name, label, options.iter().map(option).collect())
}

/// One thing to tick.
pub(super) fn tick(
    name: &'static str,
    label: &'static str,
    words: &'static str,
    on: bool,
    help: &'static str,
) -> Field {
    let option = Opt::new("true", words, on).help(help);
    Field::checks(name, label, vec![option])
}

fn lines(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToOwned::to_owned).collect()
}

impl Typed {
    /// Settings as the form shows them.
    pub fn of(settings: &AppSettings, modified: i64) -> Self {
        let (who, domains, tags) = match &settings.access {
            AppAccess::All => ("all", Vec::new(), String::new()),
            AppAccess::Only { domains, tags } => (
                "only",
                domains.iter().map(ToString::to_string).collect(),
                tags.iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        };
        let straight_to = settings.straight_to.as_ref();
        Self {
            card: settings.card,
            name: settings.name.clone(),
            client_id: String::new(),
            kind: settings.kind,
            redirects: settings.redirects.join("\n"),
            sign_out_redirects: settings.sign_out_redirects.join("\n"),
            back_channel: settings.back_channel.clone().unwrap_or_default(),
            back_channel_private: settings.back_channel_private,
            back_channel_ca: settings.back_channel_ca.clone().unwrap_or_default(),
            who: who.to_owned(),
            domains,
            tags,
            consent: settings.consent,
            pkce: settings.pkce,
            mailcow: settings.mailcow,
            token_in_query: settings.token_in_query,
            devices: settings.devices,
            full_name: settings.full_name,
            refresh: settings.refresh,
            id_token_alg: settings.id_token_alg,
            subject: settings.subject,
            straight_to: straight_to.map(ToString::to_string).unwrap_or_default(),
            never_through: settings
                .never_through
                .iter()
                .map(ToString::to_string)
                .collect(),
            modified,
        }
    }

    /// With one redirect more, to be saved.
    pub fn add_redirect(&mut self, redirect: &str) {
        let known = self.redirects.lines().any(|line| line == redirect);
        let one = !redirect.is_empty() && !redirect.contains(char::is_whitespace);
        if one && !known {
            self.redirects.push('\n');
            self.redirects.push_str(redirect);
        }
    }

    /// What was typed as settings; the use case checks the rest. An app that is there keeps its card
    /// and stays on or off.
    pub fn settings(&self, app: Option<&OauthApp>) -> Result<AppSettings, Problems> {
        let mut problems = Problems::new();
        let mut domains = BTreeSet::new();
        for id in &self.domains {
            match id.parse() {
                Ok(id) => _ = domains.insert(id),
                Err(_) => problems.add("domains", "Choose among the domains."),
            }
        }
        let straight_to = match self.straight_to.as_str() {
            "" => None,
            id => provider(id, "straight_to", &mut problems),
        };
        let mut never_through = BTreeSet::new();
        for id in &self.never_through {
            never_through.extend(provider(id, "never_through", &mut problems));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(AppSettings {
            name: self.name.clone(),
            card: app.map_or(self.card, |app| app.settings.card),
            active: app.is_none_or(|app| app.settings.active),
            kind: self.kind,
            redirects: lines(&self.redirects),
            sign_out_redirects: lines(&self.sign_out_redirects),
            back_channel: Some(self.back_channel.clone()),
            back_channel_private: self.back_channel_private,
            back_channel_ca: Some(self.back_channel_ca.clone()),
            access: match self.who.as_str() {
                "only" => AppAccess::Only {
                    domains,
                    tags: self.tags.split(',').map(ToOwned::to_owned).collect(),
                },
                "all" => AppAccess::All,
                _ => {
                    problems.add("who", "Choose who may use it.");
                    return Err(problems);
                }
            },
            consent: self.consent,
            pkce: self.pkce,
            mailcow: self.mailcow,
            token_in_query: self.token_in_query,
            full_name: self.full_name,
            refresh: self.refresh,
            id_token_alg: self.id_token_alg,
            subject: self.subject,
            devices: self.devices,
            straight_to,
            never_through,
        })
    }

    /// What nobody types.
    pub fn hidden(&self) -> Vec<(&'static str, String)> {
        vec![
            ("card", self.card.key().to_owned()),
            ("modified", self.modified.to_string()),
        ]
    }

    /// Its name, and where people are sent back to.
    pub fn fields(&self, draft: &Draft<'_>) -> Vec<Field> {
        let p = draft.problems;
        let mut fields = vec![
            Field::text("name", "Name", self.name.as_str())
                .at_most(64)
                .required()
                .help("People read it when they are asked.")
                .problem(p.of("name")),
            Field::area("redirects", "Redirect URLs", self.redirects.as_str(), 3)
                .attribute("spellcheck", "false")
                .attribute("autocapitalize", "none")
                .help(format!(
                    "One a line, byte for byte as the app sends it ({}). {}",
                    self.card.redirect_shape(),
                    self.card.redirect_remark(),
                ))
                .problem(p.of("redirects")),
        ];
        if draft.app.is_none() {
            fields.push(
                Field::code("client_id", "Client id", self.client_id.as_str())
                    .optional()
                    .help("Empty: one is made. Enter one only if the app has one already.")
                    .problem(p.of("client_id")),
            );
        }
        fields
    }

    /// Who may use it, and whether they are asked.
    pub fn access_fields(&self, draft: &Draft<'_>) -> Vec<Field> {
        let p = draft.problems;
        let who = if self.who == "only" { "only" } else { "all" };
        let mut fields = vec![
            radios(
                "who",
                "Who may use it",
                who,
                &[
                    ("all", "all", "Everybody with a mailbox", ""),
                    (
                        "only",
                        "only",
                        "Only people of these domains or with these tags",
                        "Whoever loses the last of them loses the app's tokens at once.",
                    ),
                ],
            )
            .problem(p.of("who")),
        ];
        if !draft.domains.is_empty() {
            let options = draft.domains.iter().map(|domain| {
                let chosen = self.domains.contains(&domain.id.to_string());
                Opt::new(domain.id, domain.name.to_string(), chosen)
            });
            let field = Field::checks("domains", "Domains", options.collect());
            fields.push(field.problem(p.of("domains")));
        }
        fields.push(
            Field::text("tags", "Tags", self.tags.as_str())
                .optional()
                .help("Of mailboxes, separated by commas."),
        );
        fields.push(
            radios(
                "consent",
                "Consent",
                self.consent,
                &[
                    (
                        Consent::Ask,
                        "ask",
                        "Ask people once for what the app wants to know",
                        "",
                    ),
                    (
                        Consent::Trusted,
                        "trusted",
                        "Trust it: nobody is asked",
                        "For apps of your own that keep a secret and come back by https only.",
                    ),
                ],
            )
            .problem(p.of("consent")),
        );
        fields
    }

    /// The rarer settings.
    pub fn safety_fields(&self, draft: &Draft<'_>) -> Vec<Field> {
        let p = draft.problems;
        let mut fields = vec![
            radios(
                "kind",
                "Client secret",
                self.kind,
                &[
                    (
                        AppKind::Confidential,
                        "confidential",
                        "A server that keeps a secret",
                        "",
                    ),
                    (
                        AppKind::Public,
                        "public",
                        "None: an app in a browser alone, or a program on people's devices",
                        "Always with PKCE, always asks. In a browser, pages of the redirect URLs' \
                         origins (scheme, host, port) read its answers. This does not change later.",
                    ),
                ],
            )
            .problem(p.of("kind")),
            tick(
                "devices",
                "Devices",
                "Shows a code that people type in a browser",
                self.devices,
                "For televisions and command lines (RFC 8628). Always asks. An app that does nothing \
                 else needs no redirect URL.",
            )
            .problem(p.of("devices")),
            radios(
                "pkce",
                "PKCE",
                self.pkce,
                &[
                    (PkceRule::Required, "required", "Required", ""),
                    (
                        PkceRule::IfSent,
                        "if_sent",
                        "Counts where the app sends it",
                        "For apps with a secret that cannot send it.",
                    ),
                ],
            )
            .problem(p.of("pkce")),
            tick(
                "mailcow",
                "mailcow",
                "Answers as mailcow does",
                self.mailcow,
                "For apps that were made for mailcow: its errors, a day for tokens, the scope \
                 profile if none is asked for.",
            ),
            tick(
                "token_in_query",
                "Token in the address",
                "Counts at mailcow's profile",
                self.token_in_query,
                "authentik's mailcow source sends it so. Proxies may write it into their logs, so the \
                 app's tokens open nothing but that profile.",
            ),
            radios(
                "full_name",
                "full_name in mailcow's profile",
                self.full_name,
                &[
                    (FullName::Name, "name", "The mailbox's name", ""),
                    (
                        FullName::Address,
                        "address",
                        "The address instead",
                        "For authentik, which makes user names of it: two people may have one name.",
                    ),
                ],
            ),
        ];
        fields.extend(self.token_fields(p));
        fields.extend(super::app_sign_out::fields(self, p));
        fields.extend(self.provider_fields(draft));
        fields
    }

    fn token_fields(&self, p: &Problems) -> [Field; 3] {
        [
            radios(
                "refresh",
                "Refresh tokens",
                self.refresh,
                &[
                    (
                        RefreshRule::OfflineAccess,
                        "offline_access",
                        "If it asks for offline_access",
                        "",
                    ),
                    (RefreshRule::Always, "always", "Always, as mailcow does", ""),
                ],
            ),
            radios(
                "id_token_alg",
                "ID tokens are signed with",
                self.id_token_alg,
                &[
                    (IdTokenAlg::Es256, "ES256", "ES256", ""),
                    (
                        IdTokenAlg::Rs256,
                        "RS256",
                        "RS256",
                        "For apps that know nothing else.",
                    ),
                ],
            ),
            radios(
                "subject",
                "People's lasting id (sub)",
                self.subject,
                &[
                    (SubjectKind::Public, "public", "The same for every app", ""),
                    (
                        SubjectKind::Pairwise,
                        "pairwise",
                        "Another one for this app",
                        "Made of the redirect's host. Changing this makes everybody a stranger \
                         there.",
                    ),
                ],
            )
            .problem(p.of("subject")),
        ]
    }

    fn provider_fields(&self, draft: &Draft<'_>) -> Vec<Field> {
        if draft.providers.is_empty() {
            return Vec::new();
        }
        let p = draft.problems;
        let mut straight = vec![Opt::new(
            "",
            "The usual choice",
            self.straight_to.is_empty(),
        )];
        let mut never = Vec::new();
        for one in draft.providers {
            let (id, name) = (one.id.to_string(), one.settings.name.as_str());
            straight.push(Opt::new(&id, name, self.straight_to == id));
            never.push(Opt::new(&id, name, self.never_through.contains(&id)));
        }
        vec![
            Field::select("straight_to", "People without a session go to", straight)
                .problem(p.of("straight_to")),
            Field::checks("never_through", "Never through", never)
                .help("Where the app is itself a provider of this server.")
                .problem(p.of("never_through")),
        ]
    }

    /// Whether something among the rarer settings should be seen.
    pub fn is_unusual(&self, draft: &Draft<'_>) -> bool {
        RARE.iter().any(|field| draft.problems.of(field).is_some())
    }
}

fn provider(id: &str, field: &'static str, problems: &mut Problems) -> Option<ProviderId> {
    let parsed = id.parse().ok();
    if parsed.is_none() {
        problems.add(field, "Choose among the providers.");
    }
    parsed
}
