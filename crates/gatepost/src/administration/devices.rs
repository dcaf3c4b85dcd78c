//! Devices and mail programs of a mailbox: its app passwords.

use app::devices::{MailServer, NewDevice};
use app::{App, Problem};
use model::address::Address;
use model::app_password::{AppPassword, LastUse, grouped};
use model::audit::Actor;
use model::ids::AppPasswordId;
use model::protocol::{Protocol, Protocols};
use model::time::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document, moment};

/// What is asked about the devices of a mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRequest {
    /// All that are not revoked.
    List(Address),
    /// Makes an app password.
    Add {
        /// Whose.
        address: Address,
        /// The person's name for it.
        name: String,
        /// Protocols; `None` is all that the mailbox allows.
        protocols: Option<Protocols>,
        /// End date.
        ends: Option<Timestamp>,
    },
    /// Revokes one.
    Revoke {
        /// Whose.
        address: Address,
        /// Its id.
        id: AppPasswordId,
    },
}

/// When, how and from where a credential was used last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UseDocument {
    /// When.
    pub at: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// From where.
    pub ip: Option<String>,
}

/// An app password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceDocument {
    /// Its id, for revoking it.
    pub id: i64,
    /// The person's name for it.
    pub name: String,
    /// What it opens.
    pub protocols: Protocols,
    /// End date.
    pub ends: Option<String>,
    /// When it was made.
    pub created: String,
    /// Its last use.
    pub last_used: Option<UseDocument>,
}

/// The app passwords of a mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceList {
    /// Newest first, revoked ones left out.
    pub devices: Vec<DeviceDocument>,
}

/// A fresh app password with its secret, which is never shown again.
#[derive(Clone, Serialize, Deserialize)]
pub struct MadeDeviceDocument {
    /// The app password.
    pub device: DeviceDocument,
    /// The secret, grouped for people; hyphens may be typed or left out.
    pub secret: String,
    /// The name to type into the mail program.
    pub user: String,
    /// The servers to type in.
    pub servers: Vec<MailServer>,
}

/// An app password that opens nothing any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokedDocument {
    /// Its id.
    pub revoked: i64,
}

impl From<LastUse> for UseDocument {
    fn from(last: LastUse) -> Self {
        Self {
            at: moment(last.at),
            protocol: last.protocol,
            ip: last.ip.map(|ip| ip.to_string()),
        }
    }
}

impl From<AppPassword> for DeviceDocument {
    fn from(device: AppPassword) -> Self {
        Self {
            id: device.id.0,
            name: device.name,
            protocols: device.protocols,
            ends: device.ends.map(moment),
            created: moment(device.created),
            last_used: device.last_used.map(UseDocument::from),
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: DeviceRequest,
) -> Result<Value, Problem> {
    match request {
        DeviceRequest::List(address) => {
            let mailbox = app.mailbox(&address).await?;
            let devices = mailbox.devices.into_iter().map(DeviceDocument::from);
            document(DeviceList {
                devices: devices.collect(),
            })
        }
        DeviceRequest::Add {
            address,
            name,
            protocols,
            ends,
        } => {
            let mailbox = app.mailbox(&address).await?.mailbox;
            let new = NewDevice {
                name,
                protocols: protocols.unwrap_or(mailbox.protocols),
                ends,
            };
            let protocols = new.protocols;
            let made = app.create_device(actor, mailbox.id, new).await?;
            let servers = app.server_settings().servers.iter();
            document(MadeDeviceDocument {
                device: made.device.into(),
                secret: grouped(&made.secret).expose_secret().to_owned(),
                user: address.to_string(),
                servers: servers
                    .filter(|server| protocols.contains(server.protocol))
                    .cloned()
                    .collect(),
            })
        }
        DeviceRequest::Revoke { address, id } => {
            let mailbox = app.mailbox(&address).await?.mailbox;
            app.revoke_device(actor, mailbox.id, id).await?;
            document(RevokedDocument { revoked: id.0 })
        }
    }
}
