//! The catalogue: every code with its words. Data, in the order of the codes.

use super::{Entry, Fix, of_apps};
use serde::{Deserialize, Serialize};

/// An outcome code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Code {
    /// SSO-101. The provider could not be reached, or did not answer in time.
    ProviderUnreachable,
    /// SSO-102. The provider's certificate is not trusted.
    ProviderTls,
    /// SSO-103. Discovery, or another document of the provider, is missing or unusable.
    DiscoveryFailed,
    /// SSO-104. An endpoint of the provider is on our own host.
    EndpointOnOwnHost,
    /// SSO-105. The signing keys could not be fetched, or none fits.
    KeysUnavailable,
    /// SSO-106. The provider's clock and ours differ by more than allowed.
    ClockSkew,
    /// SSO-107. The provider's host has an internal address that nobody allowed.
    InternalAddress,
    /// SSO-201. Client id or secret is wrong.
    ClientRejected,
    /// SSO-202. The provider does not know our redirect URL.
    RedirectRefused,
    /// SSO-203. The provider refused one of our scopes.
    ScopeRefused,
    /// SSO-204. The authorization code was refused.
    CodeRejected,
    /// SSO-205. The provider refused the person.
    ProviderSaidNo,
    /// SSO-206. The state is missing, expired, used or of another browser.
    ForeignState,
    /// SSO-207. ID token or userinfo failed a check.
    TokenRejected,
    /// SSO-208. The provider is switched off.
    ProviderOff,
    /// SSO-209. The provider answered with an error that is not a refusal of the person.
    ProviderError,
    /// SSO-301. The address claim is missing.
    EmailMissing,
    /// SSO-302. The provider says the address is not verified.
    EmailUnverified,
    /// SSO-303. The provider does not say whether the address is verified, and must.
    EmailVerifiedAbsent,
    /// SSO-304. The address claim is not an address we can use.
    AddressUnusable,
    /// SSO-305. The mailbox belongs to another identity.
    LinkedElsewhere,
    /// SSO-306. The provider may not sign in people of this domain.
    DomainNotOfProvider,
    /// SSO-307. An existing local mailbox must be proven or switched.
    ProveLocalPassword,
    /// SSO-401. The mail domain does not exist.
    DomainUnknown,
    /// SSO-402. The mail domain is switched off.
    DomainInactive,
    /// SSO-403. The domain holds as many mailboxes as it may.
    DomainFull,
    /// SSO-404. The domain's quota, or the largest quota per mailbox, does not allow this one.
    DomainQuotaFull,
    /// SSO-405. No rule matches, and everyone else is refused.
    NoMapping,
    /// SSO-406. No rule matches; one differs in case only.
    NearMapping,
    /// SSO-407. The matching rule's template does not exist.
    TemplateGone,
    /// SSO-408. The provider does not create mailboxes.
    CreationOff,
    /// SSO-409. A claim that a rule reads was replaced by a pointer, and no rule matches.
    ClaimWithheld,
    /// SSO-410. The address is an alias of others.
    AddressIsAlias,
    /// SSO-411. The address belongs to a role.
    AddressReserved,
    /// SSO-412. A notice: the address changed at the provider.
    AddressChanged,
    /// SSO-501. The mailbox is switched off.
    MailboxInactive,
    /// SSO-502. The mailbox does not sign in this way.
    WrongMethod,
    /// SSO-503. Too many failures from this network or for this account.
    TooManyTries,
    /// SSO-504. An administrator blocked the person.
    PersonBlocked,
    /// SSO-505. The mailbox could not be made or updated.
    ProvisioningFailed,
    /// SSO-506. The domain is bound to another provider.
    DomainBound,
    /// SSO-507. Gatepost's own store was not available.
    OwnFault,
    /// OAUTH-701. No app has the client id.
    AppUnknown,
    /// OAUTH-702. The redirect URI is not registered for the app.
    AppRedirect,
    /// OAUTH-703. The app is switched off.
    AppOff,
    /// OAUTH-704. The person may not use the app.
    AppNotForYou,
    /// OAUTH-705. None of the scopes that the app asked for exists.
    AppScope,
    /// OAUTH-706. The person said no to the app.
    AppDenied,
    /// OAUTH-707. The authorization code has ended, was used, or is of somebody else.
    AppCode,
    /// OAUTH-708. The app did not prove that it is itself.
    AppSecret,
    /// OAUTH-709. The app must use PKCE and does not.
    AppPkce,
    /// OAUTH-710. App and provider send the person to each other.
    AppCircle,
    /// OAUTH-711. A code or refresh token was offered a second time.
    AppUsedAgain,
    /// OAUTH-712. The app wants the person to sign in anew, and the provider did not ask them.
    AppNotAnew,
    /// OAUTH-713. An app asked wrongly to sign somebody out.
    AppSignOut,
    /// OAUTH-714. An app could not be told that somebody signed out.
    AppNotTold,
    /// OAUTH-715. No device waits with the code that was typed.
    DeviceUnknown,
    /// OAUTH-716. The code of a device has ended.
    DeviceEnded,
    /// OAUTH-717. The code of a device was answered before.
    DeviceAnswered,
    /// OAUTH-718. The app may not ask for codes for devices.
    AppDevices,
    /// LOCAL-801. The local name or password is wrong.
    WrongPassword,
    /// MAIL-601. Wrong secret or unknown name in a mail program.
    MailWrong,
    /// MAIL-602. The app password ended or was revoked.
    MailEnded,
    /// MAIL-603. The protocol is switched off for the mailbox or the app password.
    MailProtocol,
    /// MAIL-604. A sign-in without TLS.
    MailEncryption,
    /// MAIL-605. The mailbox or its domain is switched off; told only to who holds a right secret.
    MailInactive,
    /// MAIL-606. Too many failures in mail programs.
    MailThrottled,
    /// MAIL-607. No provider has confirmed the person for longer than the domain allows.
    MailUnconfirmed,
    /// MAIL-608. The person is signed out at a provider where that means that they are gone.
    MailSignedOut,
}

impl Code {
    /// Every code.
    pub const ALL: &'static [Self] = &[
        Self::ProviderUnreachable,
        Self::ProviderTls,
        Self::DiscoveryFailed,
        Self::EndpointOnOwnHost,
        Self::KeysUnavailable,
        Self::ClockSkew,
        Self::InternalAddress,
        Self::ClientRejected,
        Self::RedirectRefused,
        Self::ScopeRefused,
        Self::CodeRejected,
        Self::ProviderSaidNo,
        Self::ForeignState,
        Self::TokenRejected,
        Self::ProviderOff,
        Self::ProviderError,
        Self::EmailMissing,
        Self::EmailUnverified,
        Self::EmailVerifiedAbsent,
        Self::AddressUnusable,
        Self::LinkedElsewhere,
        Self::DomainNotOfProvider,
        Self::ProveLocalPassword,
        Self::DomainUnknown,
        Self::DomainInactive,
        Self::DomainFull,
        Self::DomainQuotaFull,
        Self::NoMapping,
        Self::NearMapping,
        Self::TemplateGone,
        Self::CreationOff,
        Self::ClaimWithheld,
        Self::AddressIsAlias,
        Self::AddressReserved,
        Self::AddressChanged,
        Self::MailboxInactive,
        Self::WrongMethod,
        Self::TooManyTries,
        Self::PersonBlocked,
        Self::ProvisioningFailed,
        Self::DomainBound,
        Self::OwnFault,
        Self::AppUnknown,
        Self::AppRedirect,
        Self::AppOff,
        Self::AppNotForYou,
        Self::AppScope,
        Self::AppDenied,
        Self::AppCode,
        Self::AppSecret,
        Self::AppPkce,
        Self::AppCircle,
        Self::AppUsedAgain,
        Self::AppNotAnew,
        Self::AppSignOut,
        Self::AppNotTold,
        Self::DeviceUnknown,
        Self::DeviceEnded,
        Self::DeviceAnswered,
        Self::AppDevices,
        Self::WrongPassword,
        Self::MailWrong,
        Self::MailEnded,
        Self::MailProtocol,
        Self::MailEncryption,
        Self::MailInactive,
        Self::MailThrottled,
        Self::MailUnconfirmed,
        Self::MailSignedOut,
    ];

    /// The stable text form.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.entry().id
    }

    /// Whether the contact of the person's domain is told of a refusal, since only an administrator
    /// can mend it and nobody is known to have noticed.
    #[must_use]
    pub const fn tells_helpdesk(self) -> bool {
        matches!(
            self,
            Self::DomainFull
                | Self::DomainQuotaFull
                | Self::NoMapping
                | Self::NearMapping
                | Self::TemplateGone
        )
    }

    /// The words and the remedy.
    #[must_use]
    pub const fn entry(self) -> &'static Entry {
        match self {
            Self::ProviderUnreachable => &Entry {
                id: "SSO-101",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "{host} gives this server no answer that can be used: {detail}. A browser may reach it while this server cannot (split DNS).",
                fix: Fix::ProviderCheck,
                retry: true,
                status: 503,
            },
            Self::ProviderTls => &Entry {
                id: "SSO-102",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "The TLS certificate of {host} is not trusted: {detail}. Add its CA certificate to this provider, or pin this very certificate.",
                fix: Fix::Provider,
                retry: true,
                status: 503,
            },
            Self::DiscoveryFailed => &Entry {
                id: "SSO-103",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "The provider's answer from {url} is not usable: {detail}.",
                fix: Fix::ProviderCheck,
                retry: true,
                status: 503,
            },
            Self::EndpointOnOwnHost => &Entry {
                id: "SSO-104",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "The {endpoint} URL points at this mail server ({host}), not at the provider. Some published guides for mailcow print it so; use the provider's own host name.",
                fix: Fix::Provider,
                retry: false,
                status: 503,
            },
            Self::KeysUnavailable => &Entry {
                id: "SSO-105",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "The provider's signing keys cannot be used: {detail}. They were fetched once more automatically.",
                fix: Fix::ProviderCheck,
                retry: true,
                status: 503,
            },
            Self::ClockSkew => &Entry {
                id: "SSO-106",
                title: "The clocks differ",
                person: "The clock of this server or of your provider is off. Tell your helpdesk.",
                admin: "The token's times do not fit this server's clock: {detail}. Check time synchronisation on both sides.",
                fix: Fix::Server,
                retry: true,
                status: 503,
            },
            Self::InternalAddress => &Entry {
                id: "SSO-107",
                title: "Sign-in is not answering",
                person: "{provider} is not answering. Nothing is wrong with your account. Try again in a few minutes.",
                admin: "{host} is {ip}, an internal address. Allow this host for this provider if that is right.",
                fix: Fix::Provider,
                retry: false,
                status: 503,
            },
            Self::ClientRejected => &Entry {
                id: "SSO-201",
                title: "Sign-in is misconfigured",
                person: "Sign-in is misconfigured. Your helpdesk can fix it with this reference.",
                admin: "The provider rejected our client id or secret: {detail}. Client id sent: {client_id}; authentication: {method}. Likely the secret was rotated, a digest was pasted in place of the secret, or the provider wants the other method.",
                fix: Fix::Provider,
                retry: false,
                status: 502,
            },
            Self::RedirectRefused => &Entry {
                id: "SSO-202",
                title: "Sign-in is misconfigured",
                person: "Sign-in is misconfigured. Your helpdesk can fix it with this reference.",
                admin: "The provider does not accept our redirect URL: {detail}. We send: {redirect}. Register exactly this there, every character and every slash.",
                fix: Fix::Provider,
                retry: false,
                status: 502,
            },
            Self::ScopeRefused => &Entry {
                id: "SSO-203",
                title: "Sign-in is misconfigured",
                person: "Sign-in is misconfigured. Your helpdesk can fix it with this reference.",
                admin: "The provider refused a scope (invalid_scope). Scopes asked for: {scopes}. Remove the one it does not know, or define it there.",
                fix: Fix::Provider,
                retry: false,
                status: 502,
            },
            Self::CodeRejected => &Entry {
                id: "SSO-204",
                title: "Start again",
                person: "Your sign-in took too long or was already used. Start again.",
                admin: "The provider answered {error} to the code: expired, used before, or the PKCE verifier or the redirect URL did not fit. Redirect URL sent: {redirect}.",
                fix: Fix::ProviderCheck,
                retry: true,
                status: 400,
            },
            Self::ProviderSaidNo => &Entry {
                id: "SSO-205",
                title: "{provider} did not let you in",
                person: "{provider} did not let you in (it answered: access denied). Ask whoever runs {provider}.",
                admin: "The provider returned {error}. Its words (untrusted): {detail}. Usually a policy or an assignment there.",
                fix: Fix::Provider,
                retry: true,
                status: 403,
            },
            Self::ForeignState => &Entry {
                id: "SSO-206",
                title: "Start again",
                person: "Start again from the sign-in page. Cookies must be allowed for {public_host}.",
                admin: "No sign-in of this browser belongs to this answer: older than ten minutes, already used, from another browser, or started under another host name.",
                fix: Fix::Person,
                retry: true,
                status: 400,
            },
            Self::TokenRejected => &Entry {
                id: "SSO-207",
                title: "Sign-in is misconfigured",
                person: "Sign-in is misconfigured. Your helpdesk can fix it with this reference.",
                admin: "The provider's token was rejected: {detail}.",
                fix: Fix::ProviderCheck,
                retry: false,
                status: 502,
            },
            Self::ProviderOff => &Entry {
                id: "SSO-208",
                title: "Sign-in is switched off",
                person: "This way to sign in is switched off. Use another one, or ask your helpdesk.",
                admin: "{provider} is switched off.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::ProviderError => &Entry {
                id: "SSO-209",
                title: "Sign-in did not work",
                person: "{provider} could not sign you in. Try again, or ask your helpdesk.",
                admin: "The provider returned the error {error}. Its words (untrusted): {detail}.",
                fix: Fix::ProviderCheck,
                retry: true,
                status: 502,
            },
            Self::EmailMissing => &Entry {
                id: "SSO-301",
                title: "No e-mail address",
                person: "{provider} did not tell us your e-mail address.",
                admin: "No usable claim {claim} in ID token or userinfo; received: {received}. Ask for the scope that carries it, or choose another claim for the address.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::EmailUnverified => &Entry {
                id: "SSO-302",
                title: "Address not confirmed",
                person: "{provider} says your e-mail address is not confirmed.",
                admin: "email_verified is false for {address}. authentik sends false by default since 2025.10. Mend the mapping there, or believe every address this provider sends for its domains.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::EmailVerifiedAbsent => &Entry {
                id: "SSO-303",
                title: "Address not confirmed",
                person: "{provider} does not say whether your e-mail address is confirmed.",
                admin: "email_verified is absent for {address}, and this provider must send true. Accept an absent value if the provider never sends it.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::AddressUnusable => &Entry {
                id: "SSO-304",
                title: "Address not usable",
                person: "{provider} knows you by an address that is not usable here.",
                admin: "The claim {claim} holds {address}: {detail}.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::LinkedElsewhere => &Entry {
                id: "SSO-305",
                title: "Linked to another sign-in",
                person: "An account with this address is already linked to another sign-in. Tell your helpdesk.",
                admin: "{address} is linked to another person at a provider ({linked}); this attempt came as {subject}. The person was made anew there, or the address went to somebody else.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::DomainNotOfProvider => &Entry {
                id: "SSO-306",
                title: "Not for this domain",
                person: "{provider} may not sign people in for {domain}.",
                admin: "{provider} may sign in people of {domains} only; the address is {address}.",
                fix: Fix::Provider,
                retry: false,
                status: 403,
            },
            Self::ProveLocalPassword => &Entry {
                id: "SSO-307",
                title: "Is this mailbox yours?",
                person: "This mailbox exists already. Prove that it is yours with its password, or ask your helpdesk.",
                admin: "{address} is a local mailbox that is linked to nobody. The person can prove its password, or switch the mailbox to {provider}.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::DomainUnknown => &Entry {
                id: "SSO-401",
                title: "Domain not served here",
                person: "Your address is at {domain}, which this mail server does not serve.",
                admin: "The domain {domain} does not exist here.",
                fix: Fix::AddDomain,
                retry: false,
                status: 403,
            },
            Self::DomainInactive => &Entry {
                id: "SSO-402",
                title: "Mail is switched off",
                person: "Mail for {domain} is switched off at the moment.",
                admin: "The domain {domain} is switched off.",
                fix: Fix::Domain,
                retry: false,
                status: 403,
            },
            Self::DomainFull => &Entry {
                id: "SSO-403",
                title: "No free mailbox",
                person: "There is no free mailbox left for {domain}. Tell your helpdesk.",
                admin: "{domain} has no free mailbox: {have} of {limit}.",
                fix: Fix::Domain,
                retry: false,
                status: 403,
            },
            Self::DomainQuotaFull => &Entry {
                id: "SSO-404",
                title: "No storage left",
                person: "There is no storage left for new mailboxes at {domain}. Tell your helpdesk.",
                admin: "A mailbox of {need} does not fit {domain}: {detail} (template: {template}).",
                fix: Fix::Domain,
                retry: false,
                status: 403,
            },
            Self::NoMapping => &Entry {
                id: "SSO-405",
                title: "No mailbox type for you yet",
                person: "Your sign-in worked, but no mailbox type is set for you yet. Tell your helpdesk.",
                admin: "No rule matched and everyone else is refused. {detail}. Claims received: {received}.",
                fix: Fix::Rules,
                retry: false,
                status: 403,
            },
            Self::NearMapping => &Entry {
                id: "SSO-406",
                title: "No mailbox type for you yet",
                person: "Your sign-in worked, but no mailbox type is set for you yet. Tell your helpdesk.",
                admin: "No rule matched. {claim} is {value}; the nearest rule wants {nearest} (only the case differs).",
                fix: Fix::Rules,
                retry: false,
                status: 403,
            },
            Self::TemplateGone => &Entry {
                id: "SSO-407",
                title: "No mailbox type for you yet",
                person: "Your sign-in worked, but no mailbox type is set for you yet. Tell your helpdesk.",
                admin: "The matching rule ({rule}) points at a template that was deleted.",
                fix: Fix::Rules,
                retry: false,
                status: 403,
            },
            Self::CreationOff => &Entry {
                id: "SSO-408",
                title: "No mailbox yet",
                person: "Your mailbox has to be created by an administrator.",
                admin: "Creating mailboxes at first sign-in is off for {provider}; {address} has none.",
                fix: Fix::AddMailbox,
                retry: false,
                status: 403,
            },
            Self::ClaimWithheld => &Entry {
                id: "SSO-409",
                title: "Too many groups",
                person: "You are in more groups at {provider} than it can send, so your kind of mailbox cannot be told. Tell your helpdesk.",
                admin: "Groups overage: the provider sent a pointer ({pointer}) in place of {claim}, which Entra does above 200 groups. No rule matched, and this one could not be asked: {rule}. At the provider, send app roles or only the groups assigned to the application, and let the rule read that.",
                fix: Fix::Rules,
                retry: false,
                status: 403,
            },
            Self::AddressIsAlias => &Entry {
                id: "SSO-410",
                title: "Your address is an alias",
                person: "Your address {address} is an alias here. Tell your helpdesk.",
                admin: "{address} is an alias of {targets}; mailboxes are not made over aliases.",
                fix: Fix::Alias,
                retry: false,
                status: 403,
            },
            Self::AddressReserved => &Entry {
                id: "SSO-411",
                title: "Reserved address",
                person: "The address {address} is reserved. Tell your helpdesk.",
                admin: "{address} is a role address, or the + extension of an address that exists; neither is ever handed out at first sign-in.",
                fix: Fix::AddMailbox,
                retry: false,
                status: 403,
            },
            Self::AddressChanged => &Entry {
                id: "SSO-412",
                title: "Address changed",
                person: "Your provider now calls you {claimed}; your mailbox is still {address}.",
                admin: "The address changed at the provider to {claimed}; signed in to the linked mailbox {address}.",
                fix: Fix::Mailbox,
                retry: false,
                status: 200,
            },
            Self::MailboxInactive => &Entry {
                id: "SSO-501",
                title: "Mailbox switched off",
                person: "Your mailbox is switched off.",
                admin: "{address} was switched off on {when} by {who}. Reason: {reason}.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::WrongMethod => &Entry {
                id: "SSO-502",
                title: "Another way to sign in",
                person: "Your mailbox signs in a different way. Use: {use}.",
                admin: "{address} signs in by {methods}; the attempt came by {came}.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::TooManyTries => &Entry {
                id: "SSO-503",
                title: "Too many tries",
                person: "Too many tries. Wait {wait}.",
                admin: "Throttled: {detail}.",
                fix: Fix::Person,
                retry: true,
                status: 429,
            },
            Self::PersonBlocked => &Entry {
                id: "SSO-504",
                title: "Sign-in closed",
                person: "Your sign-in here was closed on {when}. If that is wrong, tell your helpdesk.",
                admin: "{who} blocked this person on {when} (reason: {reason}): subject {subject} at {namespace}, whose mailbox was {address}. Unblock them if they may come back.",
                fix: Fix::Block,
                retry: false,
                status: 403,
            },
            Self::ProvisioningFailed => &Entry {
                id: "SSO-505",
                title: "Your mailbox could not be made",
                person: "Your mailbox could not be made. It is not your fault; tell your helpdesk.",
                admin: "Creating or updating {address} failed at the step {step}: {detail}. Nothing half-made was left.",
                fix: Fix::Server,
                retry: true,
                status: 500,
            },
            Self::DomainBound => &Entry {
                id: "SSO-506",
                title: "Another way to sign in",
                person: "People of {domain} sign in with {bound}.",
                admin: "{domain} is bound to {bound}; the attempt of {address} came by {provider}. Change the domain's choice if that is right.",
                fix: Fix::Domain,
                retry: false,
                status: 403,
            },
            Self::OwnFault => &Entry {
                id: "SSO-507",
                title: "Not available",
                person: "Gatepost cannot answer at the moment. Nothing is wrong with your account. Try again in a minute.",
                admin: "The store could not be used: {detail}.",
                fix: Fix::Server,
                retry: true,
                status: 503,
            },
            Self::AppUnknown => &of_apps::UNKNOWN,
            Self::AppRedirect => &of_apps::REDIRECT,
            Self::AppOff => &of_apps::OFF,
            Self::AppNotForYou => &of_apps::NOT_FOR_YOU,
            Self::AppScope => &of_apps::SCOPE,
            Self::AppDenied => &of_apps::DENIED,
            Self::AppCode => &of_apps::CODE,
            Self::AppSecret => &of_apps::SECRET,
            Self::AppPkce => &of_apps::PKCE,
            Self::AppCircle => &of_apps::CIRCLE,
            Self::AppUsedAgain => &of_apps::USED_AGAIN,
            Self::AppNotAnew => &of_apps::NOT_ANEW,
            Self::AppSignOut => &of_apps::SIGN_OUT,
            Self::AppNotTold => &of_apps::NOT_TOLD,
            Self::DeviceUnknown => &of_apps::DEVICE_UNKNOWN,
            Self::DeviceEnded => &of_apps::DEVICE_ENDED,
            Self::DeviceAnswered => &of_apps::DEVICE_ANSWERED,
            Self::AppDevices => &of_apps::DEVICES,
            Self::WrongPassword => &Entry {
                id: "LOCAL-801",
                title: "Wrong name or password",
                person: "Wrong name or password. If you sign in with SSO, use its button.",
                admin: "Local sign-in refused for {address}: {detail}.",
                fix: Fix::Mailbox,
                retry: true,
                status: 401,
            },
            Self::MailWrong => &Entry {
                id: "MAIL-601",
                title: "Wrong name or password",
                person: "Wrong name or password. If you sign in with SSO, use an app password: {url}",
                admin: "{detail}",
                fix: Fix::Mailbox,
                retry: true,
                status: 401,
            },
            Self::MailEnded => &Entry {
                id: "MAIL-602",
                title: "App password ended",
                person: "This app password has ended or was revoked. Make a new one: {url}",
                admin: "The app password {device} ended on {when}.",
                fix: Fix::Person,
                retry: false,
                status: 401,
            },
            Self::MailProtocol => &Entry {
                id: "MAIL-603",
                title: "Protocol not allowed",
                person: "{protocol} is not allowed for this account.",
                admin: "{protocol} is off in {where}.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::MailEncryption => &Entry {
                id: "MAIL-604",
                title: "Encryption needed",
                person: "The connection must be encrypted before signing in.",
                admin: "A mail program tried to sign in without TLS.",
                fix: Fix::Person,
                retry: true,
                status: 403,
            },
            Self::MailInactive => &Entry {
                id: "MAIL-605",
                title: "Mailbox switched off",
                person: "This mailbox is switched off.",
                admin: "{address} is switched off, or its domain is.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::MailThrottled => &Entry {
                id: "MAIL-606",
                title: "Too many tries",
                person: "Too many tries. Wait a few minutes.",
                admin: "Throttled: {detail}.",
                fix: Fix::Person,
                retry: true,
                status: 429,
            },
            Self::MailUnconfirmed => &Entry {
                id: "MAIL-607",
                title: "Sign in on the web once",
                person: "Your sign-in was last confirmed on {when}. Sign in on the web once and mail programs work again: {url}",
                admin: "No provider has confirmed the person of {address} since {when}; the domain allows {days} days. A sign-in restores it at once.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
            Self::MailSignedOut => &Entry {
                id: "MAIL-608",
                title: "Sign in on the web again",
                person: "You were signed out by your company on {when}. Sign in on the web and mail programs work again: {url}",
                admin: "A provider for which logout means gone signed the person of {address} out on {when}. A sign-in restores it at once.",
                fix: Fix::Mailbox,
                retry: false,
                status: 403,
            },
        }
    }
}

/// Not an outcome code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an outcome code; they look like SSO-403")]
pub struct UnknownCode(pub String);

impl std::str::FromStr for Code {
    type Err = UnknownCode;
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.id().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCode(text.chars().take(32).collect()))
    }
}

impl TryFrom<String> for Code {
    type Error = UnknownCode;
    fn try_from(text: String) -> Result<Self, UnknownCode> {
        text.parse()
    }
}

impl From<Code> for &'static str {
    fn from(code: Code) -> Self {
        code.id()
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}
