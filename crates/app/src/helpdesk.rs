//! Telling a domain's contact, in one mail, that people were refused for a reason that an
//! administrator mends.

use crate::outbox::{self, Effect};
use crate::ports::{EffectFailed, Engines, Letter};
use crate::{App, HelpdeskPages, Problem};
use model::address::Address;
use model::attempt::Attempt;
use model::domain::MailDomain;
use model::helpdesk::{Notice, TurnedAway};
use model::ids::DomainId;
use model::outcome::Code;
use std::fmt::Write as _;
use store::{Conn, StoreError};

/// Notes a refused attempt for the contact of its domain; the mail is left in the outbox by the same
/// transaction.
pub(crate) async fn note(tx: &mut Conn, code: Code, attempt: &Attempt) -> Result<(), StoreError> {
    let address = attempt.address.as_deref();
    let Some(address) = address.and_then(|address| Address::parse(address).ok()) else {
        return Ok(());
    };
    let Some(domain) = store::domains::by_name(tx, &address.domain()).await? else {
        return Ok(());
    };
    let mut notice = store::helpdesk::get(tx, domain.id, code).await?;
    let due = notice.add(TurnedAway {
        address: address.to_string(),
        reference: attempt.reference.clone(),
        at: attempt.at,
    });
    store::helpdesk::put(tx, domain.id, &notice).await?;
    if let Some(due) = due {
        let domain = domain.id;
        outbox::put_later(tx, &Effect::TellHelpdesk { domain, code }, attempt.at, due).await?;
    }
    Ok(())
}

impl App {
    /// Writes the mail about what was noted so far. Nothing is forgotten until it is in the queue.
    pub(crate) async fn tell_helpdesk(
        &self,
        domain: DomainId,
        code: Code,
        engines: &dyn Engines,
    ) -> Result<(), EffectFailed> {
        let failed = |error: Problem| EffectFailed(error.to_string());
        let Some(pages) = &self.config.helpdesk else {
            return Err(EffectFailed("no listener takes mail any more".to_owned()));
        };
        let Some((domain, notice)) = self.noticed(domain, code).await.map_err(failed)? else {
            return Ok(());
        };
        let letter = letter(pages, &domain, &notice);
        engines.send(&letter).await?;
        let now = self.clock.now();
        tracing::info!(domain.name = %domain.name, %code, "the helpdesk was told");
        self.store
            .write(async move |tx: &mut Conn| {
                let mut rest = store::helpdesk::get(tx, domain.id, code).await?;
                // Who came while the mail was on its way is told of with the next.
                let named = notice.people.len().min(rest.people.len());
                let later = rest.people.split_off(named);
                let mut after = Notice::told(code, now);
                let due = later
                    .into_iter()
                    .filter_map(|person| after.add(person))
                    .next();
                after.more = (rest.more - notice.more).max(0);
                store::helpdesk::put(tx, domain.id, &after).await?;
                if let Some(due) = due {
                    let effect = Effect::TellHelpdesk {
                        domain: domain.id,
                        code,
                    };
                    outbox::put_later(tx, &effect, now, due).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .map_err(|error| EffectFailed(error.to_string()))
    }

    async fn noticed(
        &self,
        domain: DomainId,
        code: Code,
    ) -> Result<Option<(MailDomain, Notice)>, Problem> {
        let mut read = self.store.read()?;
        let Some(domain) = store::domains::by_id(&mut read, domain).await? else {
            return Ok(None);
        };
        let notice = store::helpdesk::get(&mut read, domain.id, code).await?;
        Ok((!notice.people.is_empty()).then_some((domain, notice)))
    }
}

/// The mail. It names people and where to look, and no claim: those stay on pages that say who may
/// read them.
fn letter(pages: &HelpdeskPages, domain: &MailDomain, notice: &Notice) -> Letter {
    let (code, entry) = (notice.code, notice.code.entry());
    let count = counted(notice);
    let mut text = format!(
        "{count} of {} could not sign in.\n\n{code}: {}. {}\n\n",
        domain.name,
        entry.title,
        meaning(code),
    );
    for person in &notice.people {
        let (at, reference) = (person.at.rfc3339(), &person.reference);
        let _ = writeln!(text, "{}, {at}", person.address);
        let _ = writeln!(text, "    {reference}: {}/{reference}", pages.attempts);
    }
    if notice.more > 0 {
        let more = notice.more;
        let _ = writeln!(text, "{more} more were refused for the same reason.");
    }
    let _ = write!(
        text,
        "\nThe page of each has the button that leads to where it is mended.\n\
         About this code: {}/{code}\n\n\
         Gatepost writes to the postmaster of {} about one reason once an hour at most.\n",
        pages.codes, domain.name,
    );
    Letter {
        to: postmaster(domain),
        subject: format!("{}: {count} could not sign in ({code})", domain.name),
        text,
    }
}

fn postmaster(domain: &MailDomain) -> Address {
    let postmaster = Address::at("postmaster", &domain.name);
    postmaster.unwrap_or_else(|_| domain.role_target.clone())
}

fn counted(notice: &Notice) -> String {
    match (notice.people.len(), notice.more) {
        (1, 0) => "1 person".to_owned(),
        (some, 0) => format!("{some} people"),
        (some, _) => format!("more than {some} people"),
    }
}

/// What an administrator has to do, without the values that differ from person to person.
const fn meaning(code: Code) -> &'static str {
    match code {
        Code::DomainFull => {
            "The domain has as many mailboxes as it may: raise the limit, or delete some."
        }
        Code::DomainQuotaFull => {
            "The mailbox of their template does not fit what is left of the domain's storage: raise \
             it, or choose a smaller template."
        }
        Code::NearMapping => {
            "No rule gives them a template; one would, if upper and lower case were the same."
        }
        Code::TemplateGone => "The rule that is for them points at a template that was deleted.",
        _ => "No rule gives them a template, and everyone else is refused.",
    }
}
