//! Mailboxes, as administrators handle them.

mod change;
mod forms;
mod method;

pub use forms::{
    DEFAULT_PASSWORD_GRACE_DAYS, MailboxEdit, MailboxFilter, MailboxView, MethodSwitch,
    NewMailboxForm, NewSignIn,
};

use crate::domains::{self, Listed, Page};
use crate::{App, Problem, audit, facts, local_password, templates};
use model::address::Address;
use model::app_password::LastUse;
use model::audit::Actor;
use model::ids::{DomainId, MailboxId};
use model::link::{PENDING_LINK_LIFETIME, PendingLink};
use model::mailbox::{Mailbox, NewMailbox, SignInMethods};
use model::protocol::{Protocol, Protocols};
use model::provider::Provider;
use model::rules::confirmation::Standing;
use model::rules::fields;
use model::rules::limits::{self, Ask};
use model::tag::Tag;
use model::template::{Template, TemplateField, TemplateFields};
use model::time::{DAY, Timestamp};
use serde_json::json;
use store::{Conn, StoreError};
use uuid::Uuid;

impl App {
    /// Adds a mailbox; it receives mail at once. Its person may sign in later.
    pub async fn create_mailbox(
        &self,
        actor: &Actor,
        new: NewMailboxForm,
    ) -> Result<Mailbox, Problem> {
        let (new, hash) = match new {
            NewMailboxForm {
                sign_in: NewSignIn::Local(password),
                ..
            } => {
                local_password::check_new(&password)?;
                let hash = self.desk.hash(password).await?;
                (
                    NewMailboxForm {
                        sign_in: NewSignIn::None,
                        ..new
                    },
                    Some(hash),
                )
            }
            other => (other, None),
        };
        self.create_hashed(actor, new, hash).await
    }

    /// As [`App::create_mailbox`], with a hash in place of the password: the import brings some.
    pub(crate) async fn create_hashed(
        &self,
        actor: &Actor,
        new: NewMailboxForm,
        hash: Option<String>,
    ) -> Result<Mailbox, Problem> {
        let (now, actor, storage) = (self.clock.now(), actor.clone(), self.new_storage());
        self.store
            .write(async move |tx: &mut Conn| {
                create(tx, now, &actor, &new, hash.as_deref(), storage).await
            })
            .await
    }

    /// What [`App::create_mailbox`] would say, without creating anything.
    pub(crate) async fn try_create(&self, new: &NewMailboxForm) -> Result<(), Problem> {
        if let NewSignIn::Local(password) = &new.sign_in {
            local_password::check_new(password)?;
        }
        let mut read = self.store.read()?;
        prepare(&mut read, new, false).await?;
        if stands_at(&mut read, &new.address).await? {
            return Err(StoreError::Taken(store::Taken::Address).into());
        }
        Ok(())
    }

    /// One, with everything.
    pub async fn mailbox(&self, address: &Address) -> Result<MailboxView, Problem> {
        let since = self.clock.now().minus(DAY * 30);
        let mut read = self.store.read()?;
        view(&mut read, address, since).await
    }

    /// A page of mailboxes by address; `page.search` is a prefix of address or name.
    pub async fn mailboxes(
        &self,
        filter: MailboxFilter,
        page: Page,
    ) -> Result<Listed<Mailbox>, Problem> {
        let mut read = self.store.read()?;
        let domain = match &filter.domain {
            Some(name) => Some(domains::of(&mut read, name).await?.0.id),
            None => None,
        };
        let template = match &filter.template {
            Some(name) => Some(templates::by_name(&mut read, name).await?.id),
            None => None,
        };
        let filter = store::mailboxes::MailboxFilter {
            domain,
            prefix: page.prefix(),
            active: filter.active,
            by_provider: filter.by_provider,
            template,
            tag: filter.tag.as_ref(),
        };
        let listed = store::mailboxes::list(&mut read, &filter, &page.keyset()).await?;
        Ok(listed.into())
    }

    /// Tags that some mailbox has and that start with `prefix`, in order.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn tags_in_use(&self, prefix: &str, limit: u32) -> Result<Vec<Tag>, Problem> {
        let mut read = self.store.read()?;
        Ok(store::mailbox_tags::tags_in_use(&mut read, prefix, limit).await?)
    }

    /// How many there are, from the maintained counter.
    pub async fn mailbox_count(&self) -> Result<i64, Problem> {
        Ok(store::mailboxes::count(&mut *self.store.read()?).await?)
    }

    /// A name for the directory of a new mailbox's mail: a UUIDv7 of now and our own randomness.
    pub(crate) fn new_storage(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().0 / 1000).unwrap_or(0);
        let random = model::random::bytes::<10>(self.random.as_ref());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// A form made concrete: what would be stored.
struct Prepared {
    mailbox: NewMailbox,
    pending: Option<(Provider, Option<String>)>,
}

async fn prepare(
    conn: &mut Conn,
    new: &NewMailboxForm,
    has_password: bool,
) -> Result<Prepared, Problem> {
    let (domain, used) = domains::of(conn, &new.address.domain()).await?;
    check_extension(conn, &new.address).await?;
    let template = match &new.template {
        Some(name) => Some(templates::by_name(conn, name).await?),
        None => None,
    };
    let settings = template.as_ref().map(|template| &template.settings);
    let quota = new.quota.unwrap_or_else(|| {
        limits::effective_quota(settings.map_or(0, |s| s.quota.value), &domain.limits)
    });
    limits::check(&domain.limits, used, Ask { quota, held: None }).map_err(|refusal| {
        let template = template.as_ref().map_or("none", |t| t.name.as_str());
        Problem::Refused(
            refusal
                .with("domain", &domain.name)
                .with("template", template),
        )
    })?;
    let protocols = new
        .protocols
        .unwrap_or_else(|| template_protocols(template.as_ref()));
    let pending = match &new.sign_in {
        NewSignIn::Provider {
            provider,
            expected_subject,
        } => {
            let provider = provider_for(conn, provider, domain.id).await?;
            Some((provider, expected_subject.clone()))
        }
        NewSignIn::Local(_) | NewSignIn::None => None,
    };
    let methods = SignInMethods {
        local: has_password,
        provider: pending.is_some(),
    };
    let mailbox = NewMailbox {
        domain: domain.id,
        address: new.address.clone(),
        name: checked_name(&new.name)?,
        quota,
        protocols,
        active: settings.is_none_or(|s| s.active.value),
        methods,
        template: template.as_ref().map(|t| (t.id, t.modified)),
        overrides: typed_fields(new.quota.is_some(), new.protocols.is_some())
            .with(TemplateField::Tags, !new.tags.is_empty()),
        tags: match settings {
            Some(settings) if new.tags.is_empty() => settings.tags.value.clone(),
            _ => new.tags.clone(),
        },
    };
    Ok(Prepared { mailbox, pending })
}

async fn create(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    new: &NewMailboxForm,
    hash: Option<&str>,
    storage: Uuid,
) -> Result<Mailbox, Problem> {
    let Prepared { mailbox, pending } = prepare(tx, new, hash.is_some()).await?;
    let id = store::mailboxes::insert(tx, &mailbox, storage, now).await?;
    if let Some(hash) = hash {
        store::mailboxes::set_password(tx, id, Some(hash), now).await?;
    }
    if let Some((provider, expected_subject)) = &pending {
        let pending = PendingLink {
            mailbox: id,
            provider: provider.id,
            expected_subject: expected_subject.clone(),
            ends: now.plus(PENDING_LINK_LIFETIME),
        };
        store::links::put_pending(tx, &pending).await?;
    }
    let details = json!({
        "quota": mailbox.quota,
        "sign_in": mailbox.methods,
        "tags": mailbox.tags,
    });
    audit::note(tx, now, actor, "mailbox.create", &mailbox.address, details).await?;
    by_address(tx, &mailbox.address).await
}

impl App {
    /// Whether providers stand by the person of a mailbox; `None` if it is gone.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn standing(&self, id: MailboxId) -> Result<Option<Standing>, Problem> {
        Ok(store::confirmation::of(&mut *self.store.read()?, id).await?)
    }
}

async fn view(
    conn: &mut Conn,
    address: &Address,
    since: Timestamp,
) -> Result<MailboxView, Problem> {
    let mailbox = by_address(conn, address).await?;
    let template = match mailbox.template {
        Some(id) => store::templates::by_id(conn, id).await?,
        None => None,
    };
    let domain = store::domains::by_id(conn, mailbox.domain).await?;
    let fields = match template.as_ref().zip(domain) {
        Some((template, domain)) => fields::lines(&mailbox, &mailbox, template, &domain.limits),
        None => Vec::new(),
    };
    let template = template.map(|template| template.name);
    let providers = store::providers::all(conn).await?;
    let named = |id| {
        providers
            .iter()
            .find(|provider| provider.id == id)
            .map_or_else(String::new, |provider| provider.settings.name.clone())
    };
    let links = store::links::of_mailbox(conn, mailbox.id).await?;
    let blocks = facts::blocks_of(conn, &links).await?;
    let links = links
        .into_iter()
        .map(|link| (link.clone(), named(link.provider)))
        .collect();
    let pending = store::links::pending_of(conn, mailbox.id).await?;
    let pending = pending.map(|pending| (pending.clone(), named(pending.provider)));
    let uses = store::password_uses::recent(conn, mailbox.id, since).await?;
    let mut devices = store::app_passwords::list(conn, mailbox.id).await?;
    devices.retain(|device| device.revoked.is_none());
    let standing = store::confirmation::of(conn, mailbox.id).await?;
    Ok(MailboxView {
        aliases: store::aliases::of_mailbox(conn, mailbox.id).await?,
        password_uses: uses
            .into_iter()
            .map(|(protocol, ip, at)| LastUse { at, protocol, ip })
            .collect(),
        standing,
        mailbox,
        template,
        fields,
        links,
        blocks,
        pending,
        devices,
    })
}

/// The mailbox of an address.
pub(crate) async fn by_address(conn: &mut Conn, address: &Address) -> Result<Mailbox, Problem> {
    store::mailboxes::by_address(conn, address)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("mailbox {address}")))
}

/// Whether a mailbox or an alias stands at an address.
pub(crate) async fn stands_at(conn: &mut Conn, address: &Address) -> Result<bool, StoreError> {
    Ok(store::mailboxes::by_address(conn, address).await?.is_some()
        || store::aliases::by_address(conn, address).await?.is_some())
}

/// Refuses an address whose mail goes to another one: it would be taken away from there.
pub(crate) async fn check_extension(conn: &mut Conn, address: &Address) -> Result<(), Problem> {
    let base = address.without_extension();
    if base == *address || !stands_at(conn, &base).await? {
        return Ok(());
    }
    let words = format!("mail for it goes to {base} already, as for every + extension of that");
    Err(Problem::field("address", words))
}

/// The provider of a slug, if it may sign in people of the domain.
/// The provider of a slug, if people of the domain may sign in by it.
async fn provider_for(conn: &mut Conn, slug: &str, domain: DomainId) -> Result<Provider, Problem> {
    let provider = allowed_provider(conn, slug, domain).await?;
    let domain = store::domains::by_id(conn, domain).await?;
    match domain.and_then(|domain| domain.provider) {
        Some(bound) if bound != provider.id => Err(Problem::field(
            "provider",
            "the domain is bound to another provider; change that in the domain first",
        )),
        _ => Ok(provider),
    }
}

/// The provider of a slug, if it may sign in people of the domain.
pub(crate) async fn allowed_provider(
    conn: &mut Conn,
    slug: &str,
    domain: DomainId,
) -> Result<Provider, Problem> {
    let provider = store::providers::by_slug(conn, slug)
        .await?
        .ok_or_else(|| Problem::field("provider", format!("there is no provider {slug}")))?;
    if provider.settings.domains.contains(&domain) {
        return Ok(provider);
    }
    let words = format!(
        "{} may not sign in people of this domain; allow that in the provider first",
        provider.settings.name
    );
    Err(Problem::field("provider", words))
}

fn template_protocols(template: Option<&Template>) -> Protocols {
    Protocol::ALL
        .into_iter()
        .filter(|p| template.is_none_or(|t| t.settings.protocol(*p).value))
        .collect()
}

/// The marks of fields that an administrator typed by hand.
fn typed_fields(quota: bool, protocols: bool) -> TemplateFields {
    let marks = TemplateFields::NONE.with(TemplateField::Quota, quota);
    Protocol::ALL.into_iter().fold(marks, |marks, p| {
        marks.with(TemplateField::of(p), protocols)
    })
}

fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Problem::field(
            "name",
            "at most 200 characters, none of them control characters",
        ));
    }
    Ok(name.to_owned())
}
