//! Postfix 3.7.
//!
//! Sign-in exists in the submission services only, so a dead auth socket leaves port 25 alive.
//! Domains, mailboxes, aliases and sender rights come from the socketmap; each recipient passes
//! Gatepost's policy service, told apart by `policy_context`: `smtp`, `submission`, `submissions`
//! or `sieve`.

use secrecy::{ExposeSecret as _, SecretString};

use super::main_cf::MainCf;
use super::master_cf::MasterCf;
use crate::description::{
    Accounts, MailSystem, Milter, MilterAction, Milters, OutwardTls, Relay, RelayCredentials,
    RelayTls, Transport,
};
use crate::layout::{INTERNAL_LISTENER, Layout, POSTFIX_DIRECTORY, text};
use crate::rendered::RenderedFile;

/// The system's CAs, for a smart host whose name is checked. From Debian's `ca-certificates`.
const SYSTEM_CAS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Renders `main.cf`, `master.cf` and a note for the supervision. The description has passed
/// [`crate::check::check`].
#[must_use]
pub fn render(system: &MailSystem, transport: &Transport) -> Vec<RenderedFile> {
    let file = |name: &str, mode, content| RenderedFile {
        path: [POSTFIX_DIRECTORY, name].iter().collect(),
        mode,
        content,
    };
    vec![
        file("main.cf", 0o644, main_cf(system, transport)),
        file("master.cf", 0o644, master_cf(system, transport)),
        file(
            INTERNAL_LISTENER,
            0o644,
            format!("{}\n", transport.sieve_submission),
        ),
    ]
}

/// The map that `main.cf` names for a smart host with sign-in. It lies in the run directory, not
/// in a generation, so that the password reaches no disk. The smtp client opens it before it drops
/// root's rights.
pub(crate) fn relay_passwords(transport: &Transport) -> Option<SecretString> {
    let relay = transport.relay.as_ref()?;
    let credentials = relay.credentials.as_ref()?;
    Some(SecretString::from(password_map(relay, credentials)))
}

fn main_cf(system: &MailSystem, transport: &Transport) -> String {
    let layout = Layout::of(&system.directories);
    let mut main = MainCf::default();
    main.note("Rendered by Gatepost; changes made here are lost.");
    instance(&mut main, system, &layout);
    addresses(&mut main, system, &layout);
    receiving(&mut main, system, &layout);
    sending(&mut main, transport, &layout);
    milters(&mut main, &transport.milters);
    main.finish()
}

fn instance(main: &mut MainCf, system: &MailSystem, layout: &Layout) {
    main.set("compatibility_level", "3.6")
        .set("queue_directory", text(&layout.directories().queue))
        .set("data_directory", text(&layout.postfix_state()))
        .set("maillog_file", "/dev/stdout");
    if let Accounts::Separate {
        postfix, postdrop, ..
    } = &system.accounts
    {
        main.set("mail_owner", postfix)
            .set("setgid_group", postdrop);
    }
    main.set("myhostname", &system.hostname)
        .set("myorigin", "$myhostname")
        .set("default_process_limit", smtpd_processes(system.sessions))
        .set("message_size_limit", system.message_size_limit)
        // Delivery is by LMTP, where no file grows beyond one message.
        .set("mailbox_size_limit", 0)
        .set("virtual_mailbox_limit", 0)
        // Dovecot 2.3 takes no UTF-8 addresses: not offering them refuses such mail at the door
        // instead of bouncing it later.
        .set("smtputf8_enable", "no")
        .set("biff", "no")
        .set("append_dot_mydomain", "no");
}

/// An SMTP session lasts seconds, an IMAP session hours.
fn smtpd_processes(sessions: u32) -> u32 {
    (sessions / 8).max(100)
}

fn addresses(main: &mut MainCf, system: &MailSystem, layout: &Layout) {
    let map = |name: &str| format!("socketmap:unix:{}:{name}", text(&system.sockets.socketmap));
    main.note("Whose mail this is: nobody's by host name, everything by the socketmap.")
        .set("mydestination", "")
        .set("mynetworks", "")
        .set("relay_domains", "")
        .set("local_recipient_maps", "")
        .set("local_transport", "error:5.1.1 there are no local users")
        .set("alias_maps", "")
        .set("alias_database", "")
        // Its default, the alias map, would be asked for every bare domain.
        .set("virtual_alias_domains", "")
        .set("virtual_mailbox_domains", map("domains"))
        .set("virtual_mailbox_maps", map("mailboxes"))
        .set("virtual_alias_maps", map("aliases"))
        .set("smtpd_sender_login_maps", map("senders"))
        .set("recipient_delimiter", system.recipient_delimiter)
        .set(
            "virtual_transport",
            format_args!("lmtp:unix:{}", text(&layout.lmtp_socket())),
        )
        .set("notify_classes", "")
        .set("bounce_notice_recipient", &system.postmaster)
        .set("2bounce_notice_recipient", &system.postmaster)
        .set("delay_notice_recipient", &system.postmaster)
        .set("error_notice_recipient", &system.postmaster);
}

fn receiving(main: &mut MainCf, system: &MailSystem, layout: &Layout) {
    main.note("Receiving from other servers.")
        .set("smtpd_banner", "$myhostname ESMTP")
        .set("smtpd_helo_required", "yes")
        .set("disable_vrfy_command", "yes")
        // SMTP smuggling (CVE-2023-51764): off by default in this release.
        .set("smtpd_forbid_bare_newline", "normalize")
        .set("smtpd_forbid_unauth_pipelining", "yes")
        .set("smtpd_tls_security_level", "may")
        .set("smtpd_tls_cert_file", text(&system.tls.certificate))
        .set("smtpd_tls_key_file", text(&system.tls.key))
        .set("smtpd_tls_auth_only", "yes")
        .set("smtpd_tls_mandatory_protocols", ">=TLSv1.2")
        .set("smtpd_tls_loglevel", 1)
        .set("smtpd_tls_received_header", "yes")
        // postmaster of the server itself, whose name need not be a domain here (RFC 5321 4.5.1).
        // Where that mail goes, the aliases map says; the bare name is let in by Postfix.
        .set(
            "smtpd_relay_restrictions",
            format_args!(
                "check_recipient_access inline:{{postmaster@{}=OK}}, reject_unauth_destination",
                system.hostname
            ),
        )
        .set("smtpd_sender_restrictions", "reject_unlisted_sender")
        .set(
            "smtpd_recipient_restrictions",
            recipient_restrictions(system, layout, "smtp", None),
        )
        .note("Sign-in: switched on in the submission services only.")
        .set("smtpd_sasl_auth_enable", "no")
        .set("smtpd_sasl_type", "dovecot")
        .set("smtpd_sasl_path", text(&system.sockets.postfix_auth))
        .set("smtpd_sasl_security_options", "noanonymous, noplaintext")
        .set("smtpd_sasl_tls_security_options", "noanonymous");
}

/// What every recipient passes, ending with `last`: who may send anywhere at all.
fn recipient_restrictions(
    system: &MailSystem,
    layout: &Layout,
    context: &str,
    last: Option<&str>,
) -> String {
    let mut list = vec![
        "reject_non_fqdn_recipient".to_owned(),
        "reject_unlisted_recipient".to_owned(),
        format!(
            "check_policy_service {{ unix:{}, policy_context={context} }}",
            text(&system.sockets.policy)
        ),
    ];
    if system.store.quota {
        // Without Dovecot mail is still taken and waits in the queue.
        list.push(format!(
            "check_policy_service {{ unix:{}, timeout=10s, default_action=DUNNO }}",
            text(&layout.quota_socket())
        ));
    }
    list.extend(last.map(str::to_owned));
    list.join(", ")
}

fn sending(main: &mut MainCf, transport: &Transport, layout: &Layout) {
    let checked = transport
        .relay
        .as_ref()
        .is_some_and(|relay| relay.tls != RelayTls::Opportunistic);
    let level = match transport.outward_tls {
        _ if checked => "secure",
        OutwardTls::Opportunistic => "may",
        OutwardTls::Dane => "dane",
    };
    main.note("Sending to other servers.")
        .set("smtp_tls_security_level", level)
        .set("smtp_tls_loglevel", 1);
    if level == "dane" {
        main.set("smtp_dns_support_level", "dnssec");
    }
    let Some(relay) = &transport.relay else {
        return;
    };
    main.set("relayhost", next_hop(relay));
    if checked {
        main.set("smtp_tls_mandatory_protocols", ">=TLSv1.2")
            .set("smtp_tls_secure_cert_match", "hostname")
            .set("smtp_tls_CAfile", SYSTEM_CAS);
    }
    if relay.tls == RelayTls::Implicit {
        main.set("smtp_tls_wrappermode", "yes");
    }
    if relay.credentials.is_some() {
        main.set("smtp_sasl_auth_enable", "yes")
            .set(
                "smtp_sasl_password_maps",
                format_args!("texthash:{}", text(&layout.relay_passwords())),
            )
            .set("smtp_sasl_security_options", "noanonymous, noplaintext")
            .set("smtp_sasl_tls_security_options", "noanonymous");
    }
}

/// Brackets keep Postfix from looking up an MX record.
fn next_hop(relay: &Relay) -> String {
    format!("[{}]:{}", relay.host, relay.port)
}

fn password_map(relay: &Relay, credentials: &RelayCredentials) -> String {
    format!(
        "{} {}:{}\n",
        next_hop(relay),
        credentials.user,
        credentials.password.expose_secret()
    )
}

fn milters(main: &mut MainCf, milters: &Milters) {
    if milters.list.is_empty() {
        return;
    }
    let list: Vec<String> = milters.list.iter().map(milter).collect();
    let list = list.join(", ");
    let action = match milters.default_action {
        MilterAction::TempFail => "tempfail",
        MilterAction::Accept => "accept",
        MilterAction::Reject => "reject",
        MilterAction::Quarantine => "quarantine",
    };
    main.note("Filters.")
        .set("smtpd_milters", &list)
        .set("non_smtpd_milters", &list)
        .set("milter_default_action", action);
}

fn milter(milter: &Milter) -> String {
    match milter {
        Milter::Inet { host, port } if host.contains(':') => format!("inet:[{host}]:{port}"),
        Milter::Inet { host, port } => format!("inet:{host}:{port}"),
        Milter::Unix(path) => format!("unix:{}", text(path)),
    }
}

fn master_cf(system: &MailSystem, transport: &Transport) -> String {
    let layout = Layout::of(&system.directories);
    let mut master = MasterCf::default();
    master.note("Rendered by Gatepost; changes made here are lost.");
    for address in &transport.smtp {
        master.smtpd(*address, &[]);
    }
    let with_tls = ("smtpd_tls_security_level", "encrypt".to_owned());
    for address in &transport.submission {
        let mut options = submission(system, &layout, "submission");
        options.push(with_tls.clone());
        master.smtpd(*address, &options);
    }
    for address in &transport.submissions {
        let mut options = submission(system, &layout, "submissions");
        options.push(with_tls.clone());
        options.push(("smtpd_tls_wrappermode", "yes".to_owned()));
        master.smtpd(*address, &options);
    }
    master
        .note("Filter scripts' redirects and vacation replies, from Dovecot with our certificate.")
        .smtpd(
            transport.sieve_submission,
            &sieve_submission(system, &layout),
        )
        .daemons();
    master.finish()
}

fn submission(system: &MailSystem, layout: &Layout, service: &str) -> Vec<(&'static str, String)> {
    vec![
        ("syslog_name", format!("postfix/{service}")),
        ("smtpd_sasl_auth_enable", "yes".to_owned()),
        ("smtpd_sasl_service", service.to_owned()),
        ("smtpd_client_restrictions", String::new()),
        ("smtpd_helo_restrictions", String::new()),
        (
            "smtpd_sender_restrictions",
            "reject_non_fqdn_sender, reject_sender_login_mismatch".to_owned(),
        ),
        (
            "smtpd_relay_restrictions",
            "permit_sasl_authenticated, reject".to_owned(),
        ),
        (
            "smtpd_recipient_restrictions",
            recipient_restrictions(
                system,
                layout,
                service,
                Some("permit_sasl_authenticated, reject"),
            ),
        ),
        ("milter_macro_daemon_name", "ORIGINATING".to_owned()),
    ]
}

/// Both ends show the instance's internal certificate and trust nothing else: a local account that
/// finds the port ends at the TLS handshake.
fn sieve_submission(system: &MailSystem, layout: &Layout) -> Vec<(&'static str, String)> {
    let certificate = text(&layout.internal_certificate());
    let ours = "permit_tls_all_clientcerts, reject";
    vec![
        ("syslog_name", "postfix/sieve".to_owned()),
        ("smtpd_tls_security_level", "encrypt".to_owned()),
        ("smtpd_tls_cert_file", certificate.clone()),
        ("smtpd_tls_key_file", text(&layout.internal_key())),
        ("smtpd_tls_CAfile", certificate),
        ("smtpd_tls_req_ccert", "yes".to_owned()),
        ("smtpd_client_restrictions", ours.to_owned()),
        // Every delivery comes from the one address.
        ("smtpd_client_connection_count_limit", "0".to_owned()),
        ("smtpd_relay_restrictions", ours.to_owned()),
        (
            "smtpd_recipient_restrictions",
            recipient_restrictions(system, layout, "sieve", Some(ours)),
        ),
        ("milter_macro_daemon_name", "ORIGINATING".to_owned()),
    ]
}
