//! What providers do that no guide tells, and what an administrator is told of it.

use crate::joined::{Joined, Joining};
use app::sign_in::Ended;
use app::test_provider::CheckState;
use model::outcome::Code;
use model::provider::{ClientAuth, Endpoints, ProviderSettings};
use testkit::browser::Browser;
use testkit::provider::{Canaille, Glewlwyd, LemonLdap, OidcProvider, RealProvider};

/// The line of the check for the client's id and secret, and that for the redirect URL.
const CREDENTIALS: usize = 7;
const REDIRECT: usize = 8;

/// A client made by Canaille's own form has no audience, and its ID tokens are meant for nobody.
#[tokio::test]
async fn an_id_token_for_nobody_is_refused_by_name() {
    let joining = Joining {
        setup: |setup| setup.no_audience(),
        ..Joining::default()
    };
    let Some(joined) = Joined::<Canaille>::new(joining).await else {
        return;
    };
    let words = ["ID token: audience is empty, expected \"mail\""];
    joined.refused_with(Code::TokenRejected, &words).await;
}

/// Canaille gives two tokens of one second the same text, and its database refuses the second with
/// an error 500 that holds the SQL. Nobody was refused: once more helps, and none of it is shown.
#[tokio::test]
async fn two_sign_ins_within_a_second() {
    let Some(joined) = Joined::<Canaille>::new(Joining::default()).await else {
        return;
    };
    assert!(joined.signed_in().await.created);
    // Whether two fall into the same second is the clock's affair too.
    for _ in 0..10 {
        let first = joined.at_provider().await.unwrap();
        let second = joined.at_provider().await.unwrap();
        let ended = tokio::join!(joined.finish(&first), joined.finish(&second));
        let ((Ended::Refused(refused), _) | (_, Ended::Refused(refused))) = ended else {
            continue;
        };
        assert_eq!(refused.refusal.code, Code::ProviderUnreachable);
        let words = refused.refusal.admin();
        assert!(words.contains("it answered 500"), "{words}");
        assert!(!words.contains("INSERT"), "{words}");
        assert!(!joined.signed_in().await.created);
        return;
    }
    panic!("it has learned to give two tokens within a second");
}

/// oidc-provider takes the secret either way, whichever the client is registered for.
#[tokio::test]
async fn a_secret_in_the_header_and_in_the_body() {
    let Some(joined) = Joined::<OidcProvider>::new(Joining::default()).await else {
        return;
    };
    for method in [ClientAuth::Basic, ClientAuth::Body] {
        joined.edit(|settings| settings.client_auth = method).await;
        joined.signed_in().await;
    }
    joined.wrong_secret().await;
    joined
        .refused_with(Code::ClientRejected, &["authentication: body."])
        .await;
}

/// With them in the ID token too, they count as well.
#[tokio::test]
async fn claims_of_the_id_token() {
    let joining = Joining {
        setup: |setup| setup.claims_in_id_token(),
        ..Joining::default()
    };
    let Some(joined) = Joined::<OidcProvider>::new(joining).await else {
        return;
    };
    assert!(joined.signed_in().await.created);
    let (_, template) = joined.given().await;
    assert_eq!(template.as_deref(), Some("Staff"));
}

/// Glewlwyd takes a Basic secret without decoding it, so that one with reserved characters is
/// another one to it.
#[tokio::test]
async fn a_secret_with_reserved_characters_where_nobody_decodes_it() {
    let joining = Joining {
        secret: "50% of all: + & =",
        ..Joining::default()
    };
    let Some(joined) = Joined::<Glewlwyd>::new(joining).await else {
        return;
    };
    let line = &joined.check().await[CREDENTIALS];
    assert_eq!(line.code, Some(Code::ClientRejected), "{line:?}");
    assert!(line.fix.contains("reserved characters"), "{line:?}");
    let words = ["reserved characters", "letters and digits"];
    joined.refused_with(Code::ClientRejected, &words).await;
}

/// The same secret at providers that do decode it.
#[tokio::test]
async fn a_secret_with_reserved_characters_where_it_is_decoded() {
    let joining = || Joining {
        secret: "50% of all: + & =",
        ..Joining::default()
    };
    if let Some(joined) = Joined::<OidcProvider>::new(joining()).await {
        assert!(joined.signed_in().await.created);
    }
    if let Some(joined) = Joined::<LemonLdap>::new(joining()).await {
        assert!(joined.signed_in().await.created);
    }
}

/// LemonLDAP's issuer ends with a slash, which pasting easily loses.
#[tokio::test]
async fn an_issuer_typed_without_its_slash() {
    let without = |settings: &mut ProviderSettings, issuer: &str| {
        settings.endpoints = Endpoints::Issuer {
            issuer: issuer.trim_end_matches('/').to_owned(),
        };
    };
    let Some(joined) = Joined::<LemonLdap>::with(Joining::default(), without).await else {
        return;
    };
    let issuer = joined.provider.issuer().to_owned();
    let lines = joined.check().await;
    let failed = lines.iter().find(|line| line.state == CheckState::Failed);
    let failed = failed.unwrap();
    assert_eq!(failed.fix, format!("Use the answered issuer: {issuer}"));

    let answered = format!("answered {issuer}");
    joined
        .refused_with(Code::DiscoveryFailed, &["issuer differs", &answered])
        .await;
    joined
        .edit(|settings| settings.endpoints = Endpoints::Issuer { issuer })
        .await;
    assert!(joined.signed_in().await.created);
}

/// A second sign-in from the same browser, in which the provider's session still runs, after a claim
/// has changed.
async fn in_a_running_session<P: RealProvider>(expected: &str) {
    let Some(mut joined) = Joined::<P>::new(Joining::default()).await else {
        return;
    };
    let mut tab = Browser::new().unwrap().tab();
    for template in ["staff", "board"] {
        joined.now_of(template).await;
        let query = joined.at_provider_in(&mut tab).await.unwrap();
        let ended = joined.finish(&query).await;
        assert!(matches!(ended, Ended::SignedIn(_)), "{ended:?}");
    }
    let (_, template) = joined.given().await;
    assert_eq!(template.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_claim_changes_within_a_running_session() {
    in_a_running_session::<OidcProvider>("Board").await;
    in_a_running_session::<Glewlwyd>("Board").await;
    in_a_running_session::<Canaille>("Board").await;
}

/// It says what it was told when the session began.
#[tokio::test]
async fn a_session_of_lemonldap_keeps_its_claims() {
    in_a_running_session::<LemonLdap>("Staff").await;
}

/// The redirect URL is not registered: what the check can see of it without a person.
async fn registered_elsewhere<P: RealProvider>() -> Option<Joined<P>> {
    let joining = Joining {
        setup: |setup| setup.only_redirect("https://mail.example.com/elsewhere"),
        ..Joining::default()
    };
    Joined::new(joining).await
}

#[tokio::test]
async fn a_foreign_redirect_url_at_oidc_provider_is_named() {
    let Some(joined) = registered_elsewhere::<OidcProvider>().await else {
        return;
    };
    let line = &joined.check().await[REDIRECT];
    assert_eq!(line.state, CheckState::Failed, "{line:?}");
    assert!(
        line.fix
            .contains("https://mail.example.com/sso/real/callback"),
        "{line:?}"
    );
}

/// Its page is a bare 403, and its token endpoint takes the client for a wrong one.
#[tokio::test]
async fn a_foreign_redirect_url_at_glewlwyd_looks_like_a_foreign_client() {
    let Some(joined) = registered_elsewhere::<Glewlwyd>().await else {
        return;
    };
    let lines = joined.check().await;
    let (client, page) = (&lines[CREDENTIALS], &lines[REDIRECT]);
    assert_eq!(client.state, CheckState::Failed, "{client:?}");
    assert!(
        client.fix.contains("Glewlwyd answer the same"),
        "{client:?}"
    );
    assert!(
        client
            .fix
            .contains("https://mail.example.com/sso/real/callback"),
        "{client:?}"
    );
    assert_eq!(page.state, CheckState::Warn, "{page:?}");
    assert!(page.evidence.contains("403"), "{page:?}");
}

/// They show their sign-in page first and look at the redirect URL afterwards, so the check
/// promises nothing.
async fn looks_afterwards<P: RealProvider>() {
    let Some(joined) = registered_elsewhere::<P>().await else {
        return;
    };
    let line = &joined.check().await[REDIRECT];
    assert_eq!(line.state, CheckState::Ok, "{line:?}");
    assert!(
        line.evidence.ends_with("the test sign-in will prove it"),
        "{line:?}"
    );
}

#[tokio::test]
async fn a_foreign_redirect_url_at_lemonldap_shows_at_a_sign_in() {
    looks_afterwards::<LemonLdap>().await;
}

#[tokio::test]
async fn a_foreign_redirect_url_at_canaille_shows_at_a_sign_in() {
    looks_afterwards::<Canaille>().await;
}

/// A code that the provider did not give: every one has an error of its own for it, and it is
/// shown as it came.
async fn a_code_of_nobody<P: RealProvider>(error: &str) {
    let Some(joined) = Joined::<P>::new(Joining::default()).await else {
        return;
    };
    let url = url::Url::parse(&joined.depart().await.unwrap()).unwrap();
    let (_, state) = url.query_pairs().find(|(name, _)| name == "state").unwrap();
    let issuer: String =
        url::form_urlencoded::byte_serialize(joined.provider.issuer().as_bytes()).collect();
    let query = format!("code=made-up&state={state}&iss={issuer}");
    let ended = joined.finish(&query).await;
    let Ended::Refused(refused) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(joined.world.recorded(&refused).await, Code::CodeRejected);
    let words = refused.refusal.admin();
    assert!(
        words.contains(&format!("answered {error} to the code")),
        "{words}"
    );
}

#[tokio::test]
async fn a_code_of_nobody_is_an_invalid_grant_for_most() {
    a_code_of_nobody::<OidcProvider>("invalid_grant").await;
    a_code_of_nobody::<LemonLdap>("invalid_grant").await;
    a_code_of_nobody::<Canaille>("invalid_grant").await;
}

#[tokio::test]
async fn a_code_of_nobody_is_an_invalid_code_for_glewlwyd() {
    a_code_of_nobody::<Glewlwyd>("invalid_code").await;
}

/// A certified provider's own signatures, by keys of its own.
#[tokio::test]
async fn each_algorithm_is_verified_in_id_token_and_signed_userinfo() {
    for alg in [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ] {
        let joining = Joining {
            registered: vec![
                ("id_token_signed_response_alg", alg),
                ("userinfo_signed_response_alg", alg),
            ],
            ..Joining::default()
        };
        let Some(joined) = Joined::<OidcProvider>::new(joining).await else {
            return;
        };
        assert!(joined.signed_in().await.created, "{alg}");
    }
}
