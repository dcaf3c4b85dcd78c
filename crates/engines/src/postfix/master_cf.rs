//! Postfix's `master.cf` syntax. Every service runs outside a chroot: look-ups, certificates and
//! Gatepost's sockets lie in the real file system.

use std::fmt::{Display, Write as _};

/// Services in order.
#[derive(Debug, Default)]
pub(super) struct MasterCf(String);

impl MasterCf {
    /// Postfix's own daemons.
    pub(super) fn daemons(&mut self) -> &mut Self {
        for daemon in DAEMONS {
            let _ = writeln!(self.0, "{daemon}");
        }
        self
    }

    /// An smtpd on a TCP address, with its own parameters.
    pub(super) fn smtpd(
        &mut self,
        address: std::net::SocketAddr,
        options: &[(&str, String)],
    ) -> &mut Self {
        let _ = writeln!(self.0, "{address} inet n - n - - smtpd");
        for (name, value) in options {
            self.option(name, value);
        }
        self
    }

    /// `# text`
    pub(super) fn note(&mut self, text: &str) -> &mut Self {
        let _ = writeln!(self.0, "# {text}");
        self
    }

    /// A parameter of the service above. Braces let the value hold spaces.
    pub(super) fn option(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        let space = if value.is_empty() { "" } else { " " };
        let _ = writeln!(self.0, "  -o {{ {name} ={space}{value} }}");
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// service, type, private, unprivileged, chroot, wake-up, process limit, command (master(5)).
/// No `local`, `virtual` or `pipe`: mail leaves by LMTP or SMTP only.
const DAEMONS: [&str; 21] = [
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "verify unix - - n - 1 verify",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "proxywrite unix - - n - 1 proxymap",
    "smtp unix - - n - - smtp",
    "lmtp unix - - n - - lmtp",
    "showq unix n - n - - showq",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "discard unix - - n - - discard",
    "anvil unix - - n - 1 anvil",
    "scache unix - - n - 1 scache",
    "postlog unix-dgram n - n - 1 postlogd",
];
