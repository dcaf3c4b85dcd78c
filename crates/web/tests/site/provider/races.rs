//! One code or refresh token, offered by many at once.

use super::{OPENID, Provider, mailcow, redeem, refresh, settings};
use http::StatusCode;

const AT_ONCE: usize = 64;
const TRIALS: usize = 100;

/// How many of the answers are tokens, and that all others are the one refusal there is for it.
async fn successes(provider: &Provider, form: &str) -> usize {
    let offers = (0..AT_ONCE).map(|_| provider.tokens("app", form));
    let answers = futures_util::future::join_all(offers).await;
    let given = answers.iter().filter(|a| a.status == StatusCode::OK);
    let given = given.count();
    for answer in answers.iter().filter(|a| a.status != StatusCode::OK) {
        assert_eq!(answer.error(), (400, "invalid_grant".to_owned()));
    }
    given
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_offered_by_64_gives_tokens_once() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    for trial in 0..TRIALS {
        let (code, grant) = provider.code(app, OPENID).await;
        assert_eq!(successes(&provider, &redeem(&code)).await, 1, "{trial}");
        // The second use ended what the first one got.
        let left = {
            let mut read = provider.store.read().unwrap();
            store::app_grants::by_id(&mut read, grant).await.unwrap()
        };
        assert_eq!(left, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_refresh_token_offered_by_64_gives_tokens_once() {
    let provider = Provider::new().await;
    let app = provider.add("app", mailcow()).await;
    for trial in 0..TRIALS {
        let first = provider.given("app", app, OPENID).await;
        let form = refresh(&first.member("refresh_token"));
        assert_eq!(successes(&provider, &form).await, 1, "{trial}");
    }
}
