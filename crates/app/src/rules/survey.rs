//! What a draft of rules would change for everybody: one pass over the people of a provider.

use crate::providers::by_slug;
use crate::{App, Problem};
use model::address::Address;
use model::domain::{DomainUse, MailDomain};
use model::ids::{DomainId, LinkId, TemplateId};
use model::mailbox::Mailbox;
use model::rules::effect::{self, Change, Effect, LastClaims, Linked};
use model::rules::fields::told;
use model::rules::lint::{Finding, lint};
use model::rules::mapping::first_match;
use model::rules::privacy::{Quoted, Viewer};
use model::rules::seen::Seen;
use model::rules::versions::RuleSet;
use model::template::Template;
use model::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::link_claims::LinkedPerson;
use store::{Conn, StoreError};

/// How far a pass goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Most people looked at.
    pub people: usize,
    /// Most people told of one by one.
    pub rows: usize,
}

impl Reach {
    /// A look while a page is opened.
    pub const GLANCE: Self = Self {
        people: 2_000,
        rows: 0,
    };
    /// A preview on a page.
    pub const PAGE: Self = Self {
        people: 100_000,
        rows: 200,
    };
    /// A preview in a file.
    pub const ALL: Self = Self {
        people: 100_000,
        rows: 100_000,
    };
}

/// People read at once.
const BATCH: u32 = 500;
/// Who signed in within this many days is counted with each rule.
const RECENT_DAYS: u32 = 30;

/// What a draft would change. Programs get it without what only the editor's page needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Survey {
    /// People linked through the provider who were looked at.
    pub people: u32,
    /// Whether these are all of them.
    pub complete: bool,
    /// Nothing changes for them.
    pub unchanged: u32,
    /// They get what another template says.
    pub changed: u32,
    /// Another template decides, but does not fit: they keep their quota.
    pub not_applied: u32,
    /// No rule matches them any more: they keep what they have.
    pub unmatched: u32,
    /// They get in now and would be refused at their next sign-in.
    pub refused: u32,
    /// Their claims are not known.
    pub unknown: u32,
    /// Who is concerned, person by person, as many as were asked for; never those for whom nothing
    /// changes.
    pub rows: Vec<SurveyRow>,
    /// There are more.
    pub more_rows: bool,
    /// For each rule of the draft, the people of the last 30 days for whom it decides.
    #[serde(skip)]
    pub recent: Vec<u32>,
    /// The people of the last 30 days whom no rule matches.
    #[serde(skip)]
    pub recent_else: u32,
    /// What their claims look like.
    #[serde(skip)]
    pub seen: Seen,
    /// What looks wrong with the draft.
    pub findings: Vec<Finding>,
}

/// One person in a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyRow {
    /// The mailbox.
    pub address: Address,
    /// What happens.
    pub effect: EffectKind,
    /// The template now.
    pub template: Option<String>,
    /// The template that would decide.
    pub becomes: Option<String>,
    /// What changes, in words.
    pub words: String,
}

/// What happens to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Another template is applied.
    Changed,
    /// Another template decides, but cannot be applied.
    NotApplied,
    /// No rule matches any more.
    Unmatched,
    /// Refused at the next sign-in.
    Refused,
    /// Not known.
    Unknown,
}

impl EffectKind {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Changed => "other template",
            Self::NotApplied => "template does not fit",
            Self::Unmatched => "no rule matches",
            Self::Refused => "refused",
            Self::Unknown => "not known",
        }
    }
}

impl App {
    /// Judges a draft on everybody who is linked through the provider, as far as `reach` goes.
    /// Writes nothing.
    pub async fn survey_rules(
        &self,
        slug: &str,
        draft: &RuleSet,
        reach: Reach,
    ) -> Result<Survey, Problem> {
        let (before, templates) = {
            let mut read = self.store.read()?;
            let before = by_slug(&mut read, slug).await?;
            (before, store::templates::all(&mut read).await?)
        };
        let after = draft.put_in(&before);
        let change = Change {
            now: self.clock.now(),
            before: &before,
            after: &after,
            templates: &templates,
        };
        let mut pass = Pass {
            survey: Survey {
                complete: true,
                recent: vec![0; draft.rules.len()],
                ..Survey::default()
            },
            change,
            names: names(&templates),
            since: days_before(self.clock.now(), RECENT_DAYS),
            private: self.private_claims().await?,
            domains: HashMap::new(),
            rows: reach.rows,
        };
        let mut last = LinkId(0);
        loop {
            // A connection for each batch: a long pass holds none.
            let mut read = self.store.read()?;
            let batch = store::link_claims::people(&mut read, before.id, last, BATCH).await?;
            let Some(end) = batch.last() else { break };
            last = end.link.id;
            for person in batch {
                // People of an issuer before this one come no more.
                if person.link.namespace != before.namespace {
                    continue;
                }
                if pass.survey.people as usize >= reach.people {
                    pass.survey.complete = false;
                    break;
                }
                let domain = pass.domain(&mut read, person.mailbox.domain).await?;
                pass.look_at(person, domain);
            }
            if !pass.survey.complete {
                break;
            }
            drop(read);
            tokio::task::yield_now().await;
        }
        let mut survey = pass.survey;
        // What looks wrong is told with what people came with.
        survey.seen.forget_values(&pass.private);
        let exists = |id| templates.iter().any(|template| template.id == id);
        survey.findings = lint(&draft.rules, draft.everyone_else, exists, &survey.seen);
        Ok(survey)
    }
}

/// One pass.
struct Pass<'a> {
    survey: Survey,
    change: Change<'a>,
    names: HashMap<TemplateId, String>,
    since: Timestamp,
    private: Vec<String>,
    domains: HashMap<DomainId, (MailDomain, DomainUse)>,
    rows: usize,
}

impl Pass<'_> {
    /// A domain with what its mailboxes take after the changes so far.
    async fn domain(
        &mut self,
        read: &mut Conn,
        id: DomainId,
    ) -> Result<(MailDomain, DomainUse), StoreError> {
        if let Some(known) = self.domains.get(&id) {
            return Ok(known.clone());
        }
        let found = store::domains::use_by_id(read, id)
            .await?
            .ok_or(StoreError::Missing)?;
        self.domains.insert(id, found.clone());
        Ok(found)
    }

    fn look_at(&mut self, person: LinkedPerson, (domain, used): (MailDomain, DomainUse)) {
        let LinkedPerson {
            link,
            mailbox,
            kept,
        } = person;
        let recent = link.last_sign_in.is_some_and(|at| at >= self.since);
        let linked: Linked = (link, mailbox, domain, used);
        let last = kept.as_ref().map(|kept| LastClaims {
            claims: &kept.claims,
            left_out: &kept.left_out,
        });
        let rules = &self.change.after.settings.rules;
        let decides = last.and_then(|last| first_match(rules, last.claims));
        let effect = effect::effect_where(&self.change, &linked, last, decides);
        let survey = &mut self.survey;
        survey.people += 1;
        if let Some(kept) = &kept {
            survey.seen.add(&kept.claims);
            if recent {
                match decides {
                    Some(at) => survey.recent[at] += 1,
                    None => survey.recent_else += 1,
                }
            }
        }
        let (kind, becomes, words) = match &effect {
            Effect::Unchanged => {
                survey.unchanged += 1;
                return;
            }
            Effect::Changed(changed) => match &changed.not_applied {
                Some(words) => {
                    survey.not_applied += 1;
                    let template = Some(changed.template);
                    (EffectKind::NotApplied, template, words.clone())
                }
                None => {
                    survey.changed += 1;
                    (
                        EffectKind::Changed,
                        Some(changed.template),
                        told(&changed.fields),
                    )
                }
            },
            Effect::Unmatched => {
                survey.unmatched += 1;
                let words = "keeps what it has, and follows no template any more";
                (EffectKind::Unmatched, None, words.to_owned())
            }
            Effect::Refused(refusal) => {
                survey.refused += 1;
                let mut words = refusal.to_string();
                let claims = kept.iter().flat_map(|kept| &kept.claims);
                let claims = claims.map(|(name, value)| (name.as_str(), value));
                let viewer = Viewer::Administrator;
                Quoted::of(viewer, &self.private, claims).take_out_of(&mut words);
                (EffectKind::Refused, None, words)
            }
            Effect::Unknown => {
                survey.unknown += 1;
                let words = match &kept {
                    None => "has not signed in since claims are kept",
                    Some(_) => "a claim that the rules ask for was too large to be kept",
                };
                (EffectKind::Unknown, None, words.to_owned())
            }
        };
        if let Effect::Changed(changed) = &effect {
            self.took(&linked.1, &changed.after);
        }
        // Unknown people are many at first, and nothing can be said of them one by one.
        if self.survey.rows.len() >= self.rows {
            self.survey.more_rows = true;
            return;
        }
        let name = |id: TemplateId| self.names.get(&id).cloned();
        let row = SurveyRow {
            template: linked.1.template.and_then(name),
            becomes: becomes.and_then(name),
            address: linked.1.address,
            effect: kind,
            words,
        };
        self.survey.rows.push(row);
    }

    /// What one person's change takes is not there for the next one.
    fn took(&mut self, before: &Mailbox, after: &Mailbox) {
        if let Some((_, used)) = self.domains.get_mut(&before.domain) {
            used.quota += after.quota - before.quota;
        }
    }
}

impl Survey {
    /// Everybody concerned as CSV, with a header line.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if it cannot be written.
    pub fn csv(&self) -> Result<String, Problem> {
        let broken = |error: csv::Error| Problem::Unavailable(error.to_string());
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["address", "effect", "template", "becomes", "words"])
            .map_err(broken)?;
        for row in &self.rows {
            out.write_record([
                cell(row.address.as_str()),
                cell(row.effect.label()),
                cell(row.template.as_deref().unwrap_or_default()),
                cell(row.becomes.as_deref().unwrap_or_default()),
                cell(&row.words),
            ])
            .map_err(broken)?;
        }
        let bytes = out
            .into_inner()
            .map_err(|error| Problem::Unavailable(error.to_string()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A text as a spreadsheet shows it, and does not reckon with it.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Templates by id.
fn names(templates: &[Template]) -> HashMap<TemplateId, String> {
    let named = templates.iter();
    named
        .map(|template| (template.id, template.name.clone()))
        .collect()
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let span = i64::from(days) * i64::try_from(DAY.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_secs(now.secs() - span)
}
