//! LemonLDAP::NG from Debian: its portal as a PSGI application.
//!
//! Its issuer ends with a slash, its claims are in userinfo alone, and what it knows of a person it
//! asks of a service by REST, which is the test here. A session keeps what it was told.

use super::setup::set_claim;
use super::{PASSWORD, ProviderError, RealProvider, Setup, forms, installed};
use crate::browser::Tab;
use crate::ports::free_port;
use crate::process::Process;
use crate::tempdir::ShortDir;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs::create_dir_all;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::Url;

const START: Duration = Duration::from_secs(30);
const PORTAL: &str = "/usr/share/perl5/Lemonldap/NG/Portal/Main.pm";
const TEMPLATES: &str = "/usr/share/lemonldap-ng/portal/templates";

/// The application, as its documentation has it.
const APPLICATION: &str = "use strict;\n\
    use warnings;\n\
    use Lemonldap::NG::Portal::Main;\n\
    Lemonldap::NG::Portal::Main->run({});\n";

type People = Arc<Mutex<Map<String, Value>>>;

/// A running provider; dropped, it ends.
pub struct LemonLdap {
    // Before its directory, which goes after it.
    process: Process,
    _dir: ShortDir,
    directory: Directory,
    issuer: String,
}

/// The service that knows people; dropped, it ends.
struct Directory {
    people: People,
    url: String,
    serving: AbortHandle,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Directory {
    async fn serve(people: Map<String, Value>) -> Result<Self, ProviderError> {
        let people: People = Arc::new(Mutex::new(people));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new()
            .route("/password", post(password))
            .route("/person", post(person))
            .with_state(Arc::clone(&people));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self {
            people,
            url,
            serving: serving.abort_handle(),
        })
    }
}

async fn password(State(people): State<People>, Json(asked): Json<Value>) -> Json<Value> {
    let known = people.lock().contains_key(login(&asked));
    Json(json!({"result": known && asked["password"] == PASSWORD}))
}

async fn person(State(people): State<People>, Json(asked): Json<Value>) -> Json<Value> {
    let login = login(&asked);
    let Some(mut claims) = people.lock().get(login).cloned() else {
        return Json(json!({"result": false}));
    };
    claims["uid"] = json!(login);
    Json(json!({"result": true, "info": claims}))
}

fn login(asked: &Value) -> &str {
    asked["user"].as_str().unwrap_or_default()
}

impl RealProvider for LemonLdap {
    const NAME: &'static str = "LemonLDAP::NG";

    async fn start(setup: Setup) -> Result<Self, ProviderError> {
        installed(PORTAL)?;
        let dir = ShortDir::new()?;
        let directory = Directory::serve(setup.people.clone()).await?;
        let port = free_port()?;
        let issuer = format!("http://127.0.0.1:{port}/");
        for name in ["cache", "sessions/lock", "psessions/lock", "conf"] {
            create_dir_all(dir.join(name))?;
        }
        let configuration = configuration(&dir, &issuer, &directory.url, &setup)?;
        std::fs::write(dir.join("conf/lmConf-1.json"), configuration.to_string())?;
        let ini = dir.join("lemonldap-ng.ini");
        std::fs::write(&ini, local_configuration(&dir))?;
        std::fs::write(dir.join("portal.psgi"), APPLICATION)?;
        let mut command = Command::new("plackup");
        command
            .args(["--server", "HTTP::Server::PSGI", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "portal.psgi"])
            .env("LLNG_DEFAULTCONFFILE", ini)
            .current_dir(dir.path());
        let process = Process::start(command)?;
        process
            .says("HTTP::Server::PSGI: Accepting connections", START)
            .await?;
        Ok(Self {
            process,
            _dir: dir,
            directory,
            issuer,
        })
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
        set_claim(&mut self.directory.people.lock(), login, claim, value)
    }

    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError> {
        forms::walk(tab, url, |page| {
            let form = page.form("#lform")?;
            let form = form.fill("user", login)?;
            Ok(form.fill("password", PASSWORD)?)
        })
        .await
    }

    fn output(&self) -> String {
        self.process.output()
    }
}

fn local_configuration(dir: &ShortDir) -> String {
    let dir = dir.path().display();
    format!(
        "[all]\n\
         logLevel = warn\n\
         [configuration]\n\
         type = File\n\
         dirName = {dir}/conf\n\
         localStorage = Cache::FileCache\n\
         localStorageOptions = {{'namespace' => 'conf', 'cache_root' => '{dir}/cache'}}\n\
         [portal]\n\
         staticPrefix = /static\n\
         templateDir = {TEMPLATES}\n\
         languages = en\n"
    )
}

fn configuration(
    dir: &ShortDir,
    issuer: &str,
    people: &str,
    setup: &Setup,
) -> Result<Value, ProviderError> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let files = |name: &str| json!({"Directory": dir.join(name), "LockDirectory": dir.join(name).join("lock")});
    let everything: BTreeSet<&String> = setup
        .people
        .values()
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .collect();
    let exported: Map<String, Value> = everything
        .into_iter()
        .map(|claim| (claim.clone(), json!(claim)))
        .collect();
    let each = |value: &dyn Fn(&super::setup::Client) -> Value| -> Value {
        let all = setup.clients.iter();
        all.map(|client| (client.id.clone(), value(client)))
            .collect::<Map<_, _>>()
            .into()
    };
    Ok(json!({
        "cfgNum": 1,
        "cfgAuthor": "test",
        "cfgDate": 1,
        "cfgVersion": "2.16.1",
        "portal": issuer,
        "domain": "127.0.0.1",
        "cookieName": "lemonldap",
        "securedCookie": 0,
        "authentication": "REST",
        "userDB": "Same",
        "passwordDB": "Null",
        "restAuthUrl": format!("{people}/password"),
        "restUserDBUrl": format!("{people}/person"),
        "whatToTrace": "uid",
        "globalStorage": "Apache::Session::File",
        "globalStorageOptions": files("sessions"),
        "persistentStorage": "Apache::Session::File",
        "persistentStorageOptions": files("psessions"),
        "localSessionStorage": "Cache::FileCache",
        "localSessionStorageOptions": {
            "namespace": "sessions",
            "cache_root": dir.join("cache"),
        },
        "locationRules": {"127.0.0.1": {"default": "accept"}},
        "portalSkin": "bootstrap",
        "portalDisplayRegister": 0,
        "portalDisplayResetPassword": 0,
        "issuerDBOpenIDConnectActivation": 1,
        "oidcServiceAllowAuthorizationCodeFlow": 1,
        "oidcServicePrivateKeySig": key.serialize_pem(),
        "oidcServicePublicKeySig": key.public_key_pem(),
        "oidcServiceKeyIdSig": "one",
        "oidcRPMetaDataOptions": each(&|client| json!({
            "oidcRPMetaDataOptionsClientID": client.id,
            "oidcRPMetaDataOptionsClientSecret": client.secret,
            "oidcRPMetaDataOptionsRedirectUris": client.redirect_uris.join(" "),
            "oidcRPMetaDataOptionsBypassConsent": 1,
            "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
            "oidcRPMetaDataOptionsIDTokenExpiration": 3600,
            "oidcRPMetaDataOptionsAccessTokenExpiration": 3600,
        })),
        "oidcRPMetaDataExportedVars": each(&|_| exported.clone().into()),
        "oidcRPMetaDataOptionsExtraClaims": each(&|_| json!({
            "mailcow_template": "mailcow_template",
        })),
    }))
}
