//! Relink campaigns: who is taken over, and everything by which nobody is.

use super::*;
use crate::ids::RelinkId;
use crate::relink::Relink;
use crate::rules::provision::relink::{LeftAlone, about};

/// The provider left behind.
const OLD: ProviderId = ProviderId(2);

fn campaign() -> Relink {
    Relink {
        id: RelinkId(3),
        from: OLD,
        to: ProviderId(1),
        namespace: Namespace("https://auth.example".to_owned()),
        domains: vec![DomainId(1)],
        created: NOW.minus(DAY),
        created_by: "karin".to_owned(),
        ends: NOW.plus(DAY),
        stopped: None,
        moved: 0,
    }
}

fn old_link() -> Link {
    Link {
        provider: OLD,
        namespace: Namespace("https://old.example".to_owned()),
        ..link("alice-there")
    }
}

/// Alice's mailbox is linked at the old provider, and she comes by the new one.
fn moving() -> World {
    with(|w| {
        w.holder = existing(mailbox(), vec![old_link()], None);
        w.relinks = vec![campaign()];
    })
}

fn changed(change: impl FnOnce(&mut World)) -> World {
    let mut world = moving();
    change(&mut world);
    world
}

fn relink(change: impl FnOnce(&mut Relink)) -> World {
    changed(|w| change(&mut w.relinks[0]))
}

fn claims(name: &str, value: serde_json::Value) -> World {
    changed(|w| {
        w.claims
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value);
    })
}

#[test]
fn a_campaign_takes_over_who_comes_with_the_mailboxes_verified_address() {
    let Verdict::Link {
        origin,
        relink,
        mailbox,
        ..
    } = moving().decide()
    else {
        panic!("not linked")
    };
    assert_eq!(origin, LinkOrigin::Relink);
    assert_eq!(relink, Some(RelinkId(3)));
    assert_eq!(mailbox.id, MailboxId(7));
}

#[test]
fn a_campaign_takes_over_nobody_else() {
    let off = Mailbox {
        active: false,
        ..mailbox()
    };
    let local = Mailbox {
        methods: SignInMethods::LOCAL,
        ..mailbox()
    };
    let stranger = Link {
        provider: ProviderId(9),
        ..old_link()
    };
    let linked_here = vec![link("somebody-else"), old_link()];
    let elsewhere = Code::LinkedElsewhere;
    let cases = [
        ("no campaign", changed(|w| w.relinks.clear()), elsewhere),
        ("ended", relink(|r| r.ends = NOW), elsewhere),
        ("stopped", relink(|r| r.stopped = Some(NOW)), elsewhere),
        (
            "other domain",
            relink(|r| r.domains = vec![DomainId(2)]),
            elsewhere,
        ),
        (
            "other source",
            relink(|r| r.from = ProviderId(9)),
            elsewhere,
        ),
        ("other target", relink(|r| r.to = ProviderId(9)), elsewhere),
        ("onto itself", relink(|r| r.from = r.to), elsewhere),
        (
            "the provider was pointed elsewhere",
            relink(|r| r.namespace = Namespace("https://before.example".to_owned())),
            elsewhere,
        ),
        (
            "unverified, though every address is believed",
            changed(|w| {
                w.provider.settings.email_trust = EmailTrust::Believe;
                w.claims["email_verified"] = json!(false);
            }),
            elsewhere,
        ),
        (
            "verified by a word",
            changed(|w| {
                w.provider.settings.email_trust = EmailTrust::Believe;
                w.claims["email_verified"] = json!("true");
            }),
            elsewhere,
        ),
        (
            "nothing said, though that is accepted",
            changed(|w| {
                w.provider.settings.email_trust = EmailTrust::AcceptAbsent;
                w.claims.as_object_mut().unwrap().remove("email_verified");
            }),
            elsewhere,
        ),
        (
            "another claim than the one that is verified",
            changed(|w| {
                w.provider.settings.email_trust = EmailTrust::AcceptAbsent;
                w.provider.settings.address_claim = "upn".to_owned();
                w.claims["upn"] = json!("alice@example.org");
                w.claims["email"] = json!("mallory@example.org");
            }),
            elsewhere,
        ),
        (
            "linked to others too",
            changed(|w| w.holder = existing(mailbox(), vec![old_link(), stranger.clone()], None)),
            elsewhere,
        ),
        (
            "somebody of the new provider is there",
            changed(|w| w.holder = existing(mailbox(), linked_here, None)),
            elsewhere,
        ),
        (
            "promised to another person",
            changed(|w| {
                let promised = PendingLink {
                    expected_subject: Some("another".to_owned()),
                    ..pending(NOW.plus(DAY))
                };
                w.holder = existing(mailbox(), vec![old_link()], Some(promised));
            }),
            elsewhere,
        ),
        (
            "switched off",
            changed(|w| w.holder = existing(off, vec![old_link()], None)),
            elsewhere,
        ),
        (
            "local only",
            changed(|w| w.holder = existing(local, vec![old_link()], None)),
            elsewhere,
        ),
        (
            "the domain is not the provider's",
            changed(|w| w.provider.settings.domains.clear()),
            Code::DomainNotOfProvider,
        ),
        (
            "the domain is bound to the old provider",
            changed(|w| w.domain.provider = Some(OLD)),
            Code::DomainBound,
        ),
        ("no address", claims("email", json!(7)), Code::EmailMissing),
    ];
    for (case, world, want) in cases {
        assert_eq!(world.code(), want, "{case}");
    }
}

#[test]
fn a_person_with_a_link_of_their_own_is_never_moved_to_another_mailbox() {
    let world = changed(|w| {
        let own = Mailbox {
            id: MailboxId(8),
            address: address("bob@example.org"),
            ..mailbox()
        };
        w.linked = Some((link("s1"), own));
    });
    let Verdict::SignIn { .. } = world.decide() else {
        panic!("not into the own mailbox")
    };
}

#[test]
fn a_mailbox_that_nobody_is_linked_to_is_not_a_campaigns() {
    let world = changed(|w| w.holder = existing(mailbox(), vec![], None));
    assert_eq!(world.code(), Code::ProveLocalPassword);
}

#[test]
fn what_leaves_a_mailbox_out_is_told_beforehand() {
    let namespace = Namespace("https://auth.example".to_owned());
    let here = (ProviderId(1), &namespace);
    let look = |mailbox: Mailbox, links: &[Link], waits: Option<PendingLink>| {
        about(&campaign(), here, &mailbox, links, waits.as_ref(), NOW)
    };
    let off = Mailbox {
        active: false,
        ..mailbox()
    };
    let local = Mailbox {
        methods: SignInMethods::LOCAL,
        ..mailbox()
    };
    let old = [old_link()];
    assert_eq!(look(mailbox(), &old, None), Ok(()));
    assert_eq!(look(mailbox(), &old, Some(pending(NOW))), Ok(()), "lapsed");
    for (left, got) in [
        (LeftAlone::NotLinked, look(mailbox(), &[], None)),
        (LeftAlone::NotLinked, look(mailbox(), &[link("s1")], None)),
        (
            LeftAlone::LinkedToOthers,
            look(mailbox(), &[link("s1"), old_link()], None),
        ),
        (
            LeftAlone::Pending,
            look(mailbox(), &old, Some(pending(NOW.plus(DAY)))),
        ),
        (LeftAlone::NotByProvider, look(local, &old, None)),
        (LeftAlone::SwitchedOff, look(off, &old, None)),
    ] {
        assert_eq!(got, Err(left));
    }
}
