//! Signed userinfo (OpenID Connect Core section 5.3.2).

use super::{beside, gets_in, refuses, stays_out};
use lab::misbehave::Misbehaviour as M;
use model::outcome::Code;
use model::provider::{Endpoints, ResponseMode};

const MODE: ResponseMode = ResponseMode::Auto;

#[tokio::test]
async fn signed_userinfo_is_as_good_as_plain() {
    let world = beside(MODE, |lab| lab.userinfo_as = lab::UserinfoAs::Signed).await;
    let attempt = gets_in(&world).await;
    let mut seen = attempt.trace.claims.iter();
    let email = seen.find(|claim| claim.name == "email").unwrap();
    assert_eq!(email.origin, "userinfo");
}

#[tokio::test]
async fn each_refusal_names_the_field() {
    for (how, why) in [
        (
            M::UserinfoIssuerOther,
            "issuer is \"https://issuer.example\", expected",
        ),
        (M::UserinfoIssuerMissing, "claim iss is missing"),
        (
            M::UserinfoAudienceOther,
            "audience is \"another-client\", expected",
        ),
        (M::UserinfoAudienceMissing, "claim aud is missing"),
        (
            M::UserinfoSignedSubjectOther,
            "userinfo is about \"somebody-else\"",
        ),
        (M::UserinfoSignatureBad, "the signature does not fit key"),
        (
            M::UserinfoSignatureNone,
            "algorithm \"none\" is not accepted",
        ),
        (
            M::UserinfoEncrypted,
            "the token is encrypted; encrypted tokens are not supported",
        ),
    ] {
        refuses(MODE, how, Code::TokenRejected, why).await;
        refuses(MODE, how, Code::TokenRejected, "userinfo").await;
    }
}

/// Whoever is set up by endpoints has no keys that could be asked for.
#[tokio::test]
async fn without_an_issuer_it_cannot_be_checked() {
    let world = beside(MODE, |lab| lab.userinfo_as = lab::UserinfoAs::Signed).await;
    let endpoints = Endpoints::Manual {
        authorize: world.company.authorization_endpoint(),
        token: world.company.token_endpoint(),
        userinfo: world.company.userinfo_endpoint(),
    };
    let secret = app::providers::SecretChange::Set("secret of example".to_owned().into());
    let mut settings = world.app.provider("example").await.unwrap().settings;
    settings.endpoints = endpoints;
    let actor = model::audit::Actor::CommandLine;
    world
        .app
        .edit_provider(&actor, "example", settings, secret, None)
        .await
        .unwrap();
    let (code, admin) = stays_out(&world).await;
    assert_eq!(code, Code::DiscoveryFailed);
    assert!(
        admin.contains("cannot be checked without an issuer"),
        "{admin}"
    );
}
