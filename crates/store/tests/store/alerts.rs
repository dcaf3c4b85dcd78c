//! Alerts, and the counts behind the charts.

use crate::support::{TempStore, later};
use model::alert::{About, Alert, Details, Topic};
use model::attempt::{Attempt, Door, Reference, Trace};
use model::ids::{AlertId, AttemptId, ProviderId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use std::collections::BTreeMap;
use store::attempts::{self, AttemptFilter};
use store::{OsRandom, Page, StoreError, alerts, attempt_counts};

fn attempt(at: i64, door: Door, code: Option<Code>) -> Attempt {
    Attempt {
        id: AttemptId(0),
        reference: Reference::generate(&OsRandom),
        at: later(at),
        door,
        provider: None,
        app: None,
        mailbox: None,
        address: None,
        ip: None,
        user_agent: String::new(),
        refusal: code.map(Refusal::new),
        notice: None,
        trace: Trace::default(),
        count: 1,
    }
}

/// What the charts are made of is what the attempts themselves add up to.
async fn assert_exact(temp: &TempStore) {
    let mut want = BTreeMap::new();
    let (page, all) = (Page::first(500), AttemptFilter::default());
    let listed = attempts::list(&mut temp.read(), &page, &all).await;
    for attempt in listed.unwrap().rows {
        let hour = attempt.at.secs().div_euclid(3600) * 3600;
        let code = attempt.refusal.map(|refusal| refusal.code);
        *want
            .entry((hour, format!("{:?}", attempt.door), code))
            .or_insert(0) += attempt.count;
    }
    let counts = attempt_counts::since(&mut temp.read(), later(-1_000_000)).await;
    let counts: BTreeMap<_, _> = counts
        .unwrap()
        .into_iter()
        .map(|one| {
            let key = (one.hour.secs(), format!("{:?}", one.door), one.code);
            (key, one.count)
        })
        .collect();
    assert_eq!(counts, want);
}

#[tokio::test]
async fn the_counts_are_exact_after_every_commit() {
    let temp = TempStore::new();
    let (imap, smtp) = (Door::Mail(Protocol::Imap), Door::Mail(Protocol::Smtp));
    let mut shared = None;
    for (n, (at, door, code)) in [
        (0, Door::Provider, None),
        (10, Door::Provider, None),
        (20, Door::Local, Some(Code::WrongPassword)),
        (3_700, Door::Provider, Some(Code::NoMapping)),
        (3_800, Door::Provider, Some(Code::NoMapping)),
        (90_000, Door::Local, None),
    ]
    .into_iter()
    .enumerate()
    {
        let put = attempt(at, door, code);
        shared = shared.or_else(|| (n == 3).then(|| put.reference.clone()));
        temp.write(async move |sql| attempts::insert(sql, &put).await)
            .await
            .unwrap();
        assert_exact(&temp).await;
    }
    // Mail attempts of one bucket add up in one row, those of another do not.
    for (at, door, bucket, count) in [(5, imap, "a", 3), (6, imap, "a", 4), (7, smtp, "b", 1)] {
        let mut put = attempt(at, door, Some(Code::MailWrong));
        put.count = count;
        temp.write(async move |sql| attempts::upsert_mail(sql, &put, bucket).await)
            .await
            .unwrap();
        assert_exact(&temp).await;
    }
    let shared = shared.unwrap();
    for at in [3_750, 3_760] {
        let row = shared.clone();
        let added = temp.write(async move |sql| attempts::add_to(sql, &row, later(at)).await);
        assert_eq!(added.await, Ok(true));
        assert_exact(&temp).await;
    }
    // One that is not stored is not counted.
    let taken = Attempt {
        reference: shared,
        ..attempt(0, Door::Local, None)
    };
    let refused = temp
        .write(async move |sql| attempts::insert(sql, &taken).await)
        .await;
    assert!(refused.is_err());
    assert_exact(&temp).await;
}

#[tokio::test]
async fn the_counts_outlive_the_attempts_and_end_by_themselves() {
    let temp = TempStore::new();
    for at in [0, 7200] {
        let put = attempt(at, Door::Local, None);
        temp.write(async move |sql| attempts::insert(sql, &put).await)
            .await
            .unwrap();
    }
    let gone = temp.write(async |sql| attempts::prune_web(sql, later(99_999), 9).await);
    assert_eq!(gone.await, Ok(2));
    let left = async || {
        let counts = attempt_counts::since(&mut temp.read(), later(-99_999)).await;
        counts.unwrap().len()
    };
    assert_eq!(left().await, 2);
    let gone = temp.write(async |sql| attempt_counts::prune(sql, later(3600)).await);
    assert_eq!(gone.await, Ok(1));
    assert_eq!(left().await, 1);
}

fn alert(topic: Topic, about: About, last: i64, raised: bool) -> Alert {
    Alert {
        id: AlertId(0),
        topic,
        about,
        first: later(0),
        last: later(last),
        count: 1,
        details: Details {
            people: vec!["a@example.org".to_owned()],
            refusal: Some(Refusal::new(Code::NoMapping).with("claim", "groups")),
            ..Details::default()
        },
        raised: raised.then(|| later(last)),
        acknowledged: None,
        closed: None,
    }
}

async fn put(temp: &TempStore, alert: &Alert) -> Result<(), StoreError> {
    let alert = alert.clone();
    temp.write(async move |sql| alerts::put(sql, &alert).await)
        .await
}

#[tokio::test]
async fn an_alert_is_one_row_until_it_is_closed() {
    let temp = TempStore::new();
    let (topic, about) = (
        Topic::Refusals(Code::NoMapping),
        About::Provider(ProviderId(1)),
    );
    let live = async || alerts::live(&mut temp.read(), topic, &about).await.unwrap();
    let shown = async || alerts::shown(&mut temp.read(), 9).await.unwrap();
    assert_eq!(live().await, None);
    let gathering = alert(topic, about.clone(), 1, false);
    put(&temp, &gathering).await.unwrap();
    let mut stored = live().await.unwrap();
    assert_eq!(
        Alert {
            id: AlertId(0),
            ..stored.clone()
        },
        gathering
    );
    assert_eq!(shown().await, []);
    // A second one of the same cause has no place beside it.
    assert!(put(&temp, &gathering).await.is_err());

    (stored.raised, stored.count, stored.last) = (Some(later(2)), 7, later(2));
    put(&temp, &stored).await.unwrap();
    assert_eq!(shown().await, [stored.clone()]);
    let server = alert(Topic::Unconfirmed, About::Server, 5, true);
    put(&temp, &server).await.unwrap();
    assert_eq!(shown().await[0].topic, Topic::Unconfirmed);

    stored.closed = Some(later(9));
    put(&temp, &stored).await.unwrap();
    assert_eq!(live().await, None);
    assert_eq!(shown().await.len(), 1);
    let again = alerts::by_id(&mut temp.read(), stored.id).await.unwrap();
    assert_eq!(again, Some(stored));
    put(&temp, &gathering).await.unwrap();
    let gone = temp.write(async |sql| alerts::prune(sql, later(5), 9).await);
    assert_eq!(gone.await, Ok(2));
    assert_eq!(shown().await.len(), 1);
}
