//! The form of a provider: what an administrator typed, as settings and as fields.

use super::form::{day_text, last_day, own_password};
use super::mend::Filled;
use crate::form::Typed as Secret;
use crate::parts::{Field, Opt, Problems, When};
use app::domains::Page as Wanted;
use app::mending::Mending;
use app::{App, Problem};
use model::address::Address;
use model::domain::MailDomain;
use model::ids::DomainId;
use model::outcome::{Code, Remedy};
use model::preset::Preset;
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, Leavers, Provider, ProviderSettings,
    RedirectForm, ResponseMode, TlsTrust,
};
use model::rules::mapping::Claims;
use model::template::Template;
use serde::Deserialize;

/// Scopes an issuer is asked for unless told otherwise.
const SCOPES: &str = "openid profile email";
/// Scopes as mailcow's form asks for them, for endpoints typed by hand.
const MAILCOW_SCOPES: &str = "openid profile email mailcow_template";

/// The words for the strictest trust in a provider's word about an address.
const REQUIRE_TRUE: &str = "Must say that it is verified";

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub preset: Preset,
    pub slug: String,
    pub name: String,
    kind: String,
    issuer: String,
    authorize_url: String,
    token_url: String,
    userinfo_url: String,
    subject_claim: String,
    client_id: String,
    pub client_secret: Secret,
    pub clear_secret: bool,
    client_auth: ClientAuth,
    redirect: RedirectForm,
    response_mode: ResponseMode,
    scopes: String,
    address_claim: String,
    email_trust: EmailTrust,
    domains: Vec<String>,
    create: bool,
    /// Of a new one alone; what people get is changed with the rules.
    everyone_else: String,
    tls: String,
    ca_pem: String,
    pin_sha256: String,
    ignore_tls_until: String,
    pub own_password: Secret,
    private_hosts: String,
    sign_out_there: bool,
    background_checks: bool,
    logout_means_gone: bool,
    pub modified: i64,
}

/// What a provider may be given: all templates, and domains up to a number that fits on a page.
pub(super) struct Choices {
    templates: Vec<(Template, u32)>,
    domains: Vec<MailDomain>,
}

/// Domains offered as boxes to tick.
const MOST_DOMAINS: usize = 400;

/// Claims that say what a person's own address is, the likeliest first: others may hold an address of
/// ours that is somebody else's.
const ADDRESS_CLAIMS: [&str; 4] = ["email", "upn", "preferred_username", "mail"];

impl Choices {
    /// Reads them.
    pub async fn of(app: &App) -> Result<Self, Problem> {
        let mut domains = Vec::new();
        let mut page = Wanted {
            limit: 200,
            ..Wanted::default()
        };
        loop {
            let listed = app.domains(page.clone()).await?;
            domains.extend(listed.rows.into_iter().map(|(domain, _)| domain));
            page.after = listed.next;
            if page.after.is_none() || domains.len() >= MOST_DOMAINS {
                break;
            }
        }
        Ok(Self {
            templates: app.templates().await?,
            domains,
        })
    }

    /// The templates.
    pub fn templates(&self) -> Vec<Template> {
        let templates = self.templates.iter();
        templates.map(|(template, _)| template.clone()).collect()
    }

    /// The domains.
    pub fn domains(&self) -> &[MailDomain] {
        &self.domains
    }

    /// Chosen domains by their names.
    fn named(&self, ids: &[String]) -> String {
        let chosen = self.domains.iter();
        let chosen = chosen.filter(|domain| ids.contains(&domain.id.to_string()));
        let names: Vec<_> = chosen.map(|domain| domain.name.to_string()).collect();
        match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }

    /// Another claim that holds an address of a chosen domain.
    fn address_claim(&self, claims: &Claims, ids: &[String]) -> Option<String> {
        ADDRESS_CLAIMS.into_iter().find_map(|name| {
            let value = claims.get(name)?.as_str()?;
            let domain = Address::parse(value).ok()?.domain();
            let fits = |d: &MailDomain| d.name == domain && ids.contains(&d.id.to_string());
            self.domains.iter().any(fits).then(|| name.to_owned())
        })
    }
}

impl Typed {
    /// A new provider of a kind, before anybody has typed anything.
    pub fn draft(draft: &Provider) -> Self {
        // Without what people get whom no rule matches: nobody is given a template by accident.
        let mut typed = Self::of(draft);
        // Issuer or endpoints: which scopes are asked for follows from the choice.
        if typed.preset == Preset::Issuer {
            typed.scopes.clear();
        }
        typed
    }

    /// A provider as its form shows it.
    pub fn of(provider: &Provider) -> Self {
        let settings = &provider.settings;
        let mut typed = Self {
            preset: settings.preset,
            slug: provider.slug.clone(),
            name: settings.name.clone(),
            subject_claim: settings.subject_claim.clone().unwrap_or_default(),
            client_id: settings.client_id.clone(),
            client_auth: settings.client_auth,
            redirect: settings.redirect,
            response_mode: settings.response_mode,
            scopes: settings.scopes.clone(),
            address_claim: settings.address_claim.clone(),
            email_trust: settings.email_trust,
            domains: settings.domains.iter().map(ToString::to_string).collect(),
            create: settings.create,
            private_hosts: settings.private_hosts.join("\n"),
            sign_out_there: settings.leavers.sign_out_there,
            background_checks: settings.leavers.background_checks,
            logout_means_gone: settings.leavers.logout_means_gone,
            modified: provider.modified.0,
            ..Self::default()
        };
        match &settings.endpoints {
            Endpoints::Issuer { issuer } => {
                "issuer".clone_into(&mut typed.kind);
                typed.issuer.clone_from(issuer);
            }
            Endpoints::Manual {
                authorize,
                token,
                userinfo,
            } => {
                "endpoints".clone_into(&mut typed.kind);
                typed.authorize_url.clone_from(authorize);
                typed.token_url.clone_from(token);
                typed.userinfo_url.clone_from(userinfo);
            }
        }
        let tls = match &settings.tls {
            TlsTrust::Public => "public",
            TlsTrust::Ca { pem } => {
                typed.ca_pem.clone_from(pem);
                "ca"
            }
            TlsTrust::Pinned { sha256 } => {
                typed.pin_sha256.clone_from(sha256);
                "pinned"
            }
            TlsTrust::Ignore { until } => {
                typed.ignore_tls_until = day_text(*until);
                "ignore"
            }
        };
        tls.clone_into(&mut typed.tls);
        typed
    }

    /// What was typed as settings; the use case checks the rest. What has pages of its own is as
    /// `base` has it: rules, for a new provider (not `known`) those of its draft; and for one that
    /// exists, what everyone else gets and whether it is on.
    pub fn settings(&self, base: &Provider, known: bool) -> Result<ProviderSettings, Problems> {
        let mut problems = Problems::new();
        let endpoints = if self.kind == "endpoints" {
            Endpoints::Manual {
                authorize: self.authorize_url.clone(),
                token: self.token_url.clone(),
                userinfo: self.userinfo_url.clone(),
            }
        } else {
            Endpoints::Issuer {
                issuer: self.issuer.clone(),
            }
        };
        let scopes = match self.scopes.trim() {
            "" if self.kind == "endpoints" => MAILCOW_SCOPES.to_owned(),
            "" => SCOPES.to_owned(),
            typed => typed.to_owned(),
        };
        let everyone_else = match (known, self.everyone_else.as_str()) {
            (true, _) => base.settings.everyone_else,
            (false, "refuse") => EveryoneElse::Refuse,
            (false, id) => id.parse().map(EveryoneElse::Template).unwrap_or_else(|_| {
                problems.add(
                    "everyone_else",
                    "Choose what people get whom no rule matches.",
                );
                EveryoneElse::Refuse
            }),
        };
        let until = last_day(&self.ignore_tls_until, "ignore_tls_until", &mut problems);
        let hosts = self.private_hosts.split([' ', ',', '\n', '\r', '\t']);
        let settings = ProviderSettings {
            preset: self.preset,
            name: self.name.clone(),
            active: known && base.settings.active,
            endpoints,
            client_id: self.client_id.clone(),
            client_auth: self.client_auth,
            redirect: self.redirect,
            response_mode: self.response_mode,
            scopes,
            address_claim: self.address_claim.clone(),
            // An issuer's people are known by their sub; what was typed before the choice is moot.
            subject_claim: Some(self.subject_claim.trim().to_owned())
                .filter(|claim| self.kind == "endpoints" && !claim.is_empty()),
            email_trust: self.email_trust,
            domains: self
                .domains
                .iter()
                .filter_map(|id| id.parse().ok())
                .collect(),
            create: self.create,
            rules: base.settings.rules.clone(),
            everyone_else,
            tls: match self.tls.as_str() {
                "ca" => TlsTrust::Ca {
                    pem: self.ca_pem.clone(),
                },
                "pinned" => TlsTrust::Pinned {
                    sha256: self.pin_sha256.clone(),
                },
                "ignore" => TlsTrust::Ignore { until },
                _ => TlsTrust::Public,
            },
            private_hosts: hosts
                .filter(|host| !host.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            leavers: Leavers {
                sign_out_there: self.sign_out_there,
                background_checks: self.background_checks,
                logout_means_gone: self.logout_means_gone,
            },
        };
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// Fills in what would mend an attempt by this provider.
    pub fn mend(&mut self, choices: &Choices, mending: &Mending) -> Option<Filled> {
        let (field, before) = match mending.refusal.remedy() {
            Some(Remedy::Issuer(issuer)) if self.kind == "issuer" && self.issuer != issuer => {
                ("issuer", std::mem::replace(&mut self.issuer, issuer))
            }
            Some(Remedy::Scopes { refused, .. })
                if self.scopes.split_whitespace().any(|scope| scope == refused) =>
            {
                let asked = self.scopes.split_whitespace();
                let kept: Vec<_> = asked.filter(|scope| **scope != *refused).collect();
                let kept = kept.join(" ");
                ("scopes", std::mem::replace(&mut self.scopes, kept))
            }
            Some(Remedy::AcceptAbsent) if self.email_trust == EmailTrust::RequireTrue => {
                self.email_trust = EmailTrust::AcceptAbsent;
                ("email_trust", REQUIRE_TRUE.to_owned())
            }
            Some(Remedy::DomainOfProvider(name)) => {
                let domain = choices.domains.iter().find(|d| d.name.as_str() == name)?;
                let names = choices.named(&self.domains);
                self.domains.push(domain.id.to_string());
                ("domains", names)
            }
            None if mending.refusal.code == Code::AddressUnusable => {
                let other = choices.address_claim(&mending.claims, &self.domains)?;
                let before = std::mem::replace(&mut self.address_claim, other);
                ("address_claim", before)
            }
            _ => return None,
        };
        Some(Filled::new(field, before, mending))
    }

    /// Domains that are chosen but not among the offered ones.
    pub fn hidden(&self, choices: &Choices) -> Vec<(&'static str, String)> {
        let offered = |id: &String| choices.domains.iter().any(|d| d.id.to_string() == *id);
        let kept = self.domains.iter().filter(|id| !offered(id));
        kept.filter(|id| id.parse::<DomainId>().is_ok())
            .map(|id| ("domains", id.clone()))
            .collect()
    }

    /// Where the provider is and how we are known there.
    pub fn connection(&self, provider: Option<&Provider>, p: &Problems) -> Vec<Field> {
        let facts = self.preset.facts();
        let mut fields = vec![
            Field::text("name", "Name on the button", self.name.as_str())
                .help("“Continue with NAME”")
                .at_most(64)
                .required()
                .problem(p.of("name")),
        ];
        if provider.is_none() {
            fields.push(
                Field::code("slug", "Short name", self.slug.as_str())
                    .help("Part of its redirect URL, such as “authentik”; it never changes. Empty: made from the name.")
                    .optional()
                    .at_most(40)
                    .problem(p.of("slug")),
            );
        } else {
            let kinds = Preset::ALL.into_iter();
            let kind =
                |preset: Preset| Opt::new(preset.key(), preset.facts().name, preset == self.preset);
            fields.push(Field::select("preset", "Kind", kinds.map(kind).collect()));
        }
        let kind = |value: &'static str, words: &'static str, help: &'static str| {
            Opt::new(value, words, value == self.kind).help(help)
        };
        fields.extend([
            Field::radios(
                "kind",
                "Where it is",
                vec![
                    kind(
                        "issuer",
                        "An issuer URL",
                        "Everything else is found by itself. Choose this when you can.",
                    ),
                    kind(
                        "endpoints",
                        "Three endpoints",
                        "As mailcow's form asks for them.",
                    ),
                ],
            ),
            Field::url("issuer", "Issuer", self.issuer.as_str())
                .help(if facts.issuer_example.is_empty() {
                    "With an issuer URL: exactly as the provider states it.".to_owned()
                } else {
                    format!("Such as {}. {}", facts.issuer_example, facts.issuer_help)
                })
                .problem(p.of("issuer")),
            Field::url(
                "authorize_url",
                "Authorization endpoint",
                self.authorize_url.as_str(),
            )
            .help("The three with endpoints only.")
            .problem(p.of("authorize_url")),
            Field::url("token_url", "Token endpoint", self.token_url.as_str())
                .problem(p.of("token_url")),
            Field::url(
                "userinfo_url",
                "Userinfo endpoint",
                self.userinfo_url.as_str(),
            )
            .problem(p.of("userinfo_url")),
            self.client_id_field(provider, p),
        ]);
        let secret =
            Field::secret("client_secret", "Client secret", "off").problem(p.of("client_secret"));
        match provider.and_then(|provider| provider.secret.as_ref()) {
            Some(hint) => {
                let ends = if hint.ends.is_empty() {
                    String::new()
                } else {
                    format!(", ends in …{}", hint.ends)
                };
                fields.push(secret.help(format!(
                    "Set on {}{ends}. Empty: it stays. Another issuer or endpoint clears it.",
                    When::day(hint.set).text()
                )));
                fields.push(Field::checks(
                    "clear_secret",
                    "Stored secret",
                    vec![Opt::new("true", "Remove it", self.clear_secret)],
                ));
            }
            None if self.makes_client(provider) => fields.push(
                secret
                    .optional()
                    .help("Empty: one is made, stored encrypted, and shown in the block once."),
            ),
            None => fields.push(secret.help("It is stored encrypted and never shown again.")),
        }
        fields.extend(self.details(p));
        fields
    }

    /// Whether client id and secret may be left to be made here.
    const fn makes_client(&self, provider: Option<&Provider>) -> bool {
        provider.is_none() && self.preset.makes_client_here()
    }

    fn client_id_field(&self, provider: Option<&Provider>, p: &Problems) -> Field {
        let field = Field::code("client_id", "Client id", self.client_id.as_str())
            .problem(p.of("client_id"));
        if self.makes_client(provider) {
            field
                .optional()
                .help("Empty: one is made and stands in the block to paste.")
        } else {
            field.required()
        }
    }

    fn details(&self, p: &Problems) -> [Field; 5] {
        let auth = |value: &'static str, words: &'static str, this| {
            Opt::new(value, words, this == self.client_auth)
        };
        let redirect = |value: &'static str, words: &'static str, this| {
            Opt::new(value, words, this == self.redirect)
        };
        let mode = |value: &'static str, words: &'static str, this| {
            Opt::new(value, words, this == self.response_mode)
        };
        [
            Field::select(
                "client_auth",
                "How we prove to be the client",
                vec![
                    auth("auto", "Automatic", ClientAuth::Auto),
                    auth("basic", "Basic (client_secret_basic)", ClientAuth::Basic),
                    auth("body", "In the body (client_secret_post)", ClientAuth::Body),
                ],
            ),
            Field::radios(
                "redirect",
                "Redirect URL",
                vec![
                    redirect("own_path", "Its own path", RedirectForm::OwnPath),
                    redirect(
                        "bare_origin",
                        "This server's bare address",
                        RedirectForm::BareOrigin,
                    )
                    .help("As the mailcow guides register it. One provider only."),
                    redirect(
                        "bare_origin_slash",
                        "The same with a slash",
                        RedirectForm::BareOriginSlash,
                    ),
                ],
            )
            .problem(p.of("redirect")),
            Field::select(
                "response_mode",
                "How it sends its answers",
                vec![
                    mode("auto", "Automatic", ResponseMode::Auto),
                    mode("query", "In the address (query)", ResponseMode::Query),
                    mode("form_post", "As a form (form_post)", ResponseMode::FormPost),
                ],
            )
            .help("Automatic is right unless the provider insists on one of the two."),
            Field::code("scopes", "Scopes", self.scopes.as_str())
                .help("Empty: openid profile email, and mailcow_template with endpoints.")
                .problem(p.of("scopes")),
            Field::code(
                "subject_claim",
                "Claim in place of sub",
                self.subject_claim.as_str(),
            )
            .optional()
            .help("Only with endpoints whose userinfo has no sub: another id that never changes.")
            .problem(p.of("subject_claim")),
        ]
    }

    /// Whom it may sign in.
    pub fn people(&self, choices: &Choices, p: &Problems) -> Vec<Field> {
        let domain = |domain: &MailDomain| {
            let chosen = self.domains.contains(&domain.id.to_string());
            Opt::new(domain.id, domain.name.unicode(), chosen)
        };
        let trust = |value: &'static str, words: &'static str, this| {
            Opt::new(value, words, this == self.email_trust)
        };
        vec![
            Field::checks(
                "domains",
                "May sign in people of these domains",
                choices.domains.iter().map(domain).collect(),
            )
            .help(if choices.domains.is_empty() {
                "There is no mail domain yet; add one first."
            } else {
                "None until you choose, so that no provider takes over people of another's domain."
            })
            .problem(p.of("domains")),
            Field::code(
                "address_claim",
                "Claim with the address",
                self.address_claim.as_str(),
            )
            .help("Empty: email.")
            .problem(p.of("address_claim")),
            Field::radios(
                "email_trust",
                "The provider's word about an address",
                vec![
                    trust("require_true", REQUIRE_TRUE, EmailTrust::RequireTrue),
                    trust(
                        "accept_absent",
                        "May say nothing about it",
                        EmailTrust::AcceptAbsent,
                    )
                    .help("An address it calls unverified is refused."),
                    trust(
                        "believe",
                        "Every address it sends is believed",
                        EmailTrust::Believe,
                    )
                    .help("Only for a provider where people cannot change their own address."),
                ],
            )
            .help(self.preset.facts().trust_reason),
            Field::checks(
                "create",
                "First sign-in",
                vec![
                    Opt::new("true", "Makes the mailbox", self.create)
                        .help("Otherwise only people whose mailbox is there already get in."),
                ],
            ),
        ]
    }

    /// What people of a new provider get whom no rule matches.
    pub fn everyone_else(&self, choices: &Choices, p: &Problems) -> Field {
        let mut options = vec![Opt::new(
            "refuse",
            "Are refused",
            self.everyone_else == "refuse",
        )];
        options.extend(choices.templates.iter().map(|(template, _)| {
            let chosen = self.everyone_else == template.id.to_string();
            Opt::new(
                template.id,
                format!("Get the template {}", template.name),
                chosen,
            )
        }));
        Field::radios("everyone_else", "People whom no rule matches", options)
            .required()
            .problem(p.of("everyone_else"))
    }

    /// How its certificate is trusted, and which internal hosts it may have.
    pub fn trust(&self, p: &Problems) -> Vec<Field> {
        let trust =
            |value: &'static str, words: &'static str| Opt::new(value, words, value == self.tls);
        vec![
            Field::radios(
                "tls",
                "Its certificate",
                vec![
                    trust("public", "From a public authority"),
                    trust("ca", "From the authority pasted below"),
                    trust("pinned", "Exactly the one whose SHA-256 stands below"),
                    trust("ignore", "Ignore TLS errors (dangerous)").help(
                        "Whoever sits between this server and the provider can sign in as anybody. \
                         Give it a last day.",
                    ),
                ],
            ),
            Field::area("ca_pem", "CA certificate (PEM)", self.ca_pem.as_str(), 4)
                .attribute("spellcheck", "false")
                .problem(p.of("ca_pem")),
            Field::code(
                "pin_sha256",
                "SHA-256 of its certificate",
                self.pin_sha256.as_str(),
            )
            .help("64 hexadecimal digits; colons do not matter.")
            .problem(p.of("pin_sha256")),
            Field::date(
                "ignore_tls_until",
                "Ignore TLS errors until",
                self.ignore_tls_until.as_str(),
            )
            .help("Sign-ins are refused again from the day after, unless its certificate is good.")
            .problem(p.of("ignore_tls_until")),
            own_password(
                "Asked for to turn this on, or to give it another last day.",
                p,
            ),
            Field::area(
                "private_hosts",
                "Hosts that may have internal addresses",
                self.private_hosts.as_str(),
                2,
            )
            .optional()
            .help("One a line, such as auth.lan. “Check connection” offers this by one click.")
            .problem(p.of("private_hosts")),
        ]
    }

    /// Whether certificate and hosts are as most providers have them.
    pub fn trusts_as_usual(&self) -> bool {
        matches!(self.tls.as_str(), "" | "public") && self.private_hosts.trim().is_empty()
    }

    /// What happens here when people leave there.
    pub fn leavers(&self) -> Vec<Field> {
        let switch = |name: &'static str, label: &'static str, words: &'static str, on, help| {
            Field::checks(name, label, vec![Opt::new("true", words, on).help(help)])
        };
        vec![
            switch(
                "sign_out_there",
                "Signing out",
                "Signs out there too",
                self.sign_out_there,
                "Whoever signs out here is sent to the provider's own sign-out page. Other sites \
                 that use the same sign-in may end with it.",
            ),
            switch(
                "background_checks",
                "Background checks",
                "Ask every few hours whether people are still there",
                self.background_checks,
                "By refresh tokens, where the provider gives them; some ask people for their \
                 consent first. Somebody who is gone there is signed out here and marked; mail \
                 programs go on.",
            ),
            switch(
                "logout_means_gone",
                "Signed out there",
                "Means that the person is gone",
                self.logout_means_gone,
                "When it tells that somebody signed out, mail programs stop too, until the next \
                 sign-in, and apps are disconnected. Only for a provider that tells it when an account \
                 is disabled, and not whenever a browser is closed.",
            ),
        ]
    }
}

/// Until when TLS errors are ignored, for the warning.
pub(super) fn ignored_until(provider: &Provider) -> Option<When> {
    match provider.settings.tls {
        TlsTrust::Ignore { until: Some(until) } => Some(When::exactly(until)),
        _ => None,
    }
}
