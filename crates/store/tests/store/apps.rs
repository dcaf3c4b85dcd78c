//! Apps, what people allowed them, and what ends it.

use crate::support::{NOW, TempStore, address, later};
use model::grant::{DeviceAnswer, TokenKind};
use model::ids::{GrantId, MailboxId, OauthAppId, SessionId};
use model::oauth_app::{AppCard, AppSettings, IdTokenAlg};
use model::session::Principal;
use store::app_codes::Code;
use store::app_devices::NewDevice;
use store::app_grants::{Ending, NewGrant};
use store::app_logouts::{GivenUp, Pause};
use store::app_tokens::NewToken;
use store::sessions::NewSession;
use store::signing_keys::SealedKey;
use store::{
    Page, StoreError, Taken, app_codes, app_connections, app_devices, app_grants, app_logouts,
    app_sessions, app_tokens, mailboxes, oauth_apps, sessions, signing_keys,
};
use uuid::Uuid;

fn settings(name: &str) -> AppSettings {
    AppSettings {
        name: name.to_owned(),
        redirects: vec!["https://app.example/cb".to_owned()],
        ..AppCard::Generic.settings()
    }
}

fn told(name: &str) -> AppSettings {
    AppSettings {
        back_channel: Some("https://app.example/logout".to_owned()),
        ..settings(name)
    }
}

async fn app(temp: &TempStore, client_id: &'static str, settings: AppSettings) -> OauthAppId {
    temp.write(async move |sql| oauth_apps::insert(sql, client_id, &settings, NOW).await)
        .await
        .unwrap()
}

async fn session(temp: &TempStore, tag: &'static [u8], owner: MailboxId) -> SessionId {
    temp.write(async move |sql| {
        let new = NewSession {
            token_tag: tag,
            principal: Principal::Person(owner),
            at: None,
            id_token: None,
            now: NOW,
            proved: NOW,
            ends: later(600),
            ip: None,
            user_agent: "Browser",
        };
        sessions::insert(sql, &new).await
    })
    .await
    .unwrap()
}

/// A grant in a session; `online` ones end with it.
async fn grant(
    temp: &TempStore,
    app: OauthAppId,
    mailbox: MailboxId,
    session: SessionId,
    online: bool,
) -> GrantId {
    temp.write(async move |sql| {
        let new = NewGrant {
            app,
            mailbox,
            session: online.then_some(session),
            begun_in: Some(session),
            sid: "sid",
            storage: Uuid::from_u128(9),
            scopes: "openid email",
            auth_time: NOW,
            claims: None,
            now: NOW,
            ends: later(60),
        };
        app_grants::insert(sql, &new).await
    })
    .await
    .unwrap()
}

async fn token(temp: &TempStore, tag: &'static [u8], grant: GrantId, kind: TokenKind) {
    temp.write(async move |sql| {
        let new = NewToken {
            tag,
            grant,
            kind,
            scopes: "openid email",
            now: NOW,
            ends: later(3600),
        };
        app_tokens::insert(sql, &new).await
    })
    .await
    .unwrap();
}

/// A person with a session.
async fn person(temp: &TempStore) -> (MailboxId, SessionId) {
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("alice@example.org").await;
    let session = session(temp, b"alice", mailbox).await;
    (mailbox, session)
}

async fn waiting(temp: &TempStore) -> Vec<(OauthAppId, String, Uuid)> {
    let mut read = temp.read();
    let mut waiting = Vec::new();
    for app in app_logouts::apps(&mut read).await.unwrap() {
        let due = app_logouts::due(&mut read, app, NOW, 100).await.unwrap();
        waiting.extend(due.into_iter().map(|one| (app, one.sid, one.storage)));
    }
    waiting
}

#[tokio::test]
async fn ids_are_small_and_client_ids_are_unique() {
    let temp = TempStore::new();
    let one = app(&temp, "one", settings("Cloud")).await;
    assert_eq!(
        (one, app(&temp, "two", settings("Wiki")).await),
        (OauthAppId(1), OauthAppId(2))
    );
    let again = temp
        .write(async move |sql| oauth_apps::insert(sql, "one", &settings("x"), NOW).await)
        .await;
    assert_eq!(again, Err(StoreError::Taken(Taken::Token)));
    let known = oauth_apps::by_client_id(&mut temp.read(), "one").await;
    let known = known.unwrap().unwrap();
    assert_eq!((known.id, known.settings.clone()), (one, settings("Cloud")));

    let change = |seen| {
        temp.write(async move |sql| {
            oauth_apps::update(sql, one, &settings("Drive"), seen, later(5)).await
        })
    };
    assert_eq!(change(Some(later(1))).await, Ok(false), "a stale form");
    assert_eq!(change(Some(known.modified)).await, Ok(true));
    let page = oauth_apps::list(&mut temp.read(), &Page::first(1))
        .await
        .unwrap();
    assert_eq!(page.rows[0].settings.name, "Wiki");
    let page = Page {
        after: page.next,
        limit: 1,
    };
    let page = oauth_apps::list(&mut temp.read(), &page).await.unwrap();
    assert_eq!(
        (page.rows[0].settings.name.as_str(), page.next),
        ("Drive", None)
    );

    temp.write(async move |sql| oauth_apps::delete(sql, one).await)
        .await
        .unwrap();
    assert_eq!(
        app(&temp, "three", settings("Chat")).await,
        OauthAppId(3),
        "never reused"
    );
}

#[tokio::test]
async fn an_old_secret_ends_when_it_was_to_and_no_later() {
    let temp = TempStore::new();
    let app = app(&temp, "one", settings("Cloud")).await;
    let add = async |tag: &'static [u8]| {
        temp.write(async move |sql| oauth_apps::add_secret(sql, app, tag, "x1", NOW).await)
            .await
            .unwrap()
    };
    let replace = async |by, ends| {
        temp.write(async move |sql| oauth_apps::end_secrets(sql, app, by, ends).await)
            .await
            .unwrap()
    };
    let ends = async || {
        let all = oauth_apps::secrets(&mut temp.read(), app).await.unwrap();
        all.into_iter().map(|one| one.ends).collect::<Vec<_>>()
    };
    add(b"first").await;
    let second = add(b"second").await;
    assert_eq!(replace(second, later(60)).await, 1);
    let third = add(b"third").await;
    assert_eq!(replace(third, later(3600)).await, 1);
    assert_eq!(ends().await, [None, Some(later(3600)), Some(later(60))]);
    temp.write(async move |sql| oauth_apps::sweep_secrets(sql, later(60)).await)
        .await
        .unwrap();
    assert_eq!(ends().await, [None, Some(later(3600))]);
}

#[tokio::test]
async fn a_code_and_a_refresh_token_are_used_up_by_one() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let app = app(&temp, "one", settings("Cloud")).await;
    let grant = grant(&temp, app, alice, session, true).await;
    let code = Code {
        grant,
        redirect: Some("https://app.example/cb".to_owned()),
        challenge: Some("c".repeat(43)),
        plain: false,
        nonce: Some("n".to_owned()),
        ends: later(60),
        used: None,
    };
    let inside = code.clone();
    temp.write(async move |sql| app_codes::insert(sql, b"code", &inside).await)
        .await
        .unwrap();
    assert_eq!(
        app_codes::get(&mut temp.read(), b"code").await,
        Ok(Some(code.clone()))
    );
    let take = || temp.write(async move |sql| app_codes::use_up(sql, b"code", later(1)).await);
    assert_eq!((take().await, take().await), (Ok(true), Ok(false)));
    let used = app_codes::get(&mut temp.read(), b"code").await.unwrap();
    assert_eq!(used.unwrap().used, Some(later(1)));

    token(&temp, b"refresh", grant, TokenKind::Refresh).await;
    let take = || temp.write(async move |sql| app_tokens::use_up(sql, b"refresh", later(2)).await);
    assert_eq!((take().await, take().await), (Ok(true), Ok(false)));
    let found = app_tokens::find(&mut temp.read(), b"refresh")
        .await
        .unwrap();
    assert_eq!(found.unwrap().bearer.used, Some(later(2)));

    temp.write(async move |sql| app_grants::end(sql, Ending::One(grant)).await)
        .await
        .unwrap();
    assert_eq!(app_codes::get(&mut temp.read(), b"code").await, Ok(None));
    assert_eq!(
        app_tokens::find(&mut temp.read(), b"refresh").await,
        Ok(None)
    );
}

#[tokio::test]
async fn a_token_finds_everything_answers_are_made_of() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let app = app(&temp, "one", settings("Cloud")).await;
    let grant = grant(&temp, app, alice, session, true).await;
    token(&temp, b"access", grant, TokenKind::Access).await;
    let find = async || {
        let found = app_tokens::find(&mut temp.read(), b"access").await;
        found.unwrap().unwrap()
    };
    let found = find().await;
    assert_eq!(
        (found.client_id.as_str(), &*found.settings),
        ("one", &settings("Cloud"))
    );
    let bearer = found.bearer;
    assert_eq!(
        (bearer.kind, bearer.grant, bearer.app),
        (TokenKind::Access, grant, app)
    );
    assert_eq!(
        (bearer.issued, bearer.ends, bearer.used),
        (NOW, later(3600), None)
    );
    let person = bearer.person;
    assert_eq!(
        (person.mailbox, person.address.as_str()),
        (alice, "alice@example.org")
    );
    assert!(person.active);
    assert_eq!(app_tokens::find(&mut temp.read(), b"other").await, Ok(None));

    let name = address("a@example.org").domain();
    let domain = store::domains::by_name(&mut temp.read(), &name).await;
    let mut domain = domain.unwrap().unwrap();
    domain.active = false;
    temp.write(async move |sql| store::domains::update(sql, &domain, None, later(1)).await)
        .await
        .unwrap();
    assert!(
        !find().await.bearer.person.active,
        "its domain is switched off"
    );
}

/// What settings mean is remembered by a connection; never for longer than they are what is stored.
#[tokio::test]
async fn settings_that_change_are_seen_at_the_next_look() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let app = app(&temp, "one", settings("Cloud")).await;
    let grant = grant(&temp, app, alice, session, true).await;
    token(&temp, b"access", grant, TokenKind::Access).await;
    let mut sql = temp.read();
    // More than what is remembered.
    let long = "x".repeat(8192);
    for change in 0..100 {
        let name = format!("Cloud {change} {long}");
        let new = settings(&name);
        temp.write(async move |sql| oauth_apps::update(sql, app, &new, None, later(1)).await)
            .await
            .unwrap();
        let found = app_tokens::find(&mut sql, b"access").await.unwrap();
        assert_eq!(found.unwrap().settings.name, name);
        let calling = oauth_apps::with_secrets(&mut sql, "one").await.unwrap();
        assert_eq!(calling.unwrap().0.settings.name, name);
    }
}

#[tokio::test]
async fn the_end_of_a_session_ends_what_stands_on_it_and_is_told_once() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let (cloud, wiki) = (
        app(&temp, "one", told("Cloud")).await,
        app(&temp, "two", settings("Wiki")).await,
    );
    let online = grant(&temp, cloud, alice, session, true).await;
    let offline = grant(&temp, cloud, alice, session, false).await;
    let quiet = grant(&temp, wiki, alice, session, true).await;
    temp.write(async move |sql| sessions::delete_all(sql, Principal::Person(alice)).await)
        .await
        .unwrap();
    let alive = async |id| {
        let found = app_grants::by_id(&mut temp.read(), id).await.unwrap();
        found.is_some()
    };
    assert!(!alive(online).await && !alive(quiet).await);
    assert!(alive(offline).await, "it goes on without the person");
    assert_eq!(
        waiting(&temp).await,
        [(cloud, "sid".to_owned(), Uuid::from_u128(9))]
    );
}

/// Signing in anew in the same browser is no end for apps.
#[tokio::test]
async fn what_moved_to_another_session_ends_with_that_one() {
    let temp = TempStore::new();
    let app = app(&temp, "one", told("Cloud")).await;
    let (mailbox, old) = person(&temp).await;
    let fresh = session(&temp, b"fresh", mailbox).await;
    let online = grant(&temp, app, mailbox, old, true).await;
    let offline = grant(&temp, app, mailbox, old, false).await;
    let person = Principal::Person(mailbox);
    temp.write(async move |sql| {
        app_grants::move_to(sql, old, fresh).await?;
        sessions::delete(sql, old, person).await
    })
    .await
    .unwrap();
    let held = async |id| app_grants::by_id(&mut temp.read(), id).await.unwrap();
    assert_eq!(held(online).await.unwrap().session, Some(fresh));
    assert!(held(offline).await.is_some());
    assert_eq!(waiting(&temp).await, []);
    let end = temp.write(async move |sql| sessions::delete(sql, fresh, person).await);
    assert_eq!(end.await, Ok(true));
    assert_eq!(held(online).await, None);
    assert!(held(offline).await.is_some());
    let expected = [(app, "sid".to_owned(), Uuid::from_u128(9))];
    assert_eq!(waiting(&temp).await, expected);
    // Nothing moves to a session that is gone.
    let (missing, third) = (old, session(&temp, b"third", mailbox).await);
    grant(&temp, app, mailbox, third, true).await;
    let moved = temp.write(async move |sql| app_grants::move_to(sql, third, missing).await);
    assert_eq!(moved.await, Err(StoreError::Missing));
}

#[tokio::test]
async fn a_deleted_mailbox_is_told_to_its_apps_too() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    grant(&temp, cloud, alice, session, true).await;
    temp.write(async move |sql| mailboxes::delete(sql, alice, "karin", NOW, NOW).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await.len(), 1);
}

#[tokio::test]
async fn a_session_that_ran_out_is_told_to_nobody() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    let offline = grant(&temp, cloud, alice, session, false).await;
    let swept = temp
        .write(async move |sql| sessions::sweep(sql, later(600), 10).await)
        .await;
    assert_eq!(swept, Ok(1));
    assert_eq!(waiting(&temp).await, []);
    assert!(
        app_grants::by_id(&mut temp.read(), offline)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_logout_that_failed_waits_for_its_next_time() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    grant(&temp, cloud, alice, session, true).await;
    temp.write(async move |sql| sessions::delete_all(sql, Principal::Person(alice)).await)
        .await
        .unwrap();
    let due = async |at| {
        let due = app_logouts::due(&mut temp.read(), cloud, at, 10).await;
        due.unwrap()
    };
    let id = due(NOW).await[0].id;
    for (at, again) in [(later(1), later(30)), (later(30), later(90))] {
        temp.write(async move |sql| app_logouts::failed(sql, id, "no answer", at, again).await)
            .await
            .unwrap();
    }
    assert_eq!(due(later(89)).await, []);
    let failing = app_logouts::failing(&mut temp.read(), cloud).await.unwrap();
    assert_eq!(failing.as_ref(), due(later(90)).await.first());
    let failing = failing.unwrap();
    assert_eq!((failing.tries, failing.since), (2, Some(later(1))));
    assert_eq!(failing.problem.as_deref(), Some("no answer"));
    temp.write(async move |sql| app_logouts::done(sql, id).await)
        .await
        .unwrap();
    assert_eq!(due(later(99)).await, []);
    assert_eq!(
        app_logouts::failing(&mut temp.read(), cloud).await,
        Ok(None)
    );
}

#[tokio::test]
async fn what_an_app_is_told_waits_with_the_app() {
    let temp = TempStore::new();
    let (alice, one) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    let wiki = app(&temp, "two", told("Wiki")).await;
    for app in [cloud, wiki] {
        grant(&temp, app, alice, one, true).await;
    }
    temp.write(async move |sql| sessions::delete_all(sql, Principal::Person(alice)).await)
        .await
        .unwrap();
    let pause_of = async |app| app_logouts::pause_of(&mut temp.read(), app).await.unwrap();
    assert_eq!(pause_of(cloud).await, None);
    for tries in [1, 2] {
        let pause = Pause {
            tries,
            until: later(60),
        };
        temp.write(async move |sql| app_logouts::pause(sql, cloud, pause, later(1)).await)
            .await
            .unwrap();
        assert_eq!(pause_of(cloud).await, Some(pause));
    }
    assert_eq!(pause_of(wiki).await, None);
    let due = async |app, at| {
        let due = app_logouts::due(&mut temp.read(), app, at, 10).await;
        due.unwrap()
    };
    assert_eq!(due(cloud, NOW).await[0].since, Some(later(1)));
    assert_eq!(due(wiki, NOW).await[0].since, None);
    // What failed by itself is due when the app hears again.
    let id = due(cloud, NOW).await[0].id;
    temp.write(async move |sql| app_logouts::failed(sql, id, "no", later(1), later(600)).await)
        .await
        .unwrap();
    assert_eq!(due(cloud, later(2)).await, []);
    temp.write(async move |sql| app_logouts::end_pause(sql, cloud, later(2)).await)
        .await
        .unwrap();
    assert_eq!(pause_of(cloud).await, None);
    assert_eq!(due(cloud, later(2)).await.len(), 1);
    // Given up by age, and with the last of it the pause ends.
    let give_up = async |began| {
        let pause = Pause {
            tries: 3,
            until: later(90),
        };
        temp.write(async move |sql| {
            app_logouts::pause(sql, cloud, pause, later(50)).await?;
            app_logouts::give_up(sql, cloud, GivenUp::All, began).await
        })
        .await
        .unwrap()
    };
    assert_eq!(give_up(NOW).await, 0);
    assert!(pause_of(cloud).await.is_some());
    assert_eq!(give_up(later(1)).await, 1);
    assert_eq!(
        (pause_of(cloud).await, due(wiki, NOW).await.len()),
        (None, 1)
    );
}

#[tokio::test]
async fn the_end_of_a_session_is_told_when_its_grant_ended_long_ago() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    let online = grant(&temp, cloud, alice, session, true).await;
    temp.write(async move |sql| app_grants::end(sql, Ending::One(online)).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, []);
    temp.write(async move |sql| sessions::delete(sql, session, Principal::Person(alice)).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await.len(), 1);
}

#[tokio::test]
async fn an_app_is_told_of_those_who_disconnect_it_and_of_nobody_else() {
    let temp = TempStore::new();
    let (alice, one) = person(&temp).await;
    let bob = temp.mailbox("bob@example.org").await;
    let two = session(&temp, b"bob", bob).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    let wiki = app(&temp, "two", told("Wiki")).await;
    let quiet = app(&temp, "three", settings("Quiet")).await;
    for app in [cloud, wiki, quiet] {
        grant(&temp, app, alice, one, true).await;
    }
    temp.write(async move |sql| app_sessions::end(sql, cloud, Some(bob)).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, [], "Bob never was there");
    for app in [cloud, quiet] {
        temp.write(async move |sql| app_sessions::end(sql, app, Some(alice)).await)
            .await
            .unwrap();
    }
    let told: Vec<_> = waiting(&temp).await.into_iter().map(|one| one.0).collect();
    assert_eq!(told, [cloud]);
    // Signing in once more takes nothing back: the app knows that by another name.
    grant(&temp, cloud, alice, one, true).await;
    assert_eq!(waiting(&temp).await.len(), 1);
    grant(&temp, cloud, bob, two, true).await;
    temp.write(async move |sql| app_sessions::end(sql, cloud, None).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await.len(), 1, "both have one sid here");
    temp.write(async move |sql| app_logouts::drop_all(sql, cloud).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, []);
}

/// Web sessions last for hours, those at apps for weeks.
#[tokio::test]
async fn an_app_is_told_of_a_person_of_whose_sessions_nothing_is_left() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let cloud = app(&temp, "one", told("Cloud")).await;
    let quiet = app(&temp, "two", settings("Quiet")).await;
    for app in [cloud, quiet] {
        grant(&temp, app, alice, session, true).await;
        let put = async move |sql: &mut store::Conn| {
            app_connections::put(sql, alice, app, "openid", true, NOW).await
        };
        temp.write(put).await.unwrap();
    }
    let later = NOW.plus(model::time::DAY);
    temp.write(async move |sql| sessions::sweep(sql, later, 9).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, [], "nobody left");
    let mailbox = mailboxes::by_id(&mut temp.read(), alice).await.unwrap();
    let all = [(cloud, String::new(), mailbox.unwrap().storage)];
    temp.write(async move |sql| app_grants::end(sql, Ending::Person(alice)).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, all);
    temp.write(async move |sql| app_logouts::drop_all(sql, cloud).await)
        .await
        .unwrap();
    temp.write(async move |sql| mailboxes::delete(sql, alice, "", later, later).await)
        .await
        .unwrap();
    assert_eq!(waiting(&temp).await, all);
}

#[tokio::test]
async fn connections_keep_their_beginning_and_note_uses_by_the_hour() {
    let temp = TempStore::new();
    let (alice, _) = person(&temp).await;
    let cloud = app(&temp, "one", settings("Cloud")).await;
    let put = async |scopes: &'static str, at| {
        temp.write(async move |sql| {
            app_connections::put(sql, alice, cloud, scopes, true, later(at)).await
        })
        .await
        .unwrap();
    };
    put("openid", 0).await;
    put("openid email", 10).await;
    let get = async || {
        let found = app_connections::get(&mut temp.read(), alice, cloud).await;
        found.unwrap().unwrap()
    };
    let known = get().await;
    assert_eq!((known.scopes.as_str(), known.since), ("openid email", NOW));
    for (at, seen) in [(3609, 10), (3610, 3610), (3700, 3610)] {
        temp.write(async move |sql| app_connections::touch(sql, alice, cloud, later(at)).await)
            .await
            .unwrap();
        assert_eq!(get().await.last_used, later(seen), "at {at}");
    }
    let of_app = app_connections::of_app(&mut temp.read(), cloud, &Page::first(10)).await;
    assert_eq!(of_app.unwrap().rows, [get().await]);
    let drop = || temp.write(async move |sql| app_connections::delete(sql, alice, cloud).await);
    assert_eq!((drop().await, drop().await), (Ok(true), Ok(false)));
    assert_eq!(
        app_connections::of_person(&mut temp.read(), alice).await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn a_device_is_answered_once_and_used_once() {
    let temp = TempStore::new();
    let (alice, session) = person(&temp).await;
    let tv = app(&temp, "one", settings("Television")).await;
    let grant = grant(&temp, tv, alice, session, false).await;
    let wait = async |device_tag: &'static [u8], user_tag: &'static [u8]| {
        temp.write(async move |sql| {
            let new = NewDevice {
                device_tag,
                user_tag,
                app: tv,
                scopes: "openid",
                now: NOW,
                ends: later(600),
                ip: Some([192, 0, 2, 7].into()),
            };
            app_devices::insert(sql, &new).await
        })
        .await
    };
    let id = wait(b"d1", b"u1").await.unwrap();
    assert_eq!(
        wait(b"d2", b"u1").await,
        Err(StoreError::Taken(Taken::Token))
    );
    let refused = wait(b"d3", b"u3").await.unwrap();
    let waiting = async |at, most| {
        let mut read = temp.read();
        let waiting = app_devices::waiting(&mut read, tv, later(at), most).await;
        let ids = waiting.unwrap().into_iter().map(|waiting| waiting.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(waiting(599, 9).await, [id, refused]);
    assert_eq!(waiting(599, 1).await, [id]);
    assert_eq!(waiting(600, 9).await, []);

    let typed = async || app_devices::by_user(&mut temp.read(), b"u1").await;
    let found = typed().await.unwrap().unwrap();
    assert_eq!((found.id, found.answer), (id, DeviceAnswer::Waiting));
    assert_eq!(found.ip, Some([192, 0, 2, 7].into()));
    let allow = async |id, at| {
        temp.write(async move |sql| app_devices::allow(sql, id, grant, later(at)).await)
            .await
    };
    let deny = async |id| {
        temp.write(async move |sql| app_devices::deny(sql, id).await)
            .await
    };
    let take = async || {
        temp.write(async move |sql| app_devices::use_up(sql, id, later(9)).await)
            .await
    };
    assert_eq!(take().await, Ok(false), "nobody has allowed it");
    assert_eq!(allow(id, 600).await, Ok(false), "too late");
    assert_eq!(allow(id, 599).await, Ok(true));
    assert_eq!((allow(id, 0).await, deny(id).await), (Ok(false), Ok(false)));
    let end = async |id, at| {
        temp.write(async move |sql| app_devices::end(sql, id, later(at)).await)
            .await
            .unwrap();
    };
    end(id, 0).await;
    assert_eq!(typed().await.unwrap().unwrap().ends, later(600));
    assert_eq!(waiting(8, 9).await, [refused]);
    end(refused, 9).await;
    end(refused, 10).await;
    assert_eq!(
        (waiting(8, 9).await, waiting(9, 9).await),
        (vec![refused], vec![])
    );
    assert_eq!(
        (deny(refused).await, deny(refused).await),
        (Ok(true), Ok(false))
    );
    assert_eq!(allow(refused, 0).await, Ok(false));

    let asks = async |tag: &'static [u8]| {
        let device = app_devices::by_device(&mut temp.read(), tag).await.unwrap();
        device.map(|device| device.answer)
    };
    assert_eq!(asks(b"d1").await, Some(DeviceAnswer::Granted(grant)));
    assert_eq!(asks(b"d3").await, Some(DeviceAnswer::Denied));
    assert_eq!((take().await, take().await), (Ok(true), Ok(false)));
    assert_eq!(asks(b"d1").await, Some(DeviceAnswer::Used(grant)));

    temp.write(async move |sql| app_grants::end(sql, Ending::One(grant)).await)
        .await
        .unwrap();
    assert_eq!(asks(b"d1").await, None, "it goes with its grant");
    let sweep = async |at| {
        temp.write(async move |sql| app_devices::sweep(sql, later(at), 10).await)
            .await
    };
    assert_eq!((sweep(8).await, sweep(9).await), (Ok(0), Ok(1)));
}

#[tokio::test]
async fn signing_keys_are_kept_until_they_are_removed() {
    let temp = TempStore::new();
    let key = SealedKey {
        kid: "k1".to_owned(),
        alg: IdTokenAlg::Rs256,
        jwk: "{}".to_owned(),
        sealed: vec![1, 2],
        created: NOW,
        signs: later(60),
        retired: None,
    };
    for expected in [Ok(()), Err(StoreError::Taken(Taken::Token))] {
        let key = key.clone();
        let stored = temp
            .write(async move |sql| signing_keys::insert(sql, &key).await)
            .await;
        assert_eq!(stored, expected);
    }
    temp.write(async move |sql| signing_keys::retire(sql, "k1", later(90)).await)
        .await
        .unwrap();
    let retired = SealedKey {
        retired: Some(later(90)),
        ..key
    };
    assert_eq!(signing_keys::all(&mut temp.read()).await, Ok(vec![retired]));
    temp.write(async move |sql| signing_keys::delete(sql, "k1").await)
        .await
        .unwrap();
    assert_eq!(signing_keys::all(&mut temp.read()).await, Ok(Vec::new()));
}
