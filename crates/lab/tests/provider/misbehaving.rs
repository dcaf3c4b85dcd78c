//! Every named misbehaviour shows, and shows only where its name says.

use crate::relying_party::*;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey};
use lab::Handle;
use lab::misbehave::Misbehaviour;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take on a busy machine.
const LONG: Duration = Duration::from_secs(30);
/// How long to wait for one that is not expected to come.
const SHORT: Duration = Duration::from_millis(300);
/// How much of an answer is read.
const ENOUGH: usize = 256 * 1024;

/// What a relying party sees at each step, without what differs from run to run anyway.
#[derive(Debug, PartialEq)]
struct Seen {
    discovery: Value,
    keys: Value,
    authorization: Value,
    unknown_scope: Value,
    token: Value,
    id_token: Value,
    userinfo: Value,
}

impl Seen {
    async fn at(lab: &Handle, patience: Duration) -> Self {
        let look = async |request| look(lab, request, patience).await;
        let well_known = format!("{}/.well-known/openid-configuration", lab.issuer());
        let discovery = look(http().get(well_known)).await;
        let key_set = format!("{}/jwks.json", lab.issuer());
        let published = look(http().get(&key_set)).await;
        let came_back = sign_in(&mut tab(), lab).await;
        let mut authorization = json!(came_back);
        if let Some(code) = authorization.get_mut("code") {
            *code = json!("CODE");
        }
        let unknown = url(lab, &request_with("scope", "openid unheard-of"));
        let page = tab().open(&unknown).await.unwrap();
        let unknown_scope = json!(page.location().unwrap().map(|_| answer(&page)));

        let code = came_back.get("code").cloned().unwrap_or_default();
        let request = basic(http().post(lab.token_endpoint()), CLIENT, SECRET);
        let mut token = look(request.form(&exchange(&code))).await;
        let after = look(http().get(&key_set)).await;
        let access = token["body"]["access_token"]
            .as_str()
            .unwrap_or("none")
            .to_owned();
        let id_token = inspect(lab, &token["body"]["id_token"], &access, &published, &after);
        let userinfo = look(http().get(lab.userinfo_endpoint()).bearer_auth(access)).await;
        for secret in ["access_token", "id_token"] {
            if token["body"][secret].is_string() {
                token["body"][secret] = json!("TOKEN");
            }
        }
        let keys = json!({
            "status": published["status"],
            "ids": published["body"]["keys"].as_array().map(|keys| {
                keys.iter().map(|key| key["kid"].is_string()).collect::<Vec<_>>()
            }),
            "stable": published == after,
        });
        Self {
            discovery,
            keys,
            authorization,
            unknown_scope,
            token,
            id_token,
            userinfo,
        }
    }
}

/// One answer: status, location and body, as JSON where it is.
async fn look(lab: &Handle, request: RequestBuilder, patience: Duration) -> Value {
    let Ok(response) = tokio::time::timeout(patience, request.send()).await else {
        return json!("silence");
    };
    let mut response = response.unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
        if body.len() > ENOUGH {
            return json!("endless");
        }
    }
    let text = String::from_utf8(body)
        .unwrap()
        .replace(lab.issuer(), "ISSUER");
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().unwrap());
    // Compared as text as well: a JSON reader would hide a doubled key.
    let parsed = serde_json::from_str::<Value>(&text);
    let unread = parsed.is_err() || text.matches("\"sub\"").count() > 1;
    json!({
        "status": response.status().as_u16(),
        "location": location,
        "text": unread.then_some(&text),
        "body": parsed.unwrap_or_default(),
    })
}

/// What an ID token says, and whose signature it has.
fn inspect(
    lab: &Handle,
    token: &Value,
    access_token: &str,
    before: &Value,
    after: &Value,
) -> Value {
    let Some(token) = token.as_str() else {
        return Value::Null;
    };
    let Some((header, mut claims)) = opened(token) else {
        return json!("garbage");
    };
    claims["jti"] = json!(claims["jti"].is_string());
    claims["sid"] = json!(claims["sid"].is_string());
    claims["at_hash"] = json!(claims["at_hash"] == hash_of(access_token));
    let claims = claims.to_string().replace(lab.issuer(), "ISSUER");
    json!({
        "algorithm": header["alg"],
        "has_kid": header["kid"].is_string(),
        "members": header.as_object().map(|header| header.keys().collect::<Vec<_>>()),
        "signature": [signed_by(token, before), signed_by(token, after)],
        "claims": claims,
    })
}

/// What `at_hash` ought to be.
fn hash_of(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// Header and claims, without any check.
fn opened(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    });
    Some((parts.next()??, parts.next()??))
}

/// Whether one of the keys made the token's signature, whatever the header says.
fn signed_by(token: &str, key_set: &Value) -> bool {
    let Ok(keys) = serde_json::from_value::<JwkSet>(key_set["body"].clone()) else {
        return false;
    };
    let (message, signature) = token.rsplit_once('.').unwrap();
    keys.keys.iter().any(|key| {
        let key = DecodingKey::from_jwk(key).unwrap();
        verify(signature, message.as_bytes(), &key, Algorithm::RS256).unwrap_or(false)
    })
}

/// A provider whose clock stands still, so that two of them differ in nothing but conduct.
async fn fresh() -> Handle {
    start(company(), at_fixed_time().0).await
}

#[tokio::test]
async fn each_misbehaviour_shows_and_goes_away_again() {
    let lab = fresh().await;
    let honest = Seen::at(&lab, LONG).await;
    assert_eq!(honest.id_token["signature"], json!([true, true]));
    assert_eq!(honest.userinfo["body"]["email"], "alice@example.test");
    for how in Misbehaviour::ALL {
        lab.company().misbehave(*how);
        let patience = if how.name().ends_with("-silent") {
            SHORT
        } else {
            LONG
        };
        assert_ne!(
            Seen::at(&lab, patience).await,
            honest,
            "{} does not show",
            how.name()
        );
    }
    lab.company().behave();
    assert_eq!(Seen::at(&lab, LONG).await, honest);
}

/// What is seen under a misbehaviour, beside what is seen under good conduct.
async fn seen(how: Misbehaviour) -> (Seen, Seen) {
    let lab = fresh().await;
    let honest = Seen::at(&lab, LONG).await;
    lab.company().misbehave(how);
    (Seen::at(&lab, LONG).await, honest)
}

#[tokio::test]
async fn a_misbehaviour_leaves_the_other_steps_honest() {
    use Misbehaviour as M;
    for how in [
        M::SignatureBad,
        M::IssuerOther,
        M::NonceMissing,
        M::Expired,
        M::AudienceEmpty,
    ] {
        let (seen, honest) = seen(how).await;
        assert_eq!(
            Seen {
                id_token: honest.id_token.clone(),
                ..seen
            },
            honest,
            "{}",
            how.name()
        );
    }
    for how in [
        M::UserinfoHtml,
        M::UserinfoTwice,
        M::EmailList,
        M::UserinfoSubjectOther,
    ] {
        let (seen, honest) = seen(how).await;
        assert_eq!(
            Seen {
                userinfo: honest.userinfo.clone(),
                ..seen
            },
            honest,
            "{}",
            how.name()
        );
    }
}

#[tokio::test]
async fn only_the_signature_faults_break_the_signature() {
    use Misbehaviour as M;
    for (how, algorithm, signature) in [
        (M::SignatureBad, "RS256", [false, false]),
        (M::SignatureNone, "none", [false, false]),
        (M::SignatureHmac, "HS256", [false, false]),
        (M::KeyUnpublished, "RS256", [false, false]),
        (M::KeyRotated, "RS256", [false, true]),
        (M::KeyIdMissing, "RS256", [true, true]),
        (M::KeyIdMissingAmongTwo, "RS256", [true, true]),
        (M::IssuedInFuture, "RS256", [true, true]),
        (M::SubjectMissing, "RS256", [true, true]),
    ] {
        let (seen, _) = seen(how).await;
        assert_eq!(seen.id_token["algorithm"], algorithm, "{}", how.name());
        assert_eq!(
            seen.id_token["signature"],
            json!(signature),
            "{}",
            how.name()
        );
    }
}

#[tokio::test]
async fn silence_ends_with_the_provider() {
    let lab = fresh().await;
    lab.company().misbehave(Misbehaviour::DiscoverySilent);
    let well_known = format!("{}/.well-known/openid-configuration", lab.issuer());
    let waiting = tokio::spawn(async move { http().get(well_known).send().await });
    let asked = async || (lab.hits(lab::Endpoint::Discovery) == 1).then_some(());
    testkit::poll::until("the request", Duration::from_secs(5), asked)
        .await
        .unwrap();
    lab.stop().await;
    waiting.abort();
}
