//! `gatepost admin`

use std::process::ExitCode;

use super::input::{Leave, PasswordSource};
use super::office::{Office, Verbs};
use super::output::{details, table, when};
use crate::administration::Request;
use crate::administration::admins::{AdminDocument, AdminList, AdminRequest};

/// Local administrators, who can always get in.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost admin create root --email root@example.org
  gatepost admin reset root --password-stdin < password.txt")]
pub(super) enum Verb {
    /// Add an administrator.
    Create {
        /// Letters, digits and . _ -
        name: String,
        /// Where alerts and mail for postmaster go.
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Print all administrators.
    List,
    /// Set a new password and end the administrator's sessions.
    Reset {
        /// The administrator.
        name: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Remove an administrator; never the last one.
    Delete {
        /// The administrator.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Create {
            name,
            email,
            password,
        } => AdminRequest::Create {
            name,
            email,
            password: password.read().await?.into(),
        },
        Verb::Reset { name, password } => AdminRequest::Reset {
            name,
            password: password.read().await?.into(),
        },
        Verb::List => {
            let document = office.ask(Request::Admin(AdminRequest::List)).await?;
            return office.show(document, list);
        }
        Verb::Delete { name, leave } => {
            leave.to_delete("administrator", &name).await?;
            let request = Request::Admin(AdminRequest::Delete { name });
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let document = office.ask(Request::Admin(request)).await?;
    office.show(document, one)
}

fn one(admin: AdminDocument) -> String {
    details(&[
        ("Name", admin.name),
        ("E-mail", admin.email),
        ("Added", when(&admin.created)),
    ])
}

fn list(list: AdminList) -> String {
    let rows = list.admins.into_iter();
    let rows: Vec<_> = rows
        .map(|admin| [admin.name, admin.email, when(&admin.created)])
        .collect();
    table(["NAME", "E-MAIL", "ADDED"], &rows)
}
