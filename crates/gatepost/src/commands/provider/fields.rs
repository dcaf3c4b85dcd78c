//! What an administrator fills in of a provider.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::address::DomainName;
use model::preset::Preset;
use model::provider::{ClientAuth, EmailTrust, RedirectForm, ResponseMode, TlsTrust};

use crate::administration::providers::ProviderChange;
use crate::commands::input;
use crate::commands::values::{self, End};

fn kinds() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::key))
        .map(|key| Preset::of_key(&key).unwrap_or_default())
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// Of what kind it is: brings its defaults, and says what to do at its side.
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    preset: Option<Preset>,
    /// Issuer URL, exactly as the provider states it; discovery fills in the rest.
    #[arg(long, value_name = "URL", conflicts_with_all = ["authorize_url", "token_url", "userinfo_url"])]
    issuer: Option<String>,
    /// Authorization endpoint, for a provider without discovery.
    #[arg(long, value_name = "URL")]
    authorize_url: Option<String>,
    /// Token endpoint.
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// Userinfo endpoint.
    #[arg(long, value_name = "URL")]
    userinfo_url: Option<String>,
    /// Our client id at the provider.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// How we authenticate at the token endpoint.
    #[arg(long, value_name = "HOW")]
    client_auth: Option<Auth>,
    /// The redirect URL registered at the provider: /sso/SLUG/callback, or the bare origin.
    #[arg(long, value_name = "FORM")]
    redirect: Option<Redirect>,
    /// How the provider is asked to send its answers.
    #[arg(long, value_name = "MODE")]
    response_mode: Option<Mode>,
    /// Scopes to ask for, separated by spaces.
    #[arg(long, value_name = "LIST")]
    scopes: Option<String>,
    /// The claim that holds the address.
    #[arg(long, value_name = "CLAIM")]
    address_claim: Option<String>,
    /// A stable claim in place of sub, for endpoints without discovery; "" for sub itself.
    #[arg(long, value_name = "CLAIM")]
    subject_claim: Option<String>,
    /// What email_verified must say.
    #[arg(long, value_name = "RULE")]
    email_trust: Option<Trust>,
    /// A domain it may sign people in for; several times for several. Takes the place of those
    /// named before.
    #[arg(long = "domain", value_name = "DOMAIN", value_parser = values::domain)]
    domains: Vec<DomainName>,
    /// Create mailboxes at first sign-in.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    create: Option<bool>,
    /// Switched on: asks for a test sign-in that has passed (gatepost provider test).
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    active: Option<bool>,
    /// Switch it on without a test sign-in; this is remembered.
    #[arg(long)]
    untested: bool,
    /// A host that may have private addresses; several times for several. Takes the place of those
    /// named before.
    #[arg(long = "allow-host", value_name = "HOST")]
    private_hosts: Vec<String>,
    /// Signing out here signs out there too.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    sign_out_there: Option<bool>,
    /// Ask in the background, by refresh tokens, whether people are still there.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    background_checks: Option<bool>,
    /// When it tells that somebody signed out there, mail programs stop too, and apps are disconnected.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    logout_means_gone: Option<bool>,
    #[command(flatten)]
    tls: Tls,
}

/// How its certificate is trusted.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Tls {
    /// Trust the public authorities only.
    #[arg(long)]
    public_ca: bool,
    /// Trust the certificates in this PEM file too.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust exactly the certificate with this SHA-256.
    #[arg(long, value_name = "SHA256")]
    pin: Option<String>,
    /// Ignore certificate errors until then: a day, 30d, or no for without end. Dangerous.
    #[arg(long, value_name = "DAY", value_parser = values::end_or_no)]
    ignore_tls_until: Option<End>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Auth {
    /// The provider's choice, else Basic and once more in the body.
    Auto,
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Body,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Redirect {
    /// PUBLIC_URL/sso/SLUG/callback
    OwnPath,
    /// PUBLIC_URL, as the mailcow guides register it.
    BareOrigin,
    /// PUBLIC_URL/
    BareOriginSlash,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    /// In the query; as a form where discovery offers nothing else.
    Auto,
    /// In the query of a redirect.
    Query,
    /// As a form that the browser sends; `form_post` works too.
    #[value(alias = "form_post")]
    FormPost,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Trust {
    /// Only true counts.
    RequireTrue,
    /// True, or nothing said.
    AcceptAbsent,
    /// Every address this provider sends, for its domains.
    Believe,
}

impl Fields {
    pub(super) async fn change(self) -> anyhow::Result<ProviderChange> {
        Ok(ProviderChange {
            preset: self.preset,
            name: None,
            active: self.active,
            untested: self.untested,
            issuer: self.issuer,
            authorize_url: self.authorize_url,
            token_url: self.token_url,
            userinfo_url: self.userinfo_url,
            client_id: self.client_id,
            client_auth: self.client_auth.map(ClientAuth::from),
            redirect: self.redirect.map(RedirectForm::from),
            response_mode: self.response_mode.map(ResponseMode::from),
            scopes: self.scopes,
            address_claim: self.address_claim,
            subject_claim: self.subject_claim,
            email_trust: self.email_trust.map(EmailTrust::from),
            domains: Some(self.domains).filter(|domains| !domains.is_empty()),
            create: self.create,
            tls: self.tls.trust().await?,
            private_hosts: Some(self.private_hosts).filter(|hosts| !hosts.is_empty()),
            sign_out_there: self.sign_out_there,
            background_checks: self.background_checks,
            logout_means_gone: self.logout_means_gone,
        })
    }
}

impl Tls {
    async fn trust(self) -> anyhow::Result<Option<TlsTrust>> {
        Ok(if self.public_ca {
            Some(TlsTrust::Public)
        } else if let Some(file) = self.ca {
            let pem = input::certificates(&file).await?;
            Some(TlsTrust::Ca { pem })
        } else if let Some(sha256) = self.pin {
            Some(TlsTrust::Pinned { sha256 })
        } else {
            let until = self.ignore_tls_until;
            until.map(|End(until)| TlsTrust::Ignore { until })
        })
    }
}

impl From<Auth> for ClientAuth {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Auto => Self::Auto,
            Auth::Basic => Self::Basic,
            Auth::Body => Self::Body,
        }
    }
}

impl From<Redirect> for RedirectForm {
    fn from(form: Redirect) -> Self {
        match form {
            Redirect::OwnPath => Self::OwnPath,
            Redirect::BareOrigin => Self::BareOrigin,
            Redirect::BareOriginSlash => Self::BareOriginSlash,
        }
    }
}

impl From<Mode> for ResponseMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Auto => Self::Auto,
            Mode::Query => Self::Query,
            Mode::FormPost => Self::FormPost,
        }
    }
}

impl From<Trust> for EmailTrust {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::RequireTrue => Self::RequireTrue,
            Trust::AcceptAbsent => Self::AcceptAbsent,
            Trust::Believe => Self::Believe,
        }
    }
}
