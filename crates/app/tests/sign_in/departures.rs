//! Leaving `oidc-provider`, which somebody else wrote: its sign-out page, its logout tokens, its
//! refresh tokens.

use crate::world::{BROWSER, PUBLIC, SECRET, World, address, secret, untested};
use app::Client;
use app::confirmation::Checked;
use app::provider_logout::ProviderLogout;
use app::sign_in::{Arrived, Ended, ReturnTo, SignedIn};
use model::provider::{Endpoints, Leavers};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::time::Duration;
use testkit::browser::{Browser, Page, Tab};
use testkit::provider::{OidcProvider, RealProvider as _, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SLUG: &str = "independent";

struct Company {
    world: World,
    provider: OidcProvider,
    /// Where the provider posts its logout tokens.
    post: TcpListener,
    browser: Browser,
}

impl Company {
    /// `None` where Node's packages are missing.
    async fn new() -> Option<Self> {
        let post = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let told = format!("http://{}/logout", post.local_addr().unwrap());
        let nora = json!({
            "email": "nora@example.org",
            "email_verified": true,
            "mailcow_template": "staff",
        });
        let setup = Setup::default()
            .client(
                "mail",
                SECRET,
                "client_secret_basic",
                &[&format!("{PUBLIC}/sso/{SLUG}/callback")],
            )
            .told_of_departures(&told, &format!("{PUBLIC}/sso/{SLUG}/signed-out"))
            .person("nora", nora);
        let provider = OidcProvider::start_or_skip(setup).await.unwrap()?;
        let world = World::new().await;
        let sample = world.app.provider(crate::world::SLUG).await.unwrap();
        let mut settings = sample.settings;
        settings.name = "Independent".to_owned();
        settings.endpoints = Endpoints::Issuer {
            issuer: provider.issuer().to_owned(),
        };
        settings.leavers = Leavers {
            sign_out_there: true,
            background_checks: true,
            ..Leavers::default()
        };
        world
            .app
            .create_provider(untested(), SLUG, settings, Some(secret(SECRET)))
            .await
            .unwrap();
        Some(Self {
            world,
            provider,
            post,
            browser: Browser::new().unwrap(),
        })
    }

    /// Signs Nora in, in a browser that stays signed in at the provider.
    async fn sign_in(&self) -> SignedIn {
        let client = Client::default();
        let app = &self.world.app;
        let begun = app.begin_sign_in(SLUG, BROWSER, ReturnTo::Home, &client);
        let mut tab = self.tab();
        let page = tab.open(&begun.await.unwrap()).await.unwrap();
        let back = through(&mut tab, page).await;
        let arrived = Arrived::OwnPath(SLUG.to_owned());
        let ended = app.finish_sign_in(arrived, &back, Some(BROWSER), &client);
        match ended.await {
            Ended::SignedIn(signed_in) => *signed_in,
            other => panic!("nora is not in: {other:?}"),
        }
    }

    fn tab(&self) -> Tab {
        let mut tab = self.browser.tab();
        tab.stop_before(PUBLIC);
        tab
    }

    async fn is_in(&self, signed_in: &SignedIn) -> bool {
        let token = signed_in.token.expose_secret();
        self.world.app.session(token).await.unwrap().is_some()
    }

    /// Takes one logout token from the provider and answers as the endpoint does.
    async fn told(&self) -> ProviderLogout {
        let waiting = tokio::time::timeout(Duration::from_secs(30), self.post.accept());
        let (mut socket, _) = waiting.await.unwrap().unwrap();
        let mut request = Vec::new();
        let body = loop {
            let mut some = [0; 4096];
            let read = socket.read(&mut some).await.unwrap();
            assert!(read > 0, "the provider hung up");
            request.extend_from_slice(&some[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if body.len() >= length {
                    break body.to_owned();
                }
            }
        };
        let token = body.strip_prefix("logout_token=").unwrap();
        let answer = self.world.app.provider_logout(SLUG, token).await.unwrap();
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        socket.write_all(ok).await.unwrap();
        answer
    }

    /// Makes it Nora's turn to be asked about.
    async fn hurry(&self) {
        let store = store::Store::open(&self.world.dir.join("store.db")).unwrap();
        let id = self.world.app.provider(SLUG).await.unwrap().id;
        let ever = model::time::Timestamp(i64::MAX);
        let due = store::refresh_tokens::due(&mut store.read().unwrap(), id, ever, 9).await;
        let row = due.unwrap().remove(0);
        store
            .write(async move |tx: &mut store::Conn| {
                let now = model::time::Timestamp(0);
                store::refresh_tokens::postpone(tx, row.link, &row.sealed, now, true).await
            })
            .await
            .unwrap();
    }
}

/// Through the provider's own forms, back to us: the query.
async fn through(tab: &mut Tab, mut page: Page) -> String {
    loop {
        if let Some(back) = page.location().unwrap() {
            return back.query().unwrap_or_default().to_owned();
        }
        let mut form = page.form("form").unwrap();
        if form.value("prompt").as_deref() == Some("login") {
            form = form.fill("login", "nora").unwrap();
            form = form.fill("password", "anything").unwrap();
        }
        page = tab.submit(form).await.unwrap();
    }
}

#[tokio::test]
async fn signing_out_there_ends_the_other_session_by_a_logout_token() {
    let Some(company) = Company::new().await else {
        return;
    };
    let (first, second) = (company.sign_in().await, company.sign_in().await);
    let app = &company.world.app;
    let there = app
        .sign_out_there_too(first.token.expose_secret(), BROWSER, None)
        .await
        .unwrap()
        .unwrap();
    assert!(!company.is_in(&first).await && company.is_in(&second).await);

    let mut tab = company.tab();
    let page = tab.open(&there.url).await.unwrap();
    let form = page.form_with_button("Yes, sign me out").unwrap();
    let (left, told) = tokio::join!(tab.submit(form), company.told());
    assert_eq!(told, ProviderLogout::Ended { sessions: 1 });
    assert!(!company.is_in(&second).await);
    let back = left.unwrap().location().unwrap().unwrap();
    assert_eq!(back.path(), format!("/sso/{SLUG}/signed-out"));
    let (_, state) = back
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap();
    let known = app.back_from_sign_out(SLUG, Some(&state), Some(BROWSER));
    assert!(known.await.unwrap().known);
}

#[tokio::test]
async fn its_refresh_tokens_confirm_nora_until_she_has_left() {
    let Some(mut company) = Company::new().await else {
        return;
    };
    let signed_in = company.sign_in().await;
    let nora = address("nora@example.org");
    for _ in 0..2 {
        company.hurry().await;
        let checked = company.world.app.check_people().await.unwrap();
        assert_eq!(checked, [(nora.clone(), Checked::Confirmed)]);
    }
    assert!(company.is_in(&signed_in).await);
    company.provider.remove_person("nora").await.unwrap();
    company.hurry().await;
    let checked = company.world.app.check_people().await.unwrap();
    assert_eq!(checked, [(nora.clone(), Checked::Gone)]);
    assert!(!company.is_in(&signed_in).await);
    let view = company.world.app.mailbox(&nora).await.unwrap();
    assert!(view.mailbox.active && view.links[0].0.unconfirmed.is_some());
}
