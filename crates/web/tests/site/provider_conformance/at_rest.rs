//! What opens something is nowhere in the store.

use super::round::Round;
use super::*;
use oidc::callback::Delivery;

/// S25 of the abuse catalogue: the store's file is worth nothing to who reads it.
#[tokio::test]
async fn nothing_that_opens_something_is_in_the_store() {
    let round = Round::new(Delivery::Query).await;
    let mut tab = erin(&round.world).await;
    let scope = [("scope", "openid email offline_access")];
    let page = round.ask(&mut tab, &scope).await;
    let page = allow(&mut tab, &page).await;
    let tokens = round.tokens(&page).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let has = |what: &str| {
        let files = round.world.picture();
        let mut files = files.iter();
        files.any(|bytes| {
            bytes
                .windows(what.len())
                .any(|part| part == what.as_bytes())
        })
    };
    assert!(has("erin@example.org") && has("openid email offline_access"));
    for secret in [
        round.client.secret.clone(),
        round.code(&page),
        text("access_token"),
        text("refresh_token"),
        text("id_token"),
    ] {
        assert!(secret.len() >= 40 && !has(&secret), "{secret}");
    }
}
