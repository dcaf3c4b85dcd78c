//! Who is signed in at which smtpd.
//!
//! A policy request names the login but not what it signed in with. It does name the smtpd process,
//! which said its number on its connection here, too, and serves one SMTP session at a time: the
//! last OK on that connection is the session's.

use crate::decisions::Granted;
use crate::wire::auth_client::Cookie;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The last OK on each connection of an smtpd; an entry lives as long as its connection.
#[derive(Debug, Default)]
pub(crate) struct SignedIn {
    /// By process. More than one entry only if engines of several process namespaces share us.
    by_pid: Mutex<HashMap<u32, Vec<(Cookie, Granted)>>>,
}

impl SignedIn {
    /// What the session of `login` at the smtpd with this process id was granted.
    pub(crate) fn find(&self, pid: u32, login: &str) -> Option<Granted> {
        let table = self.by_pid.lock();
        let mut here = table.get(&pid)?.iter();
        here.find(|(_, granted)| granted.address.as_str() == login)
            .map(|(_, granted)| granted.clone())
    }

    fn put(&self, pid: u32, cookie: Cookie, granted: Granted) {
        let mut table = self.by_pid.lock();
        let here = table.entry(pid).or_default();
        here.retain(|(of, _)| *of != cookie);
        here.push((cookie, granted));
    }

    fn remove(&self, pid: u32, cookie: Cookie) {
        let mut table = self.by_pid.lock();
        if let Some(here) = table.get_mut(&pid) {
            here.retain(|(of, _)| *of != cookie);
            if here.is_empty() {
                table.remove(&pid);
            }
        }
    }
}

/// One connection's entry; gone when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    table: Arc<SignedIn>,
    pid: u32,
    cookie: Cookie,
    granted: Granted,
}

impl Seat {
    pub(crate) fn take(table: Arc<SignedIn>, pid: u32, cookie: Cookie, granted: Granted) -> Self {
        table.put(pid, cookie, granted.clone());
        Self {
            table,
            pid,
            cookie,
            granted,
        }
    }

    /// For the next worker.
    pub(crate) fn granted(&self) -> Granted {
        self.granted.clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table.remove(self.pid, self.cookie);
    }
}

/// The smtpd's process id in a policy request's `instance`, whose first part it is in hexadecimal
/// (`smtpd.c`: process, seconds, microseconds, number).
pub(crate) fn process_of(instance: &str) -> Option<u32> {
    u32::from_str_radix(instance.split('.').next()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::Credential;
    use model::address::Address;
    use model::ids::{AppPasswordId, MailboxId};
    use model::protocol::Protocol;

    fn granted(name: &str, device: i64) -> Granted {
        Granted {
            address: Address::parse(name).unwrap(),
            mailbox: MailboxId(1),
            protocol: Protocol::Smtp,
            credential: Credential::AppPassword(AppPasswordId(device)),
        }
    }

    #[test]
    fn the_last_ok_of_a_connection_counts_until_it_closes() {
        let table = Arc::new(SignedIn::default());
        let take = |pid, cookie, of| Seat::take(Arc::clone(&table), pid, [cookie; 16], of);
        let first = take(7, 1, granted("a@example.org", 1));
        let next = take(7, 1, granted("a@example.org", 2));
        let found = table.find(7, "a@example.org");
        assert_eq!(found, Some(granted("a@example.org", 2)));
        assert_eq!(table.find(7, "b@example.org"), None);
        assert_eq!(table.find(8, "a@example.org"), None);
        drop(next);
        assert_eq!(table.find(7, "a@example.org"), None);
        drop(first);
        assert!(table.by_pid.lock().is_empty());
    }

    #[test]
    fn equal_process_ids_of_two_engines_are_kept_apart() {
        let table = Arc::new(SignedIn::default());
        let take = |cookie, of| Seat::take(Arc::clone(&table), 7, [cookie; 16], of);
        let one = take(1, granted("a@example.org", 1));
        let _other = take(2, granted("b@example.org", 2));
        drop(one);
        assert_eq!(table.find(7, "a@example.org"), None);
        assert!(table.find(7, "b@example.org").is_some());
    }

    #[test]
    fn the_process_stands_first_in_an_instance() {
        assert_eq!(process_of("1a2b.6562.3f0.0"), Some(0x1a2b));
        for strange in ["", ".1", "g.1", "-1.2", "1ffffffff.0"] {
            assert_eq!(process_of(strange), None, "{strange}");
        }
    }
}
