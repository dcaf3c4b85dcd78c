//! What is known about each kind of provider.

use super::Preset;
use crate::provider::{ClientAuth, EmailTrust};
use crate::rule::MAILCOW_CLAIM;

/// What is known about a kind of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub name: &'static str,
    /// A line that helps to choose it.
    pub about: &'static str,
    /// The words on the button by default; empty where only the company can name it.
    pub button: &'static str,
    /// The short name by default.
    pub slug: &'static str,
    /// An issuer as it writes it, with example names.
    pub issuer_example: &'static str,
    /// What to watch in an issuer of this kind.
    pub issuer_help: &'static str,
    /// Scopes to ask for.
    pub scopes: &'static str,
    /// Our client id there, where one is named in its block; else empty.
    pub client_id: &'static str,
    /// How we authenticate at its token endpoint.
    pub client_auth: ClientAuth,
    /// What its word about an address is worth.
    pub email_trust: EmailTrust,
    /// Why.
    pub trust_reason: &'static str,
    /// The claim that names the template, where it can send one.
    pub template_claim: Option<&'static str>,
    /// How it is made to send it, or what serves in its place.
    pub template_how: &'static str,
    /// Traps.
    pub remarks: &'static [&'static str],
}

const STANDARD: &str = "openid profile email";

impl Preset {
    /// What is known about it.
    #[must_use]
    pub const fn facts(self) -> &'static Facts {
        match self {
            Self::Authelia => &AUTHELIA,
            Self::Authentik => &AUTHENTIK,
            Self::Keycloak => &KEYCLOAK,
            Self::Kanidm => &KANIDM,
            Self::Zitadel => &ZITADEL,
            Self::Rauthy => &RAUTHY,
            Self::PocketId => &POCKET_ID,
            Self::Google => &GOOGLE,
            Self::Entra => &ENTRA,
            Self::Issuer => &ISSUER,
            Self::Endpoints => &ENDPOINTS,
        }
    }
}

const AUTHELIA: Facts = Facts {
    name: "Authelia",
    about: "The block for its configuration.yml is written for you.",
    button: "Authelia",
    slug: "authelia",
    issuer_example: "https://auth.example.org",
    issuer_help: "The address of Authelia's portal, without a slash at the end.",
    scopes: "openid profile email groups mailcow_template",
    client_id: "",
    client_auth: ClientAuth::Basic,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Authelia always says that an address is verified.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A claims policy and a scope of its own, both in the block.",
    remarks: &[
        "Authelia refuses scopes that the client was not given: what stands under Scopes here and \
         in its configuration must be the same.",
        "Addresses and groups come from userinfo; since 4.39 its ID token holds none.",
        "Behind a reverse proxy it needs X-Forwarded-Proto and X-Forwarded-Host, or it states a \
         wrong issuer.",
        "It has no sign-out for other sites and tells nobody when a person is disabled.",
    ],
};

const AUTHENTIK: Facts = Facts {
    name: "authentik",
    about: "A blueprint makes provider, application and mapping.",
    button: "authentik",
    slug: "authentik",
    issuer_example: "https://auth.example.org/application/o/authentik/",
    issuer_help: "authentik's own host, then /application/o/, the application's slug and a slash. \
                  The blueprint names the application as the short name above.",
    scopes: "openid profile email mailcow_template",
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "By itself authentik calls every address unverified since 2025.10. The blueprint \
                   brings a mapping that vouches for them: use it only while people cannot change \
                   their own address in authentik (System, Settings).",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A scope mapping of its own, in the blueprint. It reads the attribute \
                   mailcow_template of a person or of a group.",
    remarks: &[
        "authentik leaves out scopes it does not know without a word: the sign-in works and the \
         claim is missing.",
        "A signing key must be chosen; the blueprint takes authentik's self-signed one.",
        "Everybody may sign in until groups or people are bound to the application.",
        "Published guides print authentik's endpoints under the mail server's host. They belong \
         under authentik's.",
    ],
};

const KEYCLOAK: Facts = Facts {
    name: "Keycloak",
    about: "A client to import, with its mappers.",
    button: "Keycloak",
    slug: "keycloak",
    issuer_example: "https://id.example.org/realms/example",
    issuer_help: "Host, /realms/ and the realm's name, without a slash at the end. Old releases \
                  have /auth before /realms.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Keycloak says whether it verified an address. It says no for people whom an \
                   administrator made, until “Email verified” is switched on for them.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A mapper of the person's attribute mailcow_template, in the block.",
    remarks: &[
        "Keycloak refuses scopes that the realm does not have. The mappers of the block need no \
         scope.",
        "Groups of a mapper made by hand begin with a slash; those of the block do not.",
    ],
};

const KANIDM: Facts = Facts {
    name: "Kanidm",
    about: "Lines for its command line.",
    button: "Kanidm",
    slug: "kanidm",
    issuer_example: "https://idm.example.org/oauth2/openid/gatepost",
    issuer_help: "Each client has its own issuer: its name stands at the end, without a slash.",
    scopes: STANDARD,
    client_id: "gatepost",
    client_auth: ClientAuth::Basic,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Kanidm says true for the address of its own mail attribute.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A claim map of the client; it is sent as a list and without any scope.",
    remarks: &[
        "Kanidm denies the whole sign-in unless the person's groups grant every scope asked for, \
         openid among them.",
        "preferred_username looks like an address and is none; the claim with the address is email.",
    ],
};

const ZITADEL: Facts = Facts {
    name: "Zitadel",
    about: "What to enter in its console.",
    button: "Zitadel",
    slug: "zitadel",
    issuer_example: "https://id.example.org",
    issuer_help: "The address of the instance, without a slash at the end.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Basic,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Zitadel says whether it verified an address.",
    template_claim: None,
    template_how: "Its roles are an object under a claim with a long name: a rule that asks for \
                   “present”, with the claim's name, a dot and the role, finds one.",
    remarks: &[
        "The way a client authenticates is chosen in Zitadel and enforced: take Basic.",
        "Zitadel leaves out scopes it does not know without a word.",
    ],
};

const RAUTHY: Facts = Facts {
    name: "Rauthy",
    about: "What to enter in its admin pages.",
    button: "Rauthy",
    slug: "rauthy",
    issuer_example: "https://sso.example.org/auth/v1/",
    issuer_help: "It ends in /auth/v1/ with the slash; older releases leave the last slash out.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Rauthy says whether it verified an address.",
    template_claim: Some("custom.mailcow_template"),
    template_how: "An attribute of the person, in a scope of your own; it arrives inside custom.",
    remarks: &["Scopes are allowed for each client; add there what is asked for here."],
};

const POCKET_ID: Facts = Facts {
    name: "Pocket ID",
    about: "What to enter in its settings.",
    button: "Pocket ID",
    slug: "pocket-id",
    issuer_example: "https://id.example.org",
    issuer_help: "The address of Pocket ID, without a slash at the end.",
    scopes: "openid profile email groups",
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Pocket ID says what one of its settings says; switch it on if you enter the \
                   addresses yourself.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A custom claim of the person or the group.",
    remarks: &["People sign in there with a passkey only."],
};

const GOOGLE: Facts = Facts {
    name: "Google",
    about: "Google Workspace: what to enter in its console.",
    button: "Google",
    slug: "google",
    issuer_example: "https://accounts.google.com",
    issuer_help: "It is the same for everybody.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::RequireTrue,
    trust_reason: "Google says whether it verified an address.",
    template_claim: None,
    template_how: "Google sends no groups: give everyone a template. The claim hd names the \
                   Workspace domain.",
    remarks: &[
        "Anybody with a Google account can sign in at Google. Choose none but your own domains \
         below.",
    ],
};

const ENTRA: Facts = Facts {
    name: "Microsoft Entra ID",
    about: "What to enter in its admin centre.",
    button: "Microsoft",
    slug: "entra",
    issuer_example: "https://login.microsoftonline.com/TENANT-ID/v2.0",
    issuer_help: "With the id of your own tenant; common and organizations are refused.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::AcceptAbsent,
    trust_reason: "Entra never says whether an address is verified, and a tenant's administrator \
                   can set any. It signs in people of the domains chosen below, of your own tenant \
                   only.",
    template_claim: Some("roles"),
    template_how: "App roles of the registration, in the claim roles. Groups arrive as ids.",
    remarks: &[
        "The claim email is optional in Entra: add it under Token configuration.",
        "A person in more than 200 groups gets a pointer in place of the groups; use app roles.",
        "Client secrets end there after a time that you choose; note the day.",
        "A wrong redirect URL or scope ends on a page of Microsoft's with AADSTS and a number; \
         nobody comes back to tell.",
    ],
};

const ISSUER: Facts = Facts {
    name: "Another OpenID provider",
    about: "Any that has an issuer URL.",
    button: "",
    slug: "",
    issuer_example: "https://sso.example.org",
    issuer_help: "Exactly as the provider states it: a slash at the end counts.",
    scopes: STANDARD,
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::AcceptAbsent,
    trust_reason: "Some providers say nothing about it; an address that one calls unverified is \
                   refused.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A claim of the person, text or list; any other claim serves as well.",
    remarks: &["Providers compare the redirect URL byte for byte."],
};

const ENDPOINTS: Facts = Facts {
    name: "Three endpoints, as in mailcow",
    about: "For a provider without an issuer, or to take over mailcow's settings.",
    button: "",
    slug: "",
    issuer_example: "",
    issuer_help: "",
    scopes: "openid profile email mailcow_template",
    client_id: "",
    client_auth: ClientAuth::Auto,
    email_trust: EmailTrust::AcceptAbsent,
    trust_reason: "Some providers say nothing about it; an address that one calls unverified is \
                   refused.",
    template_claim: Some(MAILCOW_CLAIM),
    template_how: "A claim of the person, text or list; any other claim serves as well.",
    remarks: &[
        "Choose an issuer if the provider has one: only then can its ID token be checked.",
        "The bare address of this server, as mailcow's guides register it, can belong to one \
         provider only.",
        "Authelia, Keycloak and Kanidm refuse mailcow_template unless the scope was made there.",
    ],
};
