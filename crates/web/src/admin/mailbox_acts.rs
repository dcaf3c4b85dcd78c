//! What an administrator does with a mailbox beside changing its fields.

use super::blocks;
use super::form::{FormPage, Yes, address, ask, day_text, last_day, problems_of};
use super::mailbox::use_words;
use super::mailboxes::path_of;
use crate::error::Failure;
use crate::form::{Posted, Typed as Secret};
use crate::page::Page;
use crate::parts::{Field, Link, Notice, Opt, Problems, Question, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::local_password::{MAX_CHARS, MIN_CHARS};
use app::mailboxes::{DEFAULT_PASSWORD_GRACE_DAYS, MailboxView, MethodSwitch};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::ids::{AppPasswordId, ProviderId};
use model::provider::Provider;
use model::time::{DAY, Timestamp};
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/mailboxes/{name}/disable", show_disable)
        .post(admin, "/admin/mailboxes/{name}/disable", disable)
        .get(admin, "/admin/mailboxes/{name}/enable", ask_to_enable)
        .post(admin, "/admin/mailboxes/{name}/enable", enable)
        .get(admin, "/admin/mailboxes/{name}/password", show_password)
        .post(admin, "/admin/mailboxes/{name}/password", set_password)
        .get(admin, "/admin/mailboxes/{name}/method", show_method)
        .post(admin, "/admin/mailboxes/{name}/method", switch)
        .get(admin, "/admin/mailboxes/{name}/unlink/{id}", ask_to_unlink)
        .post(admin, "/admin/mailboxes/{name}/unlink/{id}", unlink)
        .get(
            admin,
            "/admin/mailboxes/{name}/devices/{id}/revoke",
            ask_to_revoke,
        )
        .post(admin, "/admin/mailboxes/{name}/devices/{id}/revoke", revoke)
        .get(admin, "/admin/mailboxes/{name}/delete", ask_to_delete)
        .post(admin, "/admin/mailboxes/{name}/delete", delete)
}

async fn of(state: &WebState, name: &str) -> Result<MailboxView, Failure> {
    Ok(state.app.mailbox(&address(name)?).await?)
}

/// A form about one mailbox.
fn form(
    admin: &Administrator,
    view: &MailboxView,
    act: &str,
    title: &str,
    submit: &'static str,
    problems: Problems,
    fields: Vec<Field>,
) -> FormPage {
    let path = path_of(&view.mailbox.address);
    FormPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        back: Link::new(path.as_str(), view.mailbox.address.to_string()),
        title: title.to_owned(),
        intro: String::new(),
        action: format!("{path}/{act}"),
        hidden: vec![],
        fields,
        submit,
        danger: false,
        apart: None,
        problems,
    }
}

/// A question about one mailbox.
fn question(
    admin: &Administrator,
    view: &MailboxView,
    act: &str,
    title: String,
    line: &str,
    button: &'static str,
) -> Question {
    let path = path_of(&view.mailbox.address);
    Question {
        title,
        lines: vec![line.to_owned()],
        action: format!("{path}/{act}"),
        act: button,
        danger: act != "enable",
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    }
}

/// Says what was done on the mailbox's page.
fn back(admin: &Administrator, view: &MailboxView, said: String) -> Response {
    admin.tell(Notice::done(said));
    Redirect::to(&path_of(&view.mailbox.address)).into_response()
}

async fn show_disable(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let reason = Field::text("reason", "Reason", "")
        .help("Administrators read it here. The person is told only that the mailbox is off.")
        .at_most(200)
        .optional();
    let title = format!("Switch {} off?", view.mailbox.address);
    Ok(FormPage {
        intro: "Its person is signed out everywhere, app passwords stop working and mail programs \
                are disconnected at once. It still receives mail."
            .to_owned(),
        ..form(
            &admin,
            &view,
            "disable",
            &title,
            "Switch off",
            Problems::new(),
            std::iter::once(reason)
                .chain(blocks::choice(&view))
                .collect(),
        )
    }
    .answer())
}

#[derive(Debug, Deserialize)]
struct Off {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    block: bool,
}

async fn disable(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(form): Posted<Off>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let (actor, address) = (admin.actor(), &view.mailbox.address);
    if form.block {
        let app = &state.app;
        app.disable_mailbox_and_block(&actor, address, &form.reason)
            .await?;
    } else {
        state
            .app
            .disable_mailbox(&actor, address, &form.reason)
            .await?;
    }
    let said = format!("{address} is switched off{}.", blocked_too(form.block));
    Ok(back(&admin, &view, said))
}

async fn ask_to_enable(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let title = format!("Switch {} on?", view.mailbox.address);
    let line = "Its person can sign in again, and app passwords work again.";
    let question = question(&admin, &view, "enable", title, line, "Switch on");
    Ok(ask(&admin, AdminEntry::Mailboxes, question))
}

async fn enable(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    state
        .app
        .enable_mailbox(&admin.actor(), &view.mailbox.address)
        .await?;
    Ok(back(
        &admin,
        &view,
        format!("{} is switched on.", view.mailbox.address),
    ))
}

fn password_page(admin: &Administrator, view: &MailboxView, problems: Problems) -> Response {
    let field = Field::secret("password", "New password", "new-password")
        .help(format!("At least {MIN_CHARS} characters."))
        .at_most(MAX_CHARS)
        .required()
        .problem(problems.of("password"));
    let intro = if view.mailbox.methods.local {
        "Its person is signed out, and mail programs that used the old one must be given the new \
         one."
    } else {
        "It lies dormant while the mailbox signs in by a provider, and works after a switch to \
         the local password."
    };
    FormPage {
        intro: intro.to_owned(),
        ..form(
            admin,
            view,
            "password",
            "Set the local password",
            "Set password",
            problems,
            vec![field],
        )
    }
    .answer()
}

async fn show_password(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    Ok(password_page(&admin, &view, Problems::new()))
}

#[derive(Debug, Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: Secret,
}

async fn set_password(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(form): Posted<NewPassword>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let address = &view.mailbox.address;
    match state
        .app
        .set_mailbox_password(&admin.actor(), address, form.password.0)
        .await
    {
        Ok(()) => Ok(back(
            &admin,
            &view,
            format!("{address} has a new local password."),
        )),
        Err(problem) => Ok(password_page(&admin, &view, problems_of(problem, "", &[])?)),
    }
}

#[derive(Template)]
#[template(path = "admin/method.html")]
struct MethodPage {
    shell: AdminShell,
    view: MailboxView,
    path: String,
    fields: Vec<Field>,
    problems: Problems,
    now: Timestamp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Method {
    to: String,
    expected_subject: String,
    keep: String,
    until: String,
}

/// The value of the choice that names a provider.
const BY_PROVIDER: &str = "provider:";

impl Method {
    /// What the page proposes: the other way, with the usual grace.
    fn proposed(view: &MailboxView, providers: &[Provider], now: Timestamp) -> Self {
        let provider = providers
            .iter()
            .find(|provider| may_sign_in(provider, view));
        let to = match provider {
            Some(provider) if view.mailbox.methods.local => {
                format!("{BY_PROVIDER}{}", provider.slug)
            }
            _ => "local".to_owned(),
        };
        let days = u32::try_from(DEFAULT_PASSWORD_GRACE_DAYS).unwrap_or(14);
        Self {
            to,
            expected_subject: String::new(),
            keep: "keep".to_owned(),
            until: day_text(Some(now.plus(DAY * days))),
        }
    }

    fn switch(&self, now: Timestamp) -> Result<MethodSwitch, Problems> {
        let mut problems = Problems::new();
        let Some(slug) = self.to.strip_prefix(BY_PROVIDER) else {
            return Ok(MethodSwitch::Local);
        };
        let until = match self.keep.as_str() {
            "keep" => {
                let until = last_day(&self.until, "until", &mut problems);
                if problems.is_empty() && until.is_none_or(|until| until <= now) {
                    problems.add("until", "Choose a day in the future.");
                }
                until
            }
            _ => None,
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(MethodSwitch::Provider {
            provider: slug.to_owned(),
            expected_subject: Some(self.expected_subject.trim().to_owned())
                .filter(|subject| !subject.is_empty()),
            keep_password_until: until,
        })
    }

    fn fields(
        &self,
        view: &MailboxView,
        providers: &[Provider],
        problems: &Problems,
    ) -> Vec<Field> {
        let has_password = view.mailbox.has_password;
        let mut ways: Vec<Opt> = providers
            .iter()
            .filter(|provider| may_sign_in(provider, view))
            .map(|provider| {
                let value = format!("{BY_PROVIDER}{}", provider.slug);
                let chosen = value == self.to;
                Opt::new(value, format!("By {}", provider.settings.name), chosen)
                    .help("The local password is kept, dormant.")
            })
            .collect();
        let local = Opt::new("local", "By the local password", self.to == "local");
        ways.push(if has_password {
            local.help("It works again as it was.")
        } else {
            local.help("There is none yet: set one first.").disabled()
        });
        let mut fields = vec![
            Field::radios("to", "Its person signs in", ways)
                .required()
                .problem(problems.of("to")),
            Field::code(
                "expected_subject",
                "Expected subject",
                self.expected_subject.as_str(),
            )
            .optional()
            .help(
                "Only with a provider: the stable id (sub) of the one person who may take this \
                     mailbox. Empty: the first whom the provider knows by this address.",
            ),
        ];
        if has_password {
            fields.push(Field::radios(
                "keep",
                "The local password in mail programs",
                vec![
                    Opt::new("keep", "Keep it until the day below", self.keep == "keep")
                        .help("Time to make app passwords for every device."),
                    Opt::new("end", "End it at once", self.keep != "keep")
                        .help("Mail programs that use it are disconnected."),
                ],
            ));
            fields.push(
                Field::date("until", "Last day", self.until.as_str()).problem(problems.of("until")),
            );
        }
        fields
    }

    async fn page(
        &self,
        state: &WebState,
        admin: &Administrator,
        view: MailboxView,
        problems: Problems,
    ) -> Result<Response, Failure> {
        let providers = state.app.providers().await?;
        let status = super::form::status_of(&problems);
        let page = MethodPage {
            shell: admin.shell(AdminEntry::Mailboxes),
            path: path_of(&view.mailbox.address),
            fields: self.fields(&view, &providers, &problems),
            now: state.app.now(),
            view,
            problems,
        };
        Ok((status, Page(page)).into_response())
    }
}

/// Whether a provider may sign in people of the mailbox's domain.
fn may_sign_in(provider: &Provider, view: &MailboxView) -> bool {
    provider.settings.domains.contains(&view.mailbox.domain)
}

async fn show_method(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let providers = state.app.providers().await?;
    let proposed = Method::proposed(&view, &providers, state.app.now());
    proposed.page(&state, &admin, view, Problems::new()).await
}

async fn switch(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Method>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let switch = match typed.switch(state.app.now()) {
        Ok(switch) => switch,
        Err(problems) => return typed.page(&state, &admin, view, problems).await,
    };
    let address = &view.mailbox.address;
    match state
        .app
        .switch_method(&admin.actor(), address, switch)
        .await
    {
        Ok(mailbox) => {
            let said = format!("{address} signs in by: {}.", mailbox.methods.label());
            Ok(back(&admin, &view, said))
        }
        Err(problem) => {
            let places = [("provider", "to"), ("password", "to")];
            let problems = problems_of(problem, "to", &places)?;
            typed.page(&state, &admin, view, problems).await
        }
    }
}

async fn ask_to_unlink(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let id: ProviderId = id.parse().map_err(|_| Failure::not_found())?;
    let (_, provider) = view
        .links
        .iter()
        .find(|(link, _)| link.provider == id)
        .ok_or_else(Failure::not_found)?;
    let title = format!("Unlink {} from {provider}?", view.mailbox.address);
    let line = "The person is signed out and can no longer get into this mailbox. To give it to \
                another person, switch the sign-in method to the provider again.";
    let question = question(
        &admin,
        &view,
        &format!("unlink/{id}"),
        title,
        line,
        "Unlink",
    );
    Ok(ask(&admin, AdminEntry::Mailboxes, question))
}

async fn unlink(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let id: ProviderId = id.parse().map_err(|_| Failure::not_found())?;
    state
        .app
        .unlink(&admin.actor(), &view.mailbox.address, id)
        .await?;
    Ok(back(&admin, &view, "The person is unlinked.".to_owned()))
}

async fn ask_to_revoke(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let id: AppPasswordId = id.parse().map_err(|_| Failure::not_found())?;
    let device = view.devices.iter().find(|device| device.id == id);
    let device = device.ok_or_else(Failure::not_found)?;
    let title = format!("Revoke “{}”?", device.name);
    let line = "Its password stops working at once, and mail programs that use it are \
                disconnected.";
    let question = question(
        &admin,
        &view,
        &format!("devices/{id}/revoke"),
        title,
        line,
        "Revoke",
    );
    Ok(ask(&admin, AdminEntry::Mailboxes, question))
}

async fn revoke(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let id: AppPasswordId = id.parse().map_err(|_| Failure::not_found())?;
    state
        .app
        .revoke_device(&admin.actor(), view.mailbox.id, id)
        .await?;
    Ok(back(
        &admin,
        &view,
        "The app password is revoked.".to_owned(),
    ))
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let title = format!("Delete {}?", view.mailbox.address);
    let line = "Its person is signed out, its devices are disconnected, and mail for it is \
                refused. The mail it holds is kept for a while, out of reach of any later owner \
                of this address; you are told until when. To keep the mailbox, switch it off \
                instead.";
    let Some(choice) = blocks::choice(&view) else {
        let question = question(&admin, &view, "delete", title, line, "Delete");
        return Ok(ask(&admin, AdminEntry::Mailboxes, question));
    };
    let (none, fields) = (Problems::new(), vec![choice]);
    Ok(FormPage {
        intro: line.to_owned(),
        danger: true,
        ..form(&admin, &view, "delete", &title, "Delete", none, fields)
    }
    .answer())
}

#[derive(Debug, Deserialize)]
struct Delete {
    #[serde(default)]
    block: bool,
}

/// What is said of a person who may not come back.
const fn blocked_too(block: bool) -> &'static str {
    if block {
        ", and its person may not come back"
    } else {
        ""
    }
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(form): Posted<Delete>,
) -> Result<Response, Failure> {
    let view = of(&state, &name).await?;
    let (actor, address) = (admin.actor(), &view.mailbox.address);
    let until = if form.block {
        state.app.delete_mailbox_and_block(&actor, address).await?
    } else {
        state.app.delete_mailbox(&actor, address).await?
    };
    admin.tell(Notice::done(format!(
        "{address} is deleted{}. Its mail is kept until {} in {}.",
        blocked_too(form.block),
        When::day(until).text(),
        view.mailbox.directory()
    )));
    Ok(Redirect::to(AdminEntry::Mailboxes.path()).into_response())
}
