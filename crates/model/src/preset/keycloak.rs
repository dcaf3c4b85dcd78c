//! Keycloak: a client to import.

use super::instructions::{Block, HIDDEN, Instructions, Setup, one_of, quoted};
use crate::provider::{backchannel_logout_url, signed_out_url};
use crate::rule::MAILCOW_CLAIM;
use secrecy::ExposeSecret as _;

pub(super) fn instructions(setup: &Setup<'_>) -> Instructions {
    let mut made = setup.blank();
    made.secret_hidden = setup.secret.is_none();
    made.steps = vec![
        "Save this as gatepost.json.".to_owned(),
        format!(
            "In Keycloak's admin console ({}/admin/) choose the realm, open Clients and press \
             Import client.",
            setup.host()
        ),
        "Choose the file and save.".to_owned(),
        format!(
            "Give people the attribute {MAILCOW_CLAIM}: {}.",
            one_of(&setup.values())
        ),
    ];
    made.block = Some(Block {
        title: "gatepost.json".to_owned(),
        language: "json".to_owned(),
        text: block(setup),
    });
    made
}

fn block(setup: &Setup<'_>) -> String {
    let secret = setup
        .secret
        .map_or(HIDDEN, |secret| secret.plain.expose_secret());
    format!(
        r#"{{
  "clientId": {client_id},
  "name": "Gatepost",
  "baseUrl": {base},
  "protocol": "openid-connect",
  "publicClient": false,
  "clientAuthenticatorType": "client-secret",
  "secret": {secret},
  "redirectUris": [{redirect}],
  "standardFlowEnabled": true,
  "implicitFlowEnabled": false,
  "directAccessGrantsEnabled": false,
  "serviceAccountsEnabled": false,
  "attributes": {{
    "pkce.code.challenge.method": "S256",
    "backchannel.logout.url": {logout},
    "backchannel.logout.session.required": "true",
    "post.logout.redirect.uris": {signed_out}
  }},
  "protocolMappers": [
    {{
      "name": "groups",
      "protocol": "openid-connect",
      "protocolMapper": "oidc-group-membership-mapper",
      "config": {{
        "claim.name": "groups",
        "full.path": "false",
        "id.token.claim": "true",
        "access.token.claim": "false",
        "userinfo.token.claim": "true"
      }}
    }},
    {{
      "name": "{MAILCOW_CLAIM}",
      "protocol": "openid-connect",
      "protocolMapper": "oidc-usermodel-attribute-mapper",
      "config": {{
        "user.attribute": "{MAILCOW_CLAIM}",
        "claim.name": "{MAILCOW_CLAIM}",
        "jsonType.label": "String",
        "id.token.claim": "true",
        "access.token.claim": "false",
        "userinfo.token.claim": "true"
      }}
    }}
  ]
}}
"#,
        client_id = quoted(&setup.settings.client_id),
        base = quoted(setup.public_url),
        secret = quoted(secret),
        redirect = quoted(setup.redirect_url),
        logout = quoted(&backchannel_logout_url(setup.public_url, setup.slug)),
        signed_out = quoted(&signed_out_url(setup.public_url, setup.slug)),
    )
}
