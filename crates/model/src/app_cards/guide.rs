//! What is to be done at an app's side, with the live values.

use super::generic::generic;
use crate::oauth_app::{AppCard, AppKind, AppSettings, OauthApp, PkceRule};
use crate::preset::{Block, Value};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Stands where the secret would: it is shown only while it is new.
const HIDDEN: &str = "THE-CLIENT-SECRET";

/// Where apps find Gatepost: absolute URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUrls {
    /// What tokens say they are from.
    pub issuer: String,
    /// OpenID Connect Discovery.
    pub discovery: String,
    /// People are sent here.
    pub authorize: String,
    /// Codes become tokens here.
    pub token: String,
    /// Devices ask for their codes here.
    pub device: String,
    /// Claims about a person.
    pub userinfo: String,
    /// mailcow's endpoint for the same.
    pub profile: String,
    /// People sign out here.
    pub end_session: String,
}

/// An app as its own side has to know Gatepost.
#[derive(Debug, Clone, Copy)]
pub struct CardSetup<'a> {
    /// The app.
    pub app: &'a OauthApp,
    /// Where it finds Gatepost.
    pub urls: &'a CardUrls,
    /// Its secret, while it may be shown.
    pub secret: Option<&'a SecretString>,
}

/// What to do there. Blocks and values may hold the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardGuide {
    /// Steps in their order.
    pub steps: Vec<String>,
    /// What to enter.
    pub values: Vec<Value>,
    /// What to paste.
    pub block: Option<Block>,
    /// What to know: which guarantees hold, and what else there is.
    pub remarks: Vec<String>,
    /// Whether a placeholder stands where the secret belongs.
    pub secret_hidden: bool,
}

impl std::fmt::Debug for CardGuide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardGuide")
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

/// What to do at the app's side.
#[must_use]
pub fn guide(setup: &CardSetup<'_>) -> CardGuide {
    let settings = &setup.app.settings;
    let mut made = match settings.card {
        AppCard::Authentik => authentik(setup),
        AppCard::Nextcloud => nextcloud(setup),
        AppCard::Roundcube => roundcube(setup),
        AppCard::Grafana => grafana(setup),
        AppCard::Gitea => gitea(setup),
        AppCard::Generic => generic(setup),
    };
    if settings.devices {
        let place = values(&[("Device authorization endpoint", setup.urls.device.as_str())]);
        made.values.extend(place);
        made.remarks.push(
            "A device asks for its codes there, shows user_code with verification_uri, and asks the \
             token endpoint every five seconds until the person has answered. Each sign-in asks."
                .to_owned(),
        );
    }
    let has_secret = settings.kind == AppKind::Confidential;
    made.secret_hidden = has_secret && setup.secret.is_none();
    made.remarks.extend(guarantees(settings));
    made
}

/// What holds for an app that is set up like this, and what does not.
fn guarantees(settings: &AppSettings) -> Vec<String> {
    if settings.redirects.is_empty() {
        // It only uses devices, whose codes never travel through a browser.
        return Vec::new();
    }
    let mut said = vec![match settings.pkce {
        PkceRule::Required => {
            "A stolen code is worth nothing without the app's own proof (PKCE is required)."
        }
        PkceRule::IfSent => {
            "PKCE counts where the app sends it. If yours always does, require it in the settings: \
             a stolen code is worth nothing then."
        }
    }
    .to_owned()];
    if settings.token_in_query {
        said.push(
            "The app sends its access token in the address of the profile. Gatepost keeps it out of \
             its own logs; a proxy in between may write it down. It opens that profile alone and \
             ends within a day."
                .to_owned(),
        );
    }
    said
}

impl CardSetup<'_> {
    pub(super) fn secret(&self) -> &str {
        self.secret.map_or(HIDDEN, ExposeSecret::expose_secret)
    }

    /// The part of its first fitting redirect between two texts: a name that was chosen there.
    fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.app.settings.redirects.iter().find_map(|redirect| {
            let (_, rest) = redirect.split_once(before)?;
            let (name, _) = rest.split_once(after)?;
            (!name.is_empty() && !name.contains('/')).then_some(name)
        })
    }
}

fn texts(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

pub(super) fn values(pairs: &[(&str, &str)]) -> Vec<Value> {
    let made = pairs.iter().map(|(field, value)| Value {
        field: (*field).to_owned(),
        value: (*value).to_owned(),
    });
    made.collect()
}

pub(super) fn made(
    steps: &[&str],
    values: Vec<Value>,
    block: Option<(&str, &str, String)>,
    remarks: &[&str],
) -> CardGuide {
    CardGuide {
        steps: texts(steps),
        values,
        block: block.map(|(title, language, text)| Block {
            title: title.to_owned(),
            language: language.to_owned(),
            text,
        }),
        remarks: texts(remarks),
        secret_hidden: false,
    }
}

fn authentik(setup: &CardSetup<'_>) -> CardGuide {
    let urls = setup.urls;
    let slug = setup.between("/source/oauth/callback/", "/");
    let slug = slug.unwrap_or("gatepost");
    made(
        &[
            "In authentik open Directory, Federation and Social login, create a source and choose \
             Mailcow OAuth Source.",
            "Enter these values, and leave everything else as it is.",
            "Add the source to the identification stage of your sign-in flow.",
        ],
        values(&[
            ("Slug", slug),
            ("Consumer key", &setup.app.client_id),
            ("Consumer secret", setup.secret()),
            ("Authorization URL", &urls.authorize),
            ("Access token URL", &urls.token),
            ("Profile URL", &urls.profile),
        ]),
        None,
        &[
            "authentik makes user names of full_name, so two people of one name collide there. \
             Choose “the address instead” in the settings, or map user names from the address in \
             authentik. People cannot change that name themselves.",
            &format!(
                "The stricter way is authentik's OpenID Connect source: OIDC well-known URL {}, the \
                 same key and secret, the same redirect. Add an app of the kind “Another app” for \
                 it: no token in an address, PKCE required.",
                urls.discovery
            ),
        ],
    )
}

fn nextcloud(setup: &CardSetup<'_>) -> CardGuide {
    let block = format!(
        "occ user_oidc:provider Gatepost \\
  --clientid='{}' \\
  --clientsecret='{}' \\
  --discoveryuri='{}' \\
  --scope='{}' \\
  --mapping-display-name=name \\
  --mapping-email=email \\
  --mapping-groups=groups \\
  --send-id-token-hint=1
",
        setup.app.client_id,
        setup.secret(),
        setup.urls.discovery,
        AppCard::Nextcloud.scopes(),
    );
    made(
        &[
            "Install the app “OpenID Connect user backend” (user_oidc) in Nextcloud.",
            "Run this as the user that Nextcloud runs as.",
            "If your release of user_oidc sends no PKCE by itself, put 'user_oidc' => ['use_pkce' \
             => true] into config.php.",
        ],
        Vec::new(),
        Some(("On the Nextcloud server", "sh", block)),
        &[
            "People get a user id that is made of their lasting id here. For addresses as user ids \
             add --unique-uid=0 --mapping-uid=email before anybody has signed in.",
            "For Nextcloud groups out of tags add --group-provisioning=1.",
            "Signing out of Nextcloud signs out here too if Nextcloud's address is registered under \
             “After signing out”. For the other direction enter \
             https://HOST/apps/user_oidc/backchannel-logout/Gatepost as back-channel logout URL: \
             whoever signs out here, or is switched off, is signed out there.",
        ],
    )
}

fn roundcube(setup: &CardSetup<'_>) -> CardGuide {
    let urls = setup.urls;
    let block = format!(
        "$config['oauth_provider'] = 'generic';
$config['oauth_provider_name'] = 'Gatepost';
$config['oauth_client_id'] = '{}';
$config['oauth_client_secret'] = '{}';
$config['oauth_auth_uri'] = '{}';
$config['oauth_token_uri'] = '{}';
$config['oauth_identity_uri'] = '{}';
$config['oauth_identity_fields'] = ['email'];
$config['oauth_scope'] = '{}';
$config['oauth_login_redirect'] = true;
",
        setup.app.client_id,
        setup.secret(),
        urls.authorize,
        urls.token,
        urls.userinfo,
        AppCard::Roundcube.scopes(),
    );
    made(
        &[
            "Put this into Roundcube's config.inc.php.",
            "Where Roundcube stands behind a proxy that speaks TLS, add $config['use_https'] = true.",
        ],
        Vec::new(),
        Some(("config.inc.php", "php", block)),
        &[
            "Roundcube signs in to the mail server with the token it gets here. Whether this \
             server's IMAP takes such tokens is said on the page of mail programs.",
            "Roundcube 1.7 sends PKCE: require it in the settings there.",
        ],
    )
}

fn grafana(setup: &CardSetup<'_>) -> CardGuide {
    let urls = setup.urls;
    let block = format!(
        "[auth.generic_oauth]
enabled = true
name = Gatepost
client_id = {}
client_secret = {}
scopes = {}
auth_url = {}
token_url = {}
api_url = {}
use_pkce = true
use_refresh_token = true
login_attribute_path = email
email_attribute_path = email
name_attribute_path = name
groups_attribute_path = groups
signout_redirect_url = {}
",
        setup.app.client_id,
        setup.secret(),
        AppCard::Grafana.scopes(),
        urls.authorize,
        urls.token,
        urls.userinfo,
        urls.end_session,
    );
    made(
        &[
            "Put this into grafana.ini, and set root_url in its [server] section.",
            "Restart Grafana.",
        ],
        Vec::new(),
        Some(("grafana.ini", "ini", block)),
        &[
            "Roles follow from tags with role_attribute_path, such as \
             contains(groups[*], 'grafana-admin') && 'Admin' || 'Viewer'.",
            "Signing out of Grafana signs out here too, after a question. Grafana cannot be told that \
             somebody signed out here.",
        ],
    )
}

fn gitea(setup: &CardSetup<'_>) -> CardGuide {
    let name = setup.between("/user/oauth2/", "/callback");
    let block = format!(
        "gitea admin auth add-oauth \\
  --name '{}' \\
  --provider openidConnect \\
  --key '{}' \\
  --secret '{}' \\
  --auto-discover-url '{}' \\
  --scopes profile --scopes email --scopes groups \\
  --group-claim-name groups
",
        name.unwrap_or("gatepost"),
        setup.app.client_id,
        setup.secret(),
        setup.urls.discovery,
    );
    made(
        &["Run this as the user that Gitea runs as. With Forgejo, the command is forgejo."],
        Vec::new(),
        Some(("On the Git server", "sh", block)),
        &["The name of the source is part of the redirect: another name, another redirect."],
    )
}
