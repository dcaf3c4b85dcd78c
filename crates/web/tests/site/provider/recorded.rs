//! What an administrator finds among the sign-ins.

use super::{OPENID, Provider, redeem, settings};
use app::attempts::AttemptFilter;
use model::outcome::Code;

/// OAUTH-707 and OAUTH-708, where an administrator looks for them.
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
    for (code, count, words) in [
        (Code::AppSecret, 20, "client secret"),
        (Code::AppCode, 2, "the code was used before"),
    ] {
        let filter = AttemptFilter {
            code: Some(code),
            app: Some(app),
            ..AttemptFilter::default()
        };
        let page = app::domains::Page::default();
        let found = provider.world.app.attempts(filter, page).await.unwrap();
        assert_eq!(found.rows.len(), count, "{code}");
        let refusal = found.rows[0].refusal.as_ref().unwrap();
        let told = refusal.to_string();
        assert!(told.contains("An app") && told.contains(words), "{told}");
        let all = format!("{:?}", found.rows);
        assert!(!all.contains("guess") && !all.contains("never"));
    }
}
