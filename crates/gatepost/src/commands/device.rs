//! `gatepost device`

use std::process::ExitCode;

use model::address::Address;
use model::ids::AppPasswordId;
use model::protocol::Protocols;
use model::time::Timestamp;

use super::office::{Office, Verbs};
use super::output::{self, details, table, when, when_or};
use super::values;
use crate::administration::Request;
use crate::administration::devices::{
    DeviceDocument, DeviceList, DeviceRequest, MadeDeviceDocument, RevokedDocument, UseDocument,
};

/// Devices and mail programs of a mailbox: its app passwords.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost device add alice@example.org --name Phone --protocols imap,smtp
  gatepost device revoke alice@example.org 7")]
pub(super) enum Verb {
    /// Print the app passwords of a mailbox.
    List {
        /// The mailbox.
        #[arg(value_parser = values::address)]
        address: Address,
    },
    /// Make an app password and print it, once.
    Add {
        /// The mailbox.
        #[arg(value_parser = values::address)]
        address: Address,
        /// The person's name for the device.
        #[arg(long)]
        name: String,
        /// What it opens; everything the mailbox allows by default.
        #[arg(long, value_name = "LIST", value_parser = values::protocols)]
        protocols: Option<Protocols>,
        /// Its last day, such as 2026-12-31, or 90d from now.
        #[arg(long, value_name = "DAY", value_parser = values::end)]
        ends: Option<Timestamp>,
    },
    /// Revoke an app password: new logins are refused, live sessions end.
    Revoke {
        /// The mailbox.
        #[arg(value_parser = values::address)]
        address: Address,
        /// The number in the list.
        id: AppPasswordId,
    },
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List { address } => {
            let request = Request::Device(DeviceRequest::List(address));
            let document = office.ask(request).await?;
            office.show(document, list)
        }
        Verb::Add {
            address,
            name,
            protocols,
            ends,
        } => {
            let request = Request::Device(DeviceRequest::Add {
                address,
                name,
                protocols,
                ends,
            });
            let document = office.ask(request).await?;
            output::problem("This password is not shown again:");
            office.show(document, made)
        }
        Verb::Revoke { address, id } => {
            let request = Request::Device(DeviceRequest::Revoke { address, id });
            let document = office.ask(request).await?;
            office.show(document, |gone: RevokedDocument| {
                format!("app password {} is revoked", gone.revoked)
            })
        }
    }
}

fn made(made: MadeDeviceDocument) -> String {
    let server = |server: &app::devices::MailServer| {
        format!(
            "{} {}:{} ({})",
            server.protocol, server.host, server.port, server.security
        )
    };
    let servers: Vec<_> = made.servers.iter().map(server).collect();
    details(&[
        ("Password", made.secret),
        ("User", made.user),
        ("Servers", servers.join("\n")),
        ("Opens", made.device.protocols.to_string()),
        ("Ends", when_or(made.device.ends.as_ref(), "never")),
    ])
}

fn list(list: DeviceList) -> String {
    let rows: Vec<_> = list.devices.into_iter().map(row).collect();
    table(["ID", "NAME", "OPENS", "ENDS", "ADDED", "LAST USED"], &rows)
}

fn row(device: DeviceDocument) -> [String; 6] {
    [
        device.id.to_string(),
        device.name,
        device.protocols.to_string(),
        when_or(device.ends.as_ref(), "never"),
        when(&device.created),
        device
            .last_used
            .as_ref()
            .map_or_else(|| "never".to_owned(), last_use),
    ]
}

/// A use in a line: when, how, from where.
pub(super) fn last_use(last: &UseDocument) -> String {
    let from = last.ip.as_ref().map(|ip| format!(" from {ip}"));
    format!(
        "{}, {}{}",
        when(&last.at),
        last.protocol,
        from.unwrap_or_default()
    )
}
