//! `docs/reference/codes.md` is written from the catalogue. After changing a code run this test with
//! `UPDATE_REFERENCE=1` and commit the page.

use model::outcome::{Code, Fix};
use std::fmt::Write as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/codes.md");

const HEAD: &str = "# Outcome codes

Every refused sign-in, on the web or by a mail program, ends in one of these codes. The person reads
the second column; the administrator finds the third in the attempt, on the page \"Why can't they sign
in?\" and in `gatepost why ADDRESS`. `{…}` stands for a live value. Numbers are never used again.

SSO-403 to SSO-407 end in \"Your helpdesk has been told.\" where a mail to the domain's postmaster was left
in the outbox ([how such mail comes](../guides/helpdesk.md)).

| Code | The person reads | The administrator reads | Mended at |
|---|---|---|---|
";

fn place(fix: Fix) -> &'static str {
    match fix {
        Fix::Provider => "the provider",
        Fix::ProviderCheck => "the provider's connection check",
        Fix::Rules => "the provider's rules",
        Fix::Domain => "the mail domain",
        Fix::AddDomain => "a new mail domain",
        Fix::Mailbox => "the mailbox",
        Fix::AddMailbox => "a new mailbox",
        Fix::Alias => "the alias",
        Fix::Block => "the list of blocked people",
        Fix::App => "the app",
        Fix::Person => "the person's own pages",
        Fix::Server => "the server",
    }
}

#[test]
fn the_page_of_codes_is_the_catalogue() {
    let mut page = HEAD.to_owned();
    for code in Code::ALL {
        let entry = code.entry();
        let (person, admin) = (entry.person, entry.admin);
        writeln!(
            page,
            "| {} | {person} | {admin} | {} |",
            entry.id,
            place(entry.fix)
        )
        .unwrap();
    }
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap();
    assert!(
        written == page,
        "docs/reference/codes.md is out of date: see the top of this test"
    );
}
