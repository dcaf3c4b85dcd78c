//! The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2).

use crate::client::Client;
use crate::grants::{AuthorizationRequest, ResponseMode, SignIn};
use crate::page;
use crate::params::{Params, Repeated};
use crate::provider::{Back, Provider, internal_error, redirect};
use crate::{login, params};
use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const PATH: &str = "/authorize";

/// A request that is answered with an error at the client's redirect URI.
struct Refusal {
    error: &'static str,
    description: String,
}

impl From<Repeated> for Refusal {
    fn from(Repeated(name): Repeated) -> Self {
        refusal(
            "invalid_request",
            format!("'{name}' was sent more than once"),
        )
    }
}

fn refusal(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal {
        error,
        description: description.into(),
    }
}

pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    jar: CookieJar,
    RawForm(form): RawForm,
) -> Response {
    let params = Params::parse(&form);
    let (client, redirect_uri) = match destination(&provider, &params) {
        Ok(known) => known,
        Err(text) => return page::problem(&provider, StatusCode::BAD_REQUEST, text),
    };
    let back = Back {
        uri: redirect_uri.clone(),
        state: params.one("state").ok().flatten().map(str::to_owned),
        mode: mode(&provider, &params).unwrap_or_default(),
    };
    let refuse = |refusal: Refusal| {
        let Refusal { error, description } = refusal;
        provider.answer_with_error(back.clone(), error, &description)
    };
    let request = match check(&provider, &params, &client, &redirect_uri) {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal),
    };
    match usable_session(&provider, &params, &jar) {
        Ok(Some(sign_in)) => provider.answer_with_code(request, sign_in),
        Ok(None) => ask(&provider, request),
        Err(refusal) => refuse(refusal),
    }
}

/// Client and redirect URI. While either is in doubt the browser must not be sent anywhere.
fn destination(provider: &Provider, params: &Params) -> Result<(Client, String), &'static str> {
    let client = params
        .one("client_id")
        .map_err(|_| "The client is named more than once.")?;
    let client = client.ok_or("The request names no client.")?;
    let client = provider
        .company
        .client(client)
        .ok_or("No such client is registered here.")?;
    let uri = params
        .one("redirect_uri")
        .map_err(|_| "There are several redirect URIs.")?;
    let uri = uri.ok_or("The request has no redirect URI.")?;
    if client
        .redirect_uris
        .iter()
        .any(|registered| registered == uri)
    {
        Ok((client, uri.to_owned()))
    } else {
        Err("The redirect URI is not, byte for byte, one that this client has registered.")
    }
}

fn check(
    provider: &Provider,
    params: &Params,
    client: &Client,
    redirect_uri: &str,
) -> Result<AuthorizationRequest, Refusal> {
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
    ] {
        if params.one(name)?.is_some() {
            return Err(refusal(error, "send plain parameters"));
        }
    }
    if params.one("response_type")? != Some("code") {
        return Err(refusal(
            "unsupported_response_type",
            "only 'code' is offered",
        ));
    }
    Ok(AuthorizationRequest {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        mode: mode(provider, params)?,
        scopes: granted(provider, params.one("scope")?.unwrap_or_default())?,
        state: Some(long_enough(
            provider,
            "state",
            params.one("state")?.unwrap_or_default(),
        )?),
        nonce: params
            .one("nonce")?
            .map(|nonce| long_enough(provider, "nonce", nonce))
            .transpose()?,
        challenge: challenge(params, client)?,
        login_hint: params.one("login_hint")?.map(str::to_owned),
    })
}

/// How the answer is to be sent: in the query unless the request says otherwise, or unless the
/// company has no such thing.
fn mode(provider: &Provider, params: &Params) -> Result<ResponseMode, Refusal> {
    let offered = &provider.options.response_modes;
    let asked = params.one("response_mode")?;
    let name = asked.or_else(|| offered.first().map(String::as_str));
    let name = name.unwrap_or("query");
    ResponseMode::named(name)
        .filter(|_| offered.iter().any(|known| known == name))
        .ok_or_else(|| refusal("invalid_request", format!("no response_mode '{name}' here")))
}

/// Those of the requested scopes that exist here.
fn granted(provider: &Provider, requested: &str) -> Result<Vec<String>, Refusal> {
    let mut granted = Vec::new();
    for scope in requested.split(' ').filter(|scope| !scope.is_empty()) {
        if provider.options.scopes.iter().any(|known| known == scope) {
            granted.push(scope.to_owned());
        } else if provider.company.conduct().refuses_unknown_scopes() {
            return Err(refusal(
                "invalid_scope",
                format!("there is no scope '{scope}' here"),
            ));
        }
    }
    Ok(granted)
}

fn long_enough(provider: &Provider, name: &str, value: &str) -> Result<String, Refusal> {
    let least = provider.options.entropy;
    if value.len() < least {
        let text = format!("'{name}' must have at least {least} characters");
        return Err(refusal("invalid_request", text));
    }
    Ok(value.to_owned())
}

/// The PKCE challenge (RFC 7636 section 4.3). Without a method it would be `plain`, which is off.
fn challenge(params: &Params, client: &Client) -> Result<Option<String>, Refusal> {
    let method = params.one("code_challenge_method")?;
    match params.one("code_challenge")? {
        None if client.pkce_required => Err(refusal(
            "invalid_request",
            "this client must send a PKCE challenge",
        )),
        None => Ok(None),
        Some(_) if method != Some("S256") => Err(refusal(
            "invalid_request",
            "only the PKCE method S256 is offered",
        )),
        // A SHA-256 in unpadded base64url.
        Some(challenge) if challenge.len() != 43 => {
            Err(refusal("invalid_request", "that is not an S256 challenge"))
        }
        Some(challenge) => Ok(Some(challenge.to_owned())),
    }
}

/// The browser's session, if the request is content with it. An error only under `prompt=none`.
fn usable_session(
    provider: &Provider,
    params: &Params,
    jar: &CookieJar,
) -> Result<Option<SignIn>, Refusal> {
    let prompt: Vec<&str> = params
        .one("prompt")?
        .unwrap_or_default()
        .split(' ')
        .collect();
    let max_age = match params.one("max_age")? {
        None => None,
        Some(text) => {
            let seconds = text
                .parse()
                .map_err(|_| refusal("invalid_request", "bad max_age"))?;
            Some(Duration::from_secs(seconds))
        }
    };
    let session = provider
        .signed_in(jar)
        .map(|(sign_in, _)| sign_in)
        .filter(|sign_in| max_age.is_none_or(|age| provider.now().since(sign_in.at) <= age));
    if prompt.contains(&"none") && session.is_none() {
        return Err(refusal(
            "login_required",
            "nobody is signed in with this browser",
        ));
    }
    let ask_anyway = prompt.contains(&"login") || prompt.contains(&"select_account");
    Ok(session.filter(|_| !ask_anyway))
}

/// Shows the sign-in page, with the request kept under an id.
fn ask(provider: &Provider, request: AuthorizationRequest) -> Response {
    match provider.grants.lock().wait(request, provider.now()) {
        Ok(id) => redirect(&params::with_query(
            login::PATH,
            &[("request".to_owned(), id)],
        )),
        Err(_) => internal_error(),
    }
}
