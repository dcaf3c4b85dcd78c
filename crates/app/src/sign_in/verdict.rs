//! What the verdict on a proven identity rests on: read and judged here for a sign-in, inside the
//! transaction that carries it out, and for a test sign-in, which carries nothing out.

use super::record::Record;
use crate::facts;
use crate::provider_calls::Identity;
use model::address::{Address, DomainName};
use model::attempt::Trace;
use model::block::Block;
use model::domain::{DomainUse, MailDomain};
use model::link::{Link, Namespace};
use model::mailbox::Mailbox;
use model::provider::Provider;
use model::relink::Relink;
use model::rules::mapping::Claims;
use model::rules::provision::{self, Facts, Holder, Place, Verdict};
use model::template::Template;
use model::time::Timestamp;
use store::{Conn, StoreError};

/// What is known here of somebody whom a provider vouches for.
pub(crate) struct Known {
    /// The mailbox the person is linked to, with its domain.
    pub(crate) linked: Option<(Link, Mailbox, MailDomain, DomainUse)>,
    /// What their address is here; only for people without a link.
    pub(crate) place: Option<Place>,
    /// All templates.
    pub(crate) templates: Vec<Template>,
    /// The provider's domains, where words need their names.
    domains: Vec<DomainName>,
    /// The provider that the domain is bound to, if that is another.
    bound: Option<Provider>,
    /// Campaigns that take people over to the provider; only for people without a link.
    relinks: Vec<Relink>,
    /// The block of the person.
    pub(super) blocked: Option<Block>,
}

impl Known {
    pub(crate) async fn read(
        conn: &mut Conn,
        provider: &Provider,
        who: Vouched<'_>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let linked = linked(conn, who).await?;
        let place = match &linked {
            Some(_) => None,
            None => place(conn, provider, who.claims).await?,
        };
        let mut known = Self {
            linked,
            place,
            templates: store::templates::all(conn).await?,
            domains: Vec::new(),
            bound: None,
            relinks: Vec::new(),
            blocked: store::blocks::by_person(conn, who.namespace, who.subject).await?,
        };
        if known.linked.is_none() {
            known.relinks = store::relinks::open_to(conn, provider.id, now).await?;
            // Whoever is blocked is not taken over under another name.
            if let Some(Place {
                holder: Holder::Mailbox { links, .. },
                ..
            }) = &known.place
                && !facts::blocks_of(conn, links).await?.is_empty()
            {
                known.relinks.clear();
            }
        }
        let domain = known.domain().map(|(domain, _)| domain);
        let bound = facts::bound_elsewhere(conn, provider, domain).await?;
        known.domains = facts::domains_to_name(conn, provider, domain).await?;
        known.bound = bound;
        Ok(known)
    }

    /// The domain of the person's mailbox, or of the address they come with.
    pub(crate) fn domain(&self) -> Option<(&MailDomain, DomainUse)> {
        match (&self.linked, &self.place) {
            (Some((.., domain, used)), _) => Some((domain, *used)),
            (None, place) => place
                .as_ref()
                .and_then(|place| place.domain.as_ref())
                .map(|(domain, used)| (domain, *used)),
        }
    }

    /// Decides; notes in the record whom it is about and each gate.
    pub(super) fn decide(
        &self,
        now: Timestamp,
        provider: &Provider,
        identity: &Identity,
        record: &mut Record,
    ) -> Verdict {
        let who = identity.vouched();
        match &self.linked {
            Some((_, mailbox, ..)) => record.about(Some(mailbox.id), &mailbox.address),
            None => {
                if let Some(address) = self.address(provider, who) {
                    record.about(None, address);
                }
            }
        }
        self.judge(now, provider, who, &mut record.attempt.trace)
    }

    /// The address that is decided about: the linked mailbox's, or the claimed one.
    pub(crate) fn address(&self, provider: &Provider, who: Vouched<'_>) -> Option<Address> {
        match &self.linked {
            Some((_, mailbox, ..)) => Some(mailbox.address.clone()),
            None => provision::claimed_address(provider, who.claims).ok(),
        }
    }

    /// Decides, and notes each gate.
    pub(crate) fn judge(
        &self,
        now: Timestamp,
        provider: &Provider,
        who: Vouched<'_>,
        trace: &mut Trace,
    ) -> Verdict {
        let facts = Facts {
            now,
            provider,
            provider_domains: &self.domains,
            bound: self.bound.as_ref(),
            namespace: who.namespace,
            subject: who.subject,
            claims: who.claims,
            linked: self.linked.as_ref(),
            place: self.place.as_ref(),
            templates: &self.templates,
            relinks: &self.relinks,
            blocked: self.blocked.as_ref(),
        };
        provision::decide(&facts, trace)
    }
}

/// Somebody as a provider vouches for them: just now, or in an attempt that is decided anew.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vouched<'a> {
    /// Where the subject is unique.
    pub(crate) namespace: &'a Namespace,
    /// The provider's stable name of the person.
    pub(crate) subject: &'a str,
    /// Everything it says about them.
    pub(crate) claims: &'a Claims,
}

impl Identity {
    pub(crate) fn vouched(&self) -> Vouched<'_> {
        Vouched {
            namespace: &self.namespace,
            subject: &self.subject,
            claims: &self.claims,
        }
    }
}

async fn linked(
    conn: &mut Conn,
    who: Vouched<'_>,
) -> Result<Option<(Link, Mailbox, MailDomain, DomainUse)>, StoreError> {
    let Some(link) = store::links::by_subject(conn, who.namespace, who.subject).await? else {
        return Ok(None);
    };
    let mailbox = store::mailboxes::by_id(conn, link.mailbox)
        .await?
        .ok_or(StoreError::Missing)?;
    let domain = store::domains::use_by_id(conn, mailbox.domain)
        .await?
        .ok_or(StoreError::Missing)?;
    Ok(Some((link, mailbox, domain.0, domain.1)))
}

async fn place(
    conn: &mut Conn,
    provider: &Provider,
    claims: &Claims,
) -> Result<Option<Place>, StoreError> {
    let Ok(address) = provision::claimed_address(provider, claims) else {
        return Ok(None);
    };
    facts::place(conn, &address).await.map(Some)
}
