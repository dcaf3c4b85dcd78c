//! One origin's calls: bounded in time, size and redirects.

use super::diagnose::diagnose;
use super::error::{HttpError, Stage};
use super::guard::Origin;
use super::resolve::Guarded;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName,
    HeaderValue, LOCATION,
};
use model::time::Timestamp;
use reqwest::redirect;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// The bounds of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resolving, connecting and shaking hands.
    pub connect: Duration,
    /// The whole call, body included.
    pub total: Duration,
    /// Bytes of a body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            body: 1 << 20,
        }
    }
}

/// One call.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    url: &'a Url,
    accept: &'static str,
    authorization: Option<&'a SecretString>,
    form: Option<SecretString>,
    follow: bool,
    body: Wanted,
}

/// How much of an answer's body is of use.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// All of it, or there is no answer.
    All,
    /// The start of a long one.
    Start,
    /// What comes soon of an answer of this status, and nothing of any other: the status says it all.
    Words { of: u16 },
}

/// Bytes of a body that gives the words for a status.
const WORDS: usize = 4 * 1024;
/// How long they are waited for, once the status is there.
const WORDS_WITHIN: Duration = Duration::from_secs(1);

impl<'a> Request<'a> {
    /// A GET that wants JSON.
    #[must_use]
    pub const fn get(url: &'a Url) -> Self {
        Self {
            url,
            accept: "application/json",
            authorization: None,
            form: None,
            follow: false,
            body: Wanted::All,
        }
    }

    /// A POST of a form that wants JSON.
    #[must_use]
    pub fn post(url: &'a Url, form: SecretString) -> Self {
        Self {
            form: Some(form),
            ..Self::get(url)
        }
    }

    /// Where it goes.
    #[must_use]
    pub const fn url(&self) -> &'a Url {
        self.url
    }

    /// What we can read.
    #[must_use]
    pub const fn accept(mut self, types: &'static str) -> Self {
        self.accept = types;
        self
    }

    /// The whole value of the `Authorization` header.
    #[must_use]
    pub const fn authorization(mut self, value: Option<&'a SecretString>) -> Self {
        self.authorization = value;
        self
    }

    /// Follows one redirect, within the same origin.
    #[must_use]
    pub const fn follow_within_origin(mut self) -> Self {
        self.follow = true;
        self
    }

    /// Takes the start of a long body in place of an error: for pages, which nobody parses.
    #[must_use]
    pub const fn cut_body(mut self) -> Self {
        self.body = Wanted::Start;
        self
    }

    /// Takes the status for the answer. Of the body only that of status `of` is read, as far as it comes
    /// plain and soon: whatever is wrong with a body, or keeps it from coming, changes nothing.
    #[must_use]
    pub const fn by_status(mut self, of: u16) -> Self {
        self.body = Wanted::Words { of };
        self
    }
}

/// One answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Location`, as sent.
    pub location: Option<String>,
    /// The other side's clock when it answered.
    pub date: Option<Timestamp>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the call took.
    pub took: Duration,
}

impl Response {
    /// Whether it is a page for people: the commonest wrong answer to a program.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.content_type
            .as_deref()
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

/// The connections to one origin, as one provider's trust allows them. Kept, so that calls find
/// them warm.
pub(crate) struct Client {
    http: reqwest::Client,
    resolver: Guarded,
    limits: Limits,
}

impl Client {
    pub(crate) fn new(
        resolver: Guarded,
        tls: ClientConfig,
        limits: Limits,
    ) -> Result<Self, HttpError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(resolver.clone()))
            // A proxy from the environment would resolve names itself, behind the guard's back.
            .no_proxy()
            .redirect(redirect::Policy::none())
            // A code works once: what was sent is never sent again.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("Gatepost/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(64)
            // A connection that died silently is noticed before the next sign-in needs it.
            .tcp_keepalive(Duration::from_secs(15))
            .tcp_keepalive_interval(Duration::from_secs(5))
            .tcp_keepalive_retries(3)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| diagnose(&error, &resolver.gate.origin, limits.connect))?;
        Ok(Self {
            http,
            resolver,
            limits,
        })
    }

    fn origin(&self) -> &Origin {
        &self.resolver.gate.origin
    }

    /// Makes the call.
    pub(crate) async fn call(&self, request: &Request<'_>) -> Result<Response, HttpError> {
        let started = Instant::now();
        let deadline = started + self.limits.total;
        let mut answer = self.send(request, request.url, deadline).await?;
        if request.follow && answer.status().is_redirection() {
            let target = self.within_origin(request.url, &answer)?;
            answer = self.send(request, &target, deadline).await?;
            if answer.status().is_redirection() {
                return Err(self.redirected(request.url, &answer));
            }
        }
        self.read(answer, request.body, started, deadline).await
    }

    async fn send(
        &self,
        request: &Request<'_>,
        url: &Url,
        deadline: Instant,
    ) -> Result<reqwest::Response, HttpError> {
        // Literals never reach the resolver, so the gate looks at them here.
        self.resolver.gate.check_name()?;
        let mut call = match &request.form {
            Some(form) => self
                .http
                .post(url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.expose_secret().to_owned()),
            None => self.http.get(url.clone()),
        };
        call = call.header(ACCEPT, request.accept);
        if let Some(value) = request.authorization {
            let mut value = HeaderValue::from_str(value.expose_secret())
                .map_err(|_| self.protocol("a token that cannot stand in a header"))?;
            value.set_sensitive(true);
            call = call.header(AUTHORIZATION, value);
        }
        match timeout_at(deadline, call.send()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(diagnose(&error, self.origin(), self.limits.connect)),
            Err(_) => Err(self.timed_out(Stage::Answer)),
        }
    }

    async fn read(
        &self,
        answer: reqwest::Response,
        wanted: Wanted,
        started: Instant,
        deadline: Instant,
    ) -> Result<Response, HttpError> {
        let headers = answer.headers();
        let encoding = text(headers, CONTENT_ENCODING).filter(|e| e != "identity");
        let mut response = Response {
            status: answer.status().as_u16(),
            content_type: text(headers, CONTENT_TYPE),
            location: text(headers, LOCATION),
            date: text(headers, DATE).and_then(|date| date_of(&date)),
            body: Vec::new(),
            took: Duration::ZERO,
        };
        response.body = match (wanted, encoding) {
            (Wanted::Words { of }, None) if of == response.status => {
                words(answer, deadline.min(Instant::now() + WORDS_WITHIN)).await
            }
            (Wanted::Words { .. }, _) => Vec::new(),
            (_, None) => {
                let cut = matches!(wanted, Wanted::Start);
                self.body(answer, cut, deadline).await?
            }
            (_, Some(encoding)) => {
                return Err(HttpError::Compressed {
                    host: self.origin().to_string(),
                    encoding: oidc::foreign::printable(&encoding, 30),
                });
            }
        };
        response.took = started.elapsed();
        Ok(response)
    }

    /// Reads the body and counts while it comes: a length is a promise, a stream may never end.
    async fn body(
        &self,
        mut answer: reqwest::Response,
        cut: bool,
        deadline: Instant,
    ) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        loop {
            let chunk = match timeout_at(deadline, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(body),
                Ok(Err(error)) => return Err(self.broken_body(&error)),
                Err(_) => return Err(self.timed_out(Stage::Body)),
            };
            let room = self.limits.body - body.len();
            if chunk.len() > room {
                if !cut {
                    return Err(HttpError::TooLarge {
                        host: self.origin().to_string(),
                        limit: self.limits.body,
                    });
                }
                body.extend_from_slice(&chunk[..room]);
                return Ok(body);
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// Where a redirect leads, if that is the same origin.
    fn within_origin(&self, from: &Url, answer: &reqwest::Response) -> Result<Url, HttpError> {
        text(answer.headers(), LOCATION)
            .and_then(|location| from.join(&location).ok())
            .filter(|to| Origin::of(to).is_ok_and(|to| to == *self.origin()))
            .ok_or_else(|| self.redirected(from, answer))
    }

    fn redirected(&self, from: &Url, answer: &reqwest::Response) -> HttpError {
        let to = text(answer.headers(), LOCATION)
            .and_then(|location| from.join(&location).ok())
            .map_or_else(
                || "nowhere".to_owned(),
                |to| to.origin().ascii_serialization(),
            );
        HttpError::Redirected {
            host: self.origin().to_string(),
            status: answer.status().as_u16(),
            to: oidc::foreign::printable(&to, 200),
        }
    }

    /// Once the head is there, an error without a better name means that the rest did not come.
    fn broken_body(&self, error: &reqwest::Error) -> HttpError {
        match diagnose(error, self.origin(), self.limits.connect) {
            HttpError::Protocol { host, .. } => HttpError::Closed { host },
            other => other,
        }
    }

    fn timed_out(&self, stage: Stage) -> HttpError {
        HttpError::TimedOut {
            host: self.origin().to_string(),
            stage,
            after: self.limits.total,
        }
    }

    fn protocol(&self, detail: &str) -> HttpError {
        HttpError::Protocol {
            host: self.origin().to_string(),
            detail: detail.to_owned(),
        }
    }
}

/// As much of a body as comes until then; the connection is given up with the rest.
async fn words(mut answer: reqwest::Response, until: Instant) -> Vec<u8> {
    let mut words = Vec::new();
    while words.len() < WORDS
        && let Ok(Ok(Some(chunk))) = timeout_at(until, answer.chunk()).await
    {
        let room = WORDS - words.len();
        words.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    words
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn date_of(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_secs())
        .ok()
        .map(Timestamp::from_secs)
}
