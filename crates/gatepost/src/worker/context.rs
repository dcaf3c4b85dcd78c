//! What a worker is handed at its start.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use anyhow::{Context as _, anyhow, bail};
use zeroize::Zeroizing;

use super::keeper::{Instructions, Keeper, link};
use crate::channel::control::{
    Ids, Listening, Order, PROTOCOL, QuotaStyle, Report, Role, SocketName, Start,
};
use crate::channel::descriptors::DescriptorSocket;
use crate::config::Config;

/// Everything a worker starts from.
#[derive(Debug)]
pub struct Context {
    /// The effective configuration.
    pub config: Config,
    /// The keeper's process id: the constant `SPID` of the auth protocols.
    pub keeper_pid: u32,
    /// Owner of the mail files.
    pub mail: Ids,
    /// How this machine's Dovecot takes quota.
    pub quota: QuotaStyle,
    /// What the engines listen on for each other.
    pub internal: Vec<SocketAddr>,
    /// Web worker: the key of Dovecot's administration interface, empty without Dovecot.
    pub secret: Zeroizing<Vec<u8>>,
    /// The way to the keeper.
    pub keeper: Keeper,
    sockets: Vec<(Listening, OwnedFd)>,
    /// Held open while the process lives: nobody else opens the store for writing.
    _data_lock: Option<OwnedFd>,
}

impl Context {
    /// Waits for the keeper's first message.
    pub(super) async fn receive(
        control: DescriptorSocket,
        role: Role,
    ) -> anyhow::Result<(Self, Instructions)> {
        let packet = control
            .receive::<Order>()
            .await?
            .ok_or_else(|| anyhow!("no keeper"))?;
        let Order::Start(start) = packet.header else {
            bail!("the keeper does not say Start")
        };
        let Start {
            protocol,
            config,
            keeper_pid,
            sockets,
            mail,
            quota,
            internal,
        } = *start;
        if protocol != PROTOCOL {
            let message = format!(
                "this version of gatepost needs a newer keeper (protocol {PROTOCOL}, the keeper \
                 has {protocol}): restart the whole server"
            );
            control
                .send(
                    &Report::Failed {
                        message: message.clone(),
                    },
                    &[],
                    &[],
                )
                .await?;
            bail!(message);
        }
        let mut descriptors = VecDeque::from(packet.descriptors);
        let sockets = sockets
            .into_iter()
            .map(|listening| Some((listening, descriptors.pop_front()?)))
            .collect::<Option<Vec<_>>>()
            .context("the keeper handed over too few sockets")?;
        let _data_lock = descriptors.pop_front();
        if role.holds_the_data() && _data_lock.is_none() {
            bail!("the keeper did not hand over the data lock");
        }
        let (keeper, instructions) = link(control)?;
        let secret = packet.payload;
        let context = Self {
            config,
            keeper_pid,
            mail,
            quota,
            internal,
            secret,
            keeper,
            sockets,
            _data_lock,
        };
        Ok((context, instructions))
    }

    /// The web listener.
    ///
    /// # Errors
    /// If this role was not handed it, or it was taken before.
    pub fn take_tcp(&mut self) -> anyhow::Result<std::net::TcpListener> {
        self.take(SocketName::Web).map(|(_, socket)| socket.into())
    }

    /// A unix listener, and the user ids that may connect to it.
    ///
    /// # Errors
    /// As [`Context::take_tcp`].
    pub fn take_unix(&mut self, name: SocketName) -> anyhow::Result<(UnixListener, Vec<u32>)> {
        self.take(name)
            .map(|(listening, socket)| (socket.into(), listening.allowed))
    }

    fn take(&mut self, name: SocketName) -> anyhow::Result<(Listening, OwnedFd)> {
        let index = self
            .sockets
            .iter()
            .position(|(listening, _)| listening.name == name);
        let index = index.with_context(|| format!("no socket {name:?} here"))?;
        Ok(self.sockets.swap_remove(index))
    }
}
