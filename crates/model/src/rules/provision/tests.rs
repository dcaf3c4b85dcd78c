use super::*;
use crate::domain::{DomainLimits, GIB};
use crate::ids::{AliasId, DomainId, MailboxId, ProviderId};
use crate::mailbox::Disabled;
use crate::protocol::Protocols;
use crate::provider::{EmailTrust, EveryoneElse};
use crate::rule::Rule;
use crate::rules::example::{NOW, STAFF, address, domain, link, mailbox, provider};
use crate::tag::Tags;
use crate::template::TemplateSettings;
use crate::template::{TemplateField, Templated};
use crate::time::DAY;
use serde_json::json;

mod relinks;

struct World {
    provider: Provider,
    domain: MailDomain,
    used: DomainUse,
    holder: Holder,
    extends: bool,
    linked: Option<(Link, Mailbox)>,
    templates: Vec<Template>,
    claims: serde_json::Value,
    subject: &'static str,
    bound: Option<Provider>,
    relinks: Vec<Relink>,
    blocked: Option<Block>,
}

fn template(quota: i64) -> Template {
    Template {
        id: STAFF,
        name: "Staff".to_owned(),
        settings: TemplateSettings {
            quota: Templated::in_step(quota),
            ..TemplateSettings::default()
        },
        created: NOW,
        modified: NOW,
    }
}

fn pending(ends: Timestamp) -> PendingLink {
    PendingLink {
        mailbox: MailboxId(7),
        provider: ProviderId(1),
        expected_subject: None,
        ends,
    }
}

fn existing(mailbox: Mailbox, links: Vec<Link>, pending: Option<PendingLink>) -> Holder {
    Holder::Mailbox {
        mailbox: Box::new(mailbox),
        links,
        pending,
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            provider: provider(EmailTrust::RequireTrue, vec![Rule::mailcow("staff", STAFF)]),
            domain: domain(DomainLimits {
                max_mailboxes: 10,
                default_quota: GIB,
                max_quota: 5 * GIB,
                domain_quota: 20 * GIB,
            }),
            used: DomainUse {
                mailboxes: 1,
                quota: 2 * GIB,
            },
            holder: Holder::Nobody,
            extends: false,
            linked: None,
            templates: vec![template(3 * GIB)],
            claims: json!({
                "sub": "s1",
                "email": "Alice@Example.org",
                "email_verified": true,
                "name": "Alice",
                "mailcow_template": "staff",
            }),
            subject: "s1",
            bound: None,
            relinks: Vec::new(),
            blocked: None,
        }
    }
}

impl World {
    fn decide(&self) -> Verdict {
        let claims = self.claims.as_object().unwrap().clone();
        let place = Place {
            domain: Some((self.domain.clone(), self.used)),
            holder: self.holder.clone(),
            extends: self.extends,
        };
        let linked = self
            .linked
            .clone()
            .map(|(link, mailbox)| (link, mailbox, self.domain.clone(), self.used));
        let names = [self.domain.name.clone()];
        let facts = Facts {
            now: NOW,
            provider: &self.provider,
            provider_domains: &names,
            bound: self.bound.as_ref(),
            namespace: &self.provider.namespace,
            subject: self.subject,
            claims: &claims,
            linked: linked.as_ref(),
            place: linked.is_none().then_some(&place),
            templates: &self.templates,
            relinks: &self.relinks,
            blocked: self.blocked.as_ref(),
        };
        let mut trace = Trace::default();
        let verdict = decide(&facts, &mut trace);
        assert!(
            !trace.steps.is_empty() || matches!(verdict, Verdict::Refuse(_)),
            "{verdict:?}"
        );
        verdict
    }

    fn code(&self) -> Code {
        match self.decide() {
            Verdict::Refuse(refusal) | Verdict::ProveLocal { refusal, .. } => refusal.code,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn with(change: impl FnOnce(&mut World)) -> World {
    let mut world = World::default();
    change(&mut world);
    world
}

fn claim(name: &str, value: serde_json::Value) -> World {
    with(|w| {
        w.claims
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value);
    })
}

#[test]
fn a_new_person_gets_a_mailbox_from_the_template_of_the_claim() {
    let Verdict::Create(new) = World::default().decide() else {
        panic!("not created")
    };
    assert_eq!(new.address.as_str(), "alice@example.org");
    assert_eq!((new.quota, new.name.as_str()), (3 * GIB, "Alice"));
    assert_eq!(new.methods, SignInMethods::PROVIDER);
    assert_eq!(new.template, Some((STAFF, NOW)));
}

#[test]
fn a_template_without_quota_takes_the_domains_default_and_is_never_unlimited() {
    let world = with(|w| w.templates = vec![template(0)]);
    let Verdict::Create(new) = world.decide() else {
        panic!("not created")
    };
    assert_eq!(new.quota, GIB);
}

#[test]
fn each_gate_has_its_code() {
    let no_email = with(|w| {
        w.claims.as_object_mut().unwrap().remove("email");
    });
    let cases = [
        (no_email, Code::EmailMissing),
        (claim("email", json!(["a@example.org"])), Code::EmailMissing),
        (
            claim("email", json!("not an address")),
            Code::AddressUnusable,
        ),
        (
            claim("email", json!("a@b@example.org")),
            Code::AddressUnusable,
        ),
        (claim("email_verified", json!(false)), Code::EmailUnverified),
        (
            claim("email_verified", json!("true")),
            Code::EmailUnverified,
        ),
        (
            claim("email", json!("postmaster@example.org")),
            Code::AddressReserved,
        ),
        (with(|w| w.extends = true), Code::AddressReserved),
        (claim("mailcow_template", json!("guest")), Code::NoMapping),
        (claim("mailcow_template", json!("Staff")), Code::NearMapping),
        (
            with(|w| {
                w.claims.as_object_mut().unwrap().remove("mailcow_template");
                w.claims["_claim_names"] = json!({"mailcow_template": "src1"});
            }),
            Code::ClaimWithheld,
        ),
        (with(|w| w.templates.clear()), Code::TemplateGone),
        (
            with(|w| w.provider.settings.domains.clear()),
            Code::DomainNotOfProvider,
        ),
        (
            with(|w| w.provider.settings.create = false),
            Code::CreationOff,
        ),
        (with(|w| w.domain.active = false), Code::DomainInactive),
        (
            with(|w| w.domain.provider = Some(ProviderId(2))),
            Code::DomainBound,
        ),
        (with(|w| w.used.mailboxes = 10), Code::DomainFull),
        (with(|w| w.used.quota = 18 * GIB), Code::DomainQuotaFull),
        (
            with(|w| w.templates = vec![template(6 * GIB)]),
            Code::DomainQuotaFull,
        ),
    ];
    for (world, want) in cases {
        assert_eq!(world.code(), want);
    }
}

#[test]
fn a_blocked_person_is_refused_before_anything_else_is_asked() {
    let block = Block {
        id: crate::ids::BlockId(1),
        namespace: Namespace("https://auth.example.org".to_owned()),
        subject: "s1".to_owned(),
        address: "had@example.org".to_owned(),
        reason: String::new(),
        at: NOW,
        by: "karin".to_owned(),
    };
    let first = with(|w| w.blocked = Some(block.clone()));
    let mut off = with(|w| {
        w.blocked = Some(block.clone());
        w.domain.active = false;
    });
    off.linked = Some((link("s1"), mailbox()));
    for world in [first, off] {
        let Verdict::Refuse(refusal) = world.decide() else {
            panic!("not refused")
        };
        assert_eq!(refusal.code, Code::PersonBlocked);
        assert_eq!(
            refusal.person(),
            "Your sign-in here was closed on 2027-01-15. If that is wrong, tell your helpdesk."
        );
        assert_eq!(
            refusal.admin(),
            "karin blocked this person on 2027-01-15 (reason: none given): subject s1 at \
             https://auth.example.org, whose mailbox was had@example.org. Unblock them if they may \
             come back."
        );
    }
}

/// A domain bound to another provider than the one asked.
fn bound_elsewhere(active: bool) -> World {
    with(|w| {
        let mut other = w.provider.clone();
        other.id = ProviderId(2);
        other.slug = "other-sso".to_owned();
        other.settings.name = "Other SSO".to_owned();
        other.settings.active = active;
        w.domain.provider = Some(other.id);
        w.bound = Some(other);
    })
}

#[test]
fn a_bound_domain_names_its_provider_to_who_comes_by_another() {
    for active in [true, false] {
        let first = bound_elsewhere(active);
        let mut returning = bound_elsewhere(active);
        returning.linked = Some((link("s1"), mailbox()));
        for world in [first, returning] {
            let Verdict::Refuse(refusal) = world.decide() else {
                panic!("not refused")
            };
            assert_eq!(refusal.code, Code::DomainBound);
            assert_eq!(
                refusal.person(),
                "People of example.org sign in with Other SSO."
            );
            let there = refusal.facts.get(BOUND_SLUG).map(String::as_str);
            assert_eq!(there, active.then_some("other-sso"));
        }
    }
    // By the one it is bound to, nothing is different.
    let own = with(|w| w.domain.provider = Some(w.provider.id));
    assert!(matches!(own.decide(), Verdict::Create(_)));
}

#[test]
fn a_bound_domain_does_not_touch_local_passwords() {
    let world = bound_elsewhere(true);
    let local = Mailbox {
        methods: SignInMethods::LOCAL,
        has_password: true,
        ..mailbox()
    };
    assert_eq!(by_local_password(&local, &world.domain), Ok(()));
}

#[test]
fn an_absent_email_verified_is_judged_by_the_providers_policy() {
    for (trust, refused) in [
        (EmailTrust::RequireTrue, Some(Code::EmailVerifiedAbsent)),
        (EmailTrust::AcceptAbsent, None),
        (EmailTrust::Believe, None),
    ] {
        let world = with(|w| {
            w.provider.settings.email_trust = trust;
            w.claims.as_object_mut().unwrap().remove("email_verified");
        });
        match refused {
            Some(code) => assert_eq!(world.code(), code),
            None => assert!(matches!(world.decide(), Verdict::Create(_)), "{trust:?}"),
        }
    }
    let believed = with(|w| {
        w.provider.settings.email_trust = EmailTrust::Believe;
        w.claims["email_verified"] = json!(false);
    });
    assert!(matches!(believed.decide(), Verdict::Create(_)));
}

#[test]
fn a_name_that_turns_or_hides_text_is_kept_without_that() {
    let world = with(|w| w.claims["name"] = json!(" Alice\u{202e}gpj\u{200b}\u{7} "));
    let Verdict::Create(new) = world.decide() else {
        panic!("a name is no reason to refuse")
    };
    assert_eq!(new.name, "Alicegpj");
}

#[test]
fn email_verified_vouches_for_the_claim_email_and_no_other() {
    let by_upn = |trust, email: &str| {
        with(|w| {
            w.provider.settings.email_trust = trust;
            w.provider.settings.address_claim = "upn".to_owned();
            w.claims["upn"] = json!("alice@example.org");
            w.claims["email"] = json!(email);
        })
    };
    let own = "mallory@example.net";
    let demanded = by_upn(EmailTrust::RequireTrue, own);
    assert_eq!(demanded.code(), Code::EmailVerifiedAbsent);
    for (trust, email) in [
        (EmailTrust::AcceptAbsent, own),
        (EmailTrust::Believe, own),
        (EmailTrust::RequireTrue, "Alice@example.org"),
    ] {
        let verdict = by_upn(trust, email).decide();
        assert!(matches!(verdict, Verdict::Create(_)), "{trust:?} {email}");
    }
    let denied = with(|w| {
        w.provider.settings.email_trust = EmailTrust::AcceptAbsent;
        w.provider.settings.address_claim = "upn".to_owned();
        w.claims["upn"] = json!("alice@example.org");
        w.claims["email_verified"] = json!(false);
    });
    assert_eq!(denied.code(), Code::EmailUnverified);
}

#[test]
fn a_mailbox_linked_to_somebody_else_is_never_taken_over() {
    let world =
        with(|w| w.holder = existing(mailbox(), vec![link("other")], Some(pending(NOW.plus(DAY)))));
    assert_eq!(world.code(), Code::LinkedElsewhere);
}

#[test]
fn a_pending_link_replaces_links_of_elsewhere_and_nothing_else_does() {
    let moved = Link {
        namespace: Namespace("https://old.example".to_owned()),
        ..link("s1")
    };
    let other = Link {
        provider: ProviderId(2),
        ..moved.clone()
    };
    for old in [moved, other] {
        let holder = |pending| existing(mailbox(), vec![old.clone()], pending);
        let world = with(|w| w.holder = holder(Some(pending(NOW.plus(DAY)))));
        assert!(matches!(world.decide(), Verdict::Link { .. }), "{old:?}");
        let world = with(|w| w.holder = holder(None));
        assert_eq!(world.code(), Code::LinkedElsewhere);
    }
}

#[test]
fn an_address_that_is_an_alias_is_refused() {
    let alias = Alias {
        id: AliasId(1),
        domain: DomainId(1),
        address: address("alice@example.org"),
        targets: vec![(MailboxId(9), address("bob@example.org"))],
        active: true,
        created: NOW,
        modified: NOW,
    };
    assert_eq!(
        with(|w| w.holder = Holder::Alias(alias)).code(),
        Code::AddressIsAlias
    );
}

#[test]
fn a_local_mailbox_wants_its_password_proven() {
    let local = Mailbox {
        methods: SignInMethods::LOCAL,
        has_password: true,
        ..mailbox()
    };
    let world = with(|w| w.holder = existing(local, Vec::new(), None));
    assert!(matches!(world.decide(), Verdict::ProveLocal { .. }));
    let nothing_to_prove = Mailbox {
        has_password: false,
        ..mailbox()
    };
    let world = with(|w| w.holder = existing(nothing_to_prove, Vec::new(), None));
    assert_eq!(world.code(), Code::ProveLocalPassword);
}

#[test]
fn a_pending_link_is_for_one_provider_one_subject_and_thirty_days() {
    let good = pending(NOW.plus(DAY));
    let waiting = |pending| with(|w| w.holder = existing(mailbox(), Vec::new(), Some(pending)));
    assert!(matches!(
        waiting(good.clone()).decide(),
        Verdict::Link {
            origin: LinkOrigin::Pending,
            ..
        }
    ));
    let subject = |s: &str| PendingLink {
        expected_subject: Some(s.to_owned()),
        ..good.clone()
    };
    assert!(matches!(
        waiting(subject("s1")).decide(),
        Verdict::Link { .. }
    ));
    assert_eq!(waiting(subject("s2")).code(), Code::LinkedElsewhere);
    assert_eq!(
        waiting(PendingLink {
            provider: ProviderId(2),
            ..good
        })
        .code(),
        Code::WrongMethod
    );
    assert_eq!(waiting(pending(NOW)).code(), Code::ProveLocalPassword);
}

#[test]
fn a_template_that_says_off_leaves_a_waiting_mailbox_as_it_is() {
    let mut off = template(3 * GIB);
    off.settings.active = Templated::in_step(false);
    off.modified = NOW.plus(DAY);
    let world = with(|w| {
        w.holder = existing(mailbox(), Vec::new(), Some(pending(NOW.plus(DAY))));
        w.templates = vec![off];
    });
    let Verdict::Refuse(refusal) = world.decide() else {
        panic!("not refused")
    };
    assert_eq!(refusal.code, Code::MailboxInactive);
}

#[test]
fn names_and_values_of_claims_are_told_without_what_hides_text() {
    let world = claim("mail\u{202e}cow", json!("x"));
    let world = World {
        claims: {
            let mut claims = world.claims;
            claims["email"] = json!("a\u{200b}\u{202e} b");
            claims
        },
        ..World::default()
    };
    let Verdict::Refuse(refusal) = world.decide() else {
        panic!("not refused")
    };
    assert_eq!(refusal.facts["address"], "a b");
    let nameless = with(|w| {
        w.claims = json!({ "sub": "s1", "mail\u{202e}cow": "x" });
    });
    let Verdict::Refuse(refusal) = nameless.decide() else {
        panic!("not refused")
    };
    assert_eq!(refusal.facts["received"], "mailcow, sub");
}

#[test]
fn a_known_person_keeps_the_mailbox_when_the_address_changes() {
    let world = with(|w| {
        w.linked = Some((link("s1"), mailbox()));
        w.claims["email"] = json!("new@example.org");
        w.claims["email_verified"] = json!(false);
    });
    let Verdict::SignIn { renamed, .. } = world.decide() else {
        panic!("not in")
    };
    assert_eq!(
        renamed,
        Some(("new@example.org".to_owned(), address("alice@example.org")))
    );
}

#[test]
fn an_administrators_no_always_wins() {
    let off = Mailbox {
        active: false,
        disabled: Some(Disabled {
            at: NOW,
            by: "root".to_owned(),
            reason: String::new(),
        }),
        overrides: TemplateFields::NONE.with(TemplateField::Active, true),
        template_seen: None,
        ..mailbox()
    };
    let mut on = template(3 * GIB);
    on.settings.active = Templated::in_step(true);
    let world = with(|w| {
        w.linked = Some((link("s1"), off));
        w.templates = vec![on];
    });
    assert_eq!(world.code(), Code::MailboxInactive);
}

#[test]
fn a_mailbox_switched_back_to_its_password_refuses_the_provider() {
    let local = Mailbox {
        methods: SignInMethods::LOCAL,
        ..mailbox()
    };
    assert_eq!(
        with(|w| w.linked = Some((link("s1"), local))).code(),
        Code::WrongMethod
    );
}

fn changes(mailbox: Mailbox, template: Template) -> Changes {
    let world = World::default();
    apply_template(&mailbox, &template, &world.domain, world.used)
}

#[test]
fn an_unchanged_template_changes_nothing() {
    assert_eq!(changes(mailbox(), template(3 * GIB)), Changes::default());
}

#[test]
fn a_changed_template_moves_what_is_kept_in_step_and_nothing_else() {
    let mut changed = template(4 * GIB);
    changed.modified = NOW.plus(DAY);
    changed.settings.pop3 = Templated::once(false);
    let got = changes(mailbox(), changed);
    assert_eq!((got.quota, got.protocols), (Some(4 * GIB), None));
}

#[test]
fn a_newly_assigned_template_applies_all_fields_but_the_overridden() {
    let mut other = template(4 * GIB);
    other.settings.pop3 = Templated::once(false);
    let fresh = Mailbox {
        template: Some(TemplateId(99)),
        overrides: TemplateFields::NONE.with(TemplateField::Quota, true),
        ..mailbox()
    };
    let got = changes(fresh, other);
    assert_eq!(got.quota, None);
    assert_eq!(
        got.protocols,
        Some(Protocols::ALL.with(Protocol::Pop3, false))
    );
}

#[test]
fn tags_follow_a_template_as_its_other_fields_do() {
    let tagged = |keep: fn(Tags) -> Templated<Tags>, list: &str, modified| {
        let mut template = template(3 * GIB);
        template.modified = modified;
        template.settings.tags = keep(list.parse().unwrap());
        template
    };
    let has = |list: &str, template: Option<TemplateId>, by_hand: bool| Mailbox {
        tags: list.parse().unwrap(),
        template,
        overrides: TemplateFields::NONE.with(TemplateField::Tags, by_hand),
        ..mailbox()
    };
    let got = |mailbox, template| changes(mailbox, template).tags.map(|tags| tags.to_string());
    let some = |list: &str| Some(list.to_owned());
    let once = |tags| Templated::once(tags);
    let step = |tags| Templated::in_step(tags);
    let other = Some(TemplateId(99));
    for (mailbox, template, tags) in [
        // Newly given: all of it, and what the one before gave goes.
        (
            has("sales", other, false),
            tagged(once, "staff", NOW),
            some("staff"),
        ),
        (has("sales", other, false), tagged(once, "", NOW), some("")),
        (has("sales", other, true), tagged(once, "staff", NOW), None),
        // Changed since: only what is kept in step.
        (
            has("sales", Some(STAFF), false),
            tagged(once, "staff", NOW.plus(DAY)),
            None,
        ),
        (
            has("sales", Some(STAFF), false),
            tagged(step, "staff", NOW.plus(DAY)),
            some("staff"),
        ),
        (
            has("sales", Some(STAFF), true),
            tagged(step, "staff", NOW.plus(DAY)),
            None,
        ),
        // Nothing new.
        (
            has("staff", Some(STAFF), false),
            tagged(step, "staff", NOW.plus(DAY)),
            None,
        ),
        (
            has("sales", Some(STAFF), false),
            tagged(step, "staff", NOW),
            None,
        ),
    ] {
        let case = format!("{} {:?}", mailbox.tags, template.settings.tags);
        assert_eq!(got(mailbox, template), tags, "{case}");
    }
    let made = with(|w| w.templates = vec![tagged(once, "staff, vip", NOW)]);
    let Verdict::Create(new) = made.decide() else {
        panic!("not made")
    };
    assert_eq!(new.tags.to_string(), "staff, vip");
}

/// Who may in is no matter of room: an app must not stay open until somebody makes some.
#[test]
fn a_template_that_does_not_fit_still_says_who_may_in() {
    let large = |tags: &str| {
        let mut template = template(6 * GIB);
        template.modified = NOW.plus(DAY);
        template.settings.pop3 = Templated::in_step(false);
        template.settings.tags = Templated::in_step(tags.parse().unwrap());
        template
    };
    let board = Mailbox {
        tags: "board".parse().unwrap(),
        ..mailbox()
    };
    // The template that it has, changed since: tried again at each sign-in.
    let got = changes(board.clone(), large("staff"));
    assert!(got.refused.is_some());
    let after = got.applied(&board);
    assert_eq!(after.tags.to_string(), "staff");
    assert_eq!(after.quota, board.quota);
    // Taken away at once, too; what it newly allows waits.
    assert!(board.protocols.contains(Protocol::Pop3));
    let left = board.protocols.with(Protocol::Pop3, false);
    assert_eq!(after.protocols, left);
    let words = got.not_applied().unwrap();
    let told = "The quota stays as it is; its tags count at once; mail programs that it takes away stop \
                at once. A mailbox of";
    assert!(words.starts_with(told), "{words}");
    let mut further = large("staff");
    further.settings.pop3 = Templated::in_step(true);
    assert!(changes(after.clone(), further).is_empty());
    assert_eq!(
        (after.template, after.template_seen),
        (board.template, board.template_seen)
    );
    assert!(changes(after, large("staff")).is_empty(), "once is enough");
    let by_hand = Mailbox {
        overrides: TemplateFields::NONE.with(TemplateField::Tags, true),
        ..board.clone()
    };
    assert_eq!(changes(by_hand, large("")).tags, None);

    // Another one: the mailbox is between two, and the one before is given back whole.
    let other = Mailbox {
        template: Some(TemplateId(99)),
        ..board.clone()
    };
    let between = changes(other.clone(), large("")).applied(&other);
    assert_eq!(
        (between.tags.to_string().as_str(), between.template),
        ("", None)
    );
    assert!(changes(between.clone(), large("")).is_empty());
    let mut before = template(3 * GIB);
    before.id = TemplateId(99);
    before.settings.tags = Templated::once("board".parse().unwrap());
    let back = changes(between.clone(), before).applied(&between);
    assert_eq!(back.tags.to_string(), "board");
    assert_eq!(back.template, Some(TemplateId(99)));

    // Switched off by it is off; on, it waits for room.
    let mut off = large("");
    off.settings.active = Templated::in_step(false);
    assert_eq!(changes(board.clone(), off.clone()).active, Some(false));
    let world = with(|w| {
        w.linked = Some((link("s1"), board.clone()));
        w.templates = vec![off];
    });
    assert!(matches!(world.decide(), Verdict::SwitchOff { .. }));
    let asleep = Mailbox {
        active: false,
        ..board
    };
    assert_eq!(changes(asleep, large("")).active, None);
}

#[test]
fn a_template_that_does_not_fit_leaves_everything_else_as_it_was() {
    let mut large = template(6 * GIB);
    large.modified = NOW.plus(DAY);
    let got = changes(mailbox(), large.clone());
    assert!(got.is_empty() && got.refused.is_some());
    let world = with(|w| {
        w.linked = Some((link("s1"), mailbox()));
        w.templates = vec![large];
    });
    assert!(
        matches!(world.decide(), Verdict::SignIn { .. }),
        "the sign-in itself goes on"
    );
}

#[test]
fn everyone_else_is_for_new_mailboxes_only() {
    let world = with(|w| {
        w.provider.settings.rules.clear();
        w.provider.settings.everyone_else = EveryoneElse::Template(STAFF);
        w.linked = Some((
            link("s1"),
            Mailbox {
                template: None,
                template_seen: None,
                ..mailbox()
            },
        ));
    });
    let Verdict::SignIn { changes, .. } = world.decide() else {
        panic!("not in")
    };
    assert_eq!(changes, Changes::default());
}
