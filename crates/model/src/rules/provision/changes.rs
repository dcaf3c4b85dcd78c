//! What a template changes in a mailbox that is there.

use crate::domain::{DomainUse, MailDomain};
use crate::ids::TemplateId;
use crate::mailbox::Mailbox;
use crate::outcome::Refusal;
use crate::protocol::{Protocol, Protocols};
use crate::rules::limits::{self, Ask};
use crate::tag::Tags;
use crate::template::{Keep, Template, TemplateField, TemplateSettings, Templated};
use crate::time::Timestamp;

/// What a template changes in a mailbox: all of it, or, where its quota does not fit, what it takes away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The template and its `modified`, when they differ from what the mailbox remembers.
    pub template: Option<(TemplateId, Timestamp)>,
    /// A new quota in bytes.
    pub quota: Option<i64>,
    /// A new set of protocols.
    pub protocols: Option<Protocols>,
    /// Switched on or off.
    pub active: Option<bool>,
    /// Other tags.
    pub tags: Option<Tags>,
    /// The mailbox follows no template any more: the one that it is given does not fit yet.
    pub unfollowed: bool,
    /// The quota was not applied, and nothing newly allowed, because it does not fit the domain.
    pub refused: Option<Refusal>,
}

impl Changes {
    /// Carries the changes out on `mailbox`.
    pub fn apply_to(&self, mailbox: &mut Mailbox) {
        if let Some((template, seen)) = self.template {
            (mailbox.template, mailbox.template_seen) = (Some(template), Some(seen));
        }
        if self.unfollowed {
            (mailbox.template, mailbox.template_seen) = (None, None);
        }
        mailbox.quota = self.quota.unwrap_or(mailbox.quota);
        mailbox.protocols = self.protocols.unwrap_or(mailbox.protocols);
        mailbox.active = self.active.unwrap_or(mailbox.active);
        if let Some(tags) = &self.tags {
            mailbox.tags.clone_from(tags);
        }
    }

    /// The mailbox as they leave it.
    #[must_use]
    pub fn applied(&self, mailbox: &Mailbox) -> Mailbox {
        let mut after = mailbox.clone();
        self.apply_to(&mut after);
        after
    }

    /// What becomes of the mailbox while its template does not fit, and why that is, for
    /// administrators; `None` if it fits.
    #[must_use]
    pub fn not_applied(&self) -> Option<String> {
        let refusal = self.refused.as_ref()?;
        if self.is_empty() {
            return Some(format!("Everything stays as it is. {}", refusal.admin()));
        }
        let mut words = "The quota stays as it is".to_owned();
        for (counts, what) in [
            (self.tags.is_some(), "its tags count at once"),
            (
                self.protocols.is_some(),
                "mail programs that it takes away stop at once",
            ),
            (self.active.is_some(), "the mailbox is switched off at once"),
            (
                self.unfollowed,
                "the mailbox follows no template until one fits",
            ),
        ] {
            if counts {
                words = format!("{words}; {what}");
            }
        }
        Some(format!("{words}. {}", refusal.admin()))
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.template.is_none()
            && self.quota.is_none()
            && self.protocols.is_none()
            && self.active.is_none()
            && self.tags.is_none()
            && !self.unfollowed
    }
}

/// What `template` changes in `mailbox`: all fields when it is newly assigned, the fields kept in
/// step when only its content changed, never a field that an administrator overrode.
///
/// A quota that does not fit leaves the quota as it was, and allows no further protocol, until there is
/// room. What somebody loses by a claim is no matter of room and lost at once: protocols, being switched
/// on, and tags, which say who may use an app and count whole. A mailbox that is given such a template
/// follows none meanwhile, so that the next one that fits is applied whole, be it the one before.
#[must_use]
pub fn apply_template(
    mailbox: &Mailbox,
    template: &Template,
    domain: &MailDomain,
    used: DomainUse,
) -> Changes {
    let assigned = mailbox.template != Some(template.id);
    if !assigned && mailbox.template_seen == Some(template.modified) {
        return Changes::default();
    }
    let applies =
        |field, keep| !mailbox.overrides.contains(field) && (assigned || keep == Keep::InStep);
    let wanted = |field, setting: Templated<bool>, now: bool| {
        if applies(field, setting.keep) {
            setting.value
        } else {
            now
        }
    };
    let settings = &template.settings;
    let quota = if applies(TemplateField::Quota, settings.quota.keep) {
        limits::effective_quota(settings.quota.value, &domain.limits)
    } else {
        mailbox.quota
    };
    let ask = Ask {
        quota,
        held: Some(mailbox.quota),
    };
    let protocols = Protocol::ALL.into_iter().fold(mailbox.protocols, |set, p| {
        set.with(
            p,
            wanted(TemplateField::of(p), settings.protocol(p), set.contains(p)),
        )
    });
    if let Err(refusal) = limits::check(&domain.limits, used, ask) {
        let refusal = refusal
            .with("domain", &domain.name)
            .with("template", &template.name);
        let off = applies(TemplateField::Active, settings.active.keep) && !settings.active.value;
        let left = mailbox.protocols.and(protocols);
        return Changes {
            tags: other_tags(mailbox, settings, applies),
            protocols: (left != mailbox.protocols).then_some(left),
            active: (off && mailbox.active).then_some(false),
            unfollowed: assigned && mailbox.template.is_some(),
            refused: Some(refusal),
            ..Changes::default()
        };
    }
    let active = wanted(TemplateField::Active, settings.active, mailbox.active);
    Changes {
        template: Some((template.id, template.modified)),
        tags: other_tags(mailbox, settings, applies),
        quota: (quota != mailbox.quota).then_some(quota),
        protocols: (protocols != mailbox.protocols).then_some(protocols),
        active: (active != mailbox.active).then_some(active),
        unfollowed: false,
        refused: None,
    }
}

/// The tags of a template, where they apply and are not those of the mailbox.
fn other_tags(
    mailbox: &Mailbox,
    settings: &TemplateSettings,
    applies: impl Fn(TemplateField, Keep) -> bool,
) -> Option<Tags> {
    let tags = &settings.tags;
    let change = applies(TemplateField::Tags, tags.keep) && tags.value != mailbox.tags;
    change.then(|| tags.value.clone())
}
