//! A request such as an app sends, read by the code that reads real ones; nobody is behind it.

use super::answer::Answer;
use super::request::{Unreadable, read};
use super::says_no;
use crate::oauth::names::grantable;
use crate::oauth::token::token_shape;
use crate::{App, Problem};
use model::oauth_app::OauthApp;
use model::outcome::Code;
use model::rules::apps::of_app;
use oidc::op::authorize::Unchecked;
use oidc::scope::Scopes;
use url::form_urlencoded::Serializer;

/// What stands for the nonce of a request.
pub(in crate::oauth) const NONCE: &str = "(as the app sent it)";
const STATE: &str = "(as the app sent it)";
/// Of no verifier: no code is ever given for it.
const CHALLENGE: &str = "0000000000000000000000000000000000000000000";

/// A request that would be answered.
pub(in crate::oauth) struct Rehearsal {
    /// The answer to it: with a code, and without. `None` where an app has no redirect.
    pub(in crate::oauth) answers: Option<(Answer, Answer)>,
    /// The redirect leads to a web site.
    pub(in crate::oauth) web: bool,
    /// What would be granted, separated by single spaces.
    pub(in crate::oauth) scopes: String,
}

impl App {
    /// Reads the request for a code that `app` would send with these scopes.
    ///
    /// # Errors
    /// [`Problem::Refused`] as a real one would be.
    pub(in crate::oauth) fn rehearse(
        &self,
        app: &OauthApp,
        scopes: &str,
    ) -> Result<Rehearsal, Problem> {
        let Some(redirect) = app.settings.redirects.first() else {
            // Devices alone sign in to it; what they are granted is said by the same rule.
            let granted = Scopes::parse(scopes)
                .ok()
                .and_then(|asked| grantable(&app.settings, &asked));
            let Some(scopes) = granted else {
                let asked = model::foreign::printable(scopes, 120);
                let refusal = of_app(Code::AppScope, app).with("scopes", format!("“{asked}”"));
                return Err(Problem::Refused(refusal));
            };
            return Ok(Rehearsal {
                answers: None,
                web: false,
                scopes,
            });
        };
        let query = Serializer::new(String::new())
            .append_pair("client_id", &app.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", scopes)
            .append_pair("state", STATE)
            .append_pair("nonce", NONCE)
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let issuer = self.public_url().to_owned();
        match read(app.clone(), Unchecked::parse(&query), &query, issuer) {
            Ok(request) => Ok(Rehearsal {
                answers: Some((
                    request.back.with("code", token_shape(&app.settings)),
                    says_no(&request),
                )),
                web: request.back.web,
                scopes: request.scopes,
            }),
            Err(
                Unreadable::Stays { refusal, .. }
                | Unreadable::Goes {
                    refusal: Some(refusal),
                    ..
                },
            ) => Err(Problem::Refused(refusal)),
            Err(Unreadable::Goes { answer, .. }) => Err(Problem::Unavailable(answer.url())),
        }
    }
}
