//! What is to be done at an app that no card knows.

use super::guide::{CardGuide, CardSetup, made, values};
use crate::oauth_app::AppKind;

/// What holds for an app that may run in a browser alone.
const IN_PAGES: [&str; 2] = [
    "In a browser, pages of the app may read what it is answered: those of the origin (scheme, host and \
     port) of one of its redirect URLs, and no others.",
    "Such a page is signed in for an hour, then it asks again. With the scope offline_access it also gets \
     a refresh token, which counts once: keep it in memory. Two tabs that have the same one (by \
     localStorage, or because a tab was duplicated with its sessionStorage) look like a thief, and both are \
     signed out.",
];

/// The device grant on a command line, for an app that has no secret to be typed there.
fn tried_by_hand<'a>(setup: &CardSetup<'_>) -> Option<(&'a str, &'a str, String)> {
    let settings = &setup.app.settings;
    if !settings.devices || settings.kind != AppKind::Public {
        return None;
    }
    let text = format!(
        "curl {} \\
  -d client_id={} -d scope='openid profile email'
# Once somebody has typed the user_code, with the device_code of that answer:
curl {} \\
  -d client_id={} -d device_code=THE-DEVICE-CODE \\
  -d grant_type=urn:ietf:params:oauth:grant-type:device_code
",
        setup.urls.device, setup.app.client_id, setup.urls.token, setup.app.client_id,
    );
    Some(("To try it on a command line", "sh", text))
}

/// What a page needs that is an app all by itself, for one that people are sent back to on the web.
fn in_a_browser<'a>(setup: &CardSetup<'_>) -> Option<(&'a str, &'a str, String)> {
    let settings = &setup.app.settings;
    let on_the_web = |one: &&String| {
        let scheme = one.split("://").next().unwrap_or_default();
        ["https", "http"]
            .iter()
            .any(|web| scheme.eq_ignore_ascii_case(web))
    };
    let redirect = settings.redirects.iter().find(on_the_web)?;
    if settings.kind != AppKind::Public {
        return None;
    }
    let text = format!(
        "new UserManager({{
  authority: \"{}\",
  client_id: \"{}\",
  redirect_uri: \"{redirect}\",
  scope: \"openid profile email\",
  revokeTokensOnSignout: true,
}});
",
        setup.urls.issuer, setup.app.client_id,
    );
    let title = "If it runs in a browser alone, with oidc-client-ts";
    Some((title, "js", text))
}

pub(super) fn generic(setup: &CardSetup<'_>) -> CardGuide {
    let urls = setup.urls;
    let mut all = vec![("Client id", setup.app.client_id.as_str())];
    if setup.app.settings.kind == AppKind::Confidential {
        all.push(("Client secret", setup.secret()));
    }
    all.extend([
        ("Issuer", urls.issuer.as_str()),
        ("Discovery", &urls.discovery),
        ("Authorization endpoint", &urls.authorize),
        ("Token endpoint", &urls.token),
        ("Userinfo endpoint", &urls.userinfo),
        ("Sign-out endpoint", &urls.end_session),
    ]);
    if setup.app.settings.mailcow {
        all.push(("Profile, as mailcow has it", &urls.profile));
    }
    let page = in_a_browser(setup);
    let in_pages = page.is_some();
    let mut guide = made(
        &["Enter these values at the app. One that knows discovery needs the first ones only."],
        values(&all),
        tried_by_hand(setup).or(page),
        &[
            "Scopes: openid, profile, email, groups (the mailbox's tags), offline_access (going on \
           while the person is away).",
            "If it has a back-channel logout URL, enter that here: whoever signs out, or is switched \
             off, is signed out there too.",
        ],
    );
    if in_pages {
        guide.remarks.extend(IN_PAGES.map(str::to_owned));
    }
    guide
}
