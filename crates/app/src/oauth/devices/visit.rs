//! The page on which a person types the code of a device, and answers (RFC 8628 section 3.3).

use crate::oauth::authorize::WhyAgain;
use crate::oauth::names::Secret;
use crate::oauth::{Scope, consented, goes_on, told};
use crate::passwords::Network;
use crate::sessions::{Current, Who};
use crate::sign_in::{Record, Refused, throttled};
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::domain::MailDomain;
use model::grant::{DeviceAnswer, WaitingDevice};
use model::mailbox::Mailbox;
use model::oauth_app::OauthApp;
use model::outcome::{Code, Refusal};
use model::rules::apps;
use model::session::Session;
use model::time::Timestamp;
use model::user_code::UserCode;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use store::app_grants::NewGrant;
use store::{Conn, StoreError};

/// One visit of a browser to the page.
#[derive(Debug, Clone, Copy)]
pub struct ConnectVisit<'a> {
    /// The code as it was typed; empty before.
    pub typed: &'a str,
    /// Who is signed in.
    pub current: Option<&'a Current>,
    /// From where.
    pub client: &'a Client,
    /// What the person said.
    pub answer: Option<bool>,
}

/// What becomes of a visit.
#[derive(Debug)]
pub enum Connect {
    /// The person signs in first.
    SignIn(SignInFirst),
    /// The person types a code, another one if there is a refusal.
    Type(Option<Box<Refused>>),
    /// The person is asked.
    Ask(Box<Ask>),
    /// A page says no.
    Refused(Box<Refused>),
    /// The person has answered.
    Done(Done),
}

/// Who has to sign in, and why.
#[derive(Debug, Default)]
pub struct SignInFirst {
    /// Somebody is signed in who cannot be the one, and for which app.
    pub why: Option<(WhyAgain, String)>,
    /// Providers, by slug, that do not count for the app.
    pub never: BTreeSet<String>,
}

/// What the person is asked.
#[derive(Debug)]
pub struct Ask {
    /// The app's name.
    pub app: String,
    /// Who is signed in.
    pub address: String,
    /// The code, as the device shows it.
    pub code: UserCode,
    /// What the app learns or may do.
    pub scopes: Vec<Scope>,
    /// When the device asked.
    pub created: Timestamp,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The person is in the same network now.
    pub same_network: bool,
}

/// What was answered.
#[derive(Debug)]
pub struct Done {
    /// The app's name.
    pub app: String,
    /// Yes or no.
    pub allowed: bool,
}

/// A device whose person is known and may answer.
struct Found<'a> {
    device: WaitingDevice,
    app: OauthApp,
    code: UserCode,
    session: &'a Session,
    mailbox: &'a Mailbox,
}

impl App {
    /// Judges a visit to the page.
    ///
    /// # Errors
    /// [`Problem::Unavailable`]; what is wrong with the code is a [`Connect`].
    pub async fn connect(&self, visit: &ConnectVisit<'_>) -> Result<Connect, Problem> {
        let Some(Current { session, who, .. }) = visit.current else {
            return Ok(Connect::SignIn(SignInFirst::default()));
        };
        let Who::Person { mailbox, domain } = who else {
            return Ok(Connect::SignIn(SignInFirst {
                why: Some((WhyAgain::Administrator, String::new())),
                ..SignInFirst::default()
            }));
        };
        if visit.typed.trim().is_empty() {
            return Ok(Connect::Type(None));
        }
        let found = match self.typed_code(visit, mailbox).await? {
            Ok((device, app, code)) => Found {
                device,
                app,
                code,
                session,
                mailbox,
            },
            Err(connect) => return Ok(connect),
        };
        if let Some(connect) = self.keeps_out(&found, domain, visit).await? {
            return Ok(connect);
        }
        match visit.answer {
            None => Ok(Connect::Ask(Box::new(ask(&found, visit.client)))),
            Some(false) => self.deny_device(found, visit).await,
            Some(true) => self.allow_device(found, visit).await,
        }
    }

    /// The device that waits with the code that was typed, and its app.
    async fn typed_code(
        &self,
        visit: &ConnectVisit<'_>,
        mailbox: &Mailbox,
    ) -> Result<Result<(WaitingDevice, OauthApp, UserCode), Connect>, Problem> {
        // What cannot be a code is mistyped, and guesses nothing.
        let Some(code) = UserCode::parse(visit.typed) else {
            return Ok(Err(self.unknown_code(mailbox, visit.client).await));
        };
        let now = self.clock.now();
        let room = self.waiting.lock().types(mailbox.id, now);
        if let Err(wait) = room {
            let refusal = throttled(wait.0.as_secs().max(1));
            let refused = self.refuse_device(None, mailbox, refusal, visit.client);
            return Ok(Err(Connect::Refused(refused.await)));
        }
        let found = self.device_of(&code).await;
        if !matches!(found, Ok(None)) {
            let now = self.clock.now();
            self.waiting.lock().was_not_wrong(mailbox.id, now);
        }
        let Some((device, app)) = found? else {
            return Ok(Err(self.unknown_code(mailbox, visit.client).await));
        };
        let over = match device.answer {
            DeviceAnswer::Waiting if device.ends <= now => Code::DeviceEnded,
            DeviceAnswer::Waiting => return Ok(Ok((device, app, code))),
            _ => Code::DeviceAnswered,
        };
        let refusal = apps::of_app(over, &app);
        let refused = self.refuse_device(Some(&app), mailbox, refusal, visit.client);
        Ok(Err(Connect::Type(Some(refused.await))))
    }

    async fn unknown_code(&self, mailbox: &Mailbox, client: &Client) -> Connect {
        let refusal = Refusal::new(Code::DeviceUnknown);
        let refused = self.refuse_device(None, mailbox, refusal, client);
        Connect::Type(Some(refused.await))
    }

    /// The device that shows a code, and its app.
    async fn device_of(
        &self,
        code: &UserCode,
    ) -> Result<Option<(WaitingDevice, OauthApp)>, Problem> {
        let tag = self.oauth_tag(Secret::UserCode, code.as_str());
        let mut read = self.store.read()?;
        let Some(device) = store::app_devices::by_user(&mut read, &tag).await? else {
            return Ok(None);
        };
        let app = store::oauth_apps::by_id(&mut read, device.app).await?;
        Ok(app.map(|app| (device, app)))
    }

    /// Why the person cannot answer for this app, if they cannot: as at the authorization endpoint.
    async fn keeps_out(
        &self,
        found: &Found<'_>,
        domain: &MailDomain,
        visit: &ConnectVisit<'_>,
    ) -> Result<Option<Connect>, Problem> {
        let (app, mailbox) = (&found.app, found.mailbox);
        let never = &app.settings.never_through;
        if found.session.provider.is_some_and(|by| never.contains(&by)) {
            return Ok(Some(Connect::SignIn(SignInFirst {
                why: Some((WhyAgain::Through, app.settings.name.clone())),
                never: self.slugs(never).await?,
            })));
        }
        let may = apps::may_use_devices(app);
        let Err(refusal) = may.and_then(|()| apps::may_use(app, mailbox, domain)) else {
            return Ok(None);
        };
        let refused = self.refuse_device(Some(app), mailbox, refusal, visit.client);
        Ok(Some(Connect::Refused(refused.await)))
    }

    async fn deny_device(
        &self,
        found: Found<'_>,
        visit: &ConnectVisit<'_>,
    ) -> Result<Connect, Problem> {
        let id = found.device.id;
        let denied = self
            .store
            .write(async move |tx: &mut Conn| store::app_devices::deny(tx, id).await);
        if !denied.await? {
            return Ok(self.answered_before(&found, visit).await);
        }
        let refusal =
            apps::of_app(Code::AppDenied, &found.app).with("scopes", &found.device.scopes);
        self.refuse_device(Some(&found.app), found.mailbox, refusal, visit.client)
            .await;
        Ok(Connect::Done(Done {
            app: found.app.settings.name,
            allowed: false,
        }))
    }

    /// Grant, connection and attempt in one commit; the device hears of it when it asks next.
    async fn allow_device(
        &self,
        found: Found<'_>,
        visit: &ConnectVisit<'_>,
    ) -> Result<Connect, Problem> {
        let mut record = Record::new(self, Door::App, visit.client);
        record.attempt.app = Some(found.app.id);
        record.attempt.provider = found.session.provider;
        record.about(Some(found.mailbox.id), &found.mailbox.address);
        let name = &found.app.settings.name;
        let from = found.device.ip.map(|ip| format!(" from {ip}"));
        let words = format!(
            "{name} on a device that asked{} may know: {}",
            from.unwrap_or_default(),
            found.device.scopes
        );
        record.attempt.trace.push("allowed", StepState::Ok, words);
        let allowed = Arc::new(Allowed {
            sid: self.new_app_sid(),
            device: found.device.clone(),
            app: found.app.clone(),
            mailbox: found.mailbox.clone(),
            session: found.session.clone(),
            record,
        });
        let stored = self
            .store
            .write(async move |tx: &mut Conn| allowed.store(tx).await);
        match stored.await {
            Ok(()) => Ok(Connect::Done(Done {
                app: found.app.settings.name,
                allowed: true,
            })),
            Err(NotStored::Before) => Ok(self.answered_before(&found, visit).await),
            Err(NotStored::Gone) => Ok(Connect::SignIn(SignInFirst::default())),
            Err(NotStored::Store(error)) => Err(error.into()),
        }
    }

    /// Somebody else was faster, or the code ended while the page was open.
    async fn answered_before(&self, found: &Found<'_>, visit: &ConnectVisit<'_>) -> Connect {
        let code = if found.device.ends <= self.clock.now() {
            Code::DeviceEnded
        } else {
            Code::DeviceAnswered
        };
        let refusal = apps::of_app(code, &found.app);
        let refused = self.refuse_device(Some(&found.app), found.mailbox, refusal, visit.client);
        Connect::Type(Some(refused.await))
    }

    async fn refuse_device(
        &self,
        app: Option<&OauthApp>,
        mailbox: &Mailbox,
        refusal: Refusal,
        client: &Client,
    ) -> Box<Refused> {
        let mut record = Record::new(self, Door::App, client);
        record.attempt.app = app.map(|app| app.id);
        record.about(Some(mailbox.id), &mailbox.address);
        self.refuse(record, refusal.with("address", &mailbox.address))
            .await
    }
}

fn ask(found: &Found<'_>, client: &Client) -> Ask {
    let device = &found.device;
    let known = |ip: Option<IpAddr>| ip.map(|ip| Network::from(Some(ip)));
    Ask {
        app: found.app.settings.name.clone(),
        address: found.mailbox.address.to_string(),
        code: found.code.clone(),
        scopes: told(&found.app.settings, &device.scopes),
        created: device.created,
        ip: device.ip,
        same_network: device.ip.is_some() && known(device.ip) == known(client.ip),
    }
}

/// Everything that is written when a device is allowed something.
struct Allowed {
    device: WaitingDevice,
    app: OauthApp,
    mailbox: Mailbox,
    session: Session,
    sid: String,
    record: Record,
}

/// Why nothing was allowed; nothing was written either.
enum NotStored {
    /// It was answered before.
    Before,
    /// The session ended meanwhile, or the person or the app may not any more.
    Gone,
    Store(StoreError),
}

impl From<StoreError> for NotStored {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Allowed {
    async fn store(&self, tx: &mut Conn) -> Result<(), NotStored> {
        let (mailbox, app) = (self.mailbox.id, self.app.id);
        let app = consented::still_counts(tx, &self.session, mailbox, app).await?;
        if app.is_none_or(|app| apps::may_use_devices(&app).is_err()) {
            return Err(NotStored::Gone);
        }
        let now = self.record.attempt.at;
        let scopes = self.device.scopes.as_str();
        let goes_on = goes_on(&self.app.settings, scopes);
        let new = NewGrant {
            app: self.app.id,
            mailbox: self.mailbox.id,
            session: (!goes_on).then_some(self.session.id),
            begun_in: Some(self.session.id),
            sid: &self.sid,
            storage: self.mailbox.storage,
            scopes,
            auth_time: self.session.proved,
            claims: None,
            now,
            ends: self.device.ends,
        };
        let grant = store::app_grants::insert(tx, &new).await?;
        if !store::app_devices::allow(tx, self.device.id, grant, now).await? {
            return Err(NotStored::Before);
        }
        let allowed = (self.app.id, scopes);
        consented::remember(tx, self.mailbox.id, allowed, true, now).await?;
        self.record.clone().insert(tx).await?;
        Ok(())
    }
}
