//! What tests of rules start from: Alice of example.org, who signs in by the provider Example SSO.

use crate::address::Address;
use crate::domain::{DomainLimits, GIB, MailDomain};
use crate::ids::{DomainId, LinkId, MailboxId, ProviderId, TemplateId};
use crate::link::{Link, LinkOrigin, Namespace};
use crate::mailbox::{Mailbox, SignInMethods};
use crate::preset::Preset;
use crate::protocol::Protocols;
use crate::provider::{EmailTrust, Endpoints, Provider, ProviderSettings};
use crate::rule::Rule;
use crate::template::TemplateFields;
use crate::time::Timestamp;
use uuid::Uuid;

/// When everything happens.
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The template of the mailbox.
pub(super) const STAFF: TemplateId = TemplateId(1);

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn mailbox() -> Mailbox {
    Mailbox {
        id: MailboxId(7),
        domain: DomainId(1),
        address: address("alice@example.org"),
        name: String::new(),
        storage: Uuid::nil(),
        quota: 2 * GIB,
        protocols: Protocols::ALL,
        active: true,
        disabled: None,
        methods: SignInMethods::PROVIDER,
        template: Some(STAFF),
        template_seen: Some(NOW),
        overrides: TemplateFields::NONE,
        tags: crate::tag::Tags::default(),
        has_password: false,
        password_until: None,
        created: NOW,
        modified: NOW,
        last_sign_in: None,
    }
}

pub(super) fn link(subject: &str) -> Link {
    Link {
        id: LinkId(1),
        mailbox: MailboxId(7),
        provider: ProviderId(1),
        namespace: Namespace("https://auth.example".to_owned()),
        subject: subject.to_owned(),
        origin: LinkOrigin::FirstSignIn,
        created: NOW,
        last_sign_in: None,
        confirmed: None,
        unconfirmed: None,
    }
}

pub(super) fn domain(limits: DomainLimits) -> MailDomain {
    MailDomain {
        id: DomainId(1),
        name: "example.org".parse().unwrap(),
        active: true,
        limits,
        role_target: address("admin@example.net"),
        provider: None,
        confirm: None,
        created: NOW,
        modified: NOW,
    }
}

/// Refuses everyone else.
pub(super) fn provider(email_trust: EmailTrust, rules: Vec<Rule>) -> Provider {
    Provider {
        id: ProviderId(1),
        slug: "example-sso".to_owned(),
        created: NOW,
        modified: NOW,
        secret: None,
        checks_stopped: None,
        namespace: Namespace("https://auth.example".to_owned()),
        settings: ProviderSettings {
            name: "Example SSO".to_owned(),
            active: true,
            endpoints: Endpoints::Issuer {
                issuer: "https://auth.example".to_owned(),
            },
            client_id: "gatepost".to_owned(),
            scopes: "openid".to_owned(),
            email_trust,
            domains: vec![DomainId(1)],
            rules,
            ..Preset::Issuer.settings()
        },
    }
}
