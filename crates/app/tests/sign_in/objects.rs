//! The objects administrators keep: names that are taken.

use crate::world::{ACTOR, PASSWORD, SLUG, World, address, quota, secret};
use app::Problem;
use app::admins::NewAdmin;
use app::aliases::AliasForm;
use app::domains::DomainForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use app::templates::TemplateForm;
use model::domain::{DomainLimits, GIB};
use model::provider::RedirectForm;

/// The field of something that exists already.
fn taken<T: std::fmt::Debug>(answer: Result<T, Problem>) -> String {
    match answer.unwrap_err() {
        Problem::Exists(field) => field.field,
        other => panic!("not taken: {other:?}"),
    }
}

#[tokio::test]
async fn what_exists_already_is_told_at_its_field() {
    let world = World::new().await;
    let app = &world.app;
    world.mailbox("alice", NewSignIn::None).await;
    let root = || NewAdmin {
        name: "Root".to_owned(),
        email: "root@example.net".to_owned(),
        password: secret(PASSWORD),
    };
    app.create_admin(&ACTOR, root()).await.unwrap();
    assert_eq!(taken(app.create_admin(&ACTOR, root()).await), "name");
    let domain = DomainForm {
        name: "Example.ORG".parse().unwrap(),
        active: true,
        limits: DomainLimits::default(),
        role_target: None,
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
            sign_in: NewSignIn::None,
        };
        assert_eq!(taken(app.create_mailbox(&ACTOR, mailbox).await), "address");
    }
    let mut settings = app.provider(SLUG).await.unwrap().settings;
    let same = app.create_provider(&ACTOR, SLUG, settings.clone(), None);
    assert_eq!(taken(same.await), "slug");
    settings.redirect = RedirectForm::BareOrigin;
    app.create_provider(&ACTOR, "first", settings.clone(), None)
        .await
        .unwrap();
    let second = app.create_provider(&ACTOR, "second", settings, None);
    assert_eq!(taken(second.await), "redirect");
}
