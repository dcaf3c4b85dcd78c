//! Providers and templates: settings, sealed secrets, what may be deleted.

use crate::support::{NOW, TempStore, later, new_mailbox, provider_settings, storage};
use model::link::{LinkOrigin, Namespace};
use model::provider::SecretHint;
use model::template::{TemplateSettings, Templated};
use store::{OsRandom, StoreError, Taken, links, mailboxes, providers, templates};

#[tokio::test]
async fn a_provider_comes_back_as_it_was_put_and_changed() {
    let temp = TempStore::new();
    let id = temp.provider("company").await;
    let before = providers::by_slug(&mut temp.read(), "company").await;
    let before = before.unwrap().unwrap();
    assert_eq!((before.id, before.created, before.modified), (id, NOW, NOW));
    assert_eq!(before.settings, provider_settings("company"));
    assert_eq!(before.secret, None);

    let mut after = before.clone();
    after.settings.name = "Company login".to_owned();
    after.settings.active = false;
    after.namespace = Namespace("urn:gatepost:provider:x".to_owned());
    let put = after.clone();
    let update = |seen| {
        let put = put.clone();
        temp.write(async move |sql| providers::update(sql, &put, "bare", seen, later(1)).await)
    };
    assert_eq!(update(Some(NOW)).await, Ok(true));
    assert_eq!(update(Some(NOW)).await, Ok(false));
    after.modified = later(1);
    assert_eq!(
        providers::by_id(&mut temp.read(), id).await,
        Ok(Some(after))
    );
}

#[tokio::test]
async fn one_short_name_and_one_redirect_url_belong_to_one_provider() {
    let temp = TempStore::new();
    temp.provider("first").await;
    temp.provider("second").await;
    let insert = |slug: &'static str, key: &'static str| {
        temp.write(async move |sql| {
            let namespace = Namespace("n".to_owned());
            providers::insert(sql, slug, &namespace, key, &provider_settings("x"), NOW).await
        })
    };
    assert_eq!(
        insert("first", "path:third").await,
        Err(StoreError::Taken(Taken::ProviderSlug))
    );
    assert_eq!(
        insert("third", "path:first").await,
        Err(StoreError::Taken(Taken::Redirect))
    );
    insert("third", "bare").await.unwrap();
    let all = providers::all(&mut temp.read()).await.unwrap();
    let slugs: Vec<_> = all.iter().map(|provider| provider.slug.as_str()).collect();
    assert_eq!(slugs, ["first", "second", "third"]);
    let second = all[1].clone();
    let moved = temp
        .write(async move |sql| providers::update(sql, &second, "bare", None, NOW).await)
        .await;
    assert_eq!(moved, Err(StoreError::Taken(Taken::Redirect)));
}

#[tokio::test]
async fn a_secret_is_stored_sealed_and_shown_by_its_end_only() {
    let temp = TempStore::new();
    let id = temp.provider("company").await;
    let row = format!("provider/{id}/secret");
    let sealed = temp
        .keys
        .seal
        .seal(row.as_bytes(), b"client secret of ours", &OsRandom)
        .unwrap();
    let put = sealed.clone();
    temp.write(async move |sql| providers::set_secret(sql, id, Some((&put, "rs")), later(1)).await)
        .await
        .unwrap();
    let provider = providers::by_id(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap();
    let hint = SecretHint {
        set: later(1),
        ends: "rs".to_owned(),
    };
    assert_eq!(provider.secret, Some(hint));
    let stored = providers::sealed_secret(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&stored.sealed, &stored.origin), (&sealed, &None));
    let (here, there) = ("https://auth.example", "https://other.example");
    for (bytes, origin, bound) in [
        (b"another".to_vec(), here, false),
        (sealed.clone(), here, true),
        (sealed.clone(), there, false),
    ] {
        let done = temp
            .write(async move |sql| providers::bind_secret(sql, id, &bytes, origin).await)
            .await;
        assert_eq!(done, Ok(bound), "{origin}");
    }
    let stored = providers::sealed_secret(&mut temp.read(), id).await;
    assert_eq!(stored.unwrap().unwrap().origin.as_deref(), Some(here));
    let opened = temp.keys.seal.open(row.as_bytes(), &sealed).unwrap();
    assert_eq!(opened.as_slice(), b"client secret of ours");
    for name in ["store.db", "store.db-wal"] {
        let bytes = std::fs::read(temp.dir.path().join(name)).unwrap();
        assert!(!bytes.windows(13).any(|w| w == b"client secret"), "{name}");
    }
    temp.write(async move |sql| providers::set_secret(sql, id, None, NOW).await)
        .await
        .unwrap();
    let provider = providers::by_id(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(provider.secret, None);
    assert_eq!(
        providers::sealed_secret(&mut temp.read(), id).await,
        Ok(None)
    );
}

#[tokio::test]
async fn a_provider_with_linked_people_is_not_deleted() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let id = temp.provider("company").await;
    let link = temp
        .write(async move |sql| {
            let namespace = Namespace("n".to_owned());
            let origin = LinkOrigin::FirstSignIn;
            links::insert(sql, mailbox, id, &namespace, "subject", origin, NOW).await
        })
        .await
        .unwrap();
    let delete = || temp.write(async move |sql| providers::delete(sql, id).await);
    assert_eq!(delete().await, Err(StoreError::InUse));
    temp.write(async move |sql| links::delete(sql, link).await)
        .await
        .unwrap();
    assert_eq!(delete().await, Ok(true));
    assert_eq!(delete().await, Ok(false));
}

#[tokio::test]
async fn templates_are_unique_by_name_and_let_go_of_mailboxes() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    let settings = TemplateSettings {
        quota: Templated::once(7),
        ..TemplateSettings::default()
    };
    let insert = |name: &'static str| {
        let settings = settings.clone();
        temp.write(async move |sql| templates::insert(sql, name, &settings, NOW).await)
    };
    let id = insert("Größe").await.unwrap();
    assert_eq!(
        insert("GRÖSSE").await.err(),
        None,
        "not the same letters in lower case"
    );
    assert_eq!(
        insert("GRÖßE").await,
        Err(StoreError::Taken(Taken::TemplateName))
    );
    let found = templates::by_name(&mut temp.read(), "gröSSe")
        .await
        .unwrap();
    assert_eq!(found.unwrap().name, "GRÖSSE");
    let mut template = templates::by_id(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (template.name.as_str(), &template.settings),
        ("Größe", &settings)
    );

    let mailbox = temp
        .write(async move |sql| {
            let mut new = new_mailbox(domain, "a@example.org");
            new.template = Some((id, NOW));
            mailboxes::insert(sql, &new, storage(), NOW).await
        })
        .await
        .unwrap();
    assert_eq!(templates::use_count(&mut temp.read(), id).await, Ok(1));

    template.name = "Staff".to_owned();
    let put = template.clone();
    let update = |seen| {
        let put = put.clone();
        temp.write(async move |sql| templates::update(sql, &put, seen, later(1)).await)
    };
    assert_eq!(update(Some(NOW)).await, Ok(true));
    assert_eq!(update(Some(NOW)).await, Ok(false));
    let all = templates::all(&mut temp.read()).await.unwrap();
    let names: Vec<_> = all.iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, ["GRÖSSE", "Staff"]);

    temp.write(async move |sql| templates::delete(sql, id).await)
        .await
        .unwrap();
    let mailbox = mailboxes::by_id(&mut temp.read(), mailbox).await.unwrap();
    assert_eq!(mailbox.unwrap().template, None);
}
