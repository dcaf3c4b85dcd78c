//! The token endpoint: a code for tokens (RFC 6749 section 4.1.3, OpenID Connect Core 3.1.3).

use crate::claims;
use crate::client::{Client, ClientAuth};
use crate::conduct::Endpoint;
use crate::grants::{Grant, Redeemed};
use crate::keys::KeyFault;
use crate::options::ClaimsIn;
use crate::params::Params;
use crate::person::Person;
use crate::provider::{Provider, internal_error};
use crate::token::{Draft, at_hash, s256};
use axum::extract::{RawForm, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) const PATH: &str = "/token";

/// An error of RFC 6749 section 5.2.
struct Refusal {
    error: &'static str,
    description: String,
}

fn refusal(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal {
        error,
        description: description.into(),
    }
}

pub(crate) async fn exchange(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let params = Params::parse(&form);
    let granted = authenticate(&provider, &headers, &params).and_then(|client| {
        match one(&params, "grant_type")? {
            Some("authorization_code") => redeem(&provider, &client, &params),
            Some("refresh_token") => refresh(&provider, &client, &params),
            _ => Err(refusal(
                "unsupported_grant_type",
                "only authorization_code and refresh_token are offered",
            )),
        }
    });
    match granted {
        Ok((grant, person, code)) => {
            issue(&provider, grant, &person, &code).unwrap_or_else(|KeyFault| internal_error())
        }
        Err(refusal) => refuse(&provider, &refusal),
    }
}

fn refuse(provider: &Provider, refusal: &Refusal) -> Response {
    tracing::info!(
        error = refusal.error,
        detail = refusal.description,
        "token request refused"
    );
    let body = Map::from_iter([
        ("error".to_owned(), json!(refusal.error)),
        ("error_description".to_owned(), json!(refusal.description)),
    ]);
    if refusal.error != "invalid_client" {
        return provider.json(Endpoint::Token, StatusCode::BAD_REQUEST, body);
    }
    let mut response = provider.json(Endpoint::Token, StatusCode::UNAUTHORIZED, body);
    let challenge = HeaderValue::from_static("Basic realm=\"company\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The client, proven by the method it has registered and by that one only.
fn authenticate(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Client, Refusal> {
    let invalid = |text: &str| refusal("invalid_client", text);
    let basic = headers.get(AUTHORIZATION).map(basic_credentials);
    let secret = one(params, "client_secret")?;
    let (id, secret, used) = match (basic, secret) {
        (Some(_), Some(_)) => {
            return Err(refusal(
                "invalid_request",
                "two ways of client authentication at once",
            ));
        }
        (Some(credentials), None) => {
            let (id, secret) = credentials.ok_or_else(|| invalid("malformed Basic credentials"))?;
            (id, secret, ClientAuth::Basic)
        }
        (None, Some(secret)) => {
            let id = one(params, "client_id")?.unwrap_or_default();
            (id.to_owned(), secret.to_owned(), ClientAuth::Post)
        }
        (None, None) => return Err(invalid("no client authentication")),
    };
    let client = provider
        .company
        .client(&id)
        .ok_or_else(|| invalid("unknown client"))?;
    if client.auth != ClientAuth::Either && client.auth != used {
        return Err(invalid(
            "this client has registered another authentication method",
        ));
    }
    let known = client.secret.expose_secret().as_bytes();
    aws_lc_rs::constant_time::verify_slices_are_equal(known, secret.as_bytes())
        .map_err(|_| invalid("wrong client secret"))?;
    Ok(client)
}

/// Id and secret of a Basic header. Both are form-urlencoded before they are joined (RFC 6749
/// section 2.3.1), and are decoded here without mercy for clients that forget it.
fn basic_credentials(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(part: &str) -> Option<String> {
    if part.contains(['&', '=']) {
        return None;
    }
    Some(
        form_urlencoded::parse(part.as_bytes())
            .next()?
            .0
            .into_owned(),
    )
}

/// Uses the code up and checks everything that it is bound to.
fn redeem(
    provider: &Provider,
    client: &Client,
    params: &Params,
) -> Result<(Grant, Person, String), Refusal> {
    let invalid = |text: &str| refusal("invalid_grant", text);
    let code = one(params, "code")?.ok_or_else(|| refusal("invalid_request", "no code"))?;
    let grant = match provider.grants.lock().redeem(code, provider.now()) {
        Redeemed::Fresh(grant) => *grant,
        Redeemed::Again => return Err(invalid("the code was used before")),
        Redeemed::Unknown => return Err(invalid("the code is unknown or has expired")),
    };
    if grant.request.client_id != client.id {
        return Err(invalid("the code belongs to another client"));
    }
    if one(params, "redirect_uri")? != Some(&grant.request.redirect_uri) {
        return Err(invalid(
            "redirect_uri is not that of the authorization request",
        ));
    }
    match (&grant.request.challenge, one(params, "code_verifier")?) {
        (None, None) => {}
        (None, Some(_)) => return Err(invalid("a verifier without an earlier challenge")),
        (Some(_), None) => return Err(invalid("the PKCE verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            if !(43..=128).contains(&verifier.len()) || s256(verifier) != *challenge {
                return Err(invalid("the PKCE verifier does not fit the challenge"));
            }
        }
    }
    let person = provider
        .company
        .person(&grant.sign_in.login)
        .filter(|person| person.active);
    let person = person.ok_or_else(|| invalid("the person has left"))?;
    Ok((grant, person, code.to_owned()))
}

/// Uses a refresh token up; a new one comes with the answer. The nonce of the sign-in is no part of
/// it (OpenID Connect Core section 12.2).
fn refresh(
    provider: &Provider,
    client: &Client,
    params: &Params,
) -> Result<(Grant, Person, String), Refusal> {
    let invalid = |text: &str| refusal("invalid_grant", text);
    let missing = || refusal("invalid_request", "no refresh_token");
    let token = one(params, "refresh_token")?.ok_or_else(missing)?;
    let mut grant = match provider.grants.lock().refresh(token, provider.now()) {
        Redeemed::Fresh(grant) => *grant,
        Redeemed::Again => return Err(invalid("the refresh token was used before")),
        Redeemed::Unknown => return Err(invalid("the refresh token is unknown or has expired")),
    };
    if grant.request.client_id != client.id {
        return Err(invalid("the refresh token belongs to another client"));
    }
    grant.request.nonce = None;
    let person = provider
        .company
        .person(&grant.sign_in.login)
        .filter(|person| person.active);
    let person = person.ok_or_else(|| invalid("the person has left"))?;
    Ok((grant, person, token.to_owned()))
}

fn one<'a>(params: &'a Params, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    params.one(name).map_err(|_| {
        refusal(
            "invalid_request",
            format!("'{name}' was sent more than once"),
        )
    })
}

fn issue(
    provider: &Provider,
    grant: Grant,
    person: &Person,
    code: &str,
) -> Result<Response, KeyFault> {
    let lifetime = provider.options.token_lifetime;
    let scopes = grant.request.scopes.clone();
    let now = provider.now();
    let access_token = provider
        .grants
        .lock()
        .issue_token(grant.clone(), code, now, lifetime)?;
    let mut body = Map::from_iter([
        ("access_token".to_owned(), json!(access_token)),
        ("token_type".to_owned(), json!("Bearer")),
        ("expires_in".to_owned(), json!(lifetime.as_secs())),
        ("scope".to_owned(), json!(scopes.join(" "))),
    ]);
    if scopes.iter().any(|scope| scope == "openid") {
        let token = id_token(provider, &grant, person, &access_token)?;
        body.insert("id_token".to_owned(), json!(token));
    }
    if scopes.iter().any(|scope| scope == "offline_access") {
        let token = provider.grants.lock().issue_refresh(grant, now)?;
        body.insert("refresh_token".to_owned(), json!(token));
    }
    provider.company.conduct().token_answer(&mut body);
    Ok(provider.json(Endpoint::Token, StatusCode::OK, body))
}

fn id_token(
    provider: &Provider,
    grant: &Grant,
    person: &Person,
    access_token: &str,
) -> Result<String, KeyFault> {
    let conduct = provider.company.conduct();
    if conduct.rotates_before_signing() {
        provider.rotate_key()?;
    }
    let now = provider.now();
    let key = provider.key();
    let mut claims = match provider.options.claims_in {
        ClaimsIn::Userinfo => Map::new(),
        ClaimsIn::IdToken | ClaimsIn::Both => {
            claims::released(provider, person, &grant.request.scopes)
        }
    };
    let own: [(&str, Value); 11] = [
        ("iss", json!(provider.issuer)),
        ("sub", json!(person.subject)),
        ("aud", json!([grant.request.client_id])),
        ("azp", json!(grant.request.client_id)),
        (
            "exp",
            json!(now.plus(provider.options.token_lifetime).secs()),
        ),
        ("iat", json!(now.secs())),
        ("auth_time", json!(grant.sign_in.at.secs())),
        ("amr", json!(["pwd"])),
        ("sid", json!(grant.sign_in.sid)),
        ("at_hash", json!(at_hash(key.algorithm(), access_token))),
        ("jti", json!(crate::random::token()?)),
    ];
    claims.extend(
        own.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    if let Some(nonce) = &grant.request.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    let mut draft = Draft::new(&key, claims);
    conduct.id_token(&mut draft);
    conduct.sign(&draft, &key)
}
