//! The others: short lists of what to enter where.

use super::Preset;
use super::instructions::{Block, Instructions, Setup, Value, one_of};
use crate::rule::MAILCOW_CLAIM;

pub(super) fn instructions(setup: &Setup<'_>) -> Instructions {
    let mut made = setup.blank();
    let values = one_of(&setup.values());
    let steps: Vec<String> = match setup.settings.preset {
        Preset::Kanidm => {
            made.block = Some(Block {
                title: "kanidm".to_owned(),
                language: "sh".to_owned(),
                text: kanidm(setup),
            });
            vec![
                "Run these lines as an administrator of Kanidm. GROUP is the group whose people may \
                 sign in."
                    .to_owned(),
                "Enter what the last line prints as the client secret here.".to_owned(),
            ]
        }
        Preset::Google => vec![
            "In the Google Cloud console open APIs & Services, Credentials, and create an OAuth \
             client ID of the type Web application."
                .to_owned(),
            "Make the consent screen Internal, so that only people of your Workspace get in."
                .to_owned(),
            "Enter what stands below, and bring client id and secret back here.".to_owned(),
        ],
        Preset::Entra => vec![
            "In the Entra admin centre open App registrations and press New registration; accounts \
             of this directory only."
                .to_owned(),
            "Under Certificates & secrets make a client secret; bring its value and the \
             Application (client) ID back here."
                .to_owned(),
            "Under Token configuration add the optional claim email to the ID token.".to_owned(),
            format!("For templates add app roles with these values and assign them: {values}."),
        ],
        Preset::Zitadel => vec![
            "In a project of Zitadel's console add an application of the type Web, with CODE and \
             Basic."
                .to_owned(),
            "Enter what stands below, and bring client id and secret back here.".to_owned(),
        ],
        Preset::Rauthy => vec![
            "In Rauthy's admin pages add a confidential client; allow the authorization code flow \
             and S256."
                .to_owned(),
            "Enter what stands below, and bring client id and secret back here.".to_owned(),
            format!("For templates give people the attribute {MAILCOW_CLAIM}: {values}."),
        ],
        Preset::PocketId => vec![
            "In Pocket ID's settings add an OIDC client.".to_owned(),
            "Enter what stands below, and bring client id and secret back here.".to_owned(),
            format!(
                "For templates give people or groups the custom claim {MAILCOW_CLAIM}: {values}."
            ),
        ],
        _ => vec![
            "Add a confidential client for the authorization code flow, with PKCE (S256) if there \
             is a choice."
                .to_owned(),
            "Enter what stands below, and bring client id and secret back here.".to_owned(),
            format!(
                "For templates let it send the claim {MAILCOW_CLAIM} with one of these values: \
                 {values}."
            ),
        ],
    };
    made.steps = steps;
    made.values = vec![Value {
        field: "Home page".to_owned(),
        value: setup.public_url.to_owned(),
    }];
    // The named ones know no such field; a tile of theirs leads to `/sso/SLUG/start`.
    if setup.settings.preset == Preset::Issuer {
        made.values.push(Value {
            field: "Initiate login URI".to_owned(),
            value: format!("{}/sso/{}/initiate", setup.public_url, setup.slug),
        });
    }
    made
}

fn kanidm(setup: &Setup<'_>) -> String {
    let client = shell(&setup.settings.client_id);
    let scopes: Vec<_> = setup.scopes().map(shell).collect();
    let mut lines = vec![
        format!(
            "kanidm system oauth2 create {client} Gatepost {}",
            shell(setup.public_url)
        ),
        format!(
            "kanidm system oauth2 add-redirect-url {client} {}",
            shell(setup.redirect_url)
        ),
        format!(
            "kanidm system oauth2 update-scope-map {client} GROUP {}",
            scopes.join(" ")
        ),
    ];
    lines.extend(setup.values().iter().map(|value| {
        let value = shell(value);
        format!("kanidm system oauth2 update-claim-map {client} {MAILCOW_CLAIM} {value} {value}")
    }));
    lines.push(format!("kanidm system oauth2 show-basic-secret {client}"));
    lines.join("\n") + "\n"
}

/// A text as one word of a shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
