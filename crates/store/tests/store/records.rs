//! What is remembered: attempts, the audit, the outbox, settings.

use crate::support::{NOW, TempStore, address, later};
use model::attempt::{Attempt, Door, Reference, SeenClaim, StepState, Trace};
use model::audit::{Actor, AuditEvent};
use model::ids::{AdminId, AttemptId, MailboxId, ProviderId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use store::attempts::{self, AttemptFilter};
use store::outbox::Lane;
use store::{OsRandom, Page, StoreError, Taken, audit, outbox, settings};

fn attempt(at: i64, who: &str, code: Option<Code>) -> Attempt {
    let mut trace = Trace::default();
    trace.push("domain known", StepState::Blocked, "example.org");
    trace.claims.push(SeenClaim {
        name: "email".to_owned(),
        value: "\"a@example.org\"".to_owned(),
        origin: "userinfo".to_owned(),
        exact: Some(serde_json::json!(["a@example.org"])),
        cut: false,
    });
    Attempt {
        id: AttemptId(0),
        reference: Reference::generate(&OsRandom),
        at: later(at),
        door: Door::Provider,
        provider: Some(ProviderId(1)),
        app: None,
        mailbox: Some(MailboxId(2)),
        address: Some(who.to_owned()),
        ip: "192.0.2.1".parse().ok(),
        user_agent: "Browser".to_owned(),
        refusal: code.map(|code| Refusal::new(code).with("domain", "example.org")),
        notice: None,
        trace,
        count: 1,
    }
}

async fn record(temp: &TempStore, attempt: &Attempt) -> Result<(), StoreError> {
    let attempt = attempt.clone();
    temp.write(async move |sql| attempts::insert(sql, &attempt).await)
        .await
}

async fn pages(temp: &TempStore, filter: &AttemptFilter, limit: u32) -> Vec<Attempt> {
    let mut page = Page::first(limit);
    let mut all = Vec::new();
    loop {
        let listed = attempts::list(&mut temp.read(), &page, filter)
            .await
            .unwrap();
        all.extend(listed.rows);
        page.after = listed.next;
        if page.after.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn an_attempt_comes_back_by_its_reference() {
    let temp = TempStore::new();
    for (door, code, notice) in [
        (Door::Provider, Some(Code::DomainUnknown), None),
        (Door::Local, None, Some(Code::ALL[0])),
        (Door::Mail(Protocol::Sieve), None, None),
    ] {
        let mut put = attempt(0, "a@example.org", code);
        (put.door, put.notice) = (door, notice);
        record(&temp, &put).await.unwrap();
        let found = attempts::by_reference(&mut temp.read(), &put.reference).await;
        let found = found.unwrap().unwrap();
        assert_ne!(found.id, AttemptId(0));
        put.id = found.id;
        assert_eq!(found, put);
        assert_eq!(
            record(&temp, &put).await,
            Err(StoreError::Taken(Taken::Token))
        );
    }
}

#[tokio::test]
async fn attempts_are_listed_newest_first_and_narrowed_down() {
    let temp = TempStore::new();
    let codes = [None, Some(Code::DomainUnknown), Some(Code::NoMapping)];
    let who = ["a@example.org", "b@example.org"];
    for n in 0..30 {
        let mut put = attempt(n as i64, who[n % 2], codes[n % 3]);
        put.provider = (n % 5 == 0).then_some(ProviderId(7));
        record(&temp, &put).await.unwrap();
    }
    let count = async |filter: AttemptFilter| {
        let listed = pages(&temp, &filter, 4).await;
        assert!(listed.is_sorted_by_key(|a| std::cmp::Reverse(a.at)));
        listed.len()
    };
    let all = AttemptFilter::default();
    assert_eq!(count(all.clone()).await, 30);
    let refused = AttemptFilter {
        refused_only: true,
        ..all.clone()
    };
    assert_eq!(count(refused.clone()).await, 20);
    let code = AttemptFilter {
        code: Some(Code::NoMapping),
        ..all.clone()
    };
    assert_eq!(count(code).await, 10);
    let address = AttemptFilter {
        address: Some("a@example.org".to_owned()),
        ..all.clone()
    };
    assert_eq!(count(address.clone()).await, 15);
    let both = AttemptFilter {
        refused_only: true,
        ..address
    };
    assert_eq!(count(both).await, 10);
    let provider = AttemptFilter {
        provider: Some(ProviderId(7)),
        ..all
    };
    assert_eq!(count(provider).await, 6);

    let of = attempts::of_address(&mut temp.read(), "b@example.org", 3).await;
    let at: Vec<_> = of.unwrap().iter().map(|attempt| attempt.at).collect();
    assert_eq!(at, [later(29), later(27), later(25)]);
}

#[tokio::test]
async fn like_mail_attempts_add_up_in_one_row() {
    let temp = TempStore::new();
    let mut put = attempt(0, "a@example.org", Some(Code::DomainUnknown));
    put.door = Door::Mail(Protocol::Imap);
    let first = put.reference.clone();
    for (at, bucket, count) in [(1, "a", 3), (2, "a", 4), (3, "b", 1)] {
        put.reference = if at == 1 {
            first.clone()
        } else {
            Reference::generate(&OsRandom)
        };
        (put.at, put.count) = (later(at), count);
        let put = put.clone();
        temp.write(async move |sql| attempts::upsert_mail(sql, &put, bucket).await)
            .await
            .unwrap();
    }
    let found = attempts::by_reference(&mut temp.read(), &first).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.count, found.at), (7, later(2)));
    assert_eq!(pages(&temp, &AttemptFilter::default(), 9).await.len(), 2);
}

#[tokio::test]
async fn old_attempts_are_pruned_in_rounds_each_kind_by_itself() {
    let temp = TempStore::new();
    for n in 0..5 {
        record(&temp, &attempt(n, "web@example.org", None))
            .await
            .unwrap();
        let mail = attempt(n, "mail@example.org", None);
        temp.write(async move |sql| attempts::upsert_mail(sql, &mail, &n.to_string()).await)
            .await
            .unwrap();
    }
    let left = async |who: &str| {
        let found = attempts::of_address(&mut temp.read(), who, 9).await;
        found.unwrap().len()
    };
    let prune_web = || temp.write(async |sql| attempts::prune_web(sql, later(3), 2).await);
    assert_eq!(prune_web().await, Ok(2));
    assert_eq!(prune_web().await, Ok(1));
    assert_eq!(prune_web().await, Ok(0));
    assert_eq!(left("web@example.org").await, 2);
    assert_eq!(left("mail@example.org").await, 5);
    let prune_mail = || temp.write(async |sql| attempts::prune_mail(sql, later(1), 9).await);
    assert_eq!(prune_mail().await, Ok(1));
    assert_eq!(left("web@example.org").await, 2);
    assert_eq!(left("mail@example.org").await, 4);
}

#[tokio::test]
async fn the_audit_is_listed_newest_first_by_object() {
    let temp = TempStore::new();
    let actor = Actor::Admin {
        id: AdminId(1),
        name: "root".to_owned(),
    };
    for n in 0..7 {
        let event = AuditEvent {
            at: later(n),
            actor: actor.clone(),
            action: "mailbox.edit".to_owned(),
            object: ["a@example.org", "b@example.org"][n as usize % 2].to_owned(),
            details: serde_json::json!({ "quota": [n, n + 1] }),
        };
        temp.write(async move |sql| audit::insert(sql, &event).await)
            .await
            .unwrap();
    }
    let list = async |object, limit, after| {
        let page = Page { after, limit };
        audit::list(&mut temp.read(), &page, object).await.unwrap()
    };
    let first = list(None, 5, None).await;
    assert_eq!((first.rows.len(), first.rows[0].at), (5, later(6)));
    assert_eq!(first.rows[0].actor, actor);
    assert_eq!(first.rows[0].details["quota"][1], 7);
    let second = list(None, 5, first.next).await;
    assert_eq!((second.rows.len(), second.next), (2, None));
    let first = list(Some("b@example.org"), 2, None).await;
    assert_eq!(first.rows.len(), 2);
    let second = list(Some("b@example.org"), 2, first.next).await;
    assert_eq!((second.rows.len(), second.next), (1, None));
    assert_eq!(second.rows[0].at, later(1));
    let pruned = temp
        .write(async |sql| audit::prune(sql, later(2), 9).await)
        .await;
    assert_eq!(pruned, Ok(2));
    assert_eq!(list(None, 9, None).await.rows.len(), 5);
}

#[tokio::test]
async fn an_effect_waits_in_the_outbox_until_it_is_done() {
    let temp = TempStore::new();
    let alice = address("alice@example.org");
    let put = alice.clone();
    let id = temp
        .write(async move |sql| {
            // From a newer version: it must not hold up the others.
            // More than one look takes in: they must not hide what stands behind them.
            for _ in 0..20 {
                outbox::put(
                    sql,
                    Lane::Engines,
                    &serde_json::json!({ "unknown": true }),
                    NOW,
                    NOW,
                )
                .await?;
            }
            outbox::put(sql, Lane::Engines, &put, NOW, NOW).await
        })
        .await
        .unwrap();
    let due = async |now| {
        let due =
            outbox::due::<model::address::Address>(&mut temp.read(), Lane::Engines, now, 9).await;
        due.unwrap()
    };
    let waiting = due(NOW).await;
    assert_eq!(waiting.len(), 1);
    let mail = outbox::due::<model::address::Address>(&mut temp.read(), Lane::Mail, NOW, 9).await;
    assert_eq!(mail.unwrap(), [], "another lane");
    assert_eq!((waiting[0].id, waiting[0].tries), (id, 0));
    assert_eq!(waiting[0].effect, alice);
    temp.write(async move |sql| outbox::failed(sql, id, later(60)).await)
        .await
        .unwrap();
    assert!(due(later(59)).await.is_empty());
    assert_eq!(due(later(60)).await[0].tries, 1);
    temp.write(async move |sql| outbox::done(sql, id).await)
        .await
        .unwrap();
    assert!(due(later(99)).await.is_empty());
}

#[tokio::test]
async fn a_setting_is_replaced() {
    let temp = TempStore::new();
    for value in ["one", "two"] {
        temp.write(async move |sql| settings::set(sql, "name", value).await)
            .await
            .unwrap();
    }
    let value = settings::get(&mut temp.read(), "name").await;
    assert_eq!(value, Ok(Some("two".to_owned())));
    assert_eq!(settings::get(&mut temp.read(), "other").await, Ok(None));
}
