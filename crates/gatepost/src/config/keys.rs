//! Every key of the configuration, with its environment variable and its meaning.
//!
//! The table is what `gatepost config explain` prints; a test keeps it equal to the structs.

/// How a value is written in an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// A whole number.
    Number,
    /// Values separated by commas.
    List,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands in the file: `section.key`.
    pub path: &'static str,
    /// How its environment variable is read.
    pub kind: Kind,
    /// What holds when it is not given, for people.
    pub default: &'static str,
    /// What it is for, in one sentence.
    pub meaning: &'static str,
}

impl Key {
    /// The variable that overrides the file: `GATEPOST_` and the path in capitals, `_` for `.`.
    #[must_use]
    pub fn variable(&self) -> String {
        let mut name = String::from(PREFIX);
        name.push_str(&self.path.replace('.', "_").to_ascii_uppercase());
        name
    }
}

/// Starts the name of every environment variable that overrides a key.
pub const PREFIX: &str = "GATEPOST_";

const fn key(path: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Key {
    Key {
        path,
        kind,
        default,
        meaning,
    }
}

/// The table, in the order of the sections.
pub const KEYS: [Key; 41] = [
    key(
        "public_url",
        Kind::Text,
        "none, must be given",
        "Origin people open in the browser; https, or http on a loopback address only.",
    ),
    key(
        "hosts",
        Kind::List,
        "none",
        "Further host names this server answers to, such as autoconfig.example.org.",
    ),
    key(
        "trusted_proxies",
        Kind::List,
        "none",
        "Networks of proxies whose forwarded client addresses count, such as 127.0.0.1/32.",
    ),
    key(
        "tls.mode",
        Kind::Text,
        "self-signed",
        "files (tls.cert and tls.key), proxy (something in front ends TLS) or self-signed.",
    ),
    key(
        "tls.cert",
        Kind::Text,
        "none",
        "PEM file with the certificate chain; read again when it changes.",
    ),
    key(
        "tls.key",
        Kind::Text,
        "none",
        "PEM file with the private key.",
    ),
    key(
        "listen.web",
        Kind::Text,
        "443",
        "Pages, APIs and OAuth endpoints. A port, ADDRESS:PORT or off.",
    ),
    key("listen.imap", Kind::Text, "143", "IMAP with STARTTLS."),
    key("listen.imaps", Kind::Text, "993", "IMAP over TLS."),
    key("listen.pop3", Kind::Text, "110", "POP3 with STARTTLS."),
    key("listen.pop3s", Kind::Text, "995", "POP3 over TLS."),
    key("listen.sieve", Kind::Text, "4190", "ManageSieve."),
    key(
        "listen.submission",
        Kind::Text,
        "587",
        "Submission with STARTTLS.",
    ),
    key(
        "listen.submissions",
        Kind::Text,
        "465",
        "Submission over TLS.",
    ),
    key("listen.smtp", Kind::Text, "25", "Mail from other servers."),
    key(
        "data.dir",
        Kind::Text,
        "/var/lib/gatepost",
        "Store, state of the engines, and mail unless mail.dir says otherwise.",
    ),
    key(
        "run.dir",
        Kind::Text,
        "/run/gatepost",
        "Sockets and locks; a short path, since socket paths hold 107 bytes.",
    ),
    key(
        "mail.dir",
        Kind::Text,
        "mail below data.dir",
        "The mail tree.",
    ),
    key(
        "mail.hostname",
        Kind::Text,
        "host of public_url",
        "The mail server's own name.",
    ),
    key(
        "mail.client_host",
        Kind::Text,
        "mail.hostname",
        "Host that people type into their mail programs, and the certificate names.",
    ),
    key(
        "mail.processes",
        Kind::Text,
        "fast",
        "fast (processes serve many sessions) or hardened (one process per session).",
    ),
    key(
        "mail.message_size",
        Kind::Text,
        "50 MiB",
        "Largest message.",
    ),
    key(
        "mail.milters",
        Kind::List,
        "none",
        "Milters that see every message: inet:HOST:PORT or unix:/PATH.",
    ),
    key(
        "mail.milter_action",
        Kind::Text,
        "tempfail",
        "While a milter does not answer: tempfail, accept, reject or quarantine.",
    ),
    key(
        "mail.relay.host",
        Kind::Text,
        "none",
        "Relay for outgoing mail; without it mail goes straight to the recipients' servers.",
    ),
    key("mail.relay.port", Kind::Number, "587", "Port of the relay."),
    key(
        "mail.relay.user",
        Kind::Text,
        "none",
        "Account at the relay.",
    ),
    key(
        "mail.relay.password_file",
        Kind::Text,
        "none",
        "File that holds the account's password; readable by its owner alone. May be a systemd credential.",
    ),
    key(
        "mail.relay.tls",
        Kind::Text,
        "required with a password, else opportunistic",
        "TLS to the relay: required (certificate checked) or opportunistic (if offered, unchecked). Port 465 always has it.",
    ),
    key(
        "users.web",
        Kind::Text,
        "gatepost-web",
        "Account of the web worker: a name, a number or UID:GID. Used when started by root.",
    ),
    key(
        "users.auth",
        Kind::Text,
        "gatepost-auth",
        "Account of the auth worker.",
    ),
    key(
        "users.mail",
        Kind::Text,
        "gatepost-mail",
        "Account that owns the mail files.",
    ),
    key("log.format", Kind::Text, "text", "text or json."),
    key(
        "log.filter",
        Kind::Text,
        "info",
        "A level, or levels by area such as info,web::edge=debug, which adds requests of programs that were answered.",
    ),
    key(
        "retention.attempts",
        Kind::Text,
        "30d",
        "How long web sign-in attempts are kept.",
    ),
    key(
        "retention.mail_attempts",
        Kind::Text,
        "30d",
        "How long attempts of mail programs are kept.",
    ),
    key(
        "retention.audit",
        Kind::Text,
        "730d",
        "How long the audit trail is kept.",
    ),
    key(
        "sessions.idle",
        Kind::Text,
        "1d",
        "A person's session ends after this long without a request.",
    ),
    key(
        "sessions.lifetime",
        Kind::Text,
        "7d",
        "A person's session ends after this long in any case.",
    ),
    key(
        "sessions.admin_idle",
        Kind::Text,
        "1h",
        "As sessions.idle, for administrators.",
    ),
    key(
        "sessions.admin_lifetime",
        Kind::Text,
        "12h",
        "As sessions.lifetime, for administrators.",
    ),
];

/// The known name closest to `wrong`, if one is close enough to be what was meant.
#[must_use]
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, _)| *distance <= 1 + wrong.len() / 4)
        .min()
        .map(|(_, name)| name)
}
