//! What the engines ask about addresses.

use crate::support::{NOW, TempStore, address, later, name};
use model::mailbox::SignInMethods;
use store::{StoreError, domains, mail_lookup, mailboxes};

#[tokio::test]
async fn a_mailbox_that_is_off_receives_mail_and_one_of_a_domain_that_is_off_does_not() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let id = temp.mailbox("a@example.org").await;
    let a = address("a@example.org");
    let recipient = async || mail_lookup::recipient(&mut temp.read(), &a).await.unwrap();
    assert_eq!(recipient().await.map(|row| row.mailbox), Some(id));
    temp.write(async move |sql| {
        let mut off = mailboxes::by_id(sql, id)
            .await?
            .ok_or(StoreError::Missing)?;
        off.active = false;
        mailboxes::update(sql, &off, None, NOW).await
    })
    .await
    .unwrap();
    assert_eq!(recipient().await.map(|row| row.mailbox), Some(id));

    let org = name("example.org");
    let active = async || mail_lookup::domain_active(&mut temp.read(), &org).await;
    let role_target = async || mail_lookup::role_target(&mut temp.read(), &org).await;
    assert_eq!(active().await, Ok(Some(true)));
    let elsewhere = address("postmaster@elsewhere.example");
    assert_eq!(role_target().await, Ok(Some(elsewhere)));
    temp.write(async |sql| {
        let domain = domains::by_name(sql, &name("example.org")).await?;
        let mut domain = domain.ok_or(StoreError::Missing)?;
        domain.active = false;
        domains::update(sql, &domain, None, NOW).await
    })
    .await
    .unwrap();
    assert_eq!(recipient().await, None);
    assert_eq!(active().await, Ok(Some(false)));
    assert_eq!(role_target().await, Ok(None));
    let foreign = mail_lookup::domain_active(&mut temp.read(), &name("example.net")).await;
    assert_eq!(foreign, Ok(None));
    let userdb = mail_lookup::userdb(&mut temp.read(), &a)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (userdb.id, userdb.quota, userdb.domain_active),
        (id, 1000, false)
    );
    let mailbox = mailboxes::by_id(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(userdb.storage, mailbox.storage);
}

#[tokio::test]
async fn the_password_opens_mail_by_the_same_rule_as_the_mailbox() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let id = temp.mailbox("a@example.org").await;
    for (methods, until) in [
        (SignInMethods::LOCAL, None),
        (SignInMethods::PROVIDER, None),
        (SignInMethods::PROVIDER, Some(later(1))),
        (SignInMethods::PROVIDER, Some(NOW)),
    ] {
        for hash in [None, Some("hash")] {
            let (mailbox, login) = temp
                .write(async move |sql| {
                    let mailbox = mailboxes::by_id(sql, id).await?;
                    let mut mailbox = mailbox.ok_or(StoreError::Missing)?;
                    (mailbox.methods, mailbox.password_until) = (methods, until);
                    mailboxes::update(sql, &mailbox, None, NOW).await?;
                    mailboxes::set_password(sql, id, hash, NOW).await?;
                    let mailbox = mailboxes::by_id(sql, id).await?;
                    let login = mail_lookup::login(sql, &address("a@example.org")).await?;
                    Ok((mailbox, login))
                })
                .await
                .unwrap();
            let (mailbox, login) = (mailbox.unwrap(), login.unwrap());
            assert_eq!(login.id, id);
            assert_eq!(login.password.as_deref(), hash);
            assert_eq!(
                login.password_opens_mail(NOW),
                mailbox.password_opens_mail(NOW)
            );
        }
    }
    let nobody = mail_lookup::login(&mut temp.read(), &address("b@example.org")).await;
    assert_eq!(nobody, Ok(None));
}
