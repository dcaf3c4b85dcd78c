use super::*;
use crate::ids::OauthAppId;
use crate::oauth_app::OauthApp;
use crate::time::Timestamp;
use secrecy::SecretString;

fn urls() -> CardUrls {
    let at = |path: &str| format!("https://mail.example.com{path}");
    CardUrls {
        issuer: at(""),
        discovery: at("/.well-known/openid-configuration"),
        authorize: at("/oauth/authorize"),
        token: at("/oauth/token"),
        device: at("/oauth/device_authorization"),
        userinfo: at("/oauth/userinfo"),
        profile: at("/oauth/profile"),
        end_session: at("/oauth/end-session"),
    }
}

fn app(card: AppCard) -> OauthApp {
    let shape = card.redirect_shape().replace("HOST", "app.example.org");
    OauthApp {
        id: OauthAppId(1),
        client_id: "a1b2c3d4e5f6".to_owned(),
        created: Timestamp(0),
        modified: Timestamp(0),
        settings: AppSettings {
            redirects: vec![shape.replace("SLUG", "mail")],
            ..card.settings()
        },
    }
}

/// A guide as one text: what an administrator reads.
fn text(app: &OauthApp, secret: Option<&SecretString>) -> String {
    let urls = urls();
    let made = guide(&CardSetup {
        app,
        urls: &urls,
        secret,
    });
    let mut text = String::new();
    for step in &made.steps {
        text.push_str(&format!("- {step}\n"));
    }
    for value in &made.values {
        text.push_str(&format!("{}: {}\n", value.field, value.value));
    }
    if let Some(block) = &made.block {
        text.push_str(&format!("[{}]\n{}", block.title, block.text));
    }
    for remark in &made.remarks {
        text.push_str(&format!("* {remark}\n"));
    }
    text
}

#[test]
fn cards_are_named_once() {
    for card in AppCard::ALL {
        assert_eq!(AppCard::of_key(card.key()), Some(card));
        assert_eq!(card.settings().card, card);
        assert!(card.redirect_shape().starts_with("https://HOST/"));
    }
    assert_eq!(AppCard::of_key("mailcow"), None);
}

#[test]
fn the_secret_is_there_while_it_is_new_only() {
    let secret = SecretString::from("s3cret-of-the-app".to_owned());
    for card in AppCard::ALL {
        let app = app(card);
        let new = text(&app, Some(&secret));
        assert!(new.contains("s3cret-of-the-app"), "{card:?}");
        assert!(!new.contains("THE-CLIENT-SECRET"), "{card:?}");
        let later = text(&app, None);
        assert!(later.contains("THE-CLIENT-SECRET"), "{card:?}");
        assert!(later.contains("a1b2c3d4e5f6"), "{card:?}");
        let urls = urls();
        let setup = CardSetup {
            app: &app,
            urls: &urls,
            secret: Some(&secret),
        };
        let printed = format!("{:?}", guide(&setup));
        assert!(!printed.contains("s3cret-of-the-app"), "{printed}");
    }
    let mut public = app(AppCard::Generic);
    public.settings.kind = AppKind::Public;
    assert!(!text(&public, None).contains("THE-CLIENT-SECRET"));
}

#[test]
fn an_app_on_devices_learns_where_to_ask() {
    let mut tv = app(AppCard::Generic);
    assert!(!text(&tv, None).contains("device_authorization"));
    tv.settings.devices = true;
    let server = text(&tv, None);
    assert!(server.contains("Device authorization endpoint: https://mail.example.com/oauth/"));
    assert!(
        !server.contains("curl"),
        "its secret belongs into no command line"
    );
    tv.settings.kind = AppKind::Public;
    tv.settings.redirects.clear();
    let program = text(&tv, None);
    assert!(program.contains("-d client_id=a1b2c3d4e5f6 -d device_code=THE-DEVICE-CODE"));
    assert!(!program.contains("PKCE"), "{program}");
}

#[test]
fn an_app_in_a_browser_alone_gets_what_its_page_needs() {
    let told = |change: &dyn Fn(&mut AppSettings)| {
        let mut page = app(AppCard::Generic);
        page.settings.kind = AppKind::Public;
        change(&mut page.settings);
        text(&page, None)
    };
    let page = told(&|_| {});
    assert!(page.contains("authority: \"https://mail.example.com\",\n"));
    assert!(page.contains("client_id: \"a1b2c3d4e5f6\",\n"));
    assert!(page.contains("redirect_uri: \"https://app.example.org/callback\",\n"));
    assert!(page.contains("pages of the app may read"));
    let second = told(&|s| s.redirects.insert(0, "com.example.app:/cb".to_owned()));
    assert!(second.contains("redirect_uri: \"https://app.example.org/callback\",\n"));
    for without in [
        told(&|s| s.kind = AppKind::Confidential),
        told(&|s| s.redirects = vec!["http.example.app:/cb".to_owned()]),
    ] {
        assert!(!without.contains("UserManager") && !without.contains("pages of the app"));
    }
    let both = told(&|s| s.devices = true);
    assert!(both.contains("curl") && both.contains("pages of the app may read"));
}

#[test]
fn names_chosen_there_come_from_the_redirect() {
    assert!(text(&app(AppCard::Authentik), None).contains("Slug: mail\n"));
    let mut gitea = app(AppCard::Gitea);
    gitea.settings.redirects = vec!["https://git.example.org/user/oauth2/mail/callback".into()];
    assert!(text(&gitea, None).contains("--name 'mail'"));
}

#[test]
fn guides() {
    let all: Vec<_> = AppCard::ALL
        .into_iter()
        .map(|card| format!("## {}\n{}", card.label(), text(&app(card), None)))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}
