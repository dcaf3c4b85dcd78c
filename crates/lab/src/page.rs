//! The company's pages: plain HTML forms, one stylesheet, no script.

use crate::grants::AuthorizationRequest;
use crate::person::Person;
use crate::provider::Provider;
use crate::{end_session, login};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use std::fmt::Write as _;

pub(crate) const STYLE_PATH: &str = "/style.css";

/// No `form-action`: browsers apply it to the redirect after the form as well, and that one leads
/// to the client.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
];

pub(crate) async fn style() -> Response {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
    )
        .into_response()
}

/// The sign-in form, the way to say no, and in the demo a button for each person.
pub(crate) fn sign_in(
    provider: &Provider,
    status: StatusCode,
    request_id: &str,
    request: &AuthorizationRequest,
    error: Option<&str>,
) -> Response {
    let alert = error.map_or_else(String::new, |text| {
        format!(
            "<p class=\"error\" id=\"error\" role=\"alert\">{}</p>",
            escaped(text)
        )
    });
    let described = if error.is_some() {
        " aria-describedby=\"error\""
    } else {
        ""
    };
    let body = format!(
        "<p>to continue to <strong>{client}</strong></p>
{alert}
<form id=\"sign-in\" method=\"post\" action=\"{action}\">
<input type=\"hidden\" name=\"request\" value=\"{id}\">
<label for=\"username\">Name or e-mail address</label>
<input id=\"username\" name=\"username\" value=\"{hint}\" autocomplete=\"username\" \
         autocapitalize=\"none\" spellcheck=\"false\"{described}>
<label for=\"password\">Password</label>
<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\">
<div class=\"actions\">
<button name=\"action\" value=\"sign-in\">Sign in</button>
<button class=\"quiet\" name=\"action\" value=\"deny\">Say no and go back</button>
</div>
</form>
{people}",
        client = escaped(&request.client_id),
        action = login::PATH,
        id = escaped(request_id),
        hint = escaped(request.login_hint.as_deref().unwrap_or_default()),
        people = sample_people(provider, request_id),
    );
    page(provider, status, "Sign in", &body)
}

fn sample_people(provider: &Provider, request_id: &str) -> String {
    if !provider.options.quick_sign_in {
        return String::new();
    }
    let mut buttons = String::new();
    for person in provider.company.people() {
        let note = if person.active {
            person.email.as_str()
        } else {
            "account disabled"
        };
        let _ = writeln!(
            buttons,
            "<li><button class=\"person\" name=\"person\" value=\"{login}\">\
             <span class=\"initial\" aria-hidden=\"true\">{initial}</span>\
             <span><strong>{name}</strong><br>{note}</span></button></li>",
            login = escaped(&person.login),
            initial = escaped(&person.name.chars().take(1).collect::<String>()),
            name = escaped(&person.name),
            note = escaped(note),
        );
    }
    format!(
        "<section aria-labelledby=\"people\">
<h2 id=\"people\">Or be one of the sample people</h2>
<form id=\"sample-people\" method=\"post\" action=\"{action}\">
<input type=\"hidden\" name=\"request\" value=\"{id}\">
<ul>
{buttons}</ul>
</form>
</section>",
        action = login::PATH,
        id = escaped(request_id),
    )
}

/// A dead end, with the reason.
pub(crate) fn problem(provider: &Provider, status: StatusCode, text: &str) -> Response {
    let body = format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text));
    page(provider, status, "This does not work", &body)
}

/// A form that carries an answer back to the client (OAuth 2.0 Form Post Response Mode). Others send
/// it by a script; here a person presses the button.
pub(crate) fn carry_back(
    provider: &Provider,
    redirect_uri: &str,
    answer: &[(String, String)],
) -> Response {
    let mut fields = String::new();
    for (name, value) in answer {
        let _ = writeln!(
            fields,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escaped(name),
            escaped(value)
        );
    }
    let body = format!(
        "<form id=\"carry-back\" method=\"post\" action=\"{action}\">
{fields}<div class=\"actions\"><button>Continue</button></div>
</form>",
        action = escaped(redirect_uri),
    );
    page(provider, StatusCode::OK, "Go back", &body)
}

pub(crate) fn signed_out(provider: &Provider) -> Response {
    page(
        provider,
        StatusCode::OK,
        "Signed out",
        "<p>You are signed out here.</p>",
    )
}

pub(crate) fn home(provider: &Provider, person: Option<&Person>) -> Response {
    let body = match person {
        Some(person) => format!(
            "<p>Signed in as <strong>{name}</strong>.</p>
<form method=\"post\" action=\"{action}\"><button>Sign out</button></form>",
            name = escaped(&person.name),
            action = end_session::PATH,
        ),
        None => "<p>Nobody is signed in with this browser.</p>".to_owned(),
    };
    page(provider, StatusCode::OK, "Your account", &body)
}

fn page(provider: &Provider, status: StatusCode, title: &str, body: &str) -> Response {
    let company = provider.company.name();
    let html = format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title} · {company}</title>
<link rel=\"stylesheet\" href=\"{STYLE_PATH}\">
</head>
<body>
<header><p>{company}</p></header>
<main>
<h1>{title}</h1>
{body}
</main>
<footer><p>A made-up company, for demonstrations only.</p></footer>
</body>
</html>
",
        title = escaped(title),
        company = escaped(&company),
    );
    (status, HEADERS, Html(html)).into_response()
}

/// Text made safe for HTML content and for quoted attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(
            escaped("<a href='x'>\"&\""),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;"
        );
    }
}
