//! Mailboxes from a file that is not quite right.

use crate::world::{ACTOR, World, secret};
use app::Client;
use app::sign_in::Ended;

#[tokio::test]
async fn a_line_that_is_no_text_fails_alone_and_a_password_keeps_its_spaces() {
    let world = World::new().await;
    let csv = b"address, password\n\
        b\xe4d@example.org,a long local password\n\
        alice@example.org , a long local password \n";
    let mut unheard = |_: &app::import::ImportLine| ();
    let imported = world.app.import_mailboxes(&ACTOR, csv, false, &mut unheard);
    let report = imported.await.unwrap();
    assert_eq!((report.failed, report.created), (1, 1));
    assert_eq!(report.lines[0].line, 2);
    for (password, right) in [
        (" a long local password ", true),
        ("a long local password", false),
    ] {
        let name = "alice@example.org";
        let ended = world
            .app
            .sign_in_local(name, secret(password), &Client::default())
            .await;
        assert_eq!(matches!(ended, Ended::SignedIn(_)), right, "{password:?}");
    }
}

#[tokio::test]
async fn a_dry_run_refuses_a_password_that_the_run_would_refuse() {
    let world = World::new().await;
    let csv = b"address,password\nalice@example.org,short\n";
    for dry_run in [true, false] {
        let mut unheard = |_: &app::import::ImportLine| ();
        let imported = world
            .app
            .import_mailboxes(&ACTOR, csv, dry_run, &mut unheard);
        assert_eq!(imported.await.unwrap().failed, 1, "dry run: {dry_run}");
    }
}
