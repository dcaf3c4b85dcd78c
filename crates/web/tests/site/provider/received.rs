//! What the test of an app shows is what the app receives, and leaves no trace.

use super::{CALLBACK, Provider, bearer, mailcow, redeem, settings};
use crate::admin::karin;
use crate::world::PASSWORD;
use app::oauth::received::AppTest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use model::audit::Actor;
use model::ids::OauthAppId;
use model::oauth_app::{
    AppAccess, AppCard, AppSettings, Consent, FullName, IdTokenAlg, SubjectKind,
};
use model::outcome::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use store::Conn;
use testkit::browser::Tab;
use url::Url;

const ERIN: &str = super::ERIN;
const ALL: &str = "openid profile email groups offline_access";

/// The text of one of the answers.
fn part<'a>(test: &'a AppTest, what: &str) -> Option<&'a str> {
    let found = test.received.iter().find(|one| one.what == what);
    found.map(|one| one.text.as_str())
}

fn json(test: &AppTest, what: &str) -> Value {
    let text = part(test, what);
    assert!(text.is_some(), "no {what}");
    serde_json::from_str(text.unwrap()).unwrap()
}

/// Both without the members that are others each time; they are said to be, in brackets.
fn same(told: &Value, real: &Value, others: &[&str]) {
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(told), names(real));
    for (name, value) in told.as_object().unwrap() {
        if others.contains(&name.as_str()) {
            assert!(value.as_str().unwrap().starts_with('('), "{name}: {value}");
        } else {
            assert_eq!(value, &real[name], "{name}");
        }
    }
}

impl Provider {
    async fn test(&self, app: OauthAppId, scopes: &str) -> AppTest {
        let test = self.world.app.test_app(app, ERIN, Some(scopes)).await;
        test.unwrap()
    }

    /// The real way: Erin signs in, allows it, and the app redeems the code.
    pub(super) async fn for_real(
        &self,
        client: &str,
        scopes: &str,
    ) -> (Vec<(String, String)>, Value) {
        let mut tab = self.world.browser().tab();
        tab.stop_before("https://app.example.net");
        self.world.sign_in(&mut tab, ERIN, PASSWORD).await;
        let asked = [
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scopes),
            ("state", "a state"),
            ("nonce", "n"),
        ];
        let at = self.world.at("/oauth/authorize");
        let at = Url::parse_with_params(&at, asked).unwrap();
        let mut page = tab.open(at.as_str()).await.unwrap();
        if let Ok(form) = page.form_with_button("Allow") {
            page = tab.submit(form.press("Allow").unwrap()).await.unwrap();
        }
        let to = page.location().unwrap().unwrap();
        let said: Vec<_> = to.query_pairs().into_owned().collect();
        let tokens = self.tokens(client, &redeem(&said[0].1)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);
        (said, tokens.json())
    }

    /// Compares everything that is told with what is sent for real, afterwards.
    async fn is_told_as_it_is(&self, client: &'static str, settings: AppSettings, scopes: &str) {
        let app = self.add(client, settings.clone()).await;
        let before = self.world.picture();
        let told = self.test(app, scopes).await;
        assert_eq!(
            self.world.picture(),
            before,
            "{client}: something was stored"
        );
        assert!(told.gets_in(), "{told:?}");

        let (said, tokens) = self.for_real(client, scopes).await;
        let names: Vec<_> = said.iter().map(|(name, _)| name.as_str()).collect();
        let answer = part(&told, "authorization").unwrap();
        let shown: Vec<_> = answer.lines().filter_map(|l| l.split_once('=')).collect();
        assert_eq!(shown.iter().map(|l| l.0).collect::<Vec<_>>(), names);
        assert_eq!(shown[2].1, said[2].1, "iss");
        let others = ["access_token", "refresh_token", "id_token"];
        same(&json(&told, "token"), &tokens, &others);

        let auth = bearer(tokens["access_token"].as_str().unwrap());
        match tokens["id_token"].as_str() {
            Some(token) => {
                let claims = token.split('.').nth(1).unwrap();
                let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
                let claims = serde_json::from_slice(&claims).unwrap();
                let others = ["sid", "nonce", "at_hash"];
                same(&json(&told, "id_token"), &claims, &others);
                let userinfo = self.get("/oauth/userinfo", Some(&auth)).await;
                match part(&told, "userinfo") {
                    Some(_) => assert_eq!(json(&told, "userinfo"), userinfo.json()),
                    None => assert_eq!(userinfo.status, StatusCode::FORBIDDEN),
                }
            }
            None => assert!(
                part(&told, "id_token")
                    .or(part(&told, "userinfo"))
                    .is_none()
            ),
        }
        let profile = self.get("/oauth/profile", Some(&auth)).await;
        match part(&told, "profile") {
            // In its order.
            Some(told) => assert_eq!(
                told.split_whitespace().collect::<String>(),
                profile.text.split_whitespace().collect::<String>()
            ),
            None => assert_ne!(profile.status, StatusCode::OK),
        }
    }
}

#[tokio::test]
async fn what_is_shown_is_what_is_sent_and_nothing_is_stored() {
    let provider = Provider::new().await;
    let erin = provider.erin().await.id;
    let tags = "staff, board".parse().unwrap();
    provider
        .write(async move |tx: &mut Conn| store::mailbox_tags::set(tx, erin, &tags).await)
        .await;
    provider
        .change_erin(|erin| "Erin Eriksen".clone_into(&mut erin.name))
        .await;
    // The keys are made at first need, whoever needs them.
    provider.get("/oauth/jwks", None).await;
    provider.is_told_as_it_is("plain", settings(), ALL).await;
    provider
        .is_told_as_it_is("little", settings(), "openid email")
        .await;
    provider
        .is_told_as_it_is("mailcow", mailcow(), "profile")
        .await;
    provider
        .is_told_as_it_is("openid_too", mailcow(), "openid profile")
        .await;
    let pairwise = AppSettings {
        subject: SubjectKind::Pairwise,
        full_name: FullName::Address,
        id_token_alg: IdTokenAlg::Rs256,
        ..settings()
    };
    provider
        .is_told_as_it_is("pairwise", pairwise, "openid profile")
        .await;
    let oauth = AppSettings {
        consent: Consent::Trusted,
        ..settings()
    };
    provider.is_told_as_it_is("oauth", oauth, "groups").await;
}

#[tokio::test]
async fn the_difference_that_settings_make_is_the_one_they_make() {
    let provider = Provider::new().await;
    provider
        .change_erin(|erin| "Erin Eriksen".clone_into(&mut erin.name))
        .await;
    let app = provider.add("app", settings()).await;
    let told = provider.test(app, "openid profile").await;
    let [sub, name] = &told.otherwise[..] else {
        panic!("{:?}", told.otherwise);
    };
    provider
        .change(app, |s| {
            s.subject = SubjectKind::Pairwise;
            s.full_name = FullName::Address;
        })
        .await;
    let other = provider.test(app, "openid profile").await;
    let says = |what: &str, name: &str| json(&other, what)[name].as_str().unwrap().to_owned();
    assert!(sub.ends_with(&says("id_token", "sub")), "{sub}");
    assert!(name.ends_with(&says("profile", "full_name")), "{name}");
    // And back again.
    let before = json(&told, "userinfo")["sub"].as_str().unwrap().to_owned();
    assert!(other.otherwise[0].ends_with(&before));
    provider.change_erin(|erin| erin.name.clear()).await;
    let nameless = provider.test(app, "openid profile").await;
    assert_eq!(nameless.otherwise.len(), 1, "called by the address anyway");
}

#[tokio::test]
async fn consent_is_said_with_its_reason() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let said = async |scopes: &str| provider.test(app, scopes).await.consent.unwrap();
    assert!(said("openid").await.contains("not allowed it anything yet"));
    provider.for_real("app", "openid").await;
    assert!(said("openid").await.starts_with("not asked: they have"));
    assert!(said("openid email").await.contains("more than"));
    provider.change(app, |s| s.consent = Consent::Trusted).await;
    assert!(said("openid email").await.contains("trusted"));
    provider
        .change(app, |s| s.redirects = vec!["org.example:/cb".to_owned()])
        .await;
    assert!(said("openid").await.contains("own machine"));
    let public = provider.add("public", super::public()).await;
    let told = provider.test(public, "openid").await;
    assert!(told.consent.unwrap().contains("no secret"));
}

#[tokio::test]
async fn whoever_may_not_use_it_is_refused_in_the_words_of_the_sign_in() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let world = &provider.world;
    let mut tab = karin(world).await;
    let path = world.at(&format!("/admin/apps/{app}/test?person={ERIN}"));
    let steps: [(Code, &str, &str); 4] = [
        (Code::AppScope, "&scopes=unheard-of", ""),
        (Code::AppNotForYou, "", "/admin/apps/1"),
        (Code::AppNotForYou, "", "/admin/mailboxes/"),
        (Code::AppOff, "", "/admin/apps/1"),
    ];
    for (n, (code, query, mend)) in steps.into_iter().enumerate() {
        match n {
            0 => {}
            1 => {
                let nobody = AppAccess::Only {
                    domains: BTreeSet::new(),
                    tags: ["board".to_owned()].into(),
                };
                provider.change(app, |s| s.access = nobody).await;
            }
            2 => {
                provider.change(app, |s| s.access = AppAccess::All).await;
                let erin = ERIN.parse().unwrap();
                let off = world
                    .app
                    .disable_mailbox(&Actor::CommandLine, &erin, "left");
                off.await.unwrap();
            }
            _ => provider.change(app, |s| s.active = false).await,
        }
        let page = tab.open(&format!("{path}{query}")).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let scopes = query.strip_prefix("&scopes=");
        let told = world.app.test_app(app, ERIN, scopes).await.unwrap();
        let refusal = told.refusal.as_ref().unwrap();
        assert_eq!(refusal.code, code, "{refusal}");
        let text = page.text();
        for words in [&refusal.admin(), &refusal.person(), &told.sentence()] {
            assert!(text.contains(words.as_str()), "no {words:?} in {text}");
        }
        let button = page.attribute(".verdict a", "href").unwrap_or_default();
        assert!(button.starts_with(mend) && button.is_empty() == mend.is_empty());
        let help = page.attribute(".facts a", "href").unwrap();
        assert_eq!(help, format!("/help/codes/{code}"));
        // What the app learns of it, if the person goes back there.
        let answer = part(&told, "authorization").unwrap_or_default();
        let goes_back = code == Code::AppNotForYou;
        assert_eq!(answer.starts_with("error=access_denied\nstate="), goes_back);
        assert!(told.received.len() == usize::from(goes_back) && told.scopes.is_empty());
    }
}

#[tokio::test]
async fn the_page_asks_for_a_person_and_says_what_is_no_person() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let world = &provider.world;
    let alias = app::aliases::AliasForm {
        address: "sales@example.org".parse().unwrap(),
        targets: vec![ERIN.parse().unwrap()],
        active: true,
    };
    world
        .app
        .create_alias(&Actor::CommandLine, alias)
        .await
        .unwrap();
    let mut tab = karin(world).await;
    let path = world.at(&format!("/admin/apps/{app}/test"));
    let empty = tab.open(&path).await.unwrap();
    assert!(empty.text().contains("Whose sign-in?"), "{}", empty.text());
    let form = empty.form_with_button("Show").unwrap();
    let usual = form.value("scopes").unwrap();
    assert_eq!(usual, AppCard::Generic.scopes());
    for (person, words) in [
        ("sales@example.org", "is an alias"),
        ("nobody@example.org", "no mailbox"),
        ("<script>", ""),
        ("x@elsewhere.test", "no mailbox"),
    ] {
        let typed = form.clone().fill("person", person).unwrap();
        let page = tab.submit(typed).await.unwrap();
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{person}");
        assert!(page.text().contains(words), "{}", page.text());
        assert!(page.count("#received").unwrap() == 0);
    }
    let typed = form.fill("person", "ERIN@example.org").unwrap();
    let before = world.picture();
    let page = tab.submit(typed).await.unwrap();
    assert_eq!(world.picture(), before, "a look stores nothing");
    let text = page.text();
    assert!(text.contains("erin@example.org may use An app"), "{text}");
    for what in ["authorization", "token", "id_token", "userinfo", "profile"] {
        assert_eq!(page.count(&format!("#c-{what}")).unwrap(), 1, "{what}");
    }
    assert!(text.contains("by their local password"));
    let missing = tab.open(&world.at("/admin/apps/99/test")).await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_ways_to_the_app_are_those_of_its_person() {
    let provider = Provider::new().await;
    let world = &provider.world;
    let app = provider.add("app", settings()).await;
    let mut tab = world.browser().tab();
    world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    let alice = "alice@example.org";
    let ways = async || {
        let told = world.app.test_app(app, alice, Some("openid")).await;
        let told = told.unwrap();
        let ways: Vec<_> = told.ways.iter().map(|way| way.words.clone()).collect();
        (told.gets_in(), ways.join("; "))
    };
    let example = world.app.provider("example").await.unwrap();
    let name = &example.settings.name;
    let (gets_in, said) = ways().await;
    assert!(
        gets_in && said.starts_with(&format!("through {name}")),
        "{said}"
    );
    assert!(said.contains("login_hint"), "{said}");
    provider
        .change(app, |s| s.straight_to = Some(example.id))
        .await;
    let (gets_in, said) = ways().await;
    assert!(gets_in && said.contains("whoever has no session goes straight"));
    provider
        .change(app, |s| s.never_through = [example.id].into())
        .await;
    let (gets_in, said) = ways().await;
    assert!(!gets_in && said.starts_with("never through"), "{said}");
    provider.change(app, |s| s.never_through.clear()).await;
    world.change_provider(|p| p.active = false).await;
    let (gets_in, said) = ways().await;
    assert!(!gets_in && said.contains("switched off"), "{said}");
}

/// A company with SSO says who may use an app: a claim chooses the template, the template gives tags.
#[tokio::test]
async fn a_template_of_the_provider_opens_an_app_and_closes_it() {
    let provider = Provider::new().await;
    let world = &provider.world;
    let app = provider.add("app", settings()).await;
    let staff = AppAccess::Only {
        domains: BTreeSet::new(),
        tags: ["staff".to_owned()].into(),
    };
    provider.change(app, |s| s.access = staff).await;
    let mut tab = karin(world).await;
    let path = world.at(&format!("/admin/templates/{}", world.template));
    let form = async |tab: &mut Tab| {
        let page = tab.open(&path).await.unwrap();
        page.form_with_button("Save").unwrap()
    };
    let wrong = form(&mut tab).await.fill("tags", "a,\u{7}").unwrap();
    let page = tab.submit(wrong).await.unwrap();
    crate::admin::assert_wrong(&page, "tags");
    let typed = form(&mut tab).await.fill("tags", "Staff, files").unwrap();
    tab.submit(typed.tick("in_step", "tags").unwrap())
        .await
        .unwrap();
    let saved = form(&mut tab).await;
    assert_eq!(saved.value("tags").as_deref(), Some("files, staff"));

    let may = async || {
        let told = world.app.test_app(app, "alice@example.org", None).await;
        told.unwrap().refusal.is_none()
    };
    let sign_in = async || {
        world.clock.advance(Duration::from_secs(60));
        let mut tab = world.browser().tab();
        world
            .by_company(&mut tab, "/sso/example/start", "alice")
            .await
    };
    let claims =
        r#"{"email": "alice@example.org", "email_verified": true, "mailcow_template": "staff"}"#;
    let foretold = world.app.what_if("example", claims).await.unwrap();
    let told = foretold.changes.iter().find(|one| one.field == "tags");
    assert_eq!(told.unwrap().after, "files, staff");
    sign_in().await;
    assert!(may().await, "the template's tags are there");

    // Kept in step, at the next sign-in.
    world.clock.advance(Duration::from_secs(60));
    let fewer = form(&mut tab).await.fill("tags", "files").unwrap();
    tab.submit(fewer).await.unwrap();
    assert!(may().await);
    sign_in().await;
    assert!(!may().await, "the tag is taken away");

    // What an administrator types wins, and is marked so.
    let at = world.at("/admin/mailboxes/alice%40example.org");
    let page = tab.open(&format!("{at}/edit")).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    tab.submit(form.fill("tags", "staff").unwrap())
        .await
        .unwrap();
    sign_in().await;
    assert!(may().await);
    let page = tab.open(&at).await.unwrap();
    assert!(
        page.text()
            .contains("staff set by hand (template says files)"),
        "{}",
        page.text()
    );
}
