//! What an app's settings must be like. Every rule that is broken is told, each at its field.

use crate::oauth::names::sector;
use crate::{FieldProblem, Problem};
use model::foreign::is_plain;
use model::oauth_app::{AppAccess, AppKind, AppSettings, Consent, PkceRule, SubjectKind};
use model::tag::Tag;
use oidc::op::redirect::{RedirectKind, RegisteredRedirect};
use std::collections::BTreeSet;
use store::Conn;
use upstream::http::certificate::Certificates;

/// Redirects of one app at most, of either kind.
pub const MOST_REDIRECTS: usize = 50;

const NAME_CHARS: usize = 64;
const CLIENT_ID_CHARS: usize = 128;

#[derive(Default)]
struct Wrong(Vec<FieldProblem>);

impl Wrong {
    fn at(&mut self, field: &str, message: impl std::fmt::Display) {
        self.0.push(FieldProblem {
            field: field.to_owned(),
            message: message.to_string(),
        });
    }

    fn result<T>(self, right: T) -> Result<T, Problem> {
        if self.0.is_empty() {
            Ok(right)
        } else {
            Err(Problem::Invalid(self.0))
        }
    }
}

/// A client id that an administrator gave. Characters that need no encoding anywhere, and never one
/// that looks like the small id of another app.
pub(super) fn client_id(text: &str) -> Result<(), Problem> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !(3..=CLIENT_ID_CHARS).contains(&text.len()) || !text.bytes().all(allowed) {
        let words = format!("3 to {CLIENT_ID_CHARS} letters, digits and -._~");
        return Err(Problem::field("client_id", words));
    }
    if text.len() < 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::field("client_id", "not digits alone"));
    }
    Ok(())
}

/// The settings in the form in which they are kept, if all of them are right by themselves.
pub(super) fn settings(mut settings: AppSettings) -> Result<AppSettings, Problem> {
    let mut wrong = Wrong::default();
    settings.name = settings.name.trim().to_owned();
    let name = &settings.name;
    if !(1..=NAME_CHARS).contains(&name.chars().count()) || !is_plain(name) {
        wrong.at(
            "name",
            format!("name the app in 1 to {NAME_CHARS} characters"),
        );
    }
    let none = settings.redirects.is_empty();
    let redirects = registered("redirects", &mut settings.redirects, &mut wrong);
    if none && !settings.devices {
        wrong.at(
            "redirects",
            "add at least one address that people are sent back to, or let it show codes on devices",
        );
    }
    let sign_out = &mut settings.sign_out_redirects;
    registered("sign_out_redirects", sign_out, &mut wrong);
    back_channel(&mut settings.back_channel, &mut wrong);
    settings.back_channel_private &= settings.back_channel.is_some();
    back_channel_ca(&mut settings, &mut wrong);
    if settings.kind == AppKind::Public {
        if settings.mailcow {
            wrong.at("mailcow", "mailcow's way is for apps with a secret");
        }
        if settings.pkce != PkceRule::Required {
            wrong.at("pkce", "an app without a secret always needs PKCE");
        }
        if settings.consent == Consent::Trusted {
            wrong.at("consent", "an app without a secret always asks");
        }
    }
    let https_only = redirects
        .iter()
        .all(|one| one.kind() == RedirectKind::Https);
    if settings.consent == Consent::Trusted && !https_only {
        wrong.at(
            "consent",
            "an app that people are sent back to on their own devices always asks; trust counts \
             where every redirect is https:",
        );
    }
    if settings.subject == SubjectKind::Pairwise {
        let hosts: BTreeSet<_> = redirects.iter().map(|one| sector(one.as_str())).collect();
        if hosts.len() != 1 {
            wrong.at(
                "subject",
                "a subject of its own is made of the redirect's host: all redirects need the same \
                 one",
            );
        }
    }
    if let Some(straight) = settings.straight_to
        && settings.never_through.contains(&straight)
    {
        wrong.at(
            "straight_to",
            "nobody may sign in to this app through this provider",
        );
    }
    access(&mut settings.access, &mut wrong);
    wrong.result(settings)
}

/// What never changes once an app is there.
pub(super) fn change(before: &AppSettings, after: &AppSettings) -> Result<(), Problem> {
    if before.kind == after.kind {
        return Ok(());
    }
    Err(Problem::field(
        "kind",
        "whether an app can keep a secret does not change; add another app",
    ))
}

/// Whether what the settings name is there.
pub(super) async fn references(tx: &mut Conn, settings: &AppSettings) -> Result<(), Problem> {
    let mut wrong = Wrong::default();
    if let Some(id) = settings.straight_to
        && store::providers::by_id(tx, id).await?.is_none()
    {
        wrong.at("straight_to", "there is no such provider");
    }
    for id in &settings.never_through {
        if store::providers::by_id(tx, *id).await?.is_none() {
            wrong.at("never_through", "there is no such provider");
        }
    }
    if let AppAccess::Only { domains, .. } = &settings.access {
        for id in domains {
            if store::domains::by_id(tx, *id).await?.is_none() {
                wrong.at("access", format!("there is no domain with the id {id}"));
            }
        }
    }
    wrong.result(())
}

/// Redirects that can be registered; those typed twice are kept once.
fn registered(field: &str, texts: &mut Vec<String>, wrong: &mut Wrong) -> Vec<RegisteredRedirect> {
    let mut kept = Vec::new();
    for text in texts.iter() {
        match RegisteredRedirect::parse(text) {
            Ok(one) if kept.contains(&one) => {}
            Ok(one) => kept.push(one),
            Err(error) => wrong.at(field, format!("{text}: {error}")),
        }
    }
    if kept.len() > MOST_REDIRECTS {
        wrong.at(field, format!("{MOST_REDIRECTS} at most"));
    }
    *texts = kept.iter().map(|one| one.as_str().to_owned()).collect();
    kept
}

/// Its own server is told, so it is a place on the web.
fn back_channel(url: &mut Option<String>, wrong: &mut Wrong) {
    let Some(text) = url.take().map(|text| text.trim().to_owned()) else {
        return;
    };
    if text.is_empty() {
        return;
    }
    match RegisteredRedirect::parse(&text) {
        Ok(place) if place.kind() == RedirectKind::PrivateUse => {
            wrong.at(
                "back_channel",
                "begins neither with https:// nor, on this machine, with http://",
            );
        }
        Ok(_) => *url = Some(text),
        Err(error) => wrong.at("back_channel", error),
    }
}

/// The same text from a browser's form as from a file; none without the place that it is for.
fn back_channel_ca(settings: &mut AppSettings, wrong: &mut Wrong) {
    let text = settings.back_channel_ca.take().unwrap_or_default();
    let pem = text.trim().replace("\r\n", "\n");
    if pem.is_empty() {
        return;
    }
    if let Err(error) = Certificates::parse(&pem) {
        wrong.at("back_channel_ca", error);
    } else if settings.back_channel.is_some() {
        settings.back_channel_ca = Some(pem);
    }
}

fn access(access: &mut AppAccess, wrong: &mut Wrong) {
    let AppAccess::Only { domains, tags } = access else {
        return;
    };
    let mut typed_any = false;
    for text in std::mem::take(tags) {
        if text.trim().is_empty() {
            continue;
        }
        typed_any = true;
        match Tag::parse(&text) {
            Ok(tag) => _ = tags.insert(tag.as_str().to_owned()),
            Err(error) => wrong.at("access", format!("{text}: {error}")),
        }
    }
    if domains.is_empty() && !typed_any {
        wrong.at("access", "choose at least one domain or tag, or everybody");
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
