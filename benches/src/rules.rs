//! What a draft of rules would change for everybody: one pass over all people of a provider.
//!
//! The list of groups is as long as a company's, and the rule that decides is the last of twenty-one.

use anyhow::{Context as _, ensure};
use app::rules::Reach;
use model::address::Address;
use model::domain::GIB;
use model::link::LinkOrigin;
use model::mailbox::{NewMailbox, SignInMethods};
use model::protocol::Protocols;
use model::provider::EveryoneElse;
use model::rule::{Rule, Test};
use model::rules::versions::RuleSet;
use model::tag::Tags;
use model::template::{Template, TemplateFields};
use model::time::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use store::{Conn, Store, StoreError, link_claims, links, mailboxes};

use crate::company::SLUG;
use crate::finding::Finding;
use crate::measure::own::cpu;
use crate::office::Office;
use crate::{Options, Outcome};

/// People of the provider.
const PEOPLE: usize = 10_000;
/// Groups of each.
const GROUPS: usize = 40;
/// Nobody is asked anything: the rules are tried on what people came with last.
const ISSUER: &str = "https://id.example.org";

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut passes = Vec::new();
    runtime.block_on(async {
        let office = Office::open(&options.dir, ISSUER, PEOPLE).await?;
        crowd(&office).await?;
        let draft = draft(&office.staff);
        for _ in 0..options.rounds {
            let before = cpu();
            let survey = office.app.survey_rules(SLUG, &draft, Reach::PAGE).await?;
            passes.push(cpu().saturating_sub(before).as_secs_f64() * 1e3);
            ensure!(
                survey.complete && survey.people as usize == PEOPLE,
                "not everybody"
            );
            ensure!(survey.recent_else == 0, "somebody has no rule");
        }
        anyhow::Ok(())
    })?;
    let name = format!("rules, preview for {PEOPLE} people with {GROUPS} groups: CPU");
    Ok(Outcome {
        findings: vec![Finding::new(name, &passes, "ms")],
        ..Outcome::default()
    })
}

/// Twenty rules that match nobody, and one that matches everybody.
fn draft(staff: &Template) -> RuleSet {
    let rule = |value: String| Rule {
        claim: "groups".to_owned(),
        test: Test::Is(value),
        template: staff.id,
    };
    let mut rules: Vec<_> = (0..20).map(|n| rule(format!("nobody-{n}"))).collect();
    rules.push(rule(group(GROUPS - 1)));
    RuleSet {
        rules,
        everyone_else: EveryoneElse::Refuse,
    }
}

fn group(number: usize) -> String {
    format!("group-{number}")
}

/// Fills the office with people who have signed in.
async fn crowd(office: &Office) -> anyhow::Result<()> {
    let provider = office.app.provider(SLUG).await?;
    let domain = *provider.settings.domains.first().context("no domain")?;
    let staff = office.staff.clone();
    let now = SystemClock.now();
    Store::open(&office.store())?
        .write(async move |tx: &mut Conn| {
            for n in 0..PEOPLE {
                let address = format!("person{n}@example.org");
                let Ok(address) = address.parse::<Address>() else {
                    return Err(StoreError::Missing);
                };
                let claims = claims(n, &address);
                let new = NewMailbox {
                    domain,
                    address,
                    name: String::new(),
                    quota: GIB,
                    protocols: Protocols::ALL,
                    active: true,
                    methods: SignInMethods::PROVIDER,
                    template: Some((staff.id, staff.modified)),
                    overrides: TemplateFields::NONE,
                    tags: Tags::default(),
                };
                let storage = uuid::Uuid::from_u128(n as u128 + 1);
                let mailbox = mailboxes::insert(tx, &new, storage, now).await?;
                let (space, subject) = (&provider.namespace, format!("subject-{n}"));
                let origin = LinkOrigin::FirstSignIn;
                let link =
                    links::insert(tx, mailbox, provider.id, space, &subject, origin, now).await?;
                link_claims::put(tx, link, &claims, &[], now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

fn claims(person: usize, address: &Address) -> Map<String, Value> {
    let groups: Vec<_> = (0..GROUPS).map(group).collect();
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(format!("subject-{person}")));
    claims.insert("email".to_owned(), json!(address));
    claims.insert("groups".to_owned(), json!(groups));
    claims
}
