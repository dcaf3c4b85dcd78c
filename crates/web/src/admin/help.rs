//! What each code means, for anybody.

use crate::error::Failure;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use askama::Template;
use axum::extract::Path;
use model::outcome::{Code, Entry, Fix};

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().get(Policy::Public, "/help/codes", index).get(
        Policy::Public,
        "/help/codes/{name}",
        show,
    )
}

#[derive(Template)]
#[template(path = "admin/help_codes.html")]
struct IndexPage {
    shell: PublicShell,
    entries: Vec<&'static Entry>,
}

async fn index(frame: Frame) -> Page<IndexPage> {
    Page(IndexPage {
        shell: PublicShell::wide(frame),
        entries: Code::ALL.iter().map(|code| code.entry()).collect(),
    })
}

#[derive(Template)]
#[template(path = "admin/help_code.html")]
struct CodePage {
    shell: PublicShell,
    id: &'static str,
    title: String,
    person: String,
    admin: String,
    place: &'static str,
    retry: bool,
}

async fn show(frame: Frame, Path(name): Path<String>) -> Result<Page<CodePage>, Failure> {
    let code: Code = name
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Failure::not_found())?;
    let entry = code.entry();
    Ok(Page(CodePage {
        shell: PublicShell::wide(frame),
        id: entry.id,
        title: worded(entry.title),
        person: worded(entry.person),
        admin: worded(entry.admin),
        place: place(entry.fix),
        retry: entry.retry,
    }))
}

/// The words of a code with each live value as a word in capitals.
fn worded(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            '_' if inside => words.push(' '),
            c if inside => words.extend(c.to_uppercase()),
            c => words.push(c),
        }
    }
    words
}

const fn place(fix: Fix) -> &'static str {
    match fix {
        Fix::Provider => "In the provider's settings.",
        Fix::ProviderCheck => "At the provider: “Check connection” shows which step fails.",
        Fix::Rules => "In the provider's rules.",
        Fix::Domain => "In the mail domain's settings.",
        Fix::AddDomain => "By adding the mail domain.",
        Fix::Mailbox => "On the mailbox's page.",
        Fix::AddMailbox => "By adding the mailbox by hand.",
        Fix::Alias => "On the alias's page.",
        Fix::Block => "In the list of blocked people.",
        Fix::App => "On the app's page.",
        Fix::Person => "By the person.",
        Fix::Server => "On the server itself: its clock, disk or logs.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_values_read_as_words() {
        assert_eq!(worded("{have} of {most_of} at x"), "HAVE of MOST OF at x");
        for code in Code::ALL {
            let entry = code.entry();
            for text in [entry.title, entry.person, entry.admin] {
                assert!(!worded(text).contains(['{', '}']), "{code}");
            }
        }
    }
}
