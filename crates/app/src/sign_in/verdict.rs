//! What the verdict on a proven identity rests on: read and judged here for a sign-in, inside the
//! transaction that carries it out, and for a test sign-in, which carries nothing out.

use super::record::Record;
use crate::facts;
use crate::provider_calls::Identity;
use model::address::DomainName;
use model::domain::{DomainUse, MailDomain};
use model::link::Link;
use model::mailbox::Mailbox;
use model::provider::Provider;
use model::relink::Relink;
use model::rules::provision::{self, Facts, Place, Verdict};
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
}

impl Known {
    pub(super) async fn read(
        conn: &mut Conn,
        provider: &Provider,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let linked = linked(conn, identity).await?;
        let place = match &linked {
            Some(_) => None,
            None => place(conn, provider, identity).await?,
        };
        let mut known = Self {
            linked,
            place,
            templates: store::templates::all(conn).await?,
            domains: Vec::new(),
            bound: None,
            relinks: Vec::new(),
        };
        if known.linked.is_none() {
            known.relinks = store::relinks::open_to(conn, provider.id, now).await?;
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
        match &self.linked {
            Some((_, mailbox, ..)) => record.about(Some(mailbox.id), &mailbox.address),
            None => {
                if let Ok(address) = provision::claimed_address(provider, &identity.claims) {
                    record.about(None, address);
                }
            }
        }
        let facts = Facts {
            now,
            provider,
            provider_domains: &self.domains,
            bound: self.bound.as_ref(),
            namespace: &identity.namespace,
            subject: &identity.subject,
            claims: &identity.claims,
            linked: self.linked.as_ref(),
            place: self.place.as_ref(),
            templates: &self.templates,
            relinks: &self.relinks,
        };
        provision::decide(&facts, &mut record.attempt.trace)
    }
}

async fn linked(
    conn: &mut Conn,
    identity: &Identity,
) -> Result<Option<(Link, Mailbox, MailDomain, DomainUse)>, StoreError> {
    let Some(link) = store::links::by_subject(conn, &identity.namespace, &identity.subject).await?
    else {
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
    identity: &Identity,
) -> Result<Option<Place>, StoreError> {
    let Ok(address) = provision::claimed_address(provider, &identity.claims) else {
        return Ok(None);
    };
    facts::place(conn, &address).await.map(Some)
}
