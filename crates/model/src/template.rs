//! Mailbox templates: the settings a mailbox starts with, and those it keeps in step with.

use crate::ids::TemplateId;
use crate::protocol::Protocol;
use crate::tag::Tags;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// When a field of a template is applied to a mailbox that already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// At creation, and when another template is assigned.
    Once,
    /// Also at each sign-in when the template's content changed, unless an administrator
    /// overrode the field.
    InStep,
}

/// A value of a template with the rule when it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templated<T> {
    /// The value.
    pub value: T,
    /// When it is applied.
    pub keep: Keep,
}

impl<T> Templated<T> {
    /// A value applied once.
    pub const fn once(value: T) -> Self {
        Self {
            value,
            keep: Keep::Once,
        }
    }

    /// A value kept in step.
    pub const fn in_step(value: T) -> Self {
        Self {
            value,
            keep: Keep::InStep,
        }
    }
}

/// A mailbox template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its id; mappings hold this, so that renaming breaks nothing.
    pub id: TemplateId,
    /// Its name, unique without regard to case.
    pub name: String,
    /// What it sets.
    pub settings: TemplateSettings,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// What a template sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSettings {
    /// Quota in bytes; 0 takes the domain's default (never "unlimited" by accident).
    pub quota: Templated<i64>,
    /// Whether IMAP is allowed.
    pub imap: Templated<bool>,
    /// Whether POP3 is allowed.
    pub pop3: Templated<bool>,
    /// Whether submission by SMTP is allowed.
    pub smtp: Templated<bool>,
    /// Whether ManageSieve is allowed.
    pub sieve: Templated<bool>,
    /// Whether the mailbox is switched on.
    pub active: Templated<bool>,
    /// The mailbox's tags; none takes all away that were not set by hand.
    #[serde(default = "no_tags")]
    pub tags: Templated<Tags>,
}

fn no_tags() -> Templated<Tags> {
    Templated::once(Tags::default())
}

impl TemplateSettings {
    /// The switch of one protocol.
    #[must_use]
    pub const fn protocol(&self, protocol: Protocol) -> Templated<bool> {
        match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
            Protocol::Smtp => self.smtp,
            Protocol::Sieve => self.sieve,
        }
    }
}

impl Default for TemplateSettings {
    /// The domain's default quota and all four protocols, kept in step; switched on and without tags,
    /// once.
    fn default() -> Self {
        Self {
            quota: Templated::in_step(0),
            imap: Templated::in_step(true),
            pop3: Templated::in_step(true),
            smtp: Templated::in_step(true),
            sieve: Templated::in_step(true),
            active: Templated::once(true),
            tags: no_tags(),
        }
    }
}

/// A field that a template governs; mailboxes remember which of them an administrator overrode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateField {
    /// The quota.
    Quota,
    /// The IMAP switch.
    Imap,
    /// The POP3 switch.
    Pop3,
    /// The SMTP switch.
    Smtp,
    /// The Sieve switch.
    Sieve,
    /// Whether the mailbox is switched on.
    Active,
    /// The tags.
    Tags,
}

impl TemplateField {
    /// All fields in display order.
    pub const ALL: [Self; 7] = [
        Self::Quota,
        Self::Imap,
        Self::Pop3,
        Self::Smtp,
        Self::Sieve,
        Self::Active,
        Self::Tags,
    ];

    /// The field that switches `protocol`.
    #[must_use]
    pub const fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Imap => Self::Imap,
            Protocol::Pop3 => Self::Pop3,
            Protocol::Smtp => Self::Smtp,
            Protocol::Sieve => Self::Sieve,
        }
    }

    /// The name people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Smtp => "SMTP",
            Self::Sieve => "Sieve",
            Self::Active => "switched on",
            Self::Tags => "tags",
        }
    }
}

/// A set of template fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Vec<TemplateField>", from = "Vec<TemplateField>")]
pub struct TemplateFields(u8);

impl TemplateFields {
    /// No field.
    pub const NONE: Self = Self(0);

    /// Whether `field` is in the set.
    #[must_use]
    pub const fn contains(self, field: TemplateField) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// The set with `field` added or removed.
    #[must_use]
    pub const fn with(self, field: TemplateField, on: bool) -> Self {
        let bit = 1 << field as u8;
        if on {
            Self(self.0 | bit)
        } else {
            Self(self.0 & !bit)
        }
    }

    /// The members in display order.
    pub fn iter(self) -> impl Iterator<Item = TemplateField> {
        TemplateField::ALL
            .into_iter()
            .filter(move |f| self.contains(*f))
    }

    /// The stored form.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0 as i64
    }

    /// From the stored form; bits that mean nothing are dropped.
    #[must_use]
    pub const fn from_bits(bits: i64) -> Self {
        Self((bits & 0b111_1111) as u8)
    }
}

impl From<Vec<TemplateField>> for TemplateFields {
    fn from(fields: Vec<TemplateField>) -> Self {
        fields
            .into_iter()
            .fold(Self::NONE, |set, f| set.with(f, true))
    }
}

impl From<TemplateFields> for Vec<TemplateField> {
    fn from(fields: TemplateFields) -> Self {
        fields.iter().collect()
    }
}
