//! Lists of mailboxes, held against a plain filter over all of them.

use crate::support::{NOW, TempStore, address, new_mailbox, storage};
use model::ids::{DomainId, MailboxId, TemplateId};
use model::mailbox::{Mailbox, SignInMethods};
use model::tag::{Tag, Tags};
use model::template::TemplateSettings;
use std::collections::{BTreeSet, HashMap};
use store::mailboxes::{self, MailboxFilter};
use store::{Page, StoreError, mailbox_tags, templates};

const NAMES: [&str; 7] = [
    "Alice Smith",
    "Bob Smith-Jones",
    "Ärzte Team",
    "",
    "alice alice",
    "Example Person",
    "Zoë O'Neil",
];

/// Some mailboxes in three domains with every mix of properties.
async fn populated() -> (TempStore, Vec<DomainId>, TemplateId) {
    let temp = TempStore::new();
    let mut ids = Vec::new();
    for text in ["example.org", "example.net", "smith.example"] {
        ids.push(temp.domain(text).await);
    }
    let domains = ids.clone();
    let template = temp
        .write(async move |sql| {
            let settings = TemplateSettings::default();
            let template = templates::insert(sql, "Staff", &settings, NOW).await?;
            for n in 0..90 {
                let at = ["example.org", "example.net", "smith.example"][n % 3];
                let local = ["alice", "bob", "example", "x", "smith"][n % 5];
                let mut new = new_mailbox(domains[n % 3], &format!("{local}{n}@{at}"));
                new.name = NAMES[n % 7].to_owned();
                new.active = n % 4 != 0;
                new.methods = if n % 2 == 0 {
                    SignInMethods::LOCAL
                } else {
                    SignInMethods::PROVIDER
                };
                new.template = (n % 6 == 0).then_some((template, NOW));
                let id = mailboxes::insert(sql, &new, storage(), NOW).await?;
                let tags = match n % 20 {
                    0 => "even, rare",
                    n if n % 2 == 0 => "even",
                    _ => "",
                };
                mailbox_tags::set(sql, id, &Tags::parse(tags).unwrap()).await?;
            }
            Ok(template)
        })
        .await
        .unwrap();
    (temp, ids, template)
}

/// All pages of a list.
async fn pages(temp: &TempStore, filter: &MailboxFilter<'_>, limit: u32) -> Vec<Mailbox> {
    let mut page = Page::first(limit);
    let mut all = Vec::new();
    loop {
        let listed = mailboxes::list(&mut temp.read(), filter, &page)
            .await
            .unwrap();
        assert!(listed.rows.len() <= limit as usize);
        all.extend(listed.rows);
        page.after = listed.next;
        if page.after.is_none() {
            return all;
        }
    }
}

/// Who has which tag, asked for each mailbox.
async fn tagged(temp: &TempStore, everything: &[Mailbox]) -> HashMap<MailboxId, Tags> {
    let mut tags = HashMap::new();
    for mailbox in everything {
        let of = mailbox_tags::of(&mut temp.read(), mailbox.id).await;
        tags.insert(mailbox.id, of.unwrap());
    }
    tags
}

/// What a filter means, said plainly, but for the tag.
fn fits(mailbox: &Mailbox, filter: &MailboxFilter<'_>) -> bool {
    let text = filter.prefix.unwrap_or_default().to_lowercase();
    let name = mailbox.name.to_lowercase();
    let of_name: Vec<_> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let mut wanted = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    let by_name = !text.contains('@')
        && wanted.all(|wanted| of_name.iter().any(|word| word.starts_with(wanted)));
    let by_domain = filter.domain.is_none()
        && !text.contains(['@', ' '])
        && mailbox.address.domain().as_str().starts_with(&text);
    (text.is_empty() || mailbox.address.as_str().starts_with(&text) || by_domain || by_name)
        && filter.domain.is_none_or(|id| mailbox.domain == id)
        && filter.active.is_none_or(|active| mailbox.active == active)
        && filter
            .by_provider
            .is_none_or(|by| mailbox.methods.provider == by)
        && filter
            .template
            .is_none_or(|id| mailbox.template == Some(id))
}

#[tokio::test]
async fn every_filter_shows_exactly_what_fits_and_nothing_twice() {
    let (temp, domains, template) = populated().await;
    let everything = pages(&temp, &MailboxFilter::default(), 500).await;
    assert_eq!(everything.len(), 90);
    let tagged = tagged(&temp, &everything).await;
    let even = Tag::parse("even").unwrap();
    let prefixes = [
        None,
        Some("alice"),
        Some("Smith"),
        Some("ex"),
        Some("example.n"),
        Some("ärz"),
        Some("alice smi"),
        Some("smi ali"),
        Some("alice1"),
        Some("alice3@example.org"),
        Some("o'n"),
        Some("nobody"),
        Some("x"),
        Some("zoë"),
    ];
    let mut filters = Vec::new();
    for prefix in prefixes {
        for domain in [None, Some(domains[1]), Some(domains[2])] {
            for active in [None, Some(true), Some(false)] {
                for by_provider in [None, Some(true), Some(false)] {
                    for template in [None, Some(template)] {
                        for tag in [None, Some(&even)] {
                            filters.push(MailboxFilter {
                                domain,
                                prefix,
                                active,
                                by_provider,
                                template,
                                tag,
                            });
                        }
                    }
                }
            }
        }
    }
    let mut shown = 0;
    for filter in filters {
        let expected: BTreeSet<_> = everything
            .iter()
            .filter(|mailbox| fits(mailbox, &filter))
            .map(|mailbox| mailbox.id)
            .filter(|id| filter.tag.is_none_or(|tag| tagged[id].contains(tag)))
            .collect();
        for limit in [3, 40] {
            let listed = pages(&temp, &filter, limit).await;
            let ids: BTreeSet<_> = listed.iter().map(|m| m.id).collect();
            assert_eq!(ids.len(), listed.len(), "twice: {filter:?}");
            assert_eq!(ids, expected, "{filter:?}");
            shown += listed.len();
        }
    }
    assert!(
        shown > 1000,
        "the filters above hardly show anything: {shown}"
    );
}

#[tokio::test]
async fn lists_are_in_the_order_of_addresses() {
    let (temp, domains, template) = populated().await;
    let rare = Tag::parse("rare").unwrap();
    for filter in [
        MailboxFilter::default(),
        MailboxFilter {
            domain: Some(domains[0]),
            ..MailboxFilter::default()
        },
        MailboxFilter {
            template: Some(template),
            ..MailboxFilter::default()
        },
        MailboxFilter {
            active: Some(false),
            ..MailboxFilter::default()
        },
        MailboxFilter {
            by_provider: Some(true),
            ..MailboxFilter::default()
        },
        MailboxFilter {
            tag: Some(&rare),
            ..MailboxFilter::default()
        },
    ] {
        let listed = pages(&temp, &filter, 4).await;
        assert!(listed.len() > 2, "{filter:?}");
        assert!(
            listed.is_sorted_by_key(|mailbox| mailbox.address.clone()),
            "{filter:?}"
        );
    }
}

#[tokio::test]
async fn a_search_shows_addresses_before_domains_before_names() {
    let (temp, ..) = populated().await;
    let filter = MailboxFilter {
        prefix: Some("smith"),
        ..MailboxFilter::default()
    };
    let kinds: Vec<_> = pages(&temp, &filter, 4)
        .await
        .iter()
        .map(|mailbox| {
            let address = mailbox.address.as_str();
            (!address.starts_with("smith"), !address.contains("@smith."))
        })
        .collect();
    let switches = kinds.windows(2).filter(|pair| pair[0].0 != pair[1].0);
    assert_eq!(switches.count(), 1, "addresses first: {kinds:?}");
    let rest: Vec<_> = kinds.iter().filter(|kind| kind.0).collect();
    assert!(
        rest.is_sorted() && !rest[0].1 && rest[rest.len() - 1].1,
        "{rest:?}"
    );
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_whatever_was_deleted() {
    let (temp, ..) = populated().await;
    let filter = MailboxFilter::default();
    let everything = pages(&temp, &filter, 500).await;
    let first = mailboxes::list(&mut temp.read(), &filter, &Page::first(10))
        .await
        .unwrap();
    let last = first.rows[9].id;
    temp.write(async move |sql| mailboxes::delete(sql, last, "admin", NOW, NOW).await)
        .await
        .unwrap();
    let page = Page {
        after: first.next,
        limit: 1,
    };
    let second = mailboxes::list(&mut temp.read(), &filter, &page)
        .await
        .unwrap();
    assert_eq!(second.rows[0].id, everything[10].id);
}

#[tokio::test]
async fn a_renamed_person_is_found_by_the_new_name_only() {
    let (temp, ..) = populated().await;
    let found = async |text| {
        let filter = MailboxFilter {
            prefix: Some(text),
            ..MailboxFilter::default()
        };
        pages(&temp, &filter, 50).await.len()
    };
    assert_eq!(found("robinson").await, 0);
    let (before, neil) = (found("o'neil").await, address("x48@example.org"));
    temp.write(async move |sql| {
        let mailbox = mailboxes::by_address(sql, &neil).await?;
        let mut mailbox = mailbox.ok_or(StoreError::Missing)?;
        mailbox.name = "Zoë Robinson".to_owned();
        mailboxes::update(sql, &mailbox, None, NOW).await
    })
    .await
    .unwrap();
    assert_eq!(found("robinson").await, 1);
    assert_eq!(found("o'neil").await, before - 1);
    assert_eq!(found("zoë").await, before);
}

#[tokio::test]
async fn a_cursor_that_nobody_handed_out_is_refused() {
    let (temp, ..) = populated().await;
    let filter = MailboxFilter::default();
    for cursor in ["", "x", "z y", "d only", "w word notanumber", "w word 1"] {
        let page = Page {
            after: Some(cursor.to_owned()),
            limit: 5,
        };
        let listed = mailboxes::list(&mut temp.read(), &filter, &page).await;
        assert_eq!(listed.unwrap_err(), StoreError::Cursor, "{cursor:?}");
    }
}

#[tokio::test]
async fn the_list_of_a_tag_can_be_turned_back_in() {
    let (temp, ..) = populated().await;
    let even = Tag::parse("even").unwrap();
    let filter = MailboxFilter {
        tag: Some(&even),
        ..MailboxFilter::default()
    };
    let list = async |after: Option<String>| {
        let page = Page { after, limit: 10 };
        mailboxes::list(&mut temp.read(), &filter, &page)
            .await
            .unwrap()
    };
    let first = list(None).await;
    let second = list(first.next.clone()).await;
    let third = list(second.next.clone()).await;
    assert_eq!(list(third.previous).await.rows, second.rows);
    assert_eq!(list(second.previous).await.rows, first.rows);
}

/// A filter that no row of a long range passes: pages stay bounded, and the walk ends.
#[tokio::test]
async fn a_rare_filter_gives_short_pages_that_go_on() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    temp.write(async move |sql| {
        for n in 0..2600 {
            let mut new = new_mailbox(domain, &format!("n{n:04}@example.org"));
            // No index serves "switched on" within a domain.
            new.active = n == 2599;
            mailboxes::insert(sql, &new, storage(), NOW).await?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let filter = MailboxFilter {
        domain: Some(domain),
        active: Some(true),
        ..MailboxFilter::default()
    };
    let first = mailboxes::list(&mut temp.read(), &filter, &Page::first(10))
        .await
        .unwrap();
    assert!(first.rows.is_empty() && first.next.is_some());
    assert_eq!(pages(&temp, &filter, 10).await.len(), 1);
}
