//! A provider as an app meets it, Gatepost or the one beside it: the same requests at other paths.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::oauth_app::IdTokenAlg;
use serde_json::Value;

use super::http::{Answer, Connection, drive, load};

/// Where the app is said to be. Nobody goes there.
pub(super) const CALLBACK: &str = "https://app.example.test/callback";
const SCOPES: &str = "openid%20profile%20email";
/// A verifier and its challenge: RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// How many codes are fetched side by side.
const FETCHERS: usize = 8;

/// A running provider with an app for each algorithm and people who are signed in.
pub(super) struct Party {
    pub(super) name: &'static str,
    /// Address and port.
    pub(super) authority: String,
    /// Its first process; whatever serves is below it.
    pub(super) pid: u32,
    pub(super) paths: Paths,
    /// `Cookie` headers of people who are signed in, of those who allowed each app.
    pub(super) cookies: Vec<String>,
}

/// Where its endpoints are.
pub(super) struct Paths {
    pub(super) authorize: &'static str,
    pub(super) token: &'static str,
    pub(super) userinfo: &'static str,
    pub(super) introspect: &'static str,
    pub(super) jwks: &'static str,
    /// It has mailcow's profile too.
    pub(super) has_profile: bool,
    /// Its documents have tags, by which a client that kept them is told so.
    pub(super) has_tags: bool,
}

/// The same for all of them.
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What a code was exchanged for.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    id: String,
}

impl Party {
    /// A page or document.
    pub(super) fn get(&self, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        self.request("GET", target, headers, "")
    }

    fn post(&self, target: &str, alg: IdTokenAlg, form: &str) -> Vec<u8> {
        let credentials = STANDARD.encode(format!("{}:{}", client_id(alg), secret(alg)));
        let authorization = format!("Basic {credentials}");
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        self.request("POST", target, &headers, form)
    }

    fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        text.push_str("Accept: application/json\r\nUser-Agent: benches\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        text.into_bytes()
    }

    /// What an app sends people with.
    pub(super) fn authorize_target(&self, alg: IdTokenAlg) -> String {
        format!(
            "{}?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fapp.example.test\
             %2Fcallback&scope={SCOPES}&state=a-state&nonce=a-nonce&code_challenge={CHALLENGE}\
             &code_challenge_method=S256",
            self.paths.authorize,
            client_id(alg),
        )
    }

    /// Fresh codes, by the authorization endpoint, of one person after the other. They are good for
    /// a minute.
    pub(super) fn codes(&self, alg: IdTokenAlg, count: usize) -> anyhow::Result<Vec<String>> {
        let target = self.authorize_target(alg);
        let visits: Vec<Vec<u8>> = self
            .cookies
            .iter()
            .map(|cookie| self.get(&target, &[("Cookie", cookie)]))
            .collect();
        let visits = load(&self.authority, FETCHERS, &visits, count, code_of)?;
        Ok(visits.results)
    }

    /// The request that exchanges a code.
    pub(super) fn redeem(&self, alg: IdTokenAlg, code: &str) -> Vec<u8> {
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example.test\
             %2Fcallback&code_verifier={VERIFIER}"
        );
        self.post(self.paths.token, alg, &form)
    }

    /// The request that uses a refresh token.
    pub(super) fn refresh(&self, alg: IdTokenAlg, token: &str) -> Vec<u8> {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        self.post(self.paths.token, alg, &form)
    }

    /// The request that asks what a token is worth.
    pub(super) fn introspect(&self, alg: IdTokenAlg, token: &str) -> Vec<u8> {
        self.post(self.paths.introspect, alg, &format!("token={token}"))
    }

    /// The request with an access token in its header.
    pub(super) fn bear(&self, target: &str, token: &str) -> Vec<u8> {
        self.get(target, &[("Authorization", &format!("Bearer {token}"))])
    }

    /// Tokens of so many sign-ins, one person after the other.
    pub(super) fn tokens(&self, alg: IdTokenAlg, count: usize) -> anyhow::Result<Vec<Tokens>> {
        let codes = self.codes(alg, count)?;
        let requests: Vec<Vec<u8>> = codes.iter().map(|code| self.redeem(alg, code)).collect();
        let given = load(&self.authority, FETCHERS, &requests, count, tokens_of)?;
        Ok(given.results)
    }

    /// One answer.
    pub(super) fn ask(&self, request: &[u8]) -> anyhow::Result<Answer> {
        drive(async || Connection::open(&self.authority).await?.ask(request).await)
    }

    /// Looks once at what everything brings, so that like is compared with like.
    pub(super) fn look(&self) -> anyhow::Result<()> {
        for alg in IdTokenAlg::ALL {
            let tokens = self.tokens(alg, 1)?.pop().context("no tokens")?;
            let (header, claims) = read_token(&tokens.id)?;
            ensure!(header["alg"] == alg.name(), "{}: {header}", alg.name());
            ensure!(claims["nonce"] == "a-nonce", "no nonce: {claims}");
            ensure!(!tokens.access.contains('.'), "an access token with parts");
            let again = tokens_of(&self.ask(&self.refresh(alg, &tokens.refresh))?)?;
            ensure!(again.refresh != tokens.refresh, "it was not rotated");
            let about = json(&self.ask(&self.bear(self.paths.userinfo, &tokens.access))?)?;
            for claim in ["sub", "name", "email", "email_verified"] {
                ensure!(!about[claim].is_null(), "no {claim}: {about}");
            }
            let worth = json(&self.ask(&self.introspect(alg, &tokens.access))?)?;
            ensure!(worth["active"] == true, "worth nothing: {worth}");
            ensure!(worth["client_id"] == client_id(alg), "of another: {worth}");
        }
        let keys = json(&self.ask(&self.get(self.paths.jwks, &[]))?)?;
        let keys = keys["keys"].as_array().context("no keys")?;
        ensure!(keys.len() == IdTokenAlg::ALL.len(), "{} keys", keys.len());
        let metadata = json(&self.ask(&self.get(DISCOVERY, &[]))?)?;
        let issuer = format!("http://{}", self.authority);
        ensure!(metadata["issuer"] == issuer.as_str(), "{metadata}");
        Ok(())
    }
}

/// The app whose ID tokens are signed so.
pub(super) fn client_id(alg: IdTokenAlg) -> String {
    format!("bench-{}", alg.name())
}

/// Its secret.
pub(super) fn secret(alg: IdTokenAlg) -> String {
    format!("a-secret-of-the-benches-for-{}", alg.name())
}

/// The code that an answer sends the browser on with.
fn code_of(answer: &Answer) -> anyhow::Result<String> {
    let place = answer.header("location");
    let place = place.with_context(|| format!("no redirect: {}", answer.status))?;
    ensure!(place.starts_with(CALLBACK), "sent to {place}");
    let query = place.split_once('?').context("no query")?.1;
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    Ok(code
        .with_context(|| format!("no code: {place}"))?
        .to_owned())
}

/// The tokens that an answer gives.
pub(super) fn tokens_of(answer: &Answer) -> anyhow::Result<Tokens> {
    let given = json(answer)?;
    let member = |name: &str| {
        let text = given[name].as_str().map(str::to_owned);
        text.with_context(|| format!("no {name}: {given}"))
    };
    Ok(Tokens {
        access: member("access_token")?,
        refresh: member("refresh_token")?,
        id: member("id_token")?,
    })
}

fn json(answer: &Answer) -> anyhow::Result<Value> {
    let (status, body) = (answer.status, &answer.body);
    ensure!(status == 200, "{status}: {body}");
    serde_json::from_str(body).with_context(|| body.clone())
}

/// Header and claims of a token.
fn read_token(token: &str) -> anyhow::Result<(Value, Value)> {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part)?;
        anyhow::Ok(serde_json::from_slice(&bytes)?)
    });
    let header = parts.next().context("no header")??;
    Ok((header, parts.next().context("no claims")??))
}
