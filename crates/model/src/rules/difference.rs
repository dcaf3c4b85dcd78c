//! What becomes of a mailbox, field by field: a test sign-in, a replay and "what if" all show this
//! one comparison. [`crate::rules::fields`] is the view from a template.

use crate::ids::TemplateId;
use crate::mailbox::{Mailbox, NewMailbox};
use crate::rules::fields::tags_in_words;
use crate::rules::limits::size;
use crate::rules::provision::Changes;
use crate::template::Template;
use serde::{Deserialize, Serialize};

/// A field of a mailbox that a sign-in can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailboxField {
    /// Its address.
    Address,
    /// The person's name.
    Name,
    /// Its quota.
    Quota,
    /// What mail programs may do.
    #[serde(rename = "Mail programs")]
    Protocols,
    /// Switched on or off.
    State,
    /// The template it follows.
    Template,
    /// Its tags.
    Tags,
}

impl MailboxField {
    /// The words people read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "Address",
            Self::Name => "Name",
            Self::Quota => "Quota",
            Self::Protocols => "Mail programs",
            Self::State => "State",
            Self::Template => "Template",
            Self::Tags => "Tags",
        }
    }

    /// The name that programs read.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Name => "name",
            Self::Quota => "quota",
            Self::Protocols => "protocols",
            Self::State => "state",
            Self::Template => "template",
            Self::Tags => "tags",
        }
    }
}

impl std::fmt::Display for MailboxField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which.
    pub field: MailboxField,
    /// As it is; `None` for a new mailbox.
    pub before: Option<String>,
    /// As it would be.
    pub after: String,
}

impl Difference {
    /// Whether it would change.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

/// All fields of a mailbox as it is, and as `changes` leave it.
#[must_use]
pub fn changed(mailbox: &Mailbox, changes: &Changes, templates: &[Template]) -> Vec<Difference> {
    let after = changes.applied(mailbox);
    let before = values(mailbox, templates);
    let rows = before.into_iter().zip(values(&after, templates));
    rows.map(|((field, before), (_, after))| Difference {
        field,
        before: Some(before),
        after,
    })
    .collect()
}

/// All fields of a mailbox that is made.
#[must_use]
pub fn made(new: &NewMailbox, templates: &[Template]) -> Vec<Difference> {
    let template = new.template.map(|(id, _)| id);
    let values = [
        (MailboxField::Address, new.address.to_string()),
        (MailboxField::Name, new.name.clone()),
        (MailboxField::Quota, size(new.quota)),
        (MailboxField::Protocols, new.protocols.to_string()),
        (MailboxField::State, switched(new.active)),
        (MailboxField::Template, template_name(templates, template)),
        (MailboxField::Tags, tags_in_words(&new.tags)),
    ];
    let rows = values.into_iter();
    rows.map(|(field, after)| Difference {
        field,
        before: None,
        after,
    })
    .collect()
}

fn values(mailbox: &Mailbox, templates: &[Template]) -> [(MailboxField, String); 7] {
    let template = template_name(templates, mailbox.template);
    [
        (MailboxField::Address, mailbox.address.to_string()),
        (MailboxField::Name, mailbox.name.clone()),
        (MailboxField::Quota, size(mailbox.quota)),
        (MailboxField::Protocols, mailbox.protocols.to_string()),
        (MailboxField::State, switched(mailbox.active)),
        (MailboxField::Template, template),
        (MailboxField::Tags, tags_in_words(&mailbox.tags)),
    ]
}

fn switched(on: bool) -> String {
    let words = if on { "switched on" } else { "switched off" };
    words.to_owned()
}

/// The name of a template in words: "none" where there is none.
#[must_use]
pub fn template_name(templates: &[Template], id: Option<TemplateId>) -> String {
    let Some(id) = id else {
        return "none".to_owned();
    };
    let found = templates.iter().find(|template| template.id == id);
    found.map_or_else(|| "a deleted template".to_owned(), |t| t.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_written_as_it_is_read() {
        for field in [
            MailboxField::Address,
            MailboxField::Name,
            MailboxField::Quota,
            MailboxField::Protocols,
            MailboxField::State,
            MailboxField::Template,
            MailboxField::Tags,
        ] {
            let written = serde_json::to_value(field).unwrap();
            assert_eq!(written, field.as_str());
        }
    }

    #[test]
    fn a_template_that_is_gone_has_words() {
        assert_eq!(template_name(&[], None), "none");
        let gone = template_name(&[], Some(TemplateId(7)));
        assert_eq!(gone, "a deleted template");
    }
}
