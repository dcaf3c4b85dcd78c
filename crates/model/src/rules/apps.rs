//! Who may use an app, and when a person is asked.

use crate::domain::MailDomain;
use crate::ids::DomainId;
use crate::mailbox::Mailbox;
use crate::oauth_app::{AppAccess, AppKind, AppSettings, Consent, OauthApp};
use crate::outcome::{APP_ID, Code, Refusal};
use crate::tag::Tags;
use std::collections::BTreeSet;

/// Whether somebody may use an app now. Asked at every step of a sign-in and whenever a token is
/// used, so that whoever is switched off loses the app at once.
///
/// # Errors
/// [`Code::AppOff`], [`Code::AppNotForYou`].
pub fn may_use(app: &OauthApp, mailbox: &Mailbox, domain: &MailDomain) -> Result<(), Refusal> {
    is_on(app)?;
    let refused = |detail: &str| {
        Err(of_app(Code::AppNotForYou, app)
            .with("address", &mailbox.address)
            .with("detail", detail))
    };
    if !domain.active {
        return refused("the domain is switched off");
    }
    if !mailbox.active {
        return refused("the mailbox is switched off");
    }
    if is_for(&app.settings.access, domain.id, &mailbox.tags) {
        Ok(())
    } else {
        refused("neither the domain nor a tag of the mailbox is among those that may")
    }
}

/// Whether people of this domain, with these tags, are among those that may.
#[must_use]
pub fn is_for(access: &AppAccess, domain: DomainId, tags: &Tags) -> bool {
    match access {
        AppAccess::All => true,
        AppAccess::Only { domains, tags: any } => {
            domains.contains(&domain) || tags.iter().any(|tag| any.contains(tag))
        }
    }
}

/// Whether an administrator trusts an app, so that it may be connected without asking the person.
#[must_use]
pub const fn is_trusted(app: &OauthApp) -> bool {
    matches!(app.settings.consent, Consent::Trusted)
        && matches!(app.settings.kind, AppKind::Confidential)
}

/// Whether an app is switched on.
///
/// # Errors
/// [`Code::AppOff`].
pub fn is_on(app: &OauthApp) -> Result<(), Refusal> {
    if app.settings.active {
        Ok(())
    } else {
        Err(of_app(Code::AppOff, app))
    }
}

/// Whether devices may wait with a code of an app (RFC 8628).
///
/// # Errors
/// [`Code::AppOff`], [`Code::AppDevices`].
pub fn may_use_devices(app: &OauthApp) -> Result<(), Refusal> {
    is_on(app)?;
    if app.settings.devices {
        Ok(())
    } else {
        Err(of_app(Code::AppDevices, app))
    }
}

/// Whether a page in a browser may read what an app is answered: a page of an app that has no server of
/// its own, from where people are sent back to. `leads_there` says of a redirect whether it leads to the
/// page's origin.
#[must_use]
pub fn page_may_read(settings: &AppSettings, leads_there: impl Fn(&str) -> bool) -> bool {
    settings.kind == AppKind::Public && settings.redirects.iter().any(|one| leads_there(one))
}

/// A refusal about an app, with its name and where it is mended.
#[must_use]
pub fn of_app(code: Code, app: &OauthApp) -> Refusal {
    Refusal::new(code)
        .with("app", &app.settings.name)
        .with(APP_ID, app.id)
}

/// Whether the person is asked whatever was allowed before: anybody can pretend to be an app
/// without a secret, or one that is sent its answer on the person's own machine (RFC 9700 section
/// 4.14, RFC 8252 section 8.6). `web` says that the redirect leads to a web site.
#[must_use]
pub const fn always_asks(app: &OauthApp, web: bool) -> bool {
    matches!(app.settings.kind, AppKind::Public) || !web
}

/// Whether the person is asked. `allowed` is everything that was allowed before.
#[must_use]
pub fn asks(app: &OauthApp, web: bool, scopes: &str, allowed: Option<&str>) -> bool {
    asking(app, web, scopes, allowed).asks()
}

/// Why the person is asked, or is not.
#[must_use]
pub fn asking(app: &OauthApp, web: bool, scopes: &str, allowed: Option<&str>) -> Asking {
    if always_asks(app, web) {
        return match app.settings.kind {
            AppKind::Public => Asking::NoSecret,
            AppKind::Confidential => Asking::OwnMachine,
        };
    }
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    match (app.settings.consent, allowed) {
        (Consent::Trusted, _) => Asking::Trusted,
        (Consent::Ask, None) => Asking::First,
        (Consent::Ask, Some(allowed)) if words(scopes).is_subset(&words(allowed)) => {
            Asking::Allowed
        }
        (Consent::Ask, Some(_)) => Asking::More,
    }
}

/// Why the person is asked, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The app has no secret.
    NoSecret,
    /// The answer goes to a program on the person's own machine.
    OwnMachine,
    /// The person types the code of a device.
    Device,
    /// Nothing was allowed yet.
    First,
    /// It wants more than was allowed.
    More,
    /// All of it was allowed before.
    Allowed,
    /// An administrator trusts it.
    Trusted,
}

impl Asking {
    /// Whether the person is asked.
    #[must_use]
    pub const fn asks(self) -> bool {
        !matches!(self, Self::Allowed | Self::Trusted)
    }

    /// The words people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoSecret => "asked each time: the app has no secret to prove itself with",
            Self::OwnMachine => {
                "asked each time: the answer goes to a program on the person's own machine"
            }
            Self::Device => "asked each time: a code is all that ties the device to the person",
            Self::First => "asked: they have not allowed it anything yet",
            Self::More => "asked: these scopes are more than they have allowed",
            Self::Allowed => "not asked: they have allowed these scopes before",
            Self::Trusted => "not asked: the app is trusted in its settings",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, DomainName};
    use crate::domain::DomainLimits;
    use crate::ids::{DomainId, MailboxId, OauthAppId};
    use crate::mailbox::SignInMethods;
    use crate::oauth_app::AppCard;
    use crate::protocol::Protocols;
    use crate::template::TemplateFields;
    use crate::time::Timestamp;

    fn app(change: impl FnOnce(&mut AppSettings)) -> OauthApp {
        let mut settings = AppSettings {
            name: "Files".to_owned(),
            redirects: vec!["https://files.example.org/cb".to_owned()],
            ..AppCard::Generic.settings()
        };
        change(&mut settings);
        OauthApp {
            id: OauthAppId(7),
            client_id: "files".to_owned(),
            created: Timestamp(0),
            modified: Timestamp(0),
            settings,
        }
    }

    fn domain() -> MailDomain {
        MailDomain {
            confirm: None,
            id: DomainId(1),
            name: DomainName::parse("example.org").unwrap(),
            active: true,
            limits: DomainLimits::default(),
            role_target: Address::parse("root@example.net").unwrap(),
            provider: None,
            created: Timestamp(0),
            modified: Timestamp(0),
        }
    }

    fn mailbox() -> Mailbox {
        Mailbox {
            id: MailboxId(1),
            domain: DomainId(1),
            address: Address::parse("alice@example.org").unwrap(),
            name: String::new(),
            storage: uuid::Uuid::nil(),
            quota: 0,
            protocols: Protocols::NONE,
            active: true,
            disabled: None,
            methods: SignInMethods::LOCAL,
            template: None,
            template_seen: None,
            overrides: TemplateFields::default(),
            tags: Tags::default(),
            has_password: false,
            password_until: None,
            created: Timestamp(0),
            modified: Timestamp(0),
            last_sign_in: None,
        }
    }

    #[test]
    fn who_is_switched_off_uses_nothing() {
        let code = |app: &OauthApp, mailbox: &Mailbox, domain: &MailDomain| {
            may_use(app, mailbox, domain).err().map(|r| r.code)
        };
        let (on, person, here) = (app(|_| {}), mailbox(), domain());
        assert_eq!(code(&on, &person, &here), None);
        assert_eq!(
            code(&app(|s| s.active = false), &person, &here),
            Some(Code::AppOff)
        );
        let off = Mailbox {
            active: false,
            ..mailbox()
        };
        assert_eq!(code(&on, &off, &here), Some(Code::AppNotForYou));
        let off = MailDomain {
            active: false,
            ..domain()
        };
        assert_eq!(code(&on, &person, &off), Some(Code::AppNotForYou));
    }

    #[test]
    fn devices_wait_where_the_app_says_so() {
        let code = |app: &OauthApp| may_use_devices(app).err().map(|r| r.code);
        assert_eq!(code(&app(|_| {})), Some(Code::AppDevices));
        assert_eq!(code(&app(|s| s.devices = true)), None);
        let off = app(|s| {
            s.devices = true;
            s.active = false;
        });
        assert_eq!(code(&off), Some(Code::AppOff));
    }

    #[test]
    fn pages_read_for_an_app_without_a_server() {
        let there = |redirect: &str| redirect.starts_with("https://files.example.org/");
        let public = app(|s| s.kind = AppKind::Public).settings;
        assert!(page_may_read(&public, there));
        assert!(!page_may_read(&public, |_| false));
        let second = app(|s| {
            s.kind = AppKind::Public;
            s.redirects.insert(0, "com.example.files:/cb".to_owned());
        });
        assert!(page_may_read(&second.settings, there));
        assert!(
            !page_may_read(&app(|_| {}).settings, there),
            "a server asks by itself"
        );
        let device = app(|s| {
            s.kind = AppKind::Public;
            s.redirects.clear();
        });
        assert!(!page_may_read(&device.settings, |_| true));
    }

    #[test]
    fn a_domain_or_a_tag_is_enough() {
        let of = |domains: &[i64], tags: &[&str]| {
            app(|s| {
                s.access = AppAccess::Only {
                    domains: domains.iter().map(|id| DomainId(*id)).collect(),
                    tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                }
            })
        };
        let person = Mailbox {
            tags: "staff".parse().unwrap(),
            ..mailbox()
        };
        for (app, may) in [
            (of(&[1], &[]), true),
            (of(&[2], &["staff"]), true),
            (of(&[2], &["guests"]), false),
            (of(&[], &[]), false),
        ] {
            let allowed = may_use(&app, &person, &domain());
            assert_eq!(allowed.is_ok(), may, "{:?}", app.settings.access);
        }
    }

    #[test]
    fn what_was_allowed_is_not_asked_again_but_by_who_cannot_prove_themselves() {
        let trusted = app(|s| s.consent = Consent::Trusted);
        let public = app(|s| {
            s.kind = AppKind::Public;
            s.consent = Consent::Trusted;
        });
        for (app, web, allowed, asked) in [
            (app(|_| {}), true, None, true),
            (app(|_| {}), true, Some("openid email"), false),
            (app(|_| {}), true, Some("openid"), true),
            (app(|_| {}), false, Some("openid email"), true),
            (trusted.clone(), true, None, false),
            (trusted, false, None, true),
            (public, true, Some("openid email"), true),
        ] {
            let why = asking(&app, web, "openid email", allowed);
            assert_eq!(why.asks(), asked, "{allowed:?}");
            assert_eq!(why.words().starts_with("not "), !asked);
        }
    }
}
