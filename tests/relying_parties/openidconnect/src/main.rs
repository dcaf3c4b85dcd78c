//! Signs somebody in by the `openidconnect` crate, an implementation that is independent of
//! Gatepost's: discovery, code flow with PKCE, state and nonce, ID token, userinfo.
//!
//! It speaks with its test as `authlib/client.py` does: the first line on standard input is one JSON
//! object with `issuer`, `client_id`, `client_secret`, `redirect_uri` and `scope`; it prints `go URL`
//! for the browser, reads the URL that the browser was sent back to, and prints `saw` with one JSON
//! object, or `refused` with the reason. With `device` it is a device that shows a code instead (see
//! [`device`]): it reads nothing, and asks until somebody has answered.

mod device;

use anyhow::{Context as _, Result, bail, ensure};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl,
    Scope, TokenResponse as _,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write as _;
use std::time::Duration;

#[derive(Deserialize)]
struct Setup {
    issuer: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    redirect_uri: String,
    scope: String,
    #[serde(default)]
    device: bool,
}

impl Setup {
    /// The scopes but `openid`.
    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let scopes = self.scope.split(' ').filter(|scope| *scope != "openid");
        scopes.map(|scope| Scope::new(scope.to_owned()))
    }
}

fn main() {
    match begin() {
        Ok(saw) => println!("saw {saw}"),
        Err(error) => {
            println!("refused {error:#}");
            std::process::exit(1);
        }
    }
}

fn begin() -> Result<Value> {
    let setup: Setup = serde_json::from_str(&line()?).context("the set-up")?;
    if setup.device {
        device::connect(setup)
    } else {
        sign_in(setup)
    }
}

/// The crate's way out: no redirects, as it demands.
fn http() -> impl Fn(HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let http = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .new_agent();
    move |request: HttpRequest| {
        let (parts, mut body) = http.run(request)?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
    }
}

fn sign_in(setup: Setup) -> Result<Value> {
    let http = http();
    let issuer = IssuerUrl::new(setup.issuer.clone())?;
    let provider = CoreProviderMetadata::discover(&issuer, &http).context("discovery")?;
    let client = CoreClient::from_provider_metadata(
        provider,
        ClientId::new(setup.client_id.clone()),
        Some(ClientSecret::new(setup.client_secret.clone())),
    )
    .set_redirect_uri(RedirectUrl::new(setup.redirect_uri.clone())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        // It puts `openid` first by itself.
        .add_scopes(setup.scopes())
        .set_pkce_challenge(challenge)
        .url();
    println!("go {url}");
    std::io::stdout().flush()?;

    let answer = Answer::read(&line()?)?;
    ensure!(
        answer.state.as_deref() == Some(state.secret()),
        "the answer's state is not mine"
    );
    // The crate leaves RFC 9207 to its user.
    ensure!(
        answer
            .issuer
            .as_deref()
            .is_none_or(|from| from == setup.issuer),
        "the answer is another issuer's"
    );
    let Some(code) = answer.code else {
        bail!("no code but {:?}", answer.error.unwrap_or_default());
    };
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))?
        .set_pkce_verifier(verifier)
        .request(&http)
        .context("token endpoint")?;
    let id_token = tokens.id_token().context("no ID token")?;
    let verifier = client.id_token_verifier();
    let claims = id_token.claims(&verifier, &nonce).context("ID token")?;
    if let Some(stated) = claims.access_token_hash() {
        let algorithm = id_token.signing_alg()?;
        let key = id_token.signing_key(&verifier)?;
        let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)?;
        ensure!(actual == *stated, "at_hash is another access token's");
    }
    let subject = claims.subject().clone();
    let userinfo: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), Some(subject))?
        .request(&http)
        .context("userinfo")?;
    Ok(json!({
        "algorithm": id_token.signing_alg()?,
        "id_token": claims,
        "userinfo": userinfo,
        "token_type": tokens.token_type(),
        "expires_in": tokens.expires_in().map(|time| time.as_secs()),
        "scope": tokens.scopes(),
        "answer_names_issuer": answer.issuer.is_some(),
    }))
}

/// What came back in the redirect's query.
#[derive(Default)]
struct Answer {
    code: Option<String>,
    error: Option<String>,
    state: Option<String>,
    issuer: Option<String>,
}

impl Answer {
    fn read(url: &str) -> Result<Self> {
        let mut answer = Self::default();
        for (name, value) in Url::parse(url).context("the answer")?.query_pairs() {
            let place = match name.as_ref() {
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "state" => &mut answer.state,
                "iss" => &mut answer.issuer,
                _ => continue,
            };
            ensure!(place.replace(value.into_owned()).is_none(), "{name} twice");
        }
        Ok(answer)
    }
}

fn line() -> Result<String> {
    let mut line = String::new();
    ensure!(std::io::stdin().read_line(&mut line)? > 0, "no more input");
    Ok(line.trim_end().to_owned())
}
