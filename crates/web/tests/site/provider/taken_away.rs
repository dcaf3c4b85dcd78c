//! What is taken from a person is taken from their apps too, whatever took it.

use super::{ERIN, OPENID, Provider, bearer, refresh, settings};
use crate::world::PASSWORD;
use http::StatusCode;
use model::audit::Actor;
use model::oauth_app::RefreshRule;

/// An app that goes on without the person, before and after something happens to Erin.
async fn lost_by(what: &str, act: impl AsyncFnOnce(&Provider)) {
    let provider = Provider::new().await;
    let mut settings = settings();
    settings.refresh = RefreshRule::Always;
    let app = provider.add("app", settings).await;
    let tokens = provider.given("app", app, OPENID).await;
    let access = bearer(&tokens.member("access_token"));
    let before = provider.get("/oauth/userinfo", Some(&access)).await;
    assert_eq!(before.status, StatusCode::OK, "{what}");

    act(&provider).await;
    let after = provider.get("/oauth/userinfo", Some(&access)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED, "{what}");
    let again = provider
        .tokens("app", &refresh(&tokens.member("refresh_token")))
        .await;
    assert_eq!(again.error(), (400, "invalid_grant".to_owned()), "{what}");
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_allowed() {
    lost_by("a new password", async |provider| {
        let password = PASSWORD.to_owned().into();
        let app = &provider.world.app;
        app.set_mailbox_password(&Actor::CommandLine, &ERIN.parse().unwrap(), password)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_is_switched_off_and_on_again_gives_nothing_back() {
    lost_by("a mailbox that was off", async |provider| {
        let (app, erin) = (&provider.world.app, ERIN.parse().unwrap());
        let by = Actor::CommandLine;
        app.disable_mailbox(&by, &erin, "left").await.unwrap();
        app.enable_mailbox(&by, &erin).await.unwrap();
    })
    .await;
}
