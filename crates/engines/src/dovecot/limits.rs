//! Process and client limits, all from the one number of sessions.

use crate::description::ProcessModel;

/// What Dovecot's services may use. Too low a limit on the shared services (`auth`, `anvil`) shows
/// as a warning at every start and as stalled logins under load, so those two are sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Mail processes; one session each at a time.
    pub(super) imap: u32,
    pub(super) pop3: u32,
    pub(super) managesieve: u32,
    /// Deliveries at once.
    pub(super) lmtp: u32,
    pub(super) imap_login: Login,
    pub(super) pop3_login: Login,
    pub(super) managesieve_login: Login,
    /// Connections to `auth` and `anvil`.
    pub(super) shared_clients: u32,
    /// How many sessions one mail process serves in turn.
    pub(super) service_count: u32,
}

/// One login service. A TLS connection stays in its login process until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) processes: u32,
    pub(super) clients: u32,
    /// 0: any number of connections, many at once.
    pub(super) service_count: u32,
    pub(super) min_avail: u32,
}

impl Limits {
    pub(super) fn of(sessions: u32, model: ProcessModel) -> Self {
        // IMAP is nearly all of it: programs hold connections open. POP3 and ManageSieve sessions
        // last seconds.
        let imap = sessions;
        let pop3 = (sessions / 4).max(10);
        let managesieve = (sessions / 16).max(10);
        let lmtp = (sessions / 16).clamp(20, 200);
        let login = |sessions: u32| match model {
            ProcessModel::Fast => {
                // Dovecot starts another login process only when the others are full, so what
                // spreads handshakes over processors is the number kept ready.
                let ready = (sessions / 512).clamp(1, 8);
                Login {
                    processes: 2 * ready + 2,
                    // Half of them can carry everybody while the others reload.
                    clients: (sessions / (ready + 1)).max(100) + 1,
                    service_count: 0,
                    min_avail: ready,
                }
            }
            ProcessModel::Hardened => Login {
                processes: sessions,
                clients: 1,
                service_count: 1,
                min_avail: 0,
            },
        };
        let imap_login = login(imap);
        let pop3_login = login(pop3);
        let managesieve_login = login(managesieve);
        let shared_clients = [
            imap,
            pop3,
            managesieve,
            lmtp,
            imap_login.processes,
            pop3_login.processes,
            managesieve_login.processes,
            // imap-urlauth-login, doveadm, quota-status, indexer and friends.
            500,
        ]
        .iter()
        .sum();
        Self {
            imap,
            pop3,
            managesieve,
            lmtp,
            imap_login,
            pop3_login,
            managesieve_login,
            shared_clients,
            service_count: match model {
                ProcessModel::Fast => 100,
                ProcessModel::Hardened => 1,
            },
        }
    }
}
