//! `gatepost template`

use std::process::ExitCode;

use model::protocol::{Protocol, Protocols};
use model::rules::limits::size;
use model::tag::Tags;
use model::template::{Keep, TemplateField, Templated};

use super::input::Leave;
use super::office::{Office, Verbs};
use super::output::{details, table, when, yes_no};
use super::values;
use crate::administration::Request;
use crate::administration::templates::{
    TemplateChange, TemplateDocument, TemplateList, TemplateRequest,
};

/// Mailbox templates: what a mailbox starts with, and keeps in step with.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost template add Staff --quota 5G --protocols imap,smtp
  gatepost template edit Staff --quota 10G --once quota")]
pub(super) enum Verb {
    /// Add a template.
    Add {
        /// Its name, unique without regard to case.
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Print all templates.
    List,
    /// Print one template.
    Show {
        /// The template.
        name: String,
    },
    /// Change what is named; mailboxes follow at their next sign-in.
    Edit {
        /// The template.
        name: String,
        /// Its new name.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        fields: Fields,
    },
    /// Delete a template that no provider gives to people.
    Delete {
        /// The template.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// Quota; 0 takes the domain's default.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    quota: Option<i64>,
    /// What mail programs may speak: of imap,pop3,smtp,sieve, or all, or none.
    #[arg(long, value_name = "LIST", value_parser = values::protocols)]
    protocols: Option<Protocols>,
    /// Whether mailboxes are switched on.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    active: Option<bool>,
    /// Tags, separated by commas; '' for none.
    #[arg(long, value_name = "LIST", value_parser = values::tags)]
    tags: Option<Tags>,
    /// Fields that mailboxes keep in step: of quota,imap,pop3,smtp,sieve,active,tags.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = values::template_field)]
    in_step: Vec<TemplateField>,
    /// Fields that are set once.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = values::template_field)]
    once: Vec<TemplateField>,
}

impl From<Fields> for TemplateChange {
    fn from(fields: Fields) -> Self {
        Self {
            quota: fields.quota,
            protocols: fields.protocols,
            active: fields.active,
            tags: fields.tags,
            in_step: fields.in_step,
            once: fields.once,
        }
    }
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add { name, fields } => TemplateRequest::Add {
            name,
            change: fields.into(),
        },
        Verb::Show { name } => TemplateRequest::Show(name),
        Verb::Edit {
            name,
            rename,
            fields,
        } => TemplateRequest::Edit {
            name,
            rename,
            change: fields.into(),
        },
        Verb::List => {
            let document = office.ask(Request::Template(TemplateRequest::List)).await?;
            return office.show(document, list);
        }
        Verb::Delete { name, leave } => {
            leave.to_delete("template", &name).await?;
            let request = Request::Template(TemplateRequest::Delete(name));
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let document = office.ask(Request::Template(request)).await?;
    office.show(document, one)
}

fn one(template: TemplateDocument) -> String {
    let switch = |field: Templated<bool>| kept(yes_no(field.value), field.keep);
    let tags = match template.tags.value.to_string() {
        none if none.is_empty() => "none".to_owned(),
        tags => tags,
    };
    details(&[
        ("Template", template.name),
        (
            "Quota",
            kept(&quota(template.quota.value), template.quota.keep),
        ),
        ("IMAP", switch(template.imap)),
        ("POP3", switch(template.pop3)),
        ("SMTP", switch(template.smtp)),
        ("Sieve", switch(template.sieve)),
        ("Switched on", switch(template.active)),
        ("Tags", kept(&tags, template.tags.keep)),
        ("Assigned to", assigned(template.mailboxes)),
        ("Added", when(&template.created)),
        ("Changed", when(&template.modified)),
    ])
}

fn list(list: TemplateList) -> String {
    let row = |template: TemplateDocument| {
        let protocols: Protocols = [
            (Protocol::Imap, template.imap),
            (Protocol::Pop3, template.pop3),
            (Protocol::Smtp, template.smtp),
            (Protocol::Sieve, template.sieve),
        ]
        .into_iter()
        .filter_map(|(protocol, field)| field.value.then_some(protocol))
        .collect();
        [
            template.name,
            quota(template.quota.value),
            protocols.to_string(),
            assigned(template.mailboxes),
        ]
    };
    let rows: Vec<_> = list.templates.into_iter().map(row).collect();
    table(["TEMPLATE", "QUOTA", "PROTOCOLS", "ASSIGNED TO"], &rows)
}

fn quota(bytes: i64) -> String {
    match bytes {
        0 => "the domain's default".to_owned(),
        bytes => size(bytes),
    }
}

fn kept(value: &str, keep: Keep) -> String {
    match keep {
        Keep::InStep => format!("{value}, kept in step"),
        Keep::Once => format!("{value}, set once"),
    }
}

/// The count stops at 1,000.
fn assigned(mailboxes: u32) -> String {
    match mailboxes {
        1 => "1 mailbox".to_owned(),
        1000.. => "1000 mailboxes or more".to_owned(),
        fewer => format!("{fewer} mailboxes"),
    }
}
