//! Kept claims and the states of rules.

use crate::support::{NOW, TempStore, later};
use model::audit::Actor;
use model::ids::{LinkId, MailboxId, ProviderId, TemplateId};
use model::link::{LinkOrigin, Namespace};
use model::provider::EveryoneElse;
use model::rule::{Pattern, Rule, Test};
use model::rules::claims::Claims;
use model::rules::versions::RuleSet;
use model::time::Timestamp;
use serde_json::{Value, json};
use store::{StoreError, link_claims, links, mailboxes, rule_versions};

fn claims(value: Value) -> Claims {
    value.as_object().unwrap().clone()
}

async fn linked(temp: &TempStore, address: &str, provider: ProviderId) -> (MailboxId, LinkId) {
    let mailbox = temp.mailbox(address).await;
    let (subject, namespace) = (address.to_owned(), Namespace("n".to_owned()));
    let link = temp
        .write(async move |sql| {
            let origin = LinkOrigin::FirstSignIn;
            links::insert(sql, mailbox, provider, &namespace, &subject, origin, NOW).await
        })
        .await
        .unwrap();
    (mailbox, link)
}

async fn put(temp: &TempStore, link: LinkId, value: Value, left_out: &[&str], at: Timestamp) {
    let left_out: Vec<_> = left_out.iter().map(ToString::to_string).collect();
    temp.write(async move |sql| {
        link_claims::put(sql, link, &claims(value.clone()), &left_out, at).await
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn claims_are_kept_by_link_and_only_a_change_is_written() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let company = temp.provider("company").await;
    let (mailbox, link) = linked(&temp, "alice@example.org", company).await;
    let kept = async || link_claims::of_link(&mut temp.read(), link).await.unwrap();
    assert_eq!(kept().await, None);
    put(&temp, link, json!({"groups": ["a"]}), &[], NOW).await;
    put(&temp, link, json!({"groups": ["a"]}), &[], later(1)).await;
    assert_eq!(kept().await.unwrap().since, NOW, "nothing was written");
    put(&temp, link, json!({}), &["groups"], later(2)).await;
    let now = kept().await.unwrap();
    assert_eq!(
        (now.since, now.left_out),
        (later(2), vec!["groups".to_owned()])
    );
    let gone = temp
        .write(async |sql| link_claims::put(sql, LinkId(99), &Claims::new(), &[], NOW).await)
        .await;
    assert_eq!(gone, Err(StoreError::Missing));

    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "karin", NOW, later(9)).await)
        .await
        .unwrap();
    assert_eq!(kept().await, None, "gone with the mailbox");
}

#[tokio::test]
async fn people_of_a_provider_come_in_batches() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let company = temp.provider("company").await;
    let other = temp.provider("other").await;
    let mut expected = Vec::new();
    for n in 0..5 {
        let address = format!("p{n}@example.org");
        let (_, link) = linked(&temp, &address, company).await;
        linked(&temp, &format!("o{n}@example.org"), other).await;
        if n != 3 {
            put(&temp, link, json!({"n": n}), &[], NOW).await;
        }
        expected.push((address, (n != 3).then(|| json!({"n": n}))));
    }
    let mut found = Vec::new();
    let mut after = LinkId(0);
    loop {
        let batch = link_claims::people(&mut temp.read(), company, after, 2)
            .await
            .unwrap();
        let Some(last) = batch.last() else { break };
        assert!(batch.len() <= 2);
        after = last.link.id;
        for person in batch {
            assert_eq!(person.link.mailbox, person.mailbox.id);
            assert_eq!(person.link.subject, person.mailbox.address.as_str());
            let kept = person.kept.map(|kept| Value::Object(kept.claims));
            found.push((person.mailbox.address.to_string(), kept));
        }
    }
    assert_eq!(found, expected);
}

fn set(value: &str) -> RuleSet {
    let rule = |test| Rule {
        claim: "groups".to_owned(),
        test,
        template: TemplateId(1),
    };
    RuleSet {
        rules: vec![
            rule(Test::Contains(value.to_owned())),
            rule(Test::Matches(Pattern::new("a|b"))),
        ],
        everyone_else: EveryoneElse::Refuse,
    }
}

#[tokio::test]
async fn states_of_rules_are_kept_by_provider_up_to_a_number() {
    let temp = TempStore::new();
    let company = temp.provider("company").await;
    let other = temp.provider("other").await;
    let save = async |provider, value: String| {
        temp.write(async move |sql| {
            let actor = Actor::CommandLine;
            rule_versions::insert(sql, provider, &actor, &set(&value), NOW).await
        })
        .await
        .unwrap()
    };
    let elsewhere = save(other, "x".into()).await;
    for n in 0..rule_versions::KEPT + 5 {
        save(company, n.to_string()).await;
    }
    let all = rule_versions::newest(&mut temp.read(), company, 1000)
        .await
        .unwrap();
    assert_eq!(all.len(), rule_versions::KEPT as usize);
    assert_eq!(all[0].set, set(&(rule_versions::KEPT + 4).to_string()));
    assert_eq!(all[0].actor, Actor::CommandLine);
    let one = |provider, id| {
        let mut read = temp.read();
        async move { rule_versions::by_id(&mut read, provider, id).await.unwrap() }
    };
    assert_eq!(one(company, all[3].id).await, Some(all[3].clone()));
    assert_eq!(one(company, elsewhere).await, None, "of its provider only");
    assert!(one(other, elsewhere).await.is_some());
}
