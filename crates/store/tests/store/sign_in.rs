//! What is used once: sign-ins under way, proofs, set-up links.

use crate::support::{NOW, TempStore, later};
use model::link::Namespace;
use store::link_proofs::{self, Proof};
use store::sign_in_flows::{self, Flow};
use store::{StoreError, Taken, mailboxes, providers, setup_links};

#[tokio::test]
async fn a_sign_in_comes_back_once_in_time_and_in_its_browser() {
    let temp = TempStore::new();
    let provider = temp.provider("company").await;
    let insert = |state: &'static [u8]| {
        temp.write(async move |sql| {
            sign_in_flows::insert(sql, state, b"browser", provider, b"sealed", NOW, later(600))
                .await
        })
    };
    let get = async |browser: &[u8], now| {
        sign_in_flows::get(&mut temp.read(), b"state", browser, now).await
    };
    let use_up = || temp.write(async |sql| sign_in_flows::use_up(sql, b"state").await);
    insert(b"state").await.unwrap();
    assert_eq!(insert(b"state").await, Err(StoreError::Taken(Taken::Token)));
    assert_eq!(get(b"other", NOW).await, Ok(None));
    assert_eq!(get(b"browser", later(600)).await, Ok(None));
    let flow = Flow {
        provider,
        sealed: b"sealed".to_vec(),
    };
    assert_eq!(get(b"browser", later(599)).await, Ok(Some(flow.clone())));
    assert_eq!(use_up().await, Ok(true));
    assert_eq!(get(b"browser", later(599)).await, Ok(None));
    assert_eq!(use_up().await, Ok(false));
    let remembered =
        async |browser: &[u8]| sign_in_flows::remembered(&mut temp.read(), b"state", browser).await;
    assert_eq!(remembered(b"browser").await, Ok(Some(flow)));
    assert_eq!(remembered(b"other").await, Ok(None));
}

/// Both answers of a double click: one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_returns_with_one_state_have_one_winner() {
    let temp = TempStore::new();
    let provider = temp.provider("company").await;
    temp.write(async move |sql| {
        sign_in_flows::insert(sql, b"state", b"browser", provider, b"", NOW, later(1)).await
    })
    .await
    .unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                let job =
                    async move |sql: &mut store::Conn| sign_in_flows::use_up(sql, b"state").await;
                store.write(job).await
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += usize::from(task.await.unwrap().unwrap());
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn what_has_ended_is_swept_in_rounds() {
    let temp = TempStore::new();
    let provider = temp.provider("company").await;
    temp.write(async move |sql| {
        for n in 0..5_u8 {
            let ends = later(i64::from(n));
            sign_in_flows::insert(sql, &[n], b"b", provider, b"", NOW, ends).await?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let sweep = |now| temp.write(async move |sql| sign_in_flows::sweep(sql, now, 2).await);
    let left = || (provider, NOW);
    assert_eq!(sweep(later(3)).await, Ok(vec![left(), left()]));
    assert_eq!(sweep(later(3)).await, Ok(vec![left(), left()]));
    assert_eq!(sweep(later(3)).await, Ok(vec![]));
    // What is over is remembered, and forgotten in rounds too; what still waits is neither.
    let forget = |before| temp.write(async move |sql| sign_in_flows::forget(sql, before, 3).await);
    assert_eq!(forget(later(9)).await, Ok(3));
    assert_eq!(forget(later(9)).await, Ok(1));
    assert_eq!(forget(later(9)).await, Ok(0));
    let lost = model::rules::departures::Departures {
        returned: None,
        lost: 4,
        first: Some(NOW),
    };
    for departures in [lost, Default::default()] {
        let put = async move |sql: &mut store::Conn| {
            store::departures::put(sql, provider, &departures).await
        };
        temp.write(put).await.unwrap();
        let found = store::departures::get(&mut temp.read(), provider).await;
        assert_eq!(found, Ok(departures));
    }
    // A provider that is deleted takes its sign-ins along.
    assert_eq!(
        temp.write(async move |sql| providers::delete(sql, provider).await)
            .await,
        Ok(true)
    );
    assert_eq!(sweep(later(9)).await, Ok(vec![]));
}

#[tokio::test]
async fn a_proof_counts_its_tries() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let provider = temp.provider("company").await;
    let proof = Proof {
        mailbox,
        provider,
        namespace: Namespace("n".to_owned()),
        subject: "alice".to_owned(),
        tries: 0,
    };
    let put = proof.clone();
    let insert = || {
        let put = put.clone();
        temp.write(async move |sql| {
            link_proofs::insert(sql, b"token", b"browser", &put, later(60)).await
        })
    };
    insert().await.unwrap();
    let get = async |browser: &[u8], now| {
        link_proofs::get(&mut temp.read(), b"token", browser, now).await
    };
    assert_eq!(get(b"browser", NOW).await, Ok(Some(proof)));
    assert_eq!(get(b"other", NOW).await, Ok(None));
    assert_eq!(get(b"browser", later(60)).await, Ok(None));
    let try_it = || temp.write(async |sql| link_proofs::count_try(sql, b"token").await);
    assert_eq!(try_it().await, Ok(1));
    assert_eq!(try_it().await, Ok(2));
    let delete = || temp.write(async |sql| link_proofs::delete(sql, b"token").await);
    assert_eq!(delete().await, Ok(true));
    assert_eq!(delete().await, Ok(false));
    assert_eq!(try_it().await, Err(StoreError::Missing));

    insert().await.unwrap();
    let sweep = || temp.write(async |sql| link_proofs::sweep(sql, later(60), 9).await);
    assert_eq!(sweep().await, Ok(1));
    insert().await.unwrap();
    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    assert_eq!(
        get(b"browser", NOW).await,
        Ok(None),
        "gone with its mailbox"
    );
}

#[tokio::test]
async fn the_latest_set_up_link_works_once() {
    let temp = TempStore::new();
    for tag in [b"first", b"other"] {
        temp.write(async move |sql| setup_links::put(sql, tag, later(60)).await)
            .await
            .unwrap();
    }
    let take = |tag: &'static [u8], now| {
        temp.write(async move |sql| setup_links::take(sql, tag, now).await)
    };
    assert_eq!(take(b"first", NOW).await, Ok(false), "replaced");
    assert_eq!(take(b"other", later(60)).await, Ok(false), "too late");
    assert_eq!(take(b"other", NOW).await, Ok(true));
    assert_eq!(take(b"other", NOW).await, Ok(false));
}
