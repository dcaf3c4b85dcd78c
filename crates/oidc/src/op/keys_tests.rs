use super::*;
use crate::alg::SigningAlg;
use crate::id_token::{self as reader, Expected, Leeway};
use crate::jwk::KeySet;
use crate::jwt::{Jwt, JwtError};
use crate::op::hint::{self, HintError};
use crate::op::id_token::{self, IdTokenFacts};
use crate::op::logout_token::{self, LogoutFacts};
use model::time::Timestamp;
use std::sync::LazyLock;
use std::time::Duration;

const ISSUER: &str = "https://mail.example.org";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn key(alg: IdTokenAlg) -> &'static SigningKey {
    static ES: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::generate(IdTokenAlg::Es256).unwrap());
    static RS: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::generate(IdTokenAlg::Rs256).unwrap());
    match alg {
        IdTokenAlg::Es256 => &ES,
        IdTokenAlg::Rs256 => &RS,
    }
}

fn set(keys: &[&SigningKey]) -> KeySet {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk()).collect();
    KeySet::parse(jwks(&keys).as_bytes()).unwrap()
}

fn id_token(key: &SigningKey) -> String {
    let claims = id_token::claims(IdTokenFacts {
        issuer: ISSUER,
        subject: "s-1",
        client_id: "app",
        now: NOW,
        lifetime: Duration::from_secs(300),
        auth_time: NOW,
        nonce: Some("n-0S6_WzA2Mj"),
        access_token: Some("token"),
        amr: &["pwd"],
        sid: Some("sid-1"),
        released: json!({"email": "a@example.org"})
            .as_object()
            .cloned()
            .unwrap(),
    });
    key.sign(id_token::TYP, &claims).unwrap()
}

/// RFC 7638 section 3.1.
#[test]
fn the_thumbprint_of_the_specification() {
    let key = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    });
    assert_eq!(
        thumbprint(&key),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn our_own_client_believes_our_tokens() {
    for (alg, reads) in [
        (IdTokenAlg::Es256, SigningAlg::Es256),
        (IdTokenAlg::Rs256, SigningAlg::Rs256),
    ] {
        let key = key(alg);
        let token = id_token(key);
        let keys = set(&[key]);
        assert_eq!(
            (keys.ids(), keys.unusable().len()),
            (vec![key.kid().to_owned()], 0)
        );
        let expected = Expected {
            issuer: ISSUER,
            client_id: "app",
            nonce: "n-0S6_WzA2Mj",
            access_token: Some("token"),
            now: NOW,
            leeway: Leeway::default(),
        };
        let read = reader::verify(&token, &keys, &expected).unwrap();
        assert_eq!(read.subject, "s-1");
        assert_eq!(read.signed_by, format!("{reads} {}", key.kid()));
        assert_eq!(read.claims["email"], "a@example.org");
        let other = Expected {
            access_token: Some("another token"),
            ..expected
        };
        assert!(reader::verify(&token, &keys, &other).is_err());
        // Another key of the same kind, under the same name.
        let mut foreign = SigningKey::generate(IdTokenAlg::Es256)
            .unwrap()
            .public_jwk();
        foreign["kid"] = key.public_jwk()["kid"].clone();
        let foreign = KeySet::parse(jwks(&[foreign]).as_bytes()).unwrap();
        assert!(reader::verify(&token, &foreign, &expected).is_err());
    }
}

#[test]
fn another_library_believes_them_too() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk};
    for (alg, name) in [
        (IdTokenAlg::Es256, Algorithm::ES256),
        (IdTokenAlg::Rs256, Algorithm::RS256),
    ] {
        let key = key(alg);
        let token = id_token(key);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(
            (header.kid.as_deref(), header.typ.as_deref()),
            (Some(key.kid()), Some("JWT"))
        );
        let keys: jwk::JwkSet = serde_json::from_str(&jwks(&[key.public_jwk()])).unwrap();
        let public = DecodingKey::from_jwk(keys.find(key.kid()).unwrap()).unwrap();
        let mut checks = Validation::new(name);
        checks.set_audience(&["app"]);
        checks.set_issuer(&[ISSUER]);
        checks.validate_exp = false;
        let read = decode::<Map<String, Value>>(&token, &public, &checks).unwrap();
        assert_eq!(read.claims["sid"], "sid-1");
        let (signed, _) = token.rsplit_once('.').unwrap();
        let forged = format!(
            "{}A.{}",
            &signed[..signed.len() - 1],
            token.rsplit_once('.').unwrap().1
        );
        if forged != token {
            assert!(decode::<Map<String, Value>>(&forged, &public, &checks).is_err());
        }
    }
}

#[test]
fn only_the_public_half_is_shown() {
    for alg in IdTokenAlg::ALL {
        let key = key(alg);
        let jwk = key.public_jwk();
        let members: Vec<_> = jwk
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = match alg {
            IdTokenAlg::Es256 => vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
            IdTokenAlg::Rs256 => vec!["alg", "e", "kid", "kty", "n", "use"],
        };
        let mut members = members;
        members.sort_unstable();
        expected.sort_unstable();
        assert_eq!(members, expected);
        assert_eq!(
            (jwk["use"].as_str(), jwk["alg"].as_str()),
            (Some("sig"), Some(alg.name()))
        );
        assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.kid()));
    }
}

#[test]
fn a_kept_key_comes_back() {
    for alg in IdTokenAlg::ALL {
        let key = key(alg);
        let back = SigningKey::from_pkcs8(alg, key.kid(), &key.to_pkcs8()).unwrap();
        assert_eq!((back.kid(), back.alg()), (key.kid(), alg));
        assert_eq!(back.public_jwk(), key.public_jwk());
        let token = id_token(&back);
        assert!(
            Jwt::parse(&token)
                .unwrap()
                .verify(&set(&[key]), NOW)
                .is_ok()
        );
        let error = SigningKey::from_pkcs8(alg, "another", &key.to_pkcs8()).unwrap_err();
        assert!(matches!(error, KeyError::OtherKey { .. }), "{error}");
    }
    for (alg, der) in [
        (
            IdTokenAlg::Es256,
            key(IdTokenAlg::Rs256).to_pkcs8().to_vec(),
        ),
        (
            IdTokenAlg::Rs256,
            key(IdTokenAlg::Es256).to_pkcs8().to_vec(),
        ),
        (IdTokenAlg::Es256, Vec::new()),
        (IdTokenAlg::Rs256, b"-----BEGIN".to_vec()),
        (
            IdTokenAlg::Es256,
            key(IdTokenAlg::Es256).to_pkcs8()[..60].to_vec(),
        ),
    ] {
        let error = SigningKey::from_pkcs8(alg, "any", &der).unwrap_err();
        assert!(matches!(error, KeyError::Rejected { .. }), "{error}");
    }
}

#[test]
fn a_logout_token_is_read_by_our_own_client() {
    use crate::logout_token as reader;
    let key = key(IdTokenAlg::Es256);
    for sid in [Some("sid-1"), None] {
        let claims = logout_token::claims(&LogoutFacts {
            issuer: ISSUER,
            client_id: "app",
            now: NOW,
            jti: "jti-1",
            subject: "s-1",
            sid,
        });
        let token = key.sign(logout_token::TYP, &claims).unwrap();
        let expected = reader::Expected {
            issuer: ISSUER,
            client_id: "app",
            algs: None,
            now: NOW,
            leeway: Leeway::default(),
        };
        let read = reader::verify(&token, &set(&[key]), &expected).unwrap();
        assert_eq!(
            (read.subject.as_deref(), read.sid.as_deref()),
            (Some("s-1"), sid)
        );
        assert_eq!(read.jti, "jti-1");
        assert_eq!(Jwt::parse(&token).unwrap().kind(), Some("logout+jwt"));
        let hint = hint::read(&token, &set(&[key]), ISSUER, None, NOW);
        assert!(matches!(hint, Err(HintError::Jwt(JwtError::Type(_)))));
    }
}

#[test]
fn a_hint_counts_if_we_made_it_for_that_app() {
    let (new, old) = (key(IdTokenAlg::Es256), key(IdTokenAlg::Rs256));
    let token = id_token(old);
    let keys = set(&[new, old]);
    let late = NOW.plus(Duration::from_secs(400 * 86_400));
    for client in [Some("app"), None] {
        let hint = hint::read(&token, &keys, ISSUER, client, late).unwrap();
        assert_eq!(
            (hint.subject.as_str(), hint.sid.as_deref()),
            ("s-1", Some("sid-1"))
        );
        assert_eq!(hint.audience, "app");
    }
    assert!(hint::read(&token, &keys, ISSUER, Some("other"), NOW).is_err());
    assert!(hint::read(&token, &keys, "https://other.example", None, NOW).is_err());
    assert!(hint::read(&token, &set(&[new]), ISSUER, None, NOW).is_err());
    let unsigned = {
        let header = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}");
        let content = token.split('.').nth(1).unwrap();
        format!("{header}.{content}.")
    };
    for bad in ["", "x", "a.b.c", &token[..token.len() - 2], &unsigned] {
        assert!(hint::read(bad, &keys, ISSUER, None, NOW).is_err(), "{bad}");
    }
    let two = json!({"iss": ISSUER, "sub": "s-1", "aud": ["app", "other"], "azp": "app"});
    let two = new.sign("JWT", two.as_object().unwrap()).unwrap();
    assert_eq!(
        hint::read(&two, &keys, ISSUER, Some("app"), NOW),
        Err(HintError::Audience)
    );
}
