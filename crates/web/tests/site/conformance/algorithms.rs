//! Every signature algorithm that we verify, with keys that the sample company makes, and what must
//! never be taken for a signature.

use super::{beside, evidence, gets_in, stays_out};
use lab::Algorithm;
use lab::misbehave::Misbehaviour as M;
use model::outcome::Code;
use model::provider::ResponseMode;

const MODE: ResponseMode = ResponseMode::Auto;

#[tokio::test]
async fn each_algorithm_is_verified_in_id_token_and_userinfo() {
    for algorithm in Algorithm::ALL {
        let world = beside(MODE, |lab| {
            lab.algorithm = algorithm;
            lab.userinfo_as = lab::UserinfoAs::Signed;
        })
        .await;
        let signed = format!("signed by {} ", algorithm.name());
        let attempt = gets_in(&world).await;
        assert!(evidence(&attempt).contains(&signed), "{algorithm:?}");
    }
}

/// The access token's hash is made with the algorithm's own hash.
#[tokio::test]
async fn the_access_token_is_tied_to_the_id_token_by_each_hash() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let world = beside(MODE, |lab| lab.algorithm = algorithm).await;
        world.company.company().misbehave(M::AccessTokenHashOther);
        let (code, admin) = stays_out(&world).await;
        assert_eq!(code, Code::TokenRejected);
        assert!(admin.contains("at_hash is "), "{algorithm:?}: {admin}");
    }
}

#[tokio::test]
async fn what_is_no_signature_of_the_published_key_is_refused() {
    let refused = [
        (M::SignatureBad, Code::TokenRejected, "does not fit key"),
        (M::SignatureNone, Code::TokenRejected, "algorithm \"none\""),
        (M::SignatureHmac, Code::TokenRejected, "algorithm \"HS256\""),
        (
            M::SignatureHmacJwk,
            Code::TokenRejected,
            "algorithm \"HS384\"",
        ),
        (
            M::AlgorithmOther,
            Code::KeysUnavailable,
            "does not serve algorithm",
        ),
        (M::KeyInHeader, Code::KeysUnavailable, "no key \""),
        (
            M::KeyInHeaderUnnamed,
            Code::TokenRejected,
            "does not fit key (the token names none)",
        ),
        (M::KeyUrlInHeader, Code::KeysUnavailable, "no key \""),
        (
            M::CriticalExtension,
            Code::TokenRejected,
            "demands extensions",
        ),
    ];
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps384,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ] {
        for (how, code, why) in refused {
            let world = beside(MODE, |lab| lab.algorithm = algorithm).await;
            world.company.company().misbehave(how);
            let (got, admin) = stays_out(&world).await;
            let name = how.name();
            assert_eq!(got, code, "{algorithm:?} {name}: {admin}");
            assert!(admin.contains(why), "{algorithm:?} {name}: {admin}");
        }
    }
}
