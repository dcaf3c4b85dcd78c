//! `docs/guides/providers/NAME.md` are written from the presets, by the same code that fills the
//! page of a provider. After changing a preset run this test with `UPDATE_REFERENCE=1` and commit
//! the pages.

#![expect(clippy::unwrap_used, reason = "tests")]

use model::ids::TemplateId;
use model::preset::{Instructions, Preset, Setup, Shown, instructions};
use model::provider::{ClientAuth, EmailTrust, Endpoints, ProviderSettings};
use model::rule::{MAILCOW_CLAIM, Rule};
use secrecy::SecretString;
use std::fmt::Write as _;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/providers");

fn settings(preset: Preset) -> ProviderSettings {
    let facts = preset.facts();
    let mut settings = preset.settings();
    if settings.client_id.is_empty() {
        "gatepost".clone_into(&mut settings.client_id);
    }
    if settings.name.is_empty() {
        "Example SSO".clone_into(&mut settings.name);
    }
    if let Endpoints::Issuer { issuer } = &mut settings.endpoints {
        facts.issuer_example.clone_into(issuer);
    }
    settings
}

fn slug(preset: Preset) -> &'static str {
    match preset.facts().slug {
        "" => "example-sso",
        slug => slug,
    }
}

fn made(preset: Preset, settings: &ProviderSettings, secret: Option<Shown<'_>>) -> Instructions {
    let slug = slug(preset);
    instructions(&Setup {
        slug,
        settings,
        public_url: "https://mail.example.org",
        redirect_url: &settings.redirect.url("https://mail.example.org", slug),
        templates: &["Staff".to_owned(), "Students".to_owned()],
        secret,
    })
}

fn guide(preset: Preset) -> String {
    let facts = preset.facts();
    let settings = settings(preset);
    let made = made(preset, &settings, None);
    let mut page = format!("# {}\n\n", facts.name);
    page.push_str(
        "Values of `example.org` stand where your page of the provider shows yours. Add it under\n\
         *Providers*, *Add provider*, or with:\n\n```sh\n",
    );
    writeln!(page, "{}\n```\n", command(preset, &settings)).unwrap();
    page.push_str("## In Gatepost\n\n| Field | Value |\n|---|---|\n");
    let mut row = |field: &str, value: String| {
        if !value.is_empty() {
            writeln!(page, "| {field} | {value} |").unwrap();
        }
    };
    if !facts.issuer_example.is_empty() {
        let words = format!("`{}`. {}", facts.issuer_example, facts.issuer_help);
        row("Issuer", words);
    }
    row(
        "Client id and secret",
        if preset.makes_client_here() {
            "Leave them empty: they are made, and stand in the block once".to_owned()
        } else {
            "As the other side gives them".to_owned()
        },
    );
    row("Scopes", format!("`{}`", facts.scopes));
    let auth = match facts.client_auth {
        ClientAuth::Auto => "Automatic",
        ClientAuth::Basic => "Basic",
        ClientAuth::Body => "In the body",
    };
    row("How we prove to be the client", auth.to_owned());
    let trust = match facts.email_trust {
        EmailTrust::RequireTrue => "Must say that it is verified",
        EmailTrust::AcceptAbsent => "May say nothing about it",
        EmailTrust::Believe => "Every address it sends is believed",
    };
    let trust = format!("{trust}. {}", facts.trust_reason);
    row("The provider's word about an address", trust);
    let claim = facts
        .template_claim
        .map(|claim| format!("`{claim}`. "))
        .unwrap_or_default();
    row("Template", format!("{claim}{}", facts.template_how));

    writeln!(page, "\n## There\n").unwrap();
    for (n, step) in made.steps.iter().enumerate() {
        writeln!(page, "{}. {step}", n + 1).unwrap();
    }
    if let Some(block) = &made.block {
        writeln!(page, "\n```{}\n{}```", block.language, block.text).unwrap();
    }
    page.push_str("\n| There | Value |\n|---|---|\n");
    for value in &made.values {
        writeln!(page, "| {} | `{}` |", value.field, value.value).unwrap();
    }
    page.push_str("\n## Worth knowing\n\n");
    for remark in &made.remarks {
        writeln!(page, "- {remark}").unwrap();
    }
    page.push_str(NEXT);
    page
}

const NEXT: &str = "
Then: [check the connection](../check-the-connection.md), [test a sign-in](../test-a-sign-in.md),
[say who gets which template](../rules.md), and choose
[what ends when somebody leaves](../../concepts/who-has-left.md).
";

/// What adds such a provider at the command line, with a first rule; the page writes rules ahead.
fn command(preset: Preset, settings: &ProviderSettings) -> String {
    let name = if settings.name.contains(' ') {
        format!("\"{}\"", settings.name)
    } else {
        settings.name.clone()
    };
    let mut command = format!(
        "gatepost provider add {name} --preset {} --domain example.org",
        preset.key()
    );
    let slug = slug(preset);
    if settings.name.to_lowercase().replace(' ', "-") != slug {
        write!(command, " --slug {slug}").unwrap();
    }
    match &settings.endpoints {
        // One that is the same for everybody is known already.
        Endpoints::Issuer { issuer } if preset.settings().endpoints != settings.endpoints => {
            write!(command, " \\\n    --issuer {issuer}").unwrap();
        }
        Endpoints::Issuer { .. } => {}
        Endpoints::Manual { .. } => {
            command.push_str(" \\\n    --authorize-url URL --token-url URL --userinfo-url URL");
        }
    }
    if !preset.makes_client_here() {
        command.push_str(" \\\n    --client-id ID --secret-stdin < secret.txt");
    }
    let rule = match preset.facts().template_claim {
        Some(MAILCOW_CLAIM) => format!("add {slug} --value Staff --template Staff"),
        Some(claim) => format!("add {slug} --claim {claim} --value Staff --template Staff"),
        None => format!("everyone-else {slug} --template Staff"),
    };
    write!(command, "\ngatepost rule {rule}").unwrap();
    command
}

#[test]
fn the_guides_are_the_presets() {
    for preset in Preset::ALL {
        let path = format!("{FOLDER}/{}.md", preset.key());
        let page = guide(preset);
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::create_dir_all(FOLDER).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "{path} is out of date: see the top of this test"
        );
    }
}

#[test]
fn every_block_holds_the_live_values() {
    let plain = SecretString::from("a-new-secret");
    let secret = Shown {
        plain: &plain,
        authelia_digest: "$pbkdf2-sha512$310000$SALT$DIGEST",
    };
    for preset in Preset::ALL {
        let mut settings = settings(preset);
        if let Some(claim) = preset.facts().template_claim {
            let rule = |value| Rule {
                claim: claim.to_owned(),
                ..Rule::mailcow(value, TemplateId(1))
            };
            settings.rules = vec![rule("staff"), rule("it's \"new\"")];
        }
        let made = made(preset, &settings, Some(secret));
        assert!(!made.secret_hidden);
        let redirect = format!("https://mail.example.org/sso/{}/callback", slug(preset));
        assert_eq!(made.values[0].value, redirect);
        assert!(!format!("{made:?}").contains("a-new-secret"));
        let text = made.block.map(|block| block.text).unwrap_or_default();
        let steps = made.steps.join("\n");
        insta::assert_snapshot!(preset.key(), format!("{steps}\n---\n{text}"));
    }
}
