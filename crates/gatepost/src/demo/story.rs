//! What the demo prints: an invitation, or a story told step by step with evidence.

use super::company::{ADMIN, BUTTON, Company};
use super::instance::{DOMAIN, Server};
use super::noticeboard::{NAME, Noticeboard};
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

/// A step did not happen as the story says.
#[derive(Debug, thiserror::Error)]
#[error("not as told: {0}")]
pub struct NotAsTold(pub String);

/// Checks one claim of the story.
macro_rules! told {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err($crate::demo::NotAsTold(format!($($words)+)).into());
        }
    };
}
pub(super) use told;

/// Prints the story.
pub(super) struct Teller {
    steps: u32,
    began: Instant,
    bold: bool,
}

impl Teller {
    pub(super) fn new(began: Instant) -> Self {
        Self {
            steps: 0,
            began,
            bold: std::io::stdout().is_terminal(),
        }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        let seconds = self.began.elapsed().as_secs_f32();
        let (on, off) = if self.bold {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        line(&format!(
            "\n{on}{:2}. {title}{off}  [{seconds:.1} s]",
            self.steps
        ));
    }

    /// Shows what was seen.
    #[expect(clippy::unused_self, reason = "evidence belongs to the teller's step")]
    pub(super) fn saw(&self, evidence: impl std::fmt::Display) {
        for one in evidence.to_string().lines() {
            line(&format!("    {one}"));
        }
    }

    pub(super) fn end(&self) {
        let seconds = self.began.elapsed().as_secs_f32();
        line(&format!(
            "\nAll {} steps happened, in {seconds:.1} s.",
            self.steps
        ));
    }
}

/// What a visitor can try.
pub(super) fn invite(server: &Server, company: &Company, app: &Noticeboard) {
    let (admin, password) = ADMIN;
    let ports = server.ports;
    line(&format!(
        "Gatepost is running, with Dovecot and Postfix, in {dir}.\n\n\
         Open             {base}\n  \
         as a person    Continue with {BUTTON}, then pick somebody: Alice and Bob get a mailbox,\n                 \
         Carol and Dave are refused, and told why\n  \
         as admin       Other ways: name {admin}, password {password}\n\n\
         The company's provider is at {issuer}.\n\
         An app of somebody else, {NAME}, is at {noticeboard}:\n  \
         people sign in to it with their mail account, through Gatepost.\n\
         Mail programs: make a device on the pages, then use localhost with\n  \
         IMAP {imaps} (TLS), POP3 {pop3s} (TLS), submission {submission} (STARTTLS) or {submissions} (TLS),\n  \
         ManageSieve {sieve} (STARTTLS); mail from other servers arrives at {smtp}.\n  \
         The certificate is {certificate}.\n\n\
         Why can somebody not get in?\n  GATEPOST_CONFIG={config} \\\n  {program} why carol@{DOMAIN}\n\n\
         Ctrl-C ends everything.",
        dir = server.dir.display(),
        base = server.base,
        issuer = company.issuer(),
        noticeboard = app.address,
        imaps = ports.imaps,
        pop3s = ports.pop3s,
        submission = ports.submission,
        submissions = ports.submissions,
        sieve = ports.sieve,
        smtp = ports.smtp,
        certificate = server.certificate.display(),
        config = server.config_file.display(),
        program = std::env::current_exe()
            .unwrap_or_else(|_| "gatepost".into())
            .display(),
    ));
}

fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the other end does not want to read on.
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}
