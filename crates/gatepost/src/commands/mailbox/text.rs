//! Mailboxes as text.

use model::rules::limits::size;
use model::template::TemplateField;

use crate::administration::mailboxes::{MailboxDetails, MailboxDocument, MailboxList};
use crate::commands::device::last_use;
use crate::commands::output::{details, on_off, table, when, when_or};

pub(super) fn one(view: MailboxDetails) -> String {
    let sign_in = sign_in(&view.mailbox);
    let mailbox = view.mailbox;
    let links = view.links.into_iter().map(|link| {
        let since = when(&link.created);
        let stands = match (&link.unconfirmed, &link.confirmed) {
            (Some(at), _) => format!(", NOT CONFIRMED since {}", when(at)),
            (None, Some(at)) => format!(", confirmed {}", when(at)),
            (None, None) => String::new(),
        };
        let blocked = link.blocked.as_ref();
        let blocked =
            blocked.map_or_else(String::new, |at| format!(", BLOCKED since {}", when(at)));
        format!(
            "{} at {}, since {since}{stands}{blocked}",
            link.subject, link.provider
        )
    });
    let waits_for = view.waits_for.map(|wait| {
        let who = wait.subject.unwrap_or_else(|| "its person".to_owned());
        format!("{who} at {}, until {}", wait.provider, when(&wait.ends))
    });
    let stops = view.mail_stops.map(|at| {
        let warned = view
            .warned
            .as_ref()
            .map_or_else(String::new, |at| format!("; warned by mail {}", when(at)));
        format!(
            "{} unless a provider confirms the person{warned}",
            when(&at)
        )
    });
    let password = match (view.has_password, mailbox.local, &view.password_until) {
        (false, ..) => "none".to_owned(),
        (true, true, _) => "in use".to_owned(),
        (true, false, None) => "dormant".to_owned(),
        (true, false, Some(until)) => {
            format!("dormant; opens mail programs until {}", when(until))
        }
    };
    let switched = match view.disabled {
        None => on_off(mailbox.active).to_owned(),
        Some(off) => {
            let reason = if off.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", off.reason)
            };
            format!("off since {} by {}{reason}", when(&off.at), off.by)
        }
    };
    let says = |field: TemplateField| {
        let line = view.fields.iter().find(|line| line.field == field);
        line.filter(|line| line.differs())
            .map_or_else(String::new, |line| {
                format!(" (template says {})", line.says)
            })
    };
    let overrides = view.overrides.iter();
    let overrides: Vec<_> = overrides
        .map(|field| format!("{}{}", field.label(), says(field)))
        .collect();
    let devices = view.devices.into_iter().map(|device| {
        let used = device.last_used.as_ref().map_or_else(
            || "never used".to_owned(),
            |last| format!("last used {}", last_use(last)),
        );
        format!("{} ({}), {used}", device.name, device.protocols)
    });
    let uses: Vec<_> = view.password_uses.iter().map(last_use).collect();
    details(&[
        ("Address", mailbox.address),
        ("Name", mailbox.name),
        ("Switched", switched),
        ("Quota", size(mailbox.quota)),
        ("Mail programs", mailbox.protocols.to_string()),
        (
            "Template",
            mailbox.template.unwrap_or_else(|| "none".to_owned()),
        ),
        ("Set by hand", overrides.join(", ")),
        ("Tags", mailbox.tags.to_string()),
        ("Signs in by", sign_in),
        ("Linked to", links.collect::<Vec<_>>().join("\n")),
        ("Mail and apps stop", stops.unwrap_or_default()),
        ("Waits for", waits_for.unwrap_or_default()),
        ("Local password", password),
        ("Used it lately", uses.join("\n")),
        ("Devices", devices.collect::<Vec<_>>().join("\n")),
        ("Aliases", view.aliases.join("\n")),
        (
            "Last sign-in",
            when_or(mailbox.last_sign_in.as_ref(), "never"),
        ),
        ("Added", when(&mailbox.created)),
        ("Changed", when(&mailbox.modified)),
    ])
}

pub(super) fn list(list: MailboxList) -> String {
    let row = |mailbox: MailboxDocument| {
        let sign_in = sign_in(&mailbox);
        [
            mailbox.address,
            mailbox.name,
            on_off(mailbox.active).to_owned(),
            sign_in,
            size(mailbox.quota),
            mailbox.template.unwrap_or_default(),
            mailbox.tags.to_string(),
            when_or(mailbox.last_sign_in.as_ref(), "never"),
        ]
    };
    let rows: Vec<_> = list.mailboxes.into_iter().map(row).collect();
    let heading = [
        "ADDRESS",
        "NAME",
        "SWITCHED",
        "SIGNS IN BY",
        "QUOTA",
        "TEMPLATE",
        "TAGS",
        "LAST SIGN-IN",
    ];
    table(heading, &rows)
}

fn sign_in(mailbox: &MailboxDocument) -> String {
    match (mailbox.local, mailbox.provider) {
        (true, false) => "local password",
        (false, true) => "provider",
        (true, true) => "local password or provider",
        (false, false) => "nothing yet",
    }
    .to_owned()
}
