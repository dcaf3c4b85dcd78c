//! Authelia: an entry for `configuration.yml`.

use super::instructions::{Block, Instructions, Setup, quoted, yaml};
use crate::rule::MAILCOW_CLAIM;
use std::fmt::Write as _;

/// Stands where the digest would.
const HIDDEN_DIGEST: &str = "$pbkdf2-sha512$310000$THE-DIGEST-OF-THE-CLIENT-SECRET";

pub(super) fn instructions(setup: &Setup<'_>) -> Instructions {
    let mut made = setup.blank();
    made.secret_hidden = setup.secret.is_none();
    made.steps = vec![
        "Put this into Authelia's configuration.yml, beside what stands under the same headings \
         already."
            .to_owned(),
    ];
    if wants_template(setup) {
        made.steps.push(
            "It gives people of a group the template named like it; change the names of the groups \
             in the expression if yours differ."
                .to_owned(),
        );
    }
    made.steps
        .push("Restart Authelia, then check the connection here.".to_owned());
    made.block = Some(Block {
        title: "configuration.yml".to_owned(),
        language: "yaml".to_owned(),
        text: block(setup),
    });
    made
}

fn wants_template(setup: &Setup<'_>) -> bool {
    setup.scopes().any(|scope| scope == MAILCOW_CLAIM)
}

fn block(setup: &Setup<'_>) -> String {
    let digest = setup
        .secret
        .map_or(HIDDEN_DIGEST, |secret| secret.authelia_digest);
    let template = wants_template(setup);
    let mut text = String::new();
    if template {
        text.push_str(&definitions(&setup.values()));
    }
    text.push_str("identity_providers:\n  oidc:\n");
    if template {
        text.push_str(POLICY);
    }
    let method = match setup.settings.client_auth {
        crate::provider::ClientAuth::Body => "client_secret_post",
        _ => "client_secret_basic",
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "    clients:
      - client_id: {}
        client_name: 'Gatepost'
        client_secret: '{digest}'
        public: false
        authorization_policy: 'two_factor'
        require_pkce: true
        pkce_challenge_method: 'S256'
        redirect_uris:
          - {}
        scopes:
",
        yaml(&setup.settings.client_id),
        yaml(setup.redirect_url),
    );
    for scope in setup.scopes() {
        let _ = writeln!(text, "          - {}", yaml(scope));
    }
    if template {
        text.push_str("        claims_policy: 'gatepost'\n");
    }
    let _ = write!(
        text,
        "        userinfo_signed_response_alg: 'none'\n        token_endpoint_auth_method: '{method}'\n"
    );
    text
}

/// The attribute, as an expression over a person's groups: the first that fits names the template.
fn definitions(values: &[String]) -> String {
    let expression = values.iter().rev().fold(quoted(""), |rest, value| {
        let value = quoted(value);
        let rest = if rest.contains('?') {
            format!("({rest})")
        } else {
            rest
        };
        format!("{value} in groups ? {value} : {rest}")
    });
    format!(
        "definitions:\n  user_attributes:\n    {MAILCOW_CLAIM}:\n      expression: {}\n",
        yaml(&expression)
    )
}

const POLICY: &str = "    claims_policies:
      gatepost:
        custom_claims:
          mailcow_template:
            attribute: 'mailcow_template'
    scopes:
      mailcow_template:
        claims:
          - 'mailcow_template'
";
