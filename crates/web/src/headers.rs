//! The headers that tell a browser what a page may do.

use crate::site::Site;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Nothing but this site's own style sheet, module and pictures; no frames, no inline anything.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

static ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (OPENER, HeaderValue::from_static("same-origin")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
];

/// One year, this host alone: what other names of the domain serve is not ours to decide.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// What an answer on the way to an app may do beyond the usual, as an extension of it. An app may have
/// opened the sign-in in a window of its own and wait for word from there: any page or redirect on the
/// way that keeps to its own origin (Cross-Origin-Opener-Policy) would part the two for good.
#[derive(Debug, Clone, Default)]
pub struct Further {
    /// One more place that forms of the page may lead to, as a source of the policy: an app's, as
    /// `Answer::form_action` gives it. A browser applies `form-action` also to
    /// where the answer to a form sends it on.
    pub form_action: Option<String>,
    /// Nobody is told where the person came from.
    pub no_referrer: bool,
}

impl Further {
    /// Marks an answer.
    #[must_use]
    pub fn on(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }
}

/// The policy of a page whose forms may lead to one more place.
fn policy_with(form_action: &str) -> Option<HeaderValue> {
    let own = "form-action 'self'";
    let both = format!("{own} {form_action}");
    HeaderValue::from_str(&CONTENT_SECURITY_POLICY.replace(own, &both)).ok()
}

/// Sets them on an answer. What is not marked otherwise is never kept by a cache.
pub fn set(site: &Site, response: &mut Response) {
    let further = response.extensions_mut().remove::<Further>();
    let headers = response.headers_mut();
    for (name, value) in &ALWAYS {
        headers.insert(name, value.clone());
    }
    if let Some(further) = further {
        headers.insert(OPENER, HeaderValue::from_static("unsafe-none"));
        if further.no_referrer {
            let none = HeaderValue::from_static("no-referrer");
            headers.insert(header::REFERRER_POLICY, none);
        }
        if let Some(policy) = further.form_action.as_deref().and_then(policy_with) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    if site.https() {
        let value = HeaderValue::from_static(STRICT_TRANSPORT);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}
