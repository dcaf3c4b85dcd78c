//! Who started a navigation, as servers are told by `Origin` and `Sec-Fetch-Site`.

use super::Page;
use url::{Host, Origin, Url};

/// The page that a navigation comes from, or a person who typed a URL.
pub(super) struct Initiator {
    page: Option<From>,
    /// Everywhere the navigation has been: a redirect through a stranger is remembered.
    passed: Vec<Url>,
}

struct From {
    url: Url,
    /// The page's referrer policy, as far as it touches `Origin`.
    hides_origin: bool,
    hides_origin_from_others: bool,
}

impl Initiator {
    pub(super) fn person() -> Self {
        Self {
            page: None,
            passed: Vec::new(),
        }
    }

    pub(super) fn page(page: &Page) -> Self {
        let policy = page.referrer_policy();
        let from = From {
            url: page.url().clone(),
            hides_origin: policy == "no-referrer",
            hides_origin_from_others: policy == "same-origin",
        };
        Self {
            page: Some(from),
            passed: Vec::new(),
        }
    }

    /// The next request of the navigation goes here.
    pub(super) fn passes(&mut self, url: &Url) {
        self.passed.push(url.clone());
    }

    /// `Sec-Fetch-Site` (Fetch Metadata section 2.3): the worst relation on the way.
    pub(super) fn site(&self) -> &'static str {
        let Some(from) = &self.page else {
            return "none";
        };
        if self
            .passed
            .iter()
            .all(|url| url.origin() == from.url.origin())
        {
            "same-origin"
        } else if self.passed.iter().all(|url| same_site(url, &from.url)) {
            "same-site"
        } else {
            "cross-site"
        }
    }

    /// `Origin` of a POST (Fetch section 3.2): `null` where the page's referrer policy hides it or
    /// a redirect has crossed origins on the way.
    pub(super) fn origin(&self) -> String {
        let Some(from) = &self.page else {
            return "null".to_owned();
        };
        let same = |url: &Url| url.origin() == from.url.origin();
        let earlier = self.passed.len().saturating_sub(1);
        let crossed = !self.passed[..earlier].iter().all(same);
        let foreign = !self.passed.iter().all(same);
        if from.hides_origin || crossed || (from.hides_origin_from_others && foreign) {
            return "null".to_owned();
        }
        from.url.origin().ascii_serialization()
    }
}

/// Same scheme and same registrable domain, ports aside. The registrable domain is taken to be the
/// last two labels, which is right for the names that tests use.
fn same_site(one: &Url, other: &Url) -> bool {
    let (Origin::Tuple(scheme, host, _), Origin::Tuple(other_scheme, other_host, _)) =
        (one.origin(), other.origin())
    else {
        return false;
    };
    scheme == other_scheme && registrable(&host) == registrable(&other_host)
}

fn registrable(host: &Host) -> String {
    match host {
        Host::Domain(name) => {
            let labels: Vec<_> = name.rsplit('.').take(2).collect();
            labels.join(".")
        }
        address => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn navigation(from: &str, policy: &'static str, through: &[&str]) -> Initiator {
        let mut headers = HeaderMap::new();
        headers.insert("referrer-policy", HeaderValue::from_static(policy));
        let page = Page::new(Url::parse(from).unwrap(), StatusCode::OK, headers, b"");
        let mut initiator = Initiator::page(&page);
        for url in through {
            initiator.passes(&Url::parse(url).unwrap());
        }
        initiator
    }

    #[test]
    fn tells_how_near_the_navigation_stayed() {
        let site = |through: &[&str]| navigation("http://127.0.0.1:1/a", "", through).site();
        assert_eq!(site(&["http://127.0.0.1:1/b"]), "same-origin");
        assert_eq!(site(&["http://127.0.0.1:2/b"]), "same-site");
        assert_eq!(
            site(&["http://127.0.0.2:1/b", "http://127.0.0.1:1/"]),
            "cross-site"
        );
        assert_eq!(Initiator::person().site(), "none");
    }

    #[test]
    fn hides_the_origin_as_the_referrer_policy_says() {
        let origin =
            |policy, through: &[&str]| navigation("https://a.example/x", policy, through).origin();
        assert_eq!(origin("", &["https://b.example/"]), "https://a.example");
        assert_eq!(origin("no-referrer", &["https://a.example/"]), "null");
        assert_eq!(
            origin("same-origin", &["https://a.example/"]),
            "https://a.example"
        );
        assert_eq!(origin("same-origin", &["https://b.example/"]), "null");
        assert_eq!(
            origin("", &["https://b.example/", "https://a.example/"]),
            "null"
        );
    }
}
