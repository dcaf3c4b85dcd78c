//! What workers are started with.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::accounts::Accounts;
use super::lock::Lock;
use super::program::Program;
use super::sockets::Bound;
use crate::channel::control::{Ids, PROTOCOL, QuotaStyle, Role, SocketName, Start};
use crate::config::Config;

/// A program and a configuration that belong together; exchanged as one at a planned restart.
#[derive(Debug)]
pub(super) struct Edition {
    pub(super) program: Program,
    pub(super) config: Config,
}

/// Everything that outlives a worker.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) accounts: Accounts,
    pub(super) sockets: Vec<Bound>,
    pub(super) data_lock: Lock,
    /// How this machine's Dovecot takes quota.
    pub(super) quota: QuotaStyle,
    /// Key of Dovecot's administration interface, for the web worker's kicks; empty without
    /// Dovecot.
    pub(super) kick_key: Zeroizing<Vec<u8>>,
    /// What the engines listen on for each other.
    pub(super) internal: Vec<SocketAddr>,
    edition: Mutex<Arc<Edition>>,
}

impl Bench {
    pub(super) fn new(
        accounts: Accounts,
        sockets: Vec<Bound>,
        data_lock: Lock,
        edition: Edition,
    ) -> Self {
        Self {
            accounts,
            sockets,
            data_lock,
            quota: QuotaStyle::default(),
            kick_key: Zeroizing::default(),
            internal: Vec::new(),
            edition: Mutex::new(Arc::new(edition)),
        }
    }

    /// The edition in force.
    pub(super) fn edition(&self) -> Arc<Edition> {
        Arc::clone(&self.edition.lock())
    }

    pub(super) fn put_edition(&self, edition: Arc<Edition>) {
        *self.edition.lock() = edition;
    }

    /// The account a role runs under; `None` for the keeper's own.
    pub(super) fn account(&self, role: Role) -> Option<Ids> {
        let ids = match role {
            Role::Web | Role::Migrate => self.accounts.web,
            Role::Auth => self.accounts.auth,
            Role::Collect => self.accounts.mail,
        };
        self.accounts.separate.then_some(ids)
    }

    fn sockets_of(&self, role: Role) -> impl Iterator<Item = &Bound> {
        self.sockets.iter().filter(move |bound| {
            let owner = match bound.listening.name {
                SocketName::Web | SocketName::Admin => Role::Web,
                SocketName::Channel | SocketName::Mail(_) => Role::Auth,
            };
            owner == role
        })
    }

    pub(super) fn start_message(&self, edition: &Edition, role: Role) -> Start {
        Start {
            protocol: PROTOCOL,
            config: edition.config.clone(),
            keeper_pid: std::process::id(),
            sockets: self
                .sockets_of(role)
                .map(|bound| bound.listening.clone())
                .collect(),
            mail: self.accounts.mail,
            quota: self.quota,
            internal: self.internal.clone(),
        }
    }

    /// The descriptors that belong to [`Bench::start_message`], in the same order. Whoever opens
    /// the store for writing gets the data lock too: it then lives as long as that process, even
    /// if the keeper dies first.
    pub(super) fn descriptors(&self, role: Role) -> Vec<BorrowedFd<'_>> {
        let mut all: Vec<_> = self.sockets_of(role).map(|bound| bound.as_fd()).collect();
        if role.holds_the_data() {
            all.push(self.data_lock.file().as_fd());
        }
        all
    }

    /// What a role is told in confidence: the web worker's key for kicks.
    pub(super) fn secrets(&self, role: Role) -> &[u8] {
        if role == Role::Web {
            &self.kick_key
        } else {
            &[]
        }
    }
}
