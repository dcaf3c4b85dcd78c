//! `oidcc-client-config-certification-test-plan`: discovery and keys.

use super::{arrive, beside, gets_in, refuses};
use lab::Endpoint;
use lab::misbehave::Misbehaviour as M;
use model::outcome::Code;
use model::provider::ResponseMode;

const MODE: ResponseMode = ResponseMode::Auto;

#[tokio::test]
async fn oidcc_client_test_discovery_openid_config() {
    let world = beside(MODE, |_| {}).await;
    gets_in(&world).await;
    gets_in(&world).await;
    assert_eq!(world.company.hits(Endpoint::Discovery), 1, "and remembered");
}

#[tokio::test]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let world = beside(MODE, |_| {}).await;
    gets_in(&world).await;
    gets_in(&world).await;
    assert_eq!(world.company.hits(Endpoint::Jwks), 1, "and remembered");
    // Another provider has its keys elsewhere.
    let other = beside(MODE, |_| {}).await;
    gets_in(&other).await;
    assert_ne!(other.company.issuer(), world.company.issuer());
    assert_eq!(other.company.hits(Endpoint::Jwks), 1);
    assert_eq!(world.company.hits(Endpoint::Jwks), 1);
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    let why = "answered https://issuer.example";
    refuses(MODE, M::DiscoveryIssuerOther, Code::DiscoveryFailed, why).await;
}

#[tokio::test]
async fn oidcc_client_test_idtoken_sig_none() {
    let why = "algorithm \"none\" is not accepted";
    refuses(MODE, M::SignatureNone, Code::TokenRejected, why).await;
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    let world = beside(MODE, |_| {}).await;
    gets_in(&world).await;
    world.company.company().misbehave(M::KeyRotated);
    gets_in(&world).await;
    assert_eq!(world.company.hits(Endpoint::Jwks), 2, "fetched anew once");
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation() {
    let world = beside(MODE, |_| {}).await;
    gets_in(&world).await;
    world.company.rotate_keys().unwrap();
    gets_in(&world).await;
    gets_in(&world).await;
    assert_eq!(world.company.hits(Endpoint::Jwks), 2, "fetched anew once");
}

/// Not of the plan: keys that nobody has published cost one fetch for everybody together, and those
/// who come with the published key get in meanwhile.
#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch() {
    let world = beside(MODE, |_| {}).await;
    gets_in(&world).await;
    world.company.company().misbehave(M::KeyUnpublished);
    let refused = Code::KeysUnavailable.entry().title;
    for page in futures_util::future::join_all((0..20).map(|_| arrive(&world))).await {
        assert_eq!(page.text_of("h1").unwrap(), refused);
    }
    assert_eq!(world.company.hits(Endpoint::Jwks), 2);
    world.company.company().behave();
    gets_in(&world).await;
    assert_eq!(world.company.hits(Endpoint::Jwks), 2);
}
