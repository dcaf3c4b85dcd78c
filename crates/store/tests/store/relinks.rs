//! Relink campaigns, and whom they are about.

use crate::support::{NOW, TempStore, later};
use model::ids::{ProviderId, RelinkId};
use model::link::{LinkOrigin, Namespace};
use store::relinks::NewRelink;
use store::{StoreError, links, providers, relinks};

async fn two(temp: &TempStore) -> (ProviderId, ProviderId) {
    (temp.provider("old").await, temp.provider("new").await)
}

fn campaign((from, to): (ProviderId, ProviderId), ends: i64) -> NewRelink {
    NewRelink {
        from,
        to,
        namespace: Namespace("https://new.example".to_owned()),
        domains: vec![model::ids::DomainId(1), model::ids::DomainId(2)],
        created_by: "karin".to_owned(),
        ends: later(ends),
    }
}

async fn put(temp: &TempStore, new: NewRelink) -> Result<RelinkId, StoreError> {
    temp.write(async move |sql| relinks::insert(sql, &new, NOW).await)
        .await
}

#[tokio::test]
async fn a_campaign_comes_back_as_it_was_put_until_it_is_over() {
    let temp = TempStore::new();
    let providers = two(&temp).await;
    let id = put(&temp, campaign(providers, 100)).await.unwrap();
    let found = relinks::by_id(&mut temp.read(), id).await.unwrap().unwrap();
    let new = campaign(providers, 100);
    assert_eq!((found.from, found.to), providers);
    assert_eq!(found.namespace, new.namespace);
    assert_eq!(found.domains, new.domains);
    assert_eq!((found.created, found.ends), (NOW, later(100)));
    assert_eq!((found.stopped, found.moved), (None, 0));
    assert_eq!(found.created_by, "karin");

    let open = async |to, at| -> Vec<RelinkId> {
        let open = relinks::open_to(&mut temp.read(), to, later(at)).await;
        open.unwrap().into_iter().map(|r| r.id).collect()
    };
    let sooner = put(&temp, campaign(providers, 50)).await.unwrap();
    assert_eq!(open(providers.1, 0).await, [sooner, id]);
    assert_eq!(open(providers.1, 50).await, [id]);
    assert!(open(providers.1, 100).await.is_empty());
    assert!(open(providers.0, 0).await.is_empty());

    let stop = |at| temp.write(async move |sql| relinks::stop(sql, id, later(at)).await);
    temp.write(async move |sql| relinks::count_moved(sql, id).await)
        .await
        .unwrap();
    assert_eq!(stop(100).await, Ok(false), "over by itself");
    assert_eq!(stop(60).await, Ok(true));
    assert_eq!(stop(61).await, Ok(false));
    let all = relinks::list(&mut temp.read(), 10).await.unwrap();
    assert_eq!(all.iter().map(|r| r.id).collect::<Vec<_>>(), [sooner, id]);
    assert_eq!((all[1].stopped, all[1].moved), (Some(later(60)), 1));
    assert!(open(providers.1, 60).await.is_empty());

    // It goes with its providers.
    let gone = ProviderId(99);
    let nowhere = put(&temp, campaign((providers.0, gone), 1)).await;
    assert_eq!(nowhere, Err(StoreError::Missing));
    let deleted = temp.write(async move |sql| providers::delete(sql, providers.0).await);
    assert_eq!(deleted.await, Ok(true));
    assert!(
        relinks::list(&mut temp.read(), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn linked_mailboxes_of_a_domain_are_listed_by_address() {
    let temp = TempStore::new();
    let (old, new) = two(&temp).await;
    let org = temp.domain("example.org").await;
    temp.domain("example.net").await;
    for (n, (address, provider)) in [
        ("c@example.org", old),
        ("a@example.org", old),
        ("b@example.org", new),
        ("d@example.net", old),
    ]
    .into_iter()
    .enumerate()
    {
        let mailbox = temp.mailbox(address).await;
        temp.write(async move |sql| {
            let namespace = Namespace("n".to_owned());
            let (subject, origin) = (n.to_string(), LinkOrigin::FirstSignIn);
            links::insert(sql, mailbox, provider, &namespace, &subject, origin, NOW).await
        })
        .await
        .unwrap();
    }
    temp.mailbox("e@example.org").await;
    let linked = async |after: &str, most| -> Vec<String> {
        let found = relinks::linked(&mut temp.read(), old, org, after, most).await;
        found
            .unwrap()
            .into_iter()
            .map(|(_, a)| a.to_string())
            .collect()
    };
    assert_eq!(linked("", 10).await, ["a@example.org", "c@example.org"]);
    assert_eq!(linked("", 1).await, ["a@example.org"]);
    assert_eq!(linked("a@example.org", 1).await, ["c@example.org"]);
}
