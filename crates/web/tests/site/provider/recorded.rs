//! What an administrator finds among the sign-ins.

use super::{
    CHALLENGE, ERIN, Given, OPENID, Provider, VERIFIER, public, redeem, refresh, settings,
};
use app::attempts::AttemptFilter;
use model::outcome::Code;

const OFFLINE: Given = Given {
    scopes: "openid offline_access",
    ..OPENID
};

/// OAUTH-707, OAUTH-708 and OAUTH-711, where an administrator looks for them.
#[tokio::test]
async fn what_an_app_did_wrong_is_recorded_with_its_name() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let (code, _) = provider.code(app, OPENID).await;
    let guess = format!("{}&client_id=app&client_secret=guess", redeem(&code));
    for _ in 0..25 {
        provider.post("/oauth/token", None, &guess).await;
    }
    provider.tokens("app", &redeem("never")).await;
    for _ in 0..2 {
        provider.tokens("app", &redeem(&code)).await;
    }
    let (code, _) = provider.code(app, OFFLINE).await;
    let first = provider.tokens("app", &redeem(&code)).await;
    for _ in 0..2 {
        let form = refresh(&first.member("refresh_token"));
        provider.tokens("app", &form).await;
    }
    for (code, count, words, who) in [
        (Code::AppSecret, 20, "client secret", None),
        (Code::AppCode, 1, "the code is unknown", None),
        (
            Code::AppUsedAgain,
            2,
            "a refresh token that had been used",
            Some(ERIN),
        ),
    ] {
        let filter = AttemptFilter {
            code: Some(code),
            app: Some(app),
            ..AttemptFilter::default()
        };
        let page = app::domains::Page::default();
        let found = provider.world.app.attempts(filter, page).await.unwrap();
        assert_eq!(found.rows.len(), count, "{code}");
        assert_eq!(found.rows[0].address.as_deref(), who, "{code}");
        let refusal = found.rows[0].refusal.as_ref().unwrap();
        let told = refusal.to_string();
        assert!(told.contains("An app") && told.contains(words), "{told}");
        let all = format!("{:?}", found.rows);
        assert!(!all.contains("guess") && !all.contains("never"));
    }
}

/// Anybody can send codes in the name of an app without a secret.
#[tokio::test]
async fn guessed_codes_of_a_public_app_are_limited_and_right_ones_are_taken() {
    let provider = Provider::new().await;
    let app = provider.add("phone", public()).await;
    let form = |code: &str| format!("{}&client_id=phone&code_verifier={VERIFIER}", redeem(code));
    let challenged = Given {
        challenge: Some(CHALLENGE),
        ..OPENID
    };
    for number in 0..30 {
        let guess = form(&format!("guess-{number}"));
        let answer = provider.post("/oauth/token", None, &guess).await;
        let status = if number < 20 { 400 } else { 429 };
        assert_eq!(answer.status.as_u16(), status, "{number}: {}", answer.text);
    }
    let (code, _) = provider.code(app, challenged).await;
    let right = provider.post("/oauth/token", None, &form(&code)).await;
    assert_eq!(right.status.as_u16(), 200, "{}", right.text);
    let filter = AttemptFilter {
        app: Some(app),
        ..AttemptFilter::default()
    };
    let page = app::domains::Page::default();
    let found = provider.world.app.attempts(filter, page).await.unwrap();
    let count: i64 = found.rows.iter().map(|row| row.count).sum();
    assert_eq!(count, 20);
}
