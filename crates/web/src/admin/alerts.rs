//! Alerts as the overview shows them, and what an administrator does with one.

use super::fix;
use super::list::with_query;
use crate::error::Failure;
use crate::form::Posted;
use crate::parts::{Link, Notice, State as Standing, Tag, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::AdminEntry;
use crate::state::WebState;
use app::alerts::AlertAct;
use axum::extract::{Path, State};
use axum::response::Redirect;
use model::alert::{About, Alert, Topic};
use model::ids::AlertId;
use model::outcome::Code;
use model::provider::Provider;
use model::time::Timestamp;

use super::form::Yes;

/// The routes of these acts.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .post(admin, "/admin/alerts/{id}/acknowledge", acknowledge)
        .post(admin, "/admin/alerts/{id}/close", close)
}

/// An alert as a line of a list.
pub(super) struct Line {
    /// The alert.
    pub alert: Alert,
    /// Its state in a word.
    pub state: Tag,
    /// What has to be mended, by its name.
    pub about: String,
    /// When the last met it.
    pub last: When,
    /// Where it is mended.
    pub fix: Option<Link>,
    /// The attempts that it counts.
    pub attempts: Option<Link>,
}

/// Alerts as lines.
pub(super) fn lines(alerts: Vec<Alert>, providers: &[Provider], now: Timestamp) -> Vec<Line> {
    let line = |alert: Alert| {
        let provider = match alert.about {
            About::Provider(id) => providers.iter().find(|provider| provider.id == id),
            About::Domain(_) | About::Server => None,
        };
        let who = alert.details.people.last().map(String::as_str);
        let button = alert.details.refusal.as_ref();
        Line {
            state: if alert.acknowledged.is_some() {
                Tag::new(Standing::Neutral, "Acknowledged")
            } else {
                Tag::new(Standing::Error, "New")
            },
            about: match (&alert.about, provider) {
                (_, Some(provider)) => provider.settings.name.clone(),
                (About::Provider(_), None) => "a provider that is gone".to_owned(),
                (About::Domain(name), _) => name.to_string(),
                (About::Server, _) => "this server".to_owned(),
            },
            last: When::ago(alert.last, now),
            fix: match button {
                // One such person is told by the helpdesk; several moved with their provider.
                Some(refusal) if refusal.code == Code::LinkedElsewhere => Some(Link::new(
                    "/admin/relinks/new",
                    "Move people to another provider",
                )),
                Some(refusal) => fix::button(refusal, who, provider, None),
                None => provider.map(|p| {
                    let words = match alert.topic {
                        Topic::Unconfirmed => "Look at it and resume",
                        Topic::Refusals(_) | Topic::ProviderUnreachable | Topic::NobodyReturns => {
                            "Open the provider"
                        }
                    };
                    Link::new(fix::path_of(&p.slug), words)
                }),
            },
            attempts: button.and_then(|refusal| {
                let code = match alert.topic {
                    Topic::Refusals(_) | Topic::ProviderUnreachable => refusal.code.id(),
                    Topic::Unconfirmed | Topic::NobodyReturns => return None,
                };
                let path = with_query(AdminEntry::SignIns.path(), &[("code", code)]);
                Some(Link::new(path, format!("Attempts with {code}")))
            }),
            alert,
        }
    };
    alerts.into_iter().map(line).collect()
}

/// Whether an alert tells that background checks of a provider have stopped.
pub(super) fn is_brake(alert: &Alert, provider: &Provider) -> bool {
    alert.topic == Topic::Unconfirmed && alert.about == About::Provider(provider.id)
}

async fn acknowledge(
    state: State<WebState>,
    admin: Administrator,
    id: Path<String>,
    _: Posted<Yes>,
) -> Result<Redirect, Failure> {
    settle(
        state,
        admin,
        id,
        AlertAct::Acknowledge,
        "The alert is acknowledged.",
    )
    .await
}

async fn close(
    state: State<WebState>,
    admin: Administrator,
    id: Path<String>,
    _: Posted<Yes>,
) -> Result<Redirect, Failure> {
    settle(state, admin, id, AlertAct::Close, "The alert is closed.").await
}

async fn settle(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    act: AlertAct,
    done: &'static str,
) -> Result<Redirect, Failure> {
    let id: AlertId = id.parse().map_err(|_| Failure::not_found())?;
    state.app.settle_alert(&admin.actor(), id, act).await?;
    admin.tell(Notice::done(done));
    Ok(Redirect::to(AdminEntry::Overview.path()))
}
