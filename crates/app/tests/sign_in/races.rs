//! Limits and single use under parallel requests.

use crate::world::{World, company};
use app::sign_in::Ended;
use lab::Person;
use model::outcome::Code;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_places_of_a_domain_are_given_out_exactly() {
    let world = Arc::new(World::new().await);
    world.domain(|d| d.limits.max_mailboxes = 3).await;
    let mut queries = Vec::new();
    for n in 0..12 {
        let login = format!("person{n}");
        let email = format!("{login}@example.org");
        let person = Person::new(&login, &login, "Person", &email, lab::sample::PASSWORD)
            .with_claim("mailcow_template", "staff");
        company(&world).add_person(person);
        queries.push(
            world
                .at_provider(&world.depart().await.unwrap(), &login)
                .await,
        );
    }
    let running: Vec<_> = queries
        .into_iter()
        .map(|query| {
            let world = world.clone();
            tokio::spawn(async move { world.finish(&query).await })
        })
        .collect();
    let (mut inside, mut full) = (0, 0);
    for one in running {
        match one.await.unwrap() {
            Ended::SignedIn(_) => inside += 1,
            Ended::Refused(refused) if refused.refusal.code == Code::DomainFull => full += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((inside, full), (3, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_offered_many_times_signs_in_once() {
    let world = Arc::new(World::new().await);
    let query = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let running: Vec<_> = (0..16)
        .map(|_| {
            let (world, query) = (world.clone(), query.clone());
            tokio::spawn(async move { world.finish(&query).await })
        })
        .collect();
    let mut inside = 0;
    for one in running {
        inside += usize::from(matches!(one.await.unwrap(), Ended::SignedIn(_)));
    }
    assert_eq!(inside, 1);
}
