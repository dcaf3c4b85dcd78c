//! Faults in the discovery document.

use super::{Misbehaviour as M, slash_toggled};
use serde_json::{Map, Value, json};

pub(super) fn spoil(how: M, document: &mut Map<String, Value>) {
    if how == M::TokenEndpointMoved
        && let Some(Value::String(url)) = document.get_mut("token_endpoint")
    {
        *url = url.replacen("//127.0.0.1", "//127.0.0.2", 1);
        return;
    }
    let stated = match how {
        M::DiscoveryIssuerOther => "https://issuer.example".to_owned(),
        M::DiscoveryIssuerSlash => slash_toggled(
            document
                .get("issuer")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ),
        _ => return,
    };
    document.insert("issuer".to_owned(), json!(stated));
}
