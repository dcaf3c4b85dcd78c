//! What a template says about each field of a mailbox, and why a field differs from it.

use crate::domain::DomainLimits;
use crate::mailbox::Mailbox;
use crate::protocol::Protocol;
use crate::rules::limits::{effective_quota, size};
use crate::tag::Tags;
use crate::template::{Keep, Template, TemplateField};
use serde::{Deserialize, Serialize};

/// One field of a mailbox beside what its template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldLine {
    /// Which field.
    pub field: TemplateField,
    /// What it is.
    pub is: String,
    /// What it becomes.
    pub becomes: String,
    /// What the template says.
    pub says: String,
    /// What holds the field.
    pub held: Held,
}

/// What decides about a field of a mailbox that has a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The template, at every sign-in.
    InStep,
    /// The template, when it was given; it does not follow later changes.
    Once,
    /// An administrator set it by hand; templates leave it alone.
    ByHand,
}

impl Held {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InStep => "kept in step",
            Self::Once => "set once",
            Self::ByHand => "set by hand",
        }
    }
}

impl FieldLine {
    /// Whether the field changes.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.is != self.becomes
    }

    /// Whether it ends other than the template says.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.becomes != self.says
    }
}

/// The fields of a mailbox as it is and as it becomes, beside what `template` says for mailboxes of
/// a domain with these limits. All fields, in display order.
#[must_use]
pub fn lines(
    before: &Mailbox,
    after: &Mailbox,
    template: &Template,
    limits: &DomainLimits,
) -> Vec<FieldLine> {
    let fields = TemplateField::ALL.into_iter();
    fields
        .map(|field| FieldLine {
            field,
            is: value_of(before, field),
            becomes: value_of(after, field),
            says: said_by(template, field, limits),
            held: held(after, template, field),
        })
        .collect()
}

/// The fields that change, and those that do not because somebody set them by hand, in one line.
#[must_use]
pub fn told(lines: &[FieldLine]) -> String {
    let moved = lines.iter().filter(|line| line.changes());
    let moved = moved.map(|line| format!("{} {} → {}", line.field.label(), line.is, line.becomes));
    let held = |line: &&FieldLine| line.held == Held::ByHand && line.differs();
    let stay = lines.iter().filter(held);
    let stay = stay.map(|line| format!("{} stays {} (set by hand)", line.field.label(), line.is));
    let words: Vec<_> = moved.chain(stay).collect();
    if words.is_empty() {
        "only the template's name changes".to_owned()
    } else {
        words.join("; ")
    }
}

/// What a new mailbox gets of a template, in whatever domain.
#[must_use]
pub fn of_new(template: &Template) -> Vec<FieldLine> {
    let fields = TemplateField::ALL.into_iter();
    fields
        .map(|field| {
            let says = match field {
                TemplateField::Quota if template.settings.quota.value == 0 => {
                    "the domain's default".to_owned()
                }
                _ => said_by(template, field, &DomainLimits::default()),
            };
            FieldLine {
                field,
                is: says.clone(),
                becomes: says.clone(),
                says,
                held: kept(template, field),
            }
        })
        .collect()
}

fn held(mailbox: &Mailbox, template: &Template, field: TemplateField) -> Held {
    if mailbox.overrides.contains(field) {
        return Held::ByHand;
    }
    kept(template, field)
}

fn kept(template: &Template, field: TemplateField) -> Held {
    let settings = &template.settings;
    let keep = match field {
        TemplateField::Quota => settings.quota.keep,
        TemplateField::Imap => settings.imap.keep,
        TemplateField::Pop3 => settings.pop3.keep,
        TemplateField::Smtp => settings.smtp.keep,
        TemplateField::Sieve => settings.sieve.keep,
        TemplateField::Active => settings.active.keep,
        TemplateField::Tags => settings.tags.keep,
    };
    match keep {
        Keep::InStep => Held::InStep,
        Keep::Once => Held::Once,
    }
}

fn value_of(mailbox: &Mailbox, field: TemplateField) -> String {
    let protocol = |protocol| allowed(mailbox.protocols.contains(protocol));
    match field {
        TemplateField::Quota => size(mailbox.quota),
        TemplateField::Imap => protocol(Protocol::Imap),
        TemplateField::Pop3 => protocol(Protocol::Pop3),
        TemplateField::Smtp => protocol(Protocol::Smtp),
        TemplateField::Sieve => protocol(Protocol::Sieve),
        TemplateField::Active => yes_no(mailbox.active),
        TemplateField::Tags => tags_in_words(&mailbox.tags),
    }
}

fn said_by(template: &Template, field: TemplateField, limits: &DomainLimits) -> String {
    let settings = &template.settings;
    match field {
        TemplateField::Quota => size(effective_quota(settings.quota.value, limits)),
        TemplateField::Imap => allowed(settings.imap.value),
        TemplateField::Pop3 => allowed(settings.pop3.value),
        TemplateField::Smtp => allowed(settings.smtp.value),
        TemplateField::Sieve => allowed(settings.sieve.value),
        TemplateField::Active => yes_no(settings.active.value),
        TemplateField::Tags => tags_in_words(&settings.tags.value),
    }
}

/// Tags as people read them.
pub(super) fn tags_in_words(tags: &Tags) -> String {
    if tags.is_empty() {
        "none".to_owned()
    } else {
        tags.to_string()
    }
}

fn allowed(on: bool) -> String {
    if on { "allowed" } else { "not allowed" }.to_owned()
}

fn yes_no(on: bool) -> String {
    if on { "yes" } else { "no" }.to_owned()
}
