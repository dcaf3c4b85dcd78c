//! The objects administrators keep: names that are taken, acts that ask for the own password.

use crate::world::{ACTOR, PASSWORD, SLUG, World, address, quota, secret, untested};
use app::admins::NewAdmin;
use app::aliases::AliasForm;
use app::domains::DomainForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use app::providers::SecretChange;
use app::step_up::{self, Doer};
use app::templates::TemplateForm;
use app::{Client, Problem};
use model::audit::Actor;
use model::domain::{DomainLimits, GIB};
use model::provider::{RedirectForm, TlsTrust};
use model::tag::Tags;
use store::{Page, Store, audit};

/// The field of something that exists already.
fn taken<T: std::fmt::Debug>(answer: Result<T, Problem>) -> String {
    match answer.unwrap_err() {
        Problem::Exists(field) => field.field,
        other => panic!("not taken: {other:?}"),
    }
}

fn root() -> NewAdmin {
    NewAdmin {
        name: "Root".to_owned(),
        email: "root@example.net".to_owned(),
        password: secret(PASSWORD),
    }
}

#[tokio::test]
async fn what_exists_already_is_told_at_its_field() {
    let world = World::new().await;
    let app = &world.app;
    world.mailbox("alice", NewSignIn::None).await;
    app.create_admin(&ACTOR, root()).await.unwrap();
    assert_eq!(taken(app.create_admin(&ACTOR, root()).await), "name");
    let domain = DomainForm {
        name: "Example.ORG".parse().unwrap(),
        active: true,
        limits: DomainLimits::default(),
        role_target: None,
        confirm_within: None,
    };
    assert_eq!(taken(app.create_domain(&ACTOR, domain).await), "name");
    let template = TemplateForm {
        name: "STAFF".to_owned(),
        settings: quota(GIB),
    };
    assert_eq!(taken(app.create_template(&ACTOR, template).await), "name");
    let alias = |at: &str| AliasForm {
        address: address(at),
        targets: vec![address("alice@example.org")],
        active: true,
    };
    let over = alias("alice@example.org");
    assert_eq!(taken(app.create_alias(&ACTOR, over).await), "address");
    app.create_alias(&ACTOR, alias("sales@example.org"))
        .await
        .unwrap();
    let again = alias("sales@example.org");
    assert_eq!(taken(app.create_alias(&ACTOR, again).await), "address");
    for at in ["alice@example.org", "sales@example.org"] {
        let mailbox = NewMailboxForm {
            address: address(at),
            name: String::new(),
            quota: None,
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in: NewSignIn::None,
        };
        assert_eq!(taken(app.create_mailbox(&ACTOR, mailbox).await), "address");
    }
    let mut settings = app.provider(SLUG).await.unwrap().settings;
    let same = app.create_provider(untested(), SLUG, settings.clone(), None);
    assert_eq!(taken(same.await), "slug");
    settings.redirect = RedirectForm::BareOrigin;
    app.create_provider(untested(), "first", settings.clone(), None)
        .await
        .unwrap();
    let second = app.create_provider(untested(), "second", settings, None);
    assert_eq!(taken(second.await), "redirect");
}

#[tokio::test]
async fn ignoring_tls_errors_is_asked_of_administrators_twice_and_remembered() {
    let world = World::new().await;
    let admin = world.app.create_admin(&ACTOR, root()).await.unwrap();
    let admin = Actor::Admin {
        id: admin.id,
        name: admin.name,
    };
    let ignore = async |doer: Doer, slug: &str| {
        let mut settings = world.app.provider(SLUG).await.unwrap().settings;
        settings.tls = TlsTrust::Ignore { until: None };
        match slug {
            SLUG => {
                let edited =
                    world
                        .app
                        .edit_provider(doer, slug, settings, SecretChange::Keep, None);
                edited.await
            }
            other => {
                let doer = doer.untested(true);
                world.app.create_provider(doer, other, settings, None).await
            }
        }
    };
    let with =
        |password: &str| Doer::with_password(admin.clone(), secret(password), Client::default());
    for slug in [SLUG, "another"] {
        for doer in [
            Doer::from(&admin),
            with(""),
            with("wrong password"),
            Doer::from(&Actor::System),
        ] {
            match ignore(doer, slug).await.unwrap_err() {
                Problem::Invalid(fields) => assert_eq!(fields[0].field, step_up::FIELD),
                other => panic!("{other:?}"),
            }
        }
    }
    ignore(with(PASSWORD), SLUG).await.unwrap();
    ignore(Doer::from(&ACTOR), "another").await.unwrap();
    let store = Store::open_read_only(&world.dir.join("store.db"));
    let mut read = store.read().unwrap();
    let changes = audit::list(&mut read, &Page::first(50), None)
        .await
        .unwrap();
    let ignored: Vec<_> = changes
        .rows
        .iter()
        .filter(|change| change.action == "provider.ignore_tls")
        .map(|change| (change.actor.clone(), change.object.as_str()))
        .collect();
    assert_eq!(ignored, [(ACTOR, "another"), (admin, SLUG)]);
}
