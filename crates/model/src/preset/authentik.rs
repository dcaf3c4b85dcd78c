//! authentik: a blueprint that makes provider, application and scope mapping.

use super::instructions::{Block, HIDDEN, Instructions, Setup, one_of, quoted, yaml};
use crate::rule::MAILCOW_CLAIM;
use secrecy::ExposeSecret as _;
use std::fmt::Write as _;

/// authentik's own mappings, by the names it manages them under.
const OWN_SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "entitlements"];

/// In place of authentik's own, which says `email_verified: false` since 2025.10.
const EMAIL_MAPPING: &str = "  - model: authentik_providers_oauth2.scopemapping
    id: email
    identifiers:
      name: 'Gatepost: email'
    attrs:
      scope_name: email
      description: The e-mail address
      # Vouches for addresses: only while people cannot change their own.
      expression: |
        return {\"email\": request.user.email, \"email_verified\": True}
";

pub(super) fn instructions(setup: &Setup<'_>) -> Instructions {
    let mut made = setup.blank();
    made.secret_hidden = setup.secret.is_none();
    made.steps = vec![
        format!(
            "In authentik's admin interface ({}/if/admin/) open Customization, Blueprints, press \
             Create, choose Internal and paste this.",
            setup.host()
        ),
        format!(
            "Open Applications, {}, and bind the groups that may sign in.",
            setup.settings.name
        ),
    ];
    if wants_template(setup) {
        made.steps.push(format!(
            "Give people or their groups the attribute {MAILCOW_CLAIM}: {}.",
            one_of(&setup.values())
        ));
    }
    made.block = Some(Block {
        title: "Blueprint".to_owned(),
        language: "yaml".to_owned(),
        text: block(setup),
    });
    made
}

fn wants_template(setup: &Setup<'_>) -> bool {
    setup.scopes().any(|scope| scope == MAILCOW_CLAIM)
}

fn block(setup: &Setup<'_>) -> String {
    let secret = setup
        .secret
        .map_or(HIDDEN, |secret| secret.plain.expose_secret());
    let name = yaml(&setup.settings.name);
    let provider = yaml(&format!("{} (Gatepost)", setup.settings.name));
    let template = wants_template(setup);
    let email = setup.scopes().any(|scope| scope == "email");
    let mut text = String::from("version: 1\nmetadata:\n  name: Gatepost\nentries:\n");
    if email {
        text.push_str(EMAIL_MAPPING);
    }
    if template {
        let _ = write!(
            text,
            "  - model: authentik_providers_oauth2.scopemapping
    id: template
    identifiers:
      name: {}
    attrs:
      scope_name: {MAILCOW_CLAIM}
      description: The mailbox template
      expression: |
        value = request.user.group_attributes(request).get({claim})
        return {{{claim}: value}} if value else {{}}
",
            yaml("Gatepost: mailcow_template"),
            claim = quoted(MAILCOW_CLAIM),
        );
    }
    let _ = write!(
        text,
        "  - model: authentik_providers_oauth2.oauth2provider
    id: provider
    identifiers:
      name: {provider}
    attrs:
      authorization_flow: !Find [authentik_flows.flow, [slug, default-provider-authorization-implicit-consent]]
      invalidation_flow: !Find [authentik_flows.flow, [slug, default-provider-invalidation-flow]]
      signing_key: !Find [authentik_crypto.certificatekeypair, [name, authentik Self-signed Certificate]]
      client_type: confidential
      client_id: {}
      client_secret: {}
      issuer_mode: per_provider
      include_claims_in_id_token: true
      redirect_uris:
        - matching_mode: strict
          url: {}
      property_mappings:
",
        yaml(&setup.settings.client_id),
        yaml(secret),
        yaml(setup.redirect_url),
    );
    for scope in setup.scopes().filter(|scope| OWN_SCOPES.contains(scope)) {
        let _ = writeln!(
            text,
            "        - !Find [authentik_providers_oauth2.scopemapping, [managed, goauthentik.io/providers/oauth2/scope-{scope}]]"
        );
    }
    if email {
        text.push_str("        - !KeyOf email\n");
    }
    if template {
        text.push_str("        - !KeyOf template\n");
    }
    let _ = write!(
        text,
        "  - model: authentik_core.application
    identifiers:
      slug: {}
    attrs:
      name: {name}
      provider: !KeyOf provider
      meta_launch_url: {}
",
        yaml(&application_slug(setup)),
        yaml(setup.public_url),
    );
    text
}

/// The slug within the issuer, so that both sides name the same application.
fn application_slug(setup: &Setup<'_>) -> String {
    let crate::provider::Endpoints::Issuer { issuer } = &setup.settings.endpoints else {
        return setup.slug.to_owned();
    };
    let named = issuer
        .split_once("/application/o/")
        .map(|(_, rest)| rest.trim_end_matches('/'));
    named
        .filter(|named| !named.is_empty())
        .unwrap_or(setup.slug)
        .to_owned()
}
