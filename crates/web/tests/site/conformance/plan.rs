//! The basic plan, for either way of answering.

/// One test for each module.
macro_rules! basic_plan {
    ($mode:expr) => {
        use crate::conformance::{beside, evidence, gets_in, refuses, stays_out};
        use lab::Endpoint;
        use lab::misbehave::Misbehaviour as M;
        use model::outcome::Code;
        use model::provider::ClientAuth;

        #[tokio::test]
        async fn oidcc_client_test() {
            let world = beside($mode, |_| {}).await;
            gets_in(&world).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_invalid_iss() {
            let why = "issuer is \"https://issuer.example\", expected";
            refuses($mode, M::IssuerOther, Code::TokenRejected, why).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_missing_sub() {
            refuses(
                $mode,
                M::SubjectMissing,
                Code::TokenRejected,
                "no claim sub",
            )
            .await;
        }

        #[tokio::test]
        async fn oidcc_client_test_invalid_aud() {
            let why = "audience is \"another-client\", expected \"gatepost-example\"";
            refuses($mode, M::AudienceOther, Code::TokenRejected, why).await;
            let why = "audience is empty";
            refuses($mode, M::AudienceEmpty, Code::TokenRejected, why).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_missing_iat() {
            let why = "claim iat is missing";
            refuses($mode, M::IssuedAtMissing, Code::TokenRejected, why).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_kid_absent_single_jwks() {
            let world = beside($mode, |_| {}).await;
            world.company.company().misbehave(M::KeyIdMissing);
            assert!(evidence(&gets_in(&world).await).contains("signed by ES256;"));
        }

        /// All keys are tried, as the module allows.
        #[tokio::test]
        async fn oidcc_client_test_kid_absent_multiple_jwks() {
            let world = beside($mode, |_| {}).await;
            world.company.company().misbehave(M::KeyIdMissingAmongTwo);
            gets_in(&world).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_idtoken_sig_rs256() {
            let world = beside($mode, |lab| lab.algorithm = lab::Algorithm::Rs256).await;
            assert!(evidence(&gets_in(&world).await).contains("signed by RS256 "));
        }

        #[tokio::test]
        async fn oidcc_client_test_idtoken_sig_none() {
            let why = "algorithm \"none\" is not accepted";
            refuses($mode, M::SignatureNone, Code::TokenRejected, why).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_invalid_sig_rs256() {
            let world = beside($mode, |lab| lab.algorithm = lab::Algorithm::Rs256).await;
            world.company.company().misbehave(M::SignatureBad);
            let (code, admin) = stays_out(&world).await;
            assert_eq!(code, Code::TokenRejected);
            assert!(admin.contains("the signature does not fit key"), "{admin}");
        }

        /// The company takes the token in the header and nowhere else, and says the address there.
        #[tokio::test]
        async fn oidcc_client_test_userinfo_bearer_header() {
            let world = beside($mode, |_| {}).await;
            gets_in(&world).await;
            assert_eq!(world.company.hits(Endpoint::Userinfo), 1);
        }

        /// We never send it in the body: where the header is not taken, nobody gets in and the
        /// administrator reads why.
        #[tokio::test]
        async fn oidcc_client_test_userinfo_bearer_body() {
            refuses(
                $mode,
                M::UserinfoRefused,
                Code::DiscoveryFailed,
                "it answered 401",
            )
            .await;
        }

        #[tokio::test]
        async fn oidcc_client_test_userinfo_invalid_sub() {
            let why = "userinfo is about \"somebody-else\", the ID token about";
            refuses($mode, M::UserinfoSubjectOther, Code::TokenRejected, why).await;
        }

        #[tokio::test]
        async fn oidcc_client_test_nonce_invalid() {
            let why = "nonce is \"another-nonce-of-a-decent-length\", expected";
            refuses($mode, M::NonceOther, Code::TokenRejected, why).await;
            let why = "nonce is absent, expected";
            refuses($mode, M::NonceMissing, Code::TokenRejected, why).await;
        }

        /// Address, name and template come with their scopes, by userinfo alone.
        #[tokio::test]
        async fn oidcc_client_test_scope_userinfo_claims() {
            let world = beside($mode, |lab| lab.claims_in = lab::ClaimsIn::Userinfo).await;
            let attempt = gets_in(&world).await;
            for name in ["email", "name", "mailcow_template"] {
                let mut seen = attempt.trace.claims.iter();
                let claim = seen.find(|claim| claim.name == name).unwrap();
                assert_eq!(claim.origin, "userinfo", "{name}");
            }
            assert!(evidence(&attempt).ends_with("openid profile email mailcow_template"));
            let world = beside($mode, |_| {}).await;
            world
                .change_provider(|p| p.scopes = "openid profile".to_owned())
                .await;
            let (code, _) = stays_out(&world).await;
            assert_eq!(
                code,
                Code::EmailMissing,
                "what is not asked for does not come"
            );
        }

        /// The company refuses every other authentication than the registered one.
        #[tokio::test]
        async fn oidcc_client_test_client_secret_basic() {
            let world = beside($mode, |_| {}).await;
            world
                .change_provider(|p| p.client_auth = ClientAuth::Basic)
                .await;
            assert!(evidence(&gets_in(&world).await).contains("client authentication basic"));
        }
    };
}

pub(super) use basic_plan;
