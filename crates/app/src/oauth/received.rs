//! What an app would receive for a person: the answers themselves, made by the code that makes the
//! real ones, with words in the place of everything that would open something. Nothing is stored.

use super::authorize::{NONCE, Rehearsal};
use super::bearer::{opens_userinfo, userinfo};
use super::claims::{Profile, for_id_token};
use super::names::{Scope, subject};
use super::redeem::is_refreshable;
use super::token::{ID_TOKEN, TokenSet, token_shape};
use crate::{App, Problem};
use model::address::Address;
use model::domain::MailDomain;
use model::grant::{Bearer, GrantPerson, TokenKind};
use model::ids::{GrantId, OauthAppId};
use model::mailbox::Mailbox;
use model::oauth_app::{AppSettings, FullName, OauthApp, SubjectKind};
use model::outcome::{Code, Refusal};
use model::rules::apps;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use store::Conn;

const SID: &str = "(one for each web session)";
const AT_HASH: &str = "(made of the access token)";

/// What becomes of a person's sign-in to an app, and what the app receives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppTest {
    /// The app's name.
    pub app: String,
    /// Its name in requests.
    pub client_id: String,
    /// Whose sign-in.
    pub address: String,
    /// What it would ask for.
    pub asked: String,
    /// What it would be granted; empty for whoever is refused.
    pub scopes: String,
    /// Why they may not use it.
    pub refusal: Option<Refusal>,
    /// Where that is mended.
    pub mend: Option<AppMend>,
    /// How they come to the app.
    pub ways: Vec<AppWay>,
    /// Whether they are asked, and why.
    pub consent: Option<String>,
    /// Everything the app receives, in order.
    pub received: Vec<Received>,
    /// What other settings of the app would change in it.
    pub otherwise: Vec<String>,
}

/// Where a refusal is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppMend {
    /// At the app.
    App,
    /// At the mailbox, which is switched off.
    Mailbox,
    /// At the domain, which is switched off.
    Domain,
}

/// One way to the app, or one that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppWay {
    /// Whether it leads there.
    pub open: bool,
    /// Which it is.
    pub words: String,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Which: `authorization`, `token`, `id_token`, `userinfo`, `profile`.
    pub what: String,
    /// Its name for people.
    pub title: String,
    /// How long it counts, and where it goes.
    pub about: String,
    /// As it is sent, in the order in which it is sent.
    pub text: String,
    /// The same, for programs.
    pub content: Value,
}

impl AppTest {
    /// Whether the person comes to the app.
    #[must_use]
    pub fn gets_in(&self) -> bool {
        self.refusal.is_none() && self.ways.iter().any(|way| way.open)
    }

    /// The decision in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { app, address, .. } = self;
        match &self.refusal {
            Some(refusal) => format!("{address} is refused: {}", refusal.code),
            None if self.gets_in() => format!("{address} may use {app}"),
            None => format!("{address} may use {app}, and has no way to sign in to it"),
        }
    }
}

impl App {
    /// What an app would receive for a person. `scopes` is what it asks for; `None` stands for what
    /// its card's guide has.
    ///
    /// # Errors
    /// [`Problem::NotFound`], or [`Problem::Invalid`] at `person` for an address that is no
    /// mailbox's.
    pub async fn test_app(
        &self,
        id: OauthAppId,
        person: &str,
        scopes: Option<&str>,
    ) -> Result<AppTest, Problem> {
        let app = self.oauth_app(id).await?;
        let (mailbox, domain) = self.tested_person(person).await?;
        let scopes: Vec<&str> = match scopes {
            Some(scopes) => scopes.split_whitespace().collect(),
            None => default_scopes(&app.settings).split(' ').collect(),
        };
        let asked = scopes.join(" ");
        let mut test = AppTest {
            app: app.settings.name.clone(),
            client_id: app.client_id.clone(),
            address: mailbox.address.to_string(),
            scopes: String::new(),
            refusal: None,
            mend: None,
            ways: Vec::new(),
            consent: None,
            received: Vec::new(),
            otherwise: Vec::new(),
            asked,
        };
        let rehearsal = match self.rehearse(&app, &test.asked) {
            Ok(rehearsal) => rehearsal,
            Err(Problem::Refused(refusal)) => {
                test.refuse(refusal, AppMend::App);
                return Ok(test);
            }
            Err(problem) => return Err(problem),
        };
        let mut sql = self.store.read()?;
        if let Err(refusal) = apps::may_use(&app, &mailbox, &domain) {
            let mend = match (domain.active, mailbox.active) {
                (false, _) => AppMend::Domain,
                (true, false) => AppMend::Mailbox,
                (true, true) => AppMend::App,
            };
            test.refuse(refusal, mend);
            let no = rehearsal.answers.map(|(_, no)| no);
            test.received.extend(no.map(|no| {
                let about = format!("when they go back to {}", no.redirect);
                authorization(&no.parameters, about)
            }));
            return Ok(test);
        }
        let before = store::app_connections::get(&mut sql, mailbox.id, app.id).await?;
        let allowed = before.filter(|before| before.asked);
        let allowed = allowed.as_ref().map(|before| before.scopes.as_str());
        let asking = match &rehearsal.answers {
            Some(_) => apps::asking(&app, rehearsal.web, &rehearsal.scopes, allowed),
            None => apps::Asking::Device,
        };
        let mut consent = asking.words().to_owned();
        if app.settings.devices && !asking.asks() {
            consent.push_str("; on a device they are asked each time");
        }
        test.consent = Some(consent);
        test.ways = self.ways_to_app(&mut sql, &app, &mailbox).await?;
        self.fill(&mut sql, &mut test, &app, rehearsal, (&mailbox, &domain))
            .await?;
        Ok(test)
    }

    /// The mailbox at an address, with its domain.
    async fn tested_person(&self, person: &str) -> Result<(Mailbox, MailDomain), Problem> {
        let wrong = |words: String| Problem::field("person", words);
        let address = Address::parse(person).map_err(|error| wrong(error.to_string()))?;
        let mut sql = self.store.read()?;
        let found = store::mailboxes::by_address(&mut sql, &address).await?;
        let Some(mailbox) = found else {
            let alias = store::aliases::by_address(&mut sql, &address).await?;
            return Err(wrong(match alias {
                Some(_) => format!("{address} is an alias: nobody signs in as one"),
                None => format!("there is no mailbox {address} yet"),
            }));
        };
        let domain = store::domains::by_id(&mut sql, mailbox.domain).await?;
        let gone = || wrong(format!("the domain of {address} is gone"));
        Ok((mailbox, domain.ok_or_else(gone)?))
    }

    /// How somebody without a session comes to an app.
    async fn ways_to_app(
        &self,
        sql: &mut Conn,
        app: &OauthApp,
        mailbox: &Mailbox,
    ) -> Result<Vec<AppWay>, Problem> {
        let settings = &app.settings;
        let providers = store::providers::all(sql).await?;
        let linked = store::links::of_mailbox(sql, mailbox.id).await?;
        let pending = store::links::pending_of(sql, mailbox.id).await?;
        let by = linked.iter().map(|link| link.provider);
        let by: Vec<_> = by.chain(pending.map(|pending| pending.provider)).collect();
        let mut ways = Vec::new();
        if mailbox.methods.local && mailbox.has_password {
            ways.push(AppWay {
                open: true,
                words: "by their local password".to_owned(),
            });
        }
        let own = providers
            .iter()
            .filter(|provider| by.contains(&provider.id));
        for provider in own.filter(|_| mailbox.methods.provider) {
            let name = &provider.settings.name;
            let (open, words) = if settings.never_through.contains(&provider.id) {
                let words = format!("never through {name}: the app's settings say so");
                (false, words)
            } else if provider.settings.active {
                (true, format!("through {name}"))
            } else {
                (false, format!("not through {name}: it is switched off"))
            };
            ways.push(AppWay { open, words });
        }
        if ways.is_empty() {
            ways.push(AppWay {
                open: false,
                words: "no provider is linked, and there is no local password".to_owned(),
            });
        }
        let straight = self.meant(app, None).await?;
        let hinted = match &straight {
            Some(_) => None,
            None => self.meant(app, Some(&mailbox.address)).await?,
        };
        for (provider, when) in [
            (straight, "whoever has no session"),
            (hinted, "if the app names the address (login_hint), they"),
        ] {
            let Some(provider) = provider else { continue };
            let verb = if when.ends_with("they") { "go" } else { "goes" };
            ways.push(AppWay {
                open: by.contains(&provider.id) && mailbox.methods.provider,
                words: format!("{when} {verb} straight to {}", provider.settings.name),
            });
        }
        Ok(ways)
    }

    /// The answers, in the order in which they come.
    async fn fill(
        &self,
        sql: &mut Conn,
        test: &mut AppTest,
        app: &OauthApp,
        rehearsal: Rehearsal,
        (mailbox, domain): (&Mailbox, &MailDomain),
    ) -> Result<(), Problem> {
        let (settings, now) = (&app.settings, self.clock.now());
        let lifetimes = settings.lifetimes();
        test.scopes.clone_from(&rehearsal.scopes);
        if let Some((answer, _)) = &rehearsal.answers {
            let about = format!(
                "at {}; the code counts once, for {}",
                answer.redirect,
                lasting(lifetimes.code)
            );
            test.received.push(authorization(&answer.parameters, about));
        }
        let openid = Scope::OpenId.is_in(&rehearsal.scopes);
        let shape = token_shape(settings);
        let refresh = is_refreshable(settings, &rehearsal.scopes).then(|| shape.to_owned());
        let mut about = format!("the access token counts for {}", lasting(lifetimes.access));
        if refresh.is_some() {
            about += &format!(
                ", the refresh token once, within {} of the last",
                lasting(lifetimes.refresh)
            );
        }
        let scopes = rehearsal.scopes.clone();
        let mut tokens = TokenSet::of(settings, scopes, shape.to_owned(), refresh);
        if openid {
            let words = format!("(below, signed with {})", settings.id_token_alg.name());
            tokens.id_token = Some(words);
        }
        test.received.push(received(
            "token",
            "Answer of the token endpoint",
            about,
            &tokens,
        )?);
        let bearer = Bearer {
            kind: TokenKind::Access,
            scopes: rehearsal.scopes,
            issued: now,
            ends: now.plus(lifetimes.access),
            used: None,
            grant: GrantId(0),
            auth_time: now,
            sid: SID.to_owned(),
            claims: None,
            app: app.id,
            person: GrantPerson::of(mailbox, domain),
            away: None,
        };
        if openid {
            let released = for_id_token(sql, &bearer).await?;
            let mut claims = self.id_token_claims(app, &bearer, released, (Some(NONCE), shape));
            claims.insert("at_hash".to_owned(), AT_HASH.into());
            let about = format!("good for {}; the times are those of now", lasting(ID_TOKEN));
            test.received
                .push(received("id_token", "ID token, decoded", about, &claims)?);
            if opens_userinfo(settings) {
                let claims = userinfo(sql, settings, &bearer).await?;
                let about = "as long as the access token counts".to_owned();
                test.received
                    .push(received("userinfo", "Userinfo", about, &claims)?);
            }
            test.otherwise.extend(other_subject(settings, mailbox));
        }
        if Scope::Profile.is_in(&bearer.scopes) {
            let about = "mailcow's endpoint, as long as the access token counts".to_owned();
            let profile = Profile::of(settings, &bearer.person);
            test.received
                .push(received("profile", "/oauth/profile", about, &profile)?);
            test.otherwise
                .extend(other_full_name(settings, &bearer.person));
        }
        Ok(())
    }
}

impl AppTest {
    fn refuse(&mut self, refusal: Refusal, mend: AppMend) {
        // What an app asks for is changed at its own side, which no page here leads to.
        self.mend = (refusal.code != Code::AppScope).then_some(mend);
        self.refusal = Some(refusal);
    }
}

/// What an app asks for as far as is known here: what its card's guide has.
#[must_use]
pub const fn default_scopes(settings: &AppSettings) -> &'static str {
    settings.card.scopes()
}

fn received(
    what: &str,
    title: &str,
    about: String,
    content: &impl Serialize,
) -> Result<Received, Problem> {
    let broken = |error: serde_json::Error| Problem::Unavailable(error.to_string());
    Ok(Received {
        what: what.to_owned(),
        title: title.to_owned(),
        about,
        text: serde_json::to_string_pretty(content).map_err(broken)?,
        content: serde_json::to_value(content).map_err(broken)?,
    })
}

/// Parameters of a redirect, one a line.
fn authorization(parameters: &[(&'static str, String)], about: String) -> Received {
    let lines = parameters.iter();
    let lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let content = parameters.iter();
    Received {
        what: "authorization".to_owned(),
        title: "Answer to the authorization request".to_owned(),
        about,
        text: lines.join("\n"),
        content: content
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect(),
    }
}

/// What `sub` would be with the other setting.
fn other_subject(settings: &AppSettings, mailbox: &Mailbox) -> Option<String> {
    let (kind, words) = match settings.subject {
        SubjectKind::Public => (
            SubjectKind::Pairwise,
            "sub is the same for every app; with an id of its own for this app it would be",
        ),
        SubjectKind::Pairwise => (
            SubjectKind::Public,
            "sub is this app's own; with the same for every app it would be",
        ),
    };
    let other = AppSettings {
        subject: kind,
        ..settings.clone()
    };
    Some(format!("{words} {}", subject(&other, mailbox.storage)))
}

/// What `full_name` would be with the other setting, if that makes a difference.
fn other_full_name(settings: &AppSettings, person: &GrantPerson) -> Option<String> {
    let (kind, words) = match settings.full_name {
        FullName::Name => (
            FullName::Address,
            "full_name is the mailbox's name; with the address instead it would be",
        ),
        FullName::Address => (
            FullName::Name,
            "full_name is the address; with the mailbox's name it would be",
        ),
    };
    let other = AppSettings {
        full_name: kind,
        ..settings.clone()
    };
    let other = Profile::of(&other, person);
    (other != Profile::of(settings, person)).then(|| format!("{words} {}", other.full_name()))
}

/// A time as people say it: all of ours are whole numbers of one unit.
fn lasting(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_largest_unit() {
        for (seconds, words) in [
            (60, "1 minute"),
            (3600, "1 hour"),
            (86_400, "1 day"),
            (31 * 86_400, "31 days"),
            (90, "90 seconds"),
        ] {
            assert_eq!(lasting(Duration::from_secs(seconds)), words);
        }
    }
}
