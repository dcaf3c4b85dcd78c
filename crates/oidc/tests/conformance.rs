//! The modules of the OpenID conformance plan `oidcc-client-basic-certification-test-plan` that
//! concern tokens and keys, and the hostile tokens that real products let through. Keys are made
//! and tokens are signed here with the crypto library itself, so that a mistake in our own reading
//! is not made on both sides.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use model::time::Timestamp;
use oidc::id_token::{self, Expected, IdToken, IdTokenError, Leeway};
use oidc::jwk::KeySet;
use oidc::jwt::JwtError;
use oidc::userinfo::{self, UserInfoError};
use serde_json::{Value, json};
use std::sync::LazyLock;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://op.example";
const CLIENT: &str = "gatepost";
const NONCE: &str = "n-0S6_WzA2Mj-n-0S6_WzA2Mj";

static RSA: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate(KeySize::Rsa2048).unwrap());
static OTHER_RSA: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate(KeySize::Rsa2048).unwrap());

fn rsa_jwk(key: &RsaKey, id: &str) -> Value {
    let parts = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({"kty":"RSA","kid":id,"use":"sig","n":B64.encode(parts.n),"e":B64.encode(parts.e)})
}

fn keys(jwks: &[Value]) -> KeySet {
    KeySet::parse(&serde_json::to_vec(&json!({ "keys": jwks })).unwrap()).unwrap()
}

fn op_keys() -> KeySet {
    keys(&[rsa_jwk(&RSA, "op-1")])
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "248289761001", "aud": CLIENT, "nonce": NONCE,
        "exp": NOW + 300, "iat": NOW
    })
}

/// The claims with one of them changed, or taken away by null.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| B64.encode(serde_json::to_vec(value).unwrap());
    format!("{}.{}", part(header), part(claims))
}

fn rsa_signed_by(key: &RsaKey, header: &Value, claims: &Value) -> String {
    let padding: &dyn signature::RsaEncoding = match header["alg"].as_str().unwrap() {
        "RS256" => &signature::RSA_PKCS1_SHA256,
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        other => panic!("{other}"),
    };
    let signed = unsigned(header, claims);
    let mut bytes = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut bytes)
        .unwrap();
    format!("{signed}.{}", B64.encode(bytes))
}

fn rs256(claims: &Value) -> String {
    rsa_signed_by(&RSA, &json!({"alg":"RS256","kid":"op-1"}), claims)
}

fn verify_with(token: &str, keys: &KeySet) -> Result<IdToken, IdTokenError> {
    id_token::verify(token, keys, &expected())
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: NONCE,
        access_token: Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        now: Timestamp::from_secs(NOW),
        leeway: Leeway::default(),
    }
}

fn verify(claims: &Value) -> Result<IdToken, IdTokenError> {
    verify_with(&rs256(claims), &op_keys())
}

fn refusal(name: &str, value: Value) -> String {
    verify(&claims_with(name, value)).unwrap_err().to_string()
}

#[test]
fn oidcc_client_test() {
    let token = verify(&claims()).unwrap();
    assert_eq!(token.subject, "248289761001");
    assert_eq!(token.signed_by, "RS256 op-1");
    assert_eq!(token.claims["iss"], ISSUER);
}

#[test]
fn oidcc_client_test_invalid_iss() {
    assert_eq!(
        refusal("iss", json!("https://op.example/")),
        "issuer is \"https://op.example/\", expected \"https://op.example\""
    );
    assert_eq!(refusal("iss", json!(null)), "claim iss is missing");
    assert_eq!(
        refusal("iss", json!([ISSUER])),
        "claim iss is a list, not a text"
    );
}

#[test]
fn oidcc_client_test_missing_sub() {
    assert_eq!(refusal("sub", json!(null)), "no claim sub");
    assert_eq!(refusal("sub", json!("")), "claim sub is empty");
    assert_eq!(
        refusal("sub", json!("x".repeat(256))),
        "claim sub has 256 bytes; at most 255 are allowed"
    );
}

#[test]
fn oidcc_client_test_invalid_aud() {
    assert_eq!(
        refusal("aud", json!("other")),
        "audience is \"other\", expected \"gatepost\""
    );
    assert_eq!(
        refusal("aud", json!([])),
        "audience is empty, expected \"gatepost\""
    );
    assert_eq!(
        refusal("aud", json!(["gatepost", "other"])),
        "authorized party (azp) is absent, expected \"gatepost\""
    );
}

#[test]
fn oidcc_client_test_missing_iat() {
    assert_eq!(refusal("iat", json!(null)), "claim iat is missing");
}

#[test]
fn oidcc_client_test_kid_absent_single_jwks() {
    let token = rsa_signed_by(&RSA, &json!({"alg":"RS256"}), &claims());
    assert_eq!(verify_with(&token, &op_keys()).unwrap().signed_by, "RS256");
    let changed = keys(&[rsa_jwk(&OTHER_RSA, "op-2")]);
    let Err(IdTokenError::Jwt(error)) = verify_with(&token, &changed) else {
        panic!("accepted by another key");
    };
    assert!(error.keys_may_be_old(), "one key, replaced");
}

#[test]
fn oidcc_client_test_kid_absent_multiple_jwks() {
    let token = rsa_signed_by(&RSA, &json!({"alg":"RS256"}), &claims());
    let two = keys(&[rsa_jwk(&OTHER_RSA, "op-2"), rsa_jwk(&RSA, "op-1")]);
    assert!(verify_with(&token, &two).is_ok(), "all keys are tried");
    let none = keys(&[rsa_jwk(&OTHER_RSA, "a"), rsa_jwk(&OTHER_RSA, "b")]);
    assert!(matches!(
        verify_with(&token, &none),
        Err(IdTokenError::Jwt(JwtError::Signature { id: None }))
    ));
}

#[test]
fn oidcc_client_test_idtoken_sig_rs256() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let header = json!({"alg":alg,"kid":"op-1","typ":"JWT"});
        let token = rsa_signed_by(&RSA, &header, &claims());
        let verified = verify_with(&token, &op_keys()).unwrap();
        assert_eq!(verified.signed_by, format!("{alg} op-1"));
    }
}

#[test]
fn signatures_of_elliptic_curves_and_ed25519_are_verified() {
    let curves = [
        (
            "ES256",
            "P-256",
            32,
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        ),
        (
            "ES384",
            "P-384",
            48,
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        ),
    ];
    for (alg, curve, size, signing) in curves {
        let key = EcdsaKeyPair::generate(signing).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = point[1..].split_at(size);
        let jwk = json!({"kty":"EC","crv":curve,"kid":"e","x":B64.encode(x),"y":B64.encode(y)});
        let signed = unsigned(&json!({"alg":alg,"kid":"e"}), &claims());
        let bytes = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", B64.encode(bytes));
        assert!(verify_with(&token, &keys(&[jwk])).is_ok(), "{alg}");
        assert!(verify_with(&token, &op_keys()).is_err(), "{alg}");
    }
    let key = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty":"OKP","crv":"Ed25519","kid":"d","x":B64.encode(key.public_key())});
    let signed = unsigned(&json!({"alg":"EdDSA","kid":"d"}), &claims());
    let token = format!("{signed}.{}", B64.encode(key.sign(signed.as_bytes())));
    assert_eq!(
        verify_with(&token, &keys(&[jwk])).unwrap().signed_by,
        "EdDSA d"
    );
}

#[test]
fn oidcc_client_test_idtoken_sig_none() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        let token = unsigned(&json!({"alg":alg}), &claims()) + ".";
        assert_eq!(
            verify_with(&token, &op_keys()).unwrap_err().to_string(),
            format!("algorithm \"{alg}\" is not accepted (RS, PS, ES256, ES384 and EdDSA are)")
        );
    }
}

#[test]
fn oidcc_client_test_invalid_sig_rs256() {
    let token = rsa_signed_by(&OTHER_RSA, &json!({"alg":"RS256","kid":"op-1"}), &claims());
    assert_eq!(
        verify_with(&token, &op_keys()).unwrap_err().to_string(),
        "the signature does not fit key \"op-1\""
    );
    let genuine = rs256(&claims());
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = claims_with("sub", json!("somebody else"));
    let content = B64.encode(serde_json::to_vec(&forged).unwrap());
    assert!(verify_with(&format!("{header}.{content}.{signature}"), &op_keys()).is_err());
    for bytes in ["", "***", "A", "AAAA="] {
        let refused = verify_with(&format!("{signed}.{bytes}"), &op_keys());
        assert!(
            matches!(refused, Err(IdTokenError::Jwt(JwtError::Signature { .. }))),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_public_key_is_never_a_shared_secret() {
    let jwk = rsa_jwk(&RSA, "op-1");
    let public = RSA.public_key().as_ref().to_vec();
    for secret in [public, jwk["n"].as_str().unwrap().as_bytes().to_vec()] {
        let signed = unsigned(&json!({"alg":"HS256","kid":"op-1"}), &claims());
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        let token = format!("{signed}.{}", B64.encode(tag));
        assert!(matches!(
            verify_with(&token, &op_keys()),
            Err(IdTokenError::Jwt(JwtError::Algorithm { observed })) if observed == "HS256"
        ));
    }
}

#[test]
fn keys_that_the_token_brings_along_are_not_used() {
    let own = rsa_jwk(&OTHER_RSA, "mine");
    for header in [
        json!({"alg":"RS256","jwk":own}),
        json!({"alg":"RS256","kid":"mine","jwk":own}),
        json!({"alg":"RS256","jku":"https://evil.example/jwks","x5u":"https://evil.example/x"}),
        json!({"alg":"RS256","kid":"op-1","x5c":["AAAA"]}),
    ] {
        let token = rsa_signed_by(&OTHER_RSA, &header, &claims());
        assert!(verify_with(&token, &op_keys()).is_err(), "{header}");
    }
}

#[test]
fn a_key_serves_only_its_own_algorithm() {
    let mut jwk = rsa_jwk(&RSA, "op-1");
    jwk["alg"] = json!("RS512");
    let error = verify_with(&rs256(&claims()), &keys(&[jwk])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key \"op-1\" does not serve algorithm RS256"
    );
}

#[test]
fn a_key_past_its_date_is_rejected() {
    let mut jwk = rsa_jwk(&RSA, "op-1");
    jwk["exp"] = json!(NOW);
    assert!(verify_with(&rs256(&claims()), &keys(&[jwk.clone()])).is_err());
    jwk["exp"] = json!(NOW + 1);
    assert!(verify_with(&rs256(&claims()), &keys(&[jwk])).is_ok());
}

#[test]
fn oidcc_client_test_nonce_invalid() {
    assert_eq!(
        refusal("nonce", json!("of-another-browser")),
        format!("nonce is \"of-another-browser\", expected {NONCE:?}")
    );
    assert_eq!(
        refusal("nonce", json!(null)),
        format!("nonce is absent, expected {NONCE:?}")
    );
    assert_eq!(
        refusal("nonce", json!(false)),
        "claim nonce is a boolean, not a text"
    );
}

#[test]
fn an_access_token_of_another_sign_in_is_noticed() {
    // OpenID Connect Core appendix A.3: this access token hashes to this value under SHA-256.
    assert!(verify(&claims_with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"))).is_ok());
    assert_eq!(
        refusal("at_hash", json!("AAAAUPtjPfzWtF2AnpK9RQ")),
        "at_hash is \"AAAAUPtjPfzWtF2AnpK9RQ\", expected \"77QmUPtjPfzWtF2AnpK9RQ\""
    );
}

#[test]
fn signing_key_rotation_asks_for_a_fresh_key_set() {
    let token = rsa_signed_by(&OTHER_RSA, &json!({"alg":"RS256","kid":"op-2"}), &claims());
    let Err(IdTokenError::Jwt(error)) = verify_with(&token, &op_keys()) else {
        panic!("accepted without its key");
    };
    assert!(error.keys_may_be_old());
    assert_eq!(error.to_string(), "no key \"op-2\" among 1 keys");
    let rotated = keys(&[rsa_jwk(&RSA, "op-1"), rsa_jwk(&OTHER_RSA, "op-2")]);
    assert!(verify_with(&token, &rotated).is_ok());
}

#[test]
fn a_repeated_claim_is_refused_although_its_signature_is_right() {
    let header = B64.encode(br#"{"alg":"RS256","kid":"op-1"}"#);
    let text = serde_json::to_string(&claims()).unwrap();
    let text = text.replacen('{', "{\"sub\":\"admin\",", 1);
    let signed = format!("{header}.{}", B64.encode(text));
    let mut bytes = vec![0; RSA.public_modulus_len()];
    RSA.sign(
        &signature::RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut bytes,
    )
    .unwrap();
    let token = format!("{signed}.{}", B64.encode(bytes));
    assert_eq!(
        verify_with(&token, &op_keys()).unwrap_err().to_string(),
        "token content: member \"sub\" occurs twice"
    );
}

#[test]
fn tokens_of_other_kinds_are_not_id_tokens() {
    let header = json!({"alg":"RS256","kid":"op-1","typ":"logout+jwt"});
    let token = rsa_signed_by(&RSA, &header, &claims());
    assert!(matches!(
        verify_with(&token, &op_keys()),
        Err(IdTokenError::Jwt(JwtError::Type(_)))
    ));
}

#[test]
fn only_a_genuine_token_is_a_matter_of_clocks() {
    let mut stale = claims_with("exp", json!(NOW - 1000));
    assert!(verify(&stale).unwrap_err().is_clock());
    stale["aud"] = json!("other");
    assert!(!verify(&stale).unwrap_err().is_clock());
    let forged = rsa_signed_by(
        &OTHER_RSA,
        &json!({"alg":"RS256","kid":"op-1"}),
        &claims_with("iat", json!(NOW + 1000)),
    );
    assert!(!verify_with(&forged, &op_keys()).unwrap_err().is_clock());
}

#[test]
fn oidcc_client_test_userinfo_invalid_sub() {
    let claims = userinfo::parse(br#"{"sub":"other","email":"a@example.org"}"#).unwrap();
    assert_eq!(
        userinfo::check_subject(&claims, "248289761001"),
        Err(UserInfoError::OtherSubject {
            expected: "248289761001".into(),
            observed: "other".into()
        })
    );
}

#[test]
fn signed_userinfo_is_verified_like_a_token() {
    let now = Timestamp::from_secs(NOW);
    let check = |token: &str| userinfo::verify(token.as_bytes(), &op_keys(), ISSUER, CLIENT, now);
    let claims = json!({"iss":ISSUER,"aud":CLIENT,"sub":"1","email":"a@example.org"});
    assert_eq!(check(&rs256(&claims)).unwrap()["email"], "a@example.org");
    let mut other = claims.clone();
    other["aud"] = json!("other");
    assert!(matches!(
        check(&rs256(&other)),
        Err(UserInfoError::Claim(IdTokenError::Audience { .. }))
    ));
    let mut other = claims.clone();
    other["iss"] = json!("https://other.example");
    assert!(check(&rs256(&other)).is_err());
    let forged = rsa_signed_by(&OTHER_RSA, &json!({"alg":"RS256","kid":"op-1"}), &claims);
    assert!(matches!(check(&forged), Err(UserInfoError::Jwt(_))));
    let none = unsigned(&json!({"alg":"none"}), &claims) + ".";
    assert!(matches!(check(&none), Err(UserInfoError::Jwt(_))));
}
