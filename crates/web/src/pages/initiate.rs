//! A sign-in that a provider's portal begins (OpenID Connect Core section 4): a tile there leads
//! here, and from here to the provider.

use super::{refusal, sso};
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::foreign_form;
use crate::local_path::LocalPath;
use crate::route::{Policy, Routes};
use crate::session::Visitor;
use crate::shell::Frame;
use crate::site::Site;
use crate::state::WebState;
use app::sign_in::{Begun, Initiation};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::Uri;
use secrecy::ExposeSecret as _;

/// Its routes.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, "/sso/{provider}/initiate", initiate)
        .post(Policy::Carried, "/sso/{provider}/initiate", carried)
}

/// Longest parameter that is taken over: three of them, percent-encoded, still fit into a URL that
/// we answer.
const MOST_BYTES: usize = 1024;

/// What the portal says. A parameter that stands twice, or is absurdly long, says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    iss: Option<String>,
    login_hint: Option<String>,
    target_link_uri: Option<String>,
}

impl Said {
    fn parse(parameters: &str) -> Self {
        let one = |wanted: &str| {
            let mut values = form_urlencoded::parse(parameters.as_bytes())
                .filter(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned());
            let first = values.next();
            let fits = |value: &String| (1..=MOST_BYTES).contains(&value.len());
            first.filter(|value| fits(value) && values.next().is_none())
        };
        Self {
            iss: one("iss"),
            login_hint: one("login_hint"),
            target_link_uri: one("target_link_uri"),
        }
    }

    /// The place on this site that the target names; `/` for any other site.
    fn target(&self, site: &Site) -> LocalPath {
        let local = self.target_link_uri.as_deref().and_then(|target| {
            let path = target.strip_prefix(site.origin()).unwrap_or(target);
            LocalPath::parse(path)
        });
        local.unwrap_or_default()
    }
}

async fn initiate(
    State(state): State<WebState>,
    Path(provider): Path<String>,
    uri: Uri,
    BrowserId(browser): BrowserId,
    Visitor(client): Visitor,
    frame: Frame,
) -> Response {
    let said = Said::parse(uri.query().unwrap_or_default());
    let next = said.target(&state.site);
    let initiation = Initiation {
        issuer: said.iss.as_deref(),
        login_hint: said.login_hint.as_deref(),
        return_to: sso::return_to(&next),
    };
    let begun = state
        .app
        .begin_initiated_sign_in(&provider, initiation, browser.expose_secret(), &client)
        .await;
    match begun {
        Ok(Begun::Leave(url)) => Redirect::to(&url).into_response(),
        Ok(Begun::Ask) => Redirect::to("/").into_response(),
        Err(refused) => refusal::on_the_way(&state, frame, &refused, &next).await,
    }
}

/// The same by a form of the portal: the browser is sent to ask again by itself, with its cookie.
async fn carried(uri: Uri, request: Request) -> Result<Response, Failure> {
    let form = foreign_form::read(request).await?;
    let said = Said::parse(&form);
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("iss", said.iss),
        ("login_hint", said.login_hint),
        ("target_link_uri", said.target_link_uri),
    ] {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    Ok(Redirect::to(&format!("{}?{}", uri.path(), query.finish())).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_stands_twice_says_nothing() {
        let said = Said::parse("iss=https%3A%2F%2Fa.example&login_hint=&x=1");
        assert_eq!(said.iss.as_deref(), Some("https://a.example"));
        assert_eq!(said.login_hint, None);
        let twice = Said::parse("iss=https%3A%2F%2Fa.example&iss=https%3A%2F%2Fb.example");
        assert_eq!(twice, Said::default());
        let long = Said::parse(&format!("login_hint={}", "x".repeat(MOST_BYTES + 1)));
        assert_eq!(long, Said::default());
    }

    #[test]
    fn a_target_is_a_place_here_or_the_front_page() {
        let site = Site::new("https://mail.example.org", &[], &[]).unwrap();
        let target = |uri: &str| {
            let said = Said {
                target_link_uri: Some(uri.to_owned()),
                ..Said::default()
            };
            said.target(&site).as_str().to_owned()
        };
        assert_eq!(
            target("https://mail.example.org/devices?a=b"),
            "/devices?a=b"
        );
        assert_eq!(target("/devices"), "/devices");
        for elsewhere in [
            "https://mail.example.org.evil.test/devices",
            "https://mail.example.org@evil.test/devices",
            "https://mail.example.org//evil.test",
            "https://evil.test/devices",
            "//evil.test/devices",
            "/\\evil.test",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(target(elsewhere), "/", "{elsewhere}");
        }
    }
}
