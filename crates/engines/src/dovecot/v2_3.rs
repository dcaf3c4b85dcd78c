//! Dovecot 2.3.
//!
//! Gatepost is the auth server: Dovecot's own auth listeners are closed (so its auth process never
//! starts), login processes get the path of our socket as their argument and therefore no chroot,
//! and the auth-master sockets are links in `base_dir` that [`crate::prepare`] makes.

use std::net::SocketAddr;

use super::conf::Conf;
use super::limits::{Limits, Login};
use crate::description::{Accounts, KickListener, MailSystem};
use crate::layout::{DOVECOT_CONF, LMTP_SOCKET, Layout, QUOTA_SOCKET, text};
use crate::rendered::RenderedFile;

/// The characters of an address in canonical form; see `model::address`. Rendered although our own
/// auth server applies the same grammar: an emptied list was an injection hole (CVE-2026-24031).
pub const USERNAME_CHARACTERS: &str =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@+'";

/// Folders every mailbox has, with their RFC 6154 use.
const FOLDERS: [(&str, &str); 5] = [
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
];

/// Renders `dovecot.conf`. The description has passed [`crate::check::check`].
#[must_use]
pub fn render(system: &MailSystem) -> RenderedFile {
    let limits = Limits::of(system.sessions, system.processes);
    let layout = Layout::of(&system.directories);
    let mut conf = Conf::default();
    conf.note("Rendered by Gatepost; changes made here are lost.");
    instance(&mut conf, system, &layout);
    tls(&mut conf, system);
    sign_in(&mut conf, system);
    mail(&mut conf, system);
    logins(&mut conf, system, &limits);
    sessions(&mut conf, system, &limits);
    delivery(&mut conf, system, &layout, &limits);
    administration(&mut conf, system, &layout);
    shared_services(&mut conf, system, &limits);
    plugins(&mut conf, system);
    RenderedFile {
        path: DOVECOT_CONF.into(),
        mode: 0o600,
        content: conf.finish(),
    }
}

fn instance(conf: &mut Conf, system: &MailSystem, layout: &Layout) {
    let store = &system.store;
    let mut protocols = vec!["lmtp"];
    for (name, plain, tls) in [
        ("imap", &store.imap, &store.imaps),
        ("pop3", &store.pop3, &store.pop3s),
    ] {
        if !plain.is_empty() || !tls.is_empty() {
            protocols.push(name);
        }
    }
    if !store.managesieve.is_empty() {
        protocols.push("sieve");
    }
    conf.set("protocols", protocols.join(" "))
        .set("instance_name", "gatepost")
        .set("base_dir", text(&layout.dovecot_run()))
        .set("state_dir", text(&layout.dovecot_state()))
        .set("hostname", &system.hostname)
        .set("postmaster_address", &system.postmaster)
        .set("recipient_delimiter", system.recipient_delimiter)
        .set("login_greeting", "Gatepost ready.")
        // The keeper reads the lines and stamps them itself.
        .set("log_path", "/dev/stderr")
        .set("log_timestamp", "\"\"");
    match &system.accounts {
        Accounts::Separate {
            dovecot,
            dovecot_login,
            ..
        } => conf
            .set("default_internal_user", dovecot)
            .set("default_internal_group", dovecot)
            .set("default_login_user", dovecot_login),
        Accounts::Single { user, group, .. } => conf
            .set("default_internal_user", user)
            .set("default_internal_group", group)
            .set("default_login_user", user),
    };
}

fn tls(conf: &mut Conf, system: &MailSystem) {
    conf.set("ssl", "required")
        .set_from_file("ssl_cert", &system.tls.certificate)
        .set_from_file("ssl_key", &system.tls.key)
        .set("ssl_min_protocol", "TLSv1.2");
}

fn sign_in(conf: &mut Conf, system: &MailSystem) {
    conf.set("disable_plaintext_auth", "yes")
        .set("auth_username_chars", USERNAME_CHARACTERS)
        // A cache would outlive a revocation.
        .set("auth_cache_size", 0)
        .set("auth_socket_path", text(&system.sockets.dovecot_userdb))
        // Counts one person behind one address: many programs, or an office behind one NAT.
        .set("mail_max_userip_connections", 50);
}

fn mail(conf: &mut Conf, system: &MailSystem) {
    let ids = system.accounts.mail();
    conf.note("A mailbox's home comes from the user database; everything lies below it.")
        // With the fs layout a folder's name may hold dots.
        .set(
            "mail_location",
            "maildir:~/Maildir:LAYOUT=fs:CONTROL=~/control:INDEX=~/index",
        )
        // Two sessions that make the same INBOX each hold one of two locks, the index of the list
        // being one: 2.3.19 then ends a session with a panic, or all wait for a minute.
        .set("mailbox_list_index", "no")
        .set("mail_uid", ids.uid)
        .set("mail_gid", ids.gid)
        .set("first_valid_uid", ids.uid)
        .set("last_valid_uid", ids.uid)
        .set("first_valid_gid", ids.gid)
        .set("last_valid_gid", ids.gid);
    if system.store.quota {
        conf.set("mail_plugins", "quota");
    }
    conf.block("namespace inbox", |conf| {
        conf.set("inbox", "yes").set("separator", "/");
        for (name, special_use) in FOLDERS {
            conf.block(&format!("mailbox {name}"), |conf| {
                conf.set("auto", "subscribe")
                    .set("special_use", special_use);
            });
        }
    });
}

fn logins(conf: &mut Conf, system: &MailSystem, limits: &Limits) {
    let store = &system.store;
    login(conf, system, "imap", limits.imap_login, |conf| {
        listeners(conf, "imap", &store.imap, false);
        listeners(conf, "imaps", &store.imaps, true);
    });
    login(conf, system, "pop3", limits.pop3_login, |conf| {
        listeners(conf, "pop3", &store.pop3, false);
        listeners(conf, "pop3s", &store.pop3s, true);
    });
    if store.sieve {
        login(
            conf,
            system,
            "managesieve",
            limits.managesieve_login,
            |conf| listeners(conf, "sieve", &store.managesieve, false),
        );
    }
}

fn login(
    conf: &mut Conf,
    system: &MailSystem,
    protocol: &str,
    limits: Login,
    listeners: impl FnOnce(&mut Conf),
) {
    let socket = text(&system.sockets.dovecot_login);
    conf.block(&format!("service {protocol}-login"), |conf| {
        conf.set("executable", format_args!("{protocol}-login {socket}"))
            // Inside the usual chroot our socket could not be reached.
            .set("chroot", "")
            .set("service_count", limits.service_count)
            .set("process_min_avail", limits.min_avail)
            .set("process_limit", limits.processes)
            .set("client_limit", limits.clients);
        listeners(conf);
    });
}

/// One block per address. Services have listeners by default, which an empty list must close.
fn listeners(conf: &mut Conf, name: &str, addresses: &[SocketAddr], tls: bool) {
    if addresses.is_empty() {
        conf.block(&format!("inet_listener {name}"), |conf| {
            conf.set("port", 0);
        });
    }
    for (n, address) in addresses.iter().enumerate() {
        let suffix = if n == 0 {
            String::new()
        } else {
            format!("_{}", n + 1)
        };
        conf.block(&format!("inet_listener {name}{suffix}"), |conf| {
            conf.set("address", address.ip())
                .set("port", address.port());
            if tls {
                conf.set("ssl", "yes");
            }
        });
    }
}

fn sessions(conf: &mut Conf, system: &MailSystem, limits: &Limits) {
    for (service, processes) in [
        ("imap", limits.imap),
        ("pop3", limits.pop3),
        ("managesieve", limits.managesieve),
    ] {
        conf.block(&format!("service {service}"), |conf| {
            conf.set("service_count", limits.service_count)
                .set("process_limit", processes)
                .set("vsz_limit", "512 M");
        });
    }
    conf.block("protocol imap", |conf| {
        if system.store.quota {
            conf.set("mail_plugins", "quota imap_quota");
        }
    });
}

fn delivery(conf: &mut Conf, system: &MailSystem, layout: &Layout, limits: &Limits) {
    conf.block("service lmtp", |conf| {
        conf.set("process_limit", limits.lmtp)
            .set("vsz_limit", "512 M");
        postfix_socket(conf, system, LMTP_SOCKET);
        for (n, address) in system.store.lmtp.iter().enumerate() {
            conf.block(&format!("inet_listener lmtp_{}", n + 1), |conf| {
                conf.set("address", address.ip())
                    .set("port", address.port());
            });
        }
    });
    conf.block("protocol lmtp", |conf| {
        let plugins = match (system.store.quota, system.store.sieve) {
            (true, true) => "quota sieve",
            (true, false) => "quota",
            (false, true) => "sieve",
            (false, false) => "",
        };
        conf.set("mail_plugins", plugins);
    });
    if system.store.quota {
        // Refusals at RCPT come from the policy service below. What slips through (an alias of
        // several, two deliveries at once) waits in the queue instead of bouncing to a sender who may be forged.
        conf.set("quota_full_tempfail", "yes");
        conf.block("service quota-status", |conf| {
            conf.set("executable", "quota-status -p postfix")
                .set("client_limit", 50);
            postfix_socket(conf, system, QUOTA_SOCKET);
        });
    }
    match &system.transport {
        Some(transport) => {
            conf.note("Redirects and vacation replies; see the listener in master.cf.")
                .set("submission_host", transport.sieve_submission)
                .set("submission_ssl", "starttls")
                .set("ssl_client_ca_file", text(&layout.internal_certificate()))
                .set_from_file("ssl_client_cert", &layout.internal_certificate())
                .set_from_file("ssl_client_key", &layout.internal_key());
        }
        None => {
            conf.note(
                "No transport of our own: scripts cannot send, and never through the host's.",
            )
            .set("sendmail_path", "/bin/false");
        }
    }
}

/// A unix socket in `base_dir` for Postfix's account only.
fn postfix_socket(conf: &mut Conf, system: &MailSystem, name: &str) {
    conf.block(&format!("unix_listener {name}"), |conf| {
        conf.set("mode", "0600");
        if let Accounts::Separate { postfix, .. } = &system.accounts {
            conf.set("user", postfix);
        }
    });
}

fn administration(conf: &mut Conf, system: &MailSystem, layout: &Layout) {
    conf.set_from_file("doveadm_api_key", &layout.kick_key());
    conf.block("service doveadm", |conf| {
        match &system.store.kick.listener {
            // The directory around it is what keeps others out: Dovecot cannot give a socket to a
            // group that has a number but no name.
            KickListener::Unix { .. } => conf.block(
                &format!("unix_listener {}", text(&layout.kick_socket())),
                |conf| {
                    conf.set("mode", "0666");
                },
            ),
            KickListener::Loopback(address) => conf.block("inet_listener http", |conf| {
                conf.set("address", address.ip())
                    .set("port", address.port());
            }),
        };
    });
}

fn shared_services(conf: &mut Conf, system: &MailSystem, limits: &Limits) {
    let single = matches!(system.accounts, Accounts::Single { .. });
    conf.block("service anvil", |conf| {
        conf.set("client_limit", limits.shared_clients);
        if single {
            conf.set("chroot", "");
        }
    });
    if single {
        for service in ["stats", "imap-urlauth-login", "imap-urlauth"] {
            conf.block(&format!("service {service}"), |conf| {
                conf.set("chroot", "");
            });
        }
    }
    conf.note("Gatepost is the auth server: Dovecot's own is never asked.");
    conf.block("service auth", |conf| {
        conf.set("client_limit", limits.shared_clients);
        for name in [
            "login/login",
            "token-login/tokenlogin",
            "auth-login",
            "auth-client",
            "auth-userdb",
            "auth-master",
        ] {
            conf.block(&format!("unix_listener {name}"), |conf| {
                conf.set("mode", 0);
            });
        }
    });
}

fn plugins(conf: &mut Conf, system: &MailSystem) {
    let store = &system.store;
    if !store.quota && !store.sieve {
        return;
    }
    conf.block("plugin", |conf| {
        if store.quota {
            conf.set("quota", "count:User quota")
                .set("quota_vsizes", "yes")
                // The last message may pass the limit by its own size: whoever was below it at RCPT
                // still is at delivery, so mail accepted for a mailbox never bounces.
                .set(
                    "quota_grace",
                    format_args!("{}B", system.message_size_limit),
                )
                .set("quota_status_success", "DUNNO")
                // Aliases of several and other people's mailboxes: not ours to say.
                .set("quota_status_nouser", "DUNNO")
                .set("quota_status_overquota", "552 5.2.2 The mailbox is full");
        }
        if store.sieve {
            conf.set("sieve", "file:~/sieve;active=~/.dovecot.sieve")
                .set("sieve_max_redirects", 10)
                .set("sieve_quota_max_scripts", 100)
                .set("sieve_quota_max_storage", "1M")
                // A redirect leaves under the mailbox's own address: under the sender's it would
                // fail SPF at the next server.
                .set("sieve_redirect_envelope_from", "recipient")
                .set("sieve_vacation_send_from_recipient", "yes");
        }
    });
}
