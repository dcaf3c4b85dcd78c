//! Glewlwyd from Debian, on SQLite.
//!
//! Its errors at the token endpoint are its own: 403 with `invalid_code` or `unauthorized_client`.
//! It takes a Basic secret as it stands, without the decoding of RFC 6749 section 2.3.1, so a
//! secret with reserved characters is another one to it. Its login is a script that talks JSON.

use super::{PASSWORD, ProviderError, RealProvider, Setup, forms, installed};
use crate::browser::{Browser, Page, Tab};
use crate::poll;
use crate::ports::free_port;
use crate::process::Process;
use crate::tempdir::ShortDir;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use url::Url;

const START: Duration = Duration::from_secs(30);
const PROGRAM: &str = "/usr/bin/glewlwyd";
const SCHEMA: &str = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";

/// The scopes that a person is granted beside those it makes itself.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "mailcow_template"];

/// A running provider; dropped, it ends.
pub struct Glewlwyd {
    // Before its directory, which goes after it.
    process: Process,
    _dir: ShortDir,
    root: String,
    issuer: String,
    people: Map<String, Value>,
}

impl Glewlwyd {
    /// One call of its interface, as the page's script would make it.
    async fn call(
        &self,
        tab: &mut Tab,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Page, ProviderError> {
        let url = format!("{}/api/{path}", self.root);
        let page = tab.send_json(method.clone(), &url, body).await?;
        if page.status().is_success() {
            return Ok(page);
        }
        Err(ProviderError::Refused {
            asked: format!("{method} {path}"),
            answer: format!("{} {}", page.status(), page.body()),
        })
    }

    async fn administrator(&self) -> Result<Tab, ProviderError> {
        let mut tab = Browser::new()?.tab();
        // As its packaged schema has it.
        let login = json!({"username": "admin", "password": "password"});
        self.call(&mut tab, Method::POST, "auth/", &login).await?;
        Ok(tab)
    }

    async fn set_up(&self, setup: &Setup) -> Result<(), ProviderError> {
        let tab = &mut self.administrator().await?;
        // People have no property for the template until they are given one.
        let stored = json!({"multiple": false, "read": true, "write": true});
        let database = json!({
            "module": "database",
            "name": "database",
            "display_name": "Database",
            "order_rank": 0,
            "parameters": {
                "use-glewlwyd-connection": true,
                "data-format": {"mailcow_template": stored},
            },
        });
        let put = Method::PUT;
        self.call(tab, put.clone(), "mod/user/database", &database)
            .await?;
        self.call(tab, put, "mod/user/database/reset/", &json!({}))
            .await?;
        for scope in SCOPES.iter().filter(|scope| **scope != "openid") {
            let scope = json!({
                "name": scope,
                "display_name": scope,
                "description": scope,
                "password_required": true,
                "scheme": {},
            });
            self.call(tab, Method::POST, "scope/", &scope).await?;
        }
        let plugin = plugin(&self.issuer)?;
        self.call(tab, Method::POST, "mod/plugin/", &plugin).await?;
        for client in &setup.clients {
            let client = json!({
                "client_id": client.id,
                "name": client.id,
                "confidential": true,
                "password": client.secret,
                "redirect_uri": client.redirect_uris,
                "authorization_type": ["code", "refresh_token"],
                "token_endpoint_auth_method": [client.auth],
                "scope": [],
                "enabled": true,
            });
            let path = "client/?source=database";
            self.call(tab, Method::POST, path, &client).await?;
        }
        for (login, claims) in &setup.people {
            let mut person = account(login, claims);
            person.insert("password".to_owned(), json!(PASSWORD));
            let path = "user/?source=database";
            self.call(tab, Method::POST, path, &person.into()).await?;
        }
        Ok(())
    }
}

impl RealProvider for Glewlwyd {
    const NAME: &'static str = "Glewlwyd";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        installed(PROGRAM)?;
        installed(SCHEMA)?;
        let dir = ShortDir::new()?;
        let database = dir.join("glewlwyd.db");
        make_database(&database)?;
        let port = free_port()?;
        let root = format!("http://127.0.0.1:{port}");
        let config = dir.join("glewlwyd.conf");
        std::fs::write(&config, configuration(port, &root, &database))?;
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--config-file={}", config.display()));
        let provider = Self {
            process: Process::start(command)?,
            _dir: dir,
            issuer: format!("{root}/api/oidc"),
            root,
            people: setup.people.clone(),
        };
        poll::until("Glewlwyd to listen", START, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .ok()
        })
        .await
        .map_err(|vain| ProviderError::NotListening(vain, provider.output()))?;
        provider.set_up(&setup).await?;
        Ok(provider)
    }

    fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError> {
        super::setup::set_claim(&mut self.people, login, claim, value)?;
        let person = account(login, &self.people[login]).into();
        let path = format!("user/{login}?source=database");
        let tab = &mut self.administrator().await?;
        self.call(tab, Method::PUT, &path, &person).await?;
        Ok(())
    }

    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError> {
        let page = forms::open(tab, url).await?;
        if let Some(answer) = page.location()? {
            return Ok(answer);
        }
        let query = |name: &str| {
            let found = page.url().query_pairs().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned())
        };
        let (Some(back), Some(client), Some(scope)) =
            (query("callback_url"), query("client_id"), query("scope"))
        else {
            return Err(forms::stuck(&page));
        };
        let person = json!({"username": login, "password": PASSWORD});
        self.call(tab, Method::POST, "auth/", &person).await?;
        let consent = json!({"scope": scope});
        let path = format!("auth/grant/{client}");
        self.call(tab, Method::PUT, &path, &consent).await?;
        let page = tab.open(&format!("{back}&g_continue")).await?;
        page.location()?.ok_or_else(|| forms::stuck(&page))
    }

    fn output(&self) -> String {
        self.process.output()
    }
}

/// A person as its interface takes them.
fn account(login: &str, claims: &Value) -> Map<String, Value> {
    let scopes: Vec<&str> = ["g_profile"].into_iter().chain(SCOPES).collect();
    let mut account = claims.as_object().cloned().unwrap_or_default();
    account.insert("username".to_owned(), json!(login));
    account.insert("scope".to_owned(), json!(scopes));
    account.insert("enabled".to_owned(), json!(true));
    account
}

fn plugin(issuer: &str) -> Result<Value, ProviderError> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    Ok(json!({
        "module": "oidc",
        "name": "oidc",
        "display_name": "OpenID Connect",
        "order_rank": 0,
        "parameters": {
            "iss": issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": key.serialize_pem(),
            "cert": key.public_key_pem(),
            "access-token-duration": 3600,
            "refresh-token-duration": 1_209_600,
            "code-duration": 600,
            "refresh-token-rolling": false,
            "auth-type-code-enabled": true,
            "auth-type-token-enabled": false,
            "auth-type-id-token-enabled": false,
            "auth-type-password-enabled": false,
            "auth-type-client-enabled": false,
            "auth-type-refresh-enabled": true,
            "allow-non-oidc": true,
            "pkce-allowed": true,
            "pkce-required": false,
            "pkce-method-plain-allowed": false,
            "subject-type": "public",
            "name-claim": "mandatory",
            "name-claim-scope": ["profile"],
            "email-claim": "mandatory",
            "email-claim-scope": ["email"],
            "claims": [{
                "name": "mailcow_template",
                "user-property": "mailcow_template",
                "type": "string",
                "mandatory": true,
                "scope": ["mailcow_template"],
            }],
            "scope": [],
            // With it on, Glewlwyd 2.7.5 dies of a redirect URI without a path.
            "session-management-allowed": false,
            "session-cookie-name": "GLEWLWYD2_OIDC_SESSION",
            "session-cookie-expiration": 2_419_200,
            "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
        },
    }))
}

fn make_database(path: &Path) -> Result<(), ProviderError> {
    let mut command = Command::new("sqlite3");
    let made = command
        .arg(path)
        .stdin(Stdio::from(File::open(SCHEMA)?))
        .output()?;
    if made.status.success() {
        return Ok(());
    }
    Err(ProviderError::Refused {
        asked: "sqlite3".to_owned(),
        answer: String::from_utf8_lossy(&made.stderr).into_owned(),
    })
}

/// The packaged configuration with what must differ; it stops without the names of certificates,
/// although it does not open them.
fn configuration(port: u16, root: &str, database: &Path) -> String {
    let database = database.display();
    format!(
        r#"port = {port}
bind_address = "127.0.0.1"
external_url = "{root}"
login_url = "login.html"
api_prefix = "api"
static_files_path = "/usr/share/glewlwyd/webapp/"
static_files_mime_types = ( {{ extension = ".html" mime_type = "text/html" compress = 0 }} )
log_mode = "console"
log_level = "WARNING"
cookie_domain = "127.0.0.1"
cookie_secure = 0
session_expiration = 2419200
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
use_secure_connection = false
secure_connection_key_file = "/nonexistent"
secure_connection_pem_file = "/nonexistent"
secure_connection_ca_file = "/nonexistent"
hash_algorithm = "SHA512"
database = {{ type = "sqlite3" path = "{database}" }};
"#
    )
}
