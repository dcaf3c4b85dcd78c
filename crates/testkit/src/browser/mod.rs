//! A scripted browser: it follows redirects over several servers, keeps cookies by host and path,
//! reads forms as a browser does and sends what a browser sends. No script runs in it.
//!
//! What servers judge a browser by is real: `Cookie` (host, path, expiry, `Secure`), `Origin`
//! under the page's referrer policy, and `Sec-Fetch-Site`. `SameSite` is not: cookies of that kind
//! are sent always. Tests that turn on it belong to the real browser.

mod error;
mod form;
mod initiator;
mod multipart;
mod page;

pub use error::BrowserError;
pub use form::Form;
pub use page::Page;

use cookie_store::CookieStore;
use form::Submission;
use initiator::Initiator;
use parking_lot::Mutex;
use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// As many redirects as Chromium follows in a row.
const MOST_REDIRECTS: usize = 20;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One browser profile. Clones and tabs share its cookies.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    cookies: Arc<Mutex<CookieStore>>,
}

/// What a browser knows beforehand.
#[derive(Default)]
pub struct BrowserBuilder {
    roots: Vec<String>,
    hosts: Vec<(String, SocketAddr)>,
}

impl BrowserBuilder {
    /// Trusts the certificates in this PEM text. Without any, only `http:` works.
    #[must_use]
    pub fn trusting(mut self, pem: &str) -> Self {
        self.roots.push(pem.to_owned());
        self
    }

    /// Reaches `host` at this address, whatever port its URLs name.
    #[must_use]
    pub fn resolving(mut self, host: &str, address: SocketAddr) -> Self {
        self.hosts.push((host.to_owned(), address));
        self
    }

    /// The browser.
    ///
    /// # Errors
    /// When a PEM text holds no certificate.
    pub fn build(self) -> Result<Browser, BrowserError> {
        let mut roots = rustls::RootCertStore::empty();
        for pem in &self.roots {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|error| BrowserError::Certificate(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| BrowserError::Certificate(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| BrowserError::Certificate(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent("Mozilla/5.0 (scripted) Gatepost-testkit");
        for (host, address) in self.hosts {
            client = client.resolve(&host, address);
        }
        Ok(Browser {
            client: client.build()?,
            cookies: Arc::default(),
        })
    }
}

impl Browser {
    /// A browser with an empty profile that trusts no certificate.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new() -> Result<Self, BrowserError> {
        Self::builder().build()
    }

    /// A browser with settings of its own.
    #[must_use]
    pub fn builder() -> BrowserBuilder {
        BrowserBuilder::default()
    }

    /// A new tab with nothing in it.
    #[must_use]
    pub fn tab(&self) -> Tab {
        Tab {
            browser: self.clone(),
            page: None,
            hops: Vec::new(),
            barrier: None,
        }
    }

    /// The value of the cookie that a request to `url` would carry.
    ///
    /// # Errors
    /// When `url` is none.
    pub fn cookie(&self, url: &str, name: &str) -> Result<Option<String>, BrowserError> {
        let url = Url::parse(url)?;
        let cookies = self.cookies.lock();
        let mut sent = cookies.get_request_values(&url);
        Ok(sent
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned()))
    }

    /// Takes a cookie as if `url` had set it; `cookie` is written as in `Set-Cookie`.
    ///
    /// # Errors
    /// When `url` is none or the cookie would be refused.
    pub fn set_cookie(&self, url: &str, cookie: &str) -> Result<(), BrowserError> {
        let stored = self.cookies.lock().parse(cookie, &Url::parse(url)?);
        stored
            .map(drop)
            .map_err(|error| BrowserError::Cookie(error.to_string()))
    }

    /// Forgets every cookie.
    pub fn clear_cookies(&self) {
        self.cookies.lock().clear();
    }

    /// One request, with cookies in and out.
    async fn fetch(
        &self,
        submission: &Submission,
        initiator: &Initiator,
    ) -> Result<Page, BrowserError> {
        let Submission { method, url, body } = submission;
        let mut request = self
            .client
            .request(method.clone(), url.clone())
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Site", initiator.site());
        if *method == Method::POST {
            request = request.header(ORIGIN, initiator.origin());
        }
        if let Some((kind, bytes)) = body {
            request = request.header(CONTENT_TYPE, kind).body(bytes.clone());
        }
        let cookie = {
            let cookies = self.cookies.lock();
            let sent: Vec<_> = cookies
                .get_request_values(url)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            sent.join("; ")
        };
        if !cookie.is_empty() {
            request = request.header(COOKIE, cookie);
        }
        let response = request.send().await?;
        {
            let mut cookies = self.cookies.lock();
            for cookie in response.headers().get_all(SET_COOKIE) {
                // A browser drops a cookie that it does not accept, and so do we.
                let _ = cookie
                    .to_str()
                    .ok()
                    .map(|cookie| cookies.parse(cookie, url));
            }
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Page::new(url.clone(), status, headers, &body))
    }
}

/// One request of a navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where it went.
    pub url: Url,
    /// What came back.
    pub status: StatusCode,
    /// The redirect's `Location`, byte for byte.
    pub location: Option<String>,
}

/// A tab: the page it shows, and how it came there.
pub struct Tab {
    browser: Browser,
    page: Option<Page>,
    hops: Vec<Hop>,
    barrier: Option<String>,
}

impl Tab {
    /// Opens a URL as if it was typed in.
    ///
    /// # Errors
    /// When the URL is none, a server cannot be reached or redirects do not end.
    pub async fn open(&mut self, url: &str) -> Result<Page, BrowserError> {
        let target = Submission::get(Url::parse(url)?);
        self.navigate(target, Initiator::person()).await
    }

    /// Follows the link with this text on the page.
    ///
    /// # Errors
    /// When there is no such link; else as [`Tab::open`].
    pub async fn follow(&mut self, link_text: &str) -> Result<Page, BrowserError> {
        let page = self.page()?;
        let target = Submission::get(page.link(link_text)?);
        self.navigate(target, Initiator::page(page)).await
    }

    /// Submits a form of the page that this tab shows, or of an older one: the form knows its page.
    ///
    /// # Errors
    /// As [`Tab::open`].
    pub async fn submit(&mut self, form: Form) -> Result<Page, BrowserError> {
        let (target, initiator) = form.submission()?;
        self.navigate(target, initiator).await
    }

    /// What a script of the page would send: one request with the browser's cookies, no navigation.
    ///
    /// # Errors
    /// When the URL is none or the server cannot be reached.
    pub async fn send_json(
        &mut self,
        method: Method,
        url: &str,
        body: &serde_json::Value,
    ) -> Result<Page, BrowserError> {
        let target = Submission {
            method,
            url: Url::parse(url)?,
            body: Some(("application/json".to_owned(), body.to_string().into_bytes())),
        };
        let mut initiator = self
            .page
            .as_ref()
            .map_or_else(Initiator::person, Initiator::page);
        initiator.passes(&target.url);
        self.browser.fetch(&target, &initiator).await
    }

    /// Stops the next navigations before they reach a URL that starts with `prefix`: the tab then
    /// shows the redirect itself, and [`Page::location`] is where it would have gone. For codes
    /// that are to end up in other hands.
    pub fn stop_before(&mut self, prefix: &str) {
        self.barrier = Some(prefix.to_owned());
    }

    /// Lets navigations go everywhere again.
    pub fn stop_nowhere(&mut self) {
        self.barrier = None;
    }

    /// The page that the tab shows.
    ///
    /// # Errors
    /// When nothing was opened yet.
    pub fn page(&self) -> Result<&Page, BrowserError> {
        self.page.as_ref().ok_or(BrowserError::EmptyTab)
    }

    /// Every request of the last navigation, in order.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    async fn navigate(
        &mut self,
        mut target: Submission,
        mut initiator: Initiator,
    ) -> Result<Page, BrowserError> {
        self.hops.clear();
        loop {
            initiator.passes(&target.url);
            let page = self.browser.fetch(&target, &initiator).await?;
            let location = page.raw_location();
            self.hops.push(Hop {
                method: target.method.clone(),
                url: target.url.clone(),
                status: page.status(),
                location: location.clone(),
            });
            let next = page.location()?;
            let stops = |next: &Url| {
                self.barrier
                    .as_ref()
                    .is_some_and(|prefix| next.as_str().starts_with(prefix))
            };
            let Some(next) = next.filter(|next| !stops(next)) else {
                self.page = Some(page.clone());
                return Ok(page);
            };
            if self.hops.len() > MOST_REDIRECTS {
                return Err(BrowserError::TooManyRedirects(std::mem::take(
                    &mut self.hops,
                )));
            }
            target = target.redirected(page.status(), next);
        }
    }
}
