//! Providers as text.

use app::test_provider::{CheckLine, CheckState};
use model::outcome::Code;
use model::preset::Instructions;
use model::provider::{ClientAuth, EmailTrust, ResponseMode};

use crate::administration::providers::{ProviderDocument, ProviderList, TlsDocument};
use crate::commands::output::{details, on_off, table, when, yes_no};

/// What to do at a provider's side.
pub(super) fn instructions(made: Instructions) -> String {
    let mut text = format!("What to do in {}:\n", made.name);
    for (n, step) in made.steps.iter().enumerate() {
        text.push_str(&format!("{}. {step}\n", n + 1));
    }
    if let Some(block) = &made.block {
        text.push_str(&format!("\n{}:\n\n{}", block.title, block.text));
    }
    text.push('\n');
    let widest = made.values.iter().map(|value| value.field.len()).max();
    let widest = widest.unwrap_or_default() + 2;
    for value in &made.values {
        text.push_str(&format!("{:widest$}{}\n", value.field, value.value));
    }
    if made.secret_hidden && made.preset.makes_client_here() {
        text.push_str(
            "\nThe client secret is left out; --new-secret makes another and prints it.\n",
        );
    }
    text.push('\n');
    for remark in &made.remarks {
        text.push_str(&format!("- {remark}\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

pub(super) fn one(mut provider: ProviderDocument) -> String {
    let there = provider.instructions.take().map(instructions);
    let known = facts(provider);
    match there {
        Some(there) => format!("{known}\n\n{there}"),
        None => known,
    }
}

fn facts(provider: ProviderDocument) -> String {
    let rules: Vec<_> = provider
        .rules
        .iter()
        .map(|rule| {
            let template = rule.template.as_deref().unwrap_or("a deleted template");
            format!(
                "{}. {} {}: {template}",
                rule.number,
                rule.claim,
                rule.test.words()
            )
        })
        .collect();
    let secret = provider.secret_set.map(|set| {
        let ends = provider.secret_ends.map(|ends| format!(", ends {ends}"));
        format!("set {}{}", when(&set), ends.unwrap_or_default())
    });
    let checks = match &provider.checks_stopped {
        Some(since) => format!(
            "STOPPED since {}: too many people gone at once",
            when(since)
        ),
        None => yes_no(provider.background_checks).to_owned(),
    };
    details(&[
        ("Provider", provider.name),
        ("Slug", provider.slug),
        ("Kind", provider.preset.facts().name.to_owned()),
        ("Switched", on_off(provider.active).to_owned()),
        ("Redirect URL", provider.redirect_url),
        ("Issuer", provider.issuer.unwrap_or_default()),
        ("Authorization", provider.authorize_url.unwrap_or_default()),
        ("Token", provider.token_url.unwrap_or_default()),
        ("Userinfo", provider.userinfo_url.unwrap_or_default()),
        ("Client id", provider.client_id),
        ("Client secret", secret.unwrap_or_else(|| "none".to_owned())),
        ("Authenticates", auth(provider.client_auth).to_owned()),
        ("Answers", answers(provider.response_mode).to_owned()),
        ("Scopes", provider.scopes),
        ("Address claim", provider.address_claim),
        ("Subject claim", provider.subject_claim.unwrap_or_default()),
        ("email_verified", trust(provider.email_trust).to_owned()),
        ("Signs in", or_nobody(&provider.domains)),
        ("Creates mailboxes", yes_no(provider.create).to_owned()),
        ("Rules", rules.join("\n")),
        (
            "Everyone else",
            provider
                .everyone_else
                .unwrap_or_else(|| "is refused".to_owned()),
        ),
        ("Certificate", tls(&provider.tls)),
        ("Private hosts", provider.private_hosts.join(", ")),
        (
            "Signs out there",
            yes_no(provider.sign_out_there).to_owned(),
        ),
        ("Background checks", checks),
        (
            "Logout means gone",
            yes_no(provider.logout_means_gone).to_owned(),
        ),
        ("Namespace", provider.namespace),
        ("Added", when(&provider.created)),
        ("Changed", when(&provider.modified)),
    ])
}

pub(super) fn list(list: ProviderList) -> String {
    let row = |provider: ProviderDocument| {
        let place = provider.issuer.or(provider.authorize_url);
        [
            provider.slug,
            provider.name,
            on_off(provider.active).to_owned(),
            or_nobody(&provider.domains),
            place.unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = list.providers.into_iter().map(row).collect();
    table(["SLUG", "NAME", "SWITCHED", "SIGNS IN", "AT"], &rows)
}

/// A line of the connection test of the provider `slug`, with what to do under it.
pub(super) fn check(slug: &str, line: &CheckLine) -> String {
    let state = match line.state {
        CheckState::Ok => "ok",
        CheckState::Warn => "warn",
        CheckState::Failed => "failed",
        CheckState::Skipped => "skipped",
    };
    let code = line
        .code
        .map(|code| format!("[{code}] "))
        .unwrap_or_default();
    let mut text = format!("{state:8} {}: {code}{}", line.name, line.evidence);
    if !line.fix.is_empty() {
        text.push_str(&format!("\n         fix: {}", line.fix));
    }
    if line.code == Some(Code::InternalAddress) {
        let command = format!("gatepost provider allow-host {slug} HOST");
        text.push_str(&format!("\n         help: {command}"));
    }
    text
}

fn or_nobody(domains: &[String]) -> String {
    if domains.is_empty() {
        "nobody yet".to_owned()
    } else {
        domains.join(", ")
    }
}

const fn auth(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::Auto => "automatically",
        ClientAuth::Basic => "by Basic",
        ClientAuth::Body => "in the body",
    }
}

const fn answers(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Auto => "in the query, or as a form if it must",
        ResponseMode::Query => "in the query",
        ResponseMode::FormPost => "as a form",
    }
}

const fn trust(trust: EmailTrust) -> &'static str {
    match trust {
        EmailTrust::RequireTrue => "must be true",
        EmailTrust::AcceptAbsent => "must be true or absent",
        EmailTrust::Believe => "does not matter",
    }
}

fn tls(trust: &TlsDocument) -> String {
    match trust {
        TlsDocument::Public => "public authorities".to_owned(),
        TlsDocument::Ca { .. } => "public authorities and a CA of its own".to_owned(),
        TlsDocument::Pinned { sha256 } => format!("exactly {sha256}"),
        TlsDocument::Ignore { until: None } => "ERRORS ARE IGNORED, without end".to_owned(),
        TlsDocument::Ignore { until: Some(end) } => {
            format!("ERRORS ARE IGNORED until {}", when(end))
        }
    }
}
