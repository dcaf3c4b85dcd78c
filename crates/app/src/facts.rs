//! What a verdict on an address rests on: read here for the sign-in and for `why` alike.

use crate::mailboxes::stands_at;
use model::address::{Address, DomainName};
use model::block::Block;
use model::domain::MailDomain;
use model::link::Link;
use model::provider::Provider;
use model::rules::provision::{Holder, Place};
use store::{Conn, StoreError};

/// What an address is here.
pub(crate) async fn place(conn: &mut Conn, address: &Address) -> Result<Place, StoreError> {
    let domain = store::domains::with_use(conn, &address.domain()).await?;
    let holder = if let Some(mailbox) = store::mailboxes::by_address(conn, address).await? {
        Holder::Mailbox {
            links: store::links::of_mailbox(conn, mailbox.id).await?,
            pending: store::links::pending_of(conn, mailbox.id).await?,
            mailbox: Box::new(mailbox),
        }
    } else if let Some(alias) = store::aliases::by_address(conn, address).await? {
        Holder::Alias(alias)
    } else {
        Holder::Nobody
    };
    let base = address.without_extension();
    let extends = base != *address && stands_at(conn, &base).await?;
    Ok(Place {
        domain,
        holder,
        extends,
    })
}

/// The blocks of the people linked at an address; where it has no mailbox, of those who had one.
pub(crate) async fn blocks(
    conn: &mut Conn,
    address: &Address,
    place: &Place,
) -> Result<Vec<Block>, StoreError> {
    let Holder::Mailbox { links, pending, .. } = &place.holder else {
        return store::blocks::of_address(conn, address.as_str()).await;
    };
    let mut blocks = blocks_of(conn, links).await?;
    let expected = pending
        .as_ref()
        .and_then(|p| Some((p.provider, p.expected_subject.as_ref()?)));
    if let Some((provider, subject)) = expected
        && let Some(provider) = store::providers::by_id(conn, provider).await?
    {
        blocks.extend(store::blocks::by_person(conn, &provider.namespace, subject).await?);
    }
    Ok(blocks)
}

/// The blocks of linked people.
pub(crate) async fn blocks_of(conn: &mut Conn, links: &[Link]) -> Result<Vec<Block>, StoreError> {
    let mut blocks = Vec::new();
    for link in links {
        blocks.extend(store::blocks::by_person(conn, &link.namespace, &link.subject).await?);
    }
    Ok(blocks)
}

/// The names of a provider's domains, for the words of a refusal: read only if `domain` is none of
/// them, since nothing else tells them and there may be thousands.
pub(crate) async fn domains_to_name(
    conn: &mut Conn,
    provider: &Provider,
    domain: Option<&MailDomain>,
) -> Result<Vec<DomainName>, StoreError> {
    let allowed = &provider.settings.domains;
    match domain {
        Some(domain) if !allowed.contains(&domain.id) => {
            store::domains::names_of(conn, allowed).await
        }
        _ => Ok(Vec::new()),
    }
}

/// The provider that `domain` is bound to, for the words of a refusal: read only if that is not
/// `provider` itself.
pub(crate) async fn bound_elsewhere(
    conn: &mut Conn,
    provider: &Provider,
    domain: Option<&MailDomain>,
) -> Result<Option<Provider>, StoreError> {
    match domain.and_then(|domain| domain.provider) {
        Some(bound) if bound != provider.id => store::providers::by_id(conn, bound).await,
        _ => Ok(None),
    }
}
