//! The specimen's pages, also rendered by tests.

use askama::Template;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use http::request::Parts;
use model::random::Random;
use model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use web::csrf::FormToken;
use web::page::Page;
use web::parts::{
    Check, Checks, Code, Copied, Empty, Field, Icon, Link, Notice, Opt, Pager, Problems, Question,
    Quota, State as Standing, Tag, Verdict, When,
};
use web::route::{Gate, Policy, Routes};
use web::shell::{AdminEntry, AdminShell, Entries, Frame, PersonEntry, PersonShell, PublicShell};
use web::site::Site;
use web::{appearance, assets, edge, live};

/// State of the specimen site, where everybody may see everything.
#[derive(Clone)]
pub struct Specimen {
    site: Arc<Site>,
    entries: Entries,
}

impl FromRef<Specimen> for Arc<Site> {
    fn from_ref(specimen: &Specimen) -> Self {
        Self::clone(&specimen.site)
    }
}

impl Gate for Specimen {
    async fn admit(&self, _: Policy, _: &mut Parts) -> Result<(), Response> {
        Ok(())
    }
}

/// Bytes that need not be secret.
struct Plain;

impl Random for Plain {
    fn fill(&self, out: &mut [u8]) {
        for (n, byte) in out.iter_mut().enumerate() {
            *byte = u8::try_from(n * 37 % 251).unwrap_or_default();
        }
    }
}

/// The specimen with all its guards.
pub fn router(site: Arc<Site>) -> Result<Router, tower_http::csrf::ConfigError> {
    let mut routes = Routes::<Specimen>::new()
        .get(Policy::Public, "/specimen", parts)
        .get(Policy::Public, "/specimen/form", form)
        .get(Policy::Public, "/specimen/question", question)
        .get(Policy::Public, "/specimen/check", check)
        .get(Policy::Public, "/specimen/check/lines", check_lines)
        .get(Policy::Public, "/specimen/sign-in", sign_in)
        .get(Policy::Public, "/specimen/person", person)
        .post(Policy::Public, "/appearance", appearance::choose)
        .get(Policy::Public, assets::ROUTE, assets::serve);
    for entry in PersonEntry::ALL {
        routes = routes.get(Policy::Public, entry.path(), person);
    }
    for entry in AdminEntry::GROUPS
        .iter()
        .flat_map(|(_, entries)| entries.iter())
    {
        routes = routes.get(Policy::Public, entry.path(), list);
    }
    let rows = routes.rows().to_vec();
    let specimen = Specimen {
        entries: Entries::of(&rows),
        site: Arc::clone(&site),
    };
    let router = routes.into_router(specimen)?;
    Ok(edge::guarded(
        router,
        &rows,
        &site,
        &(Arc::new(Plain) as Arc<dyn Random>),
    ))
}

const NOW: Timestamp = Timestamp::from_secs(1_795_341_845);

fn admin(specimen: &Specimen, frame: Frame, token: FormToken, here: AdminEntry) -> AdminShell {
    AdminShell {
        frame,
        token,
        who: "karin".to_owned(),
        has_mailbox: true,
        here,
        notice: None,
        entries: specimen.entries.clone(),
    }
}

#[derive(Template)]
#[template(path = "specimen/parts.html")]
struct PartsPage {
    shell: AdminShell,
    verdicts: Vec<Verdict>,
    notices: Vec<Notice>,
    tags: Vec<Tag>,
    checks: Checks,
    rows: Vec<Copied>,
    code: Code,
    quotas: Vec<Quota>,
    empty: Empty,
    at: When,
    ago: When,
}

async fn parts(
    State(specimen): State<Specimen>,
    frame: Frame,
    token: FormToken,
) -> Page<PartsPage> {
    let fix = || Link::new("/specimen/form", "Use the answered issuer");
    Page(PartsPage {
        shell: admin(&specimen, frame, token, AdminEntry::Overview),
        verdicts: vec![
            Verdict::new(
                Standing::Error,
                "alice@example.org cannot sign in: no rule matched",
            )
            .because(
                "SSO-405. The claim mailcow_template was absent, and everyone else is refused. \
                     14 people met this in the last 7 days.",
            )
            .with(Link::new("/specimen/form", "Add a rule from these claims")),
            Verdict::new(
                Standing::Warn,
                "Works now, but the signing key is 90 days old",
            ),
            Verdict::new(Standing::Ok, "alice@example.org would get in now"),
            Verdict::new(
                Standing::Neutral,
                "Could not tell: the provider has not answered yet",
            ),
        ],
        notices: vec![
            Notice::done("Example SSO is switched on."),
            Notice::new(
                Standing::Warn,
                "TLS errors of auth.lan are ignored until 1 Dec 2026.",
            )
            .with(Link::new("/specimen/form", "Add its certificate instead")),
            Notice::new(
                Standing::Error,
                "The disk is full: nothing can be changed now.",
            ),
        ],
        tags: vec![
            Tag::new(Standing::Ok, "On"),
            Tag::new(Standing::Warn, "Never used"),
            Tag::new(Standing::Error, "Refused"),
            Tag::new(Standing::Neutral, "Local password"),
        ],
        checks: Checks::new(
            "Connection check",
            vec![
                Check::new(1, Standing::Ok, "Name resolves")
                    .seen("auth.example.org is 203.0.113.20 and 2001:db8::20")
                    .took(12),
                Check::new(2, Standing::Warn, "TLS connection")
                    .seen("Issued by Example CA, ends in 9 days")
                    .took(48),
                Check::new(4, Standing::Error, "Issuer is the same")
                    .seen("Configured https://auth.example.org, answered https://auth.example.org/")
                    .took(1)
                    .fixed_by(fix()),
                Check::new(6, Standing::Pending, "Signing keys"),
                Check::new(7, Standing::Skipped, "Capabilities"),
            ],
        ),
        rows: vec![
            Copied::new("server", "Server", "mail.example.org"),
            Copied::new("user", "User name", "alice@example.org"),
            Copied::new(
                "password",
                "Password",
                "gp7k-4qm2-xdab-cdef-ghjk-mnpq-rstu-vwxy",
            )
            .large(),
        ],
        code: Code::new(
            "authelia",
            "Client entry for Authelia's configuration.yml",
            "identity_providers:\n  oidc:\n    clients:\n      - client_id: gatepost\n        \
             redirect_uris:\n          - https://mail.example.org/sso/authelia/callback\n        \
             token_endpoint_auth_method: client_secret_basic\n",
        ),
        quotas: vec![
            Quota::new("Mailbox", 1_288_490_188, 5 << 30),
            Quota::new("Mailbox", 9 << 29, 5 << 30),
            Quota::new("Mailbox", 5 << 30, 5 << 30),
            Quota::new("Mailbox", 7 << 30, 0),
        ],
        empty: Empty::new(
            "No devices yet",
            "Mail programs cannot use your company sign-in. Each one gets a password of its own, \
             which you can take back at any time.",
        )
        .with(Link::new("/specimen/form", "Set up a device")),
        at: When::exactly(NOW),
        ago: When::ago(NOW.minus(Duration::from_secs(380)), NOW),
    })
}

struct Row {
    address: &'static str,
    name: &'static str,
    method: &'static str,
    template: &'static str,
    state: Tag,
    quota: Quota,
    seen: When,
}

#[derive(Template)]
#[template(path = "specimen/list.html")]
struct List {
    shell: AdminShell,
    filter: [Field; 3],
    rows: Vec<Row>,
    pager: Pager,
}

async fn list(State(specimen): State<Specimen>, frame: Frame, token: FormToken) -> Page<List> {
    let people = [
        (
            "alice@example.org",
            "Alice Ash",
            "Example SSO",
            "Staff",
            true,
        ),
        (
            "bob@example.org",
            "Bob Birch",
            "Local password",
            "Staff",
            true,
        ),
        (
            "carol.of.the.very.long.address@subsidiary.example.org",
            "Carol",
            "Example SSO",
            "",
            false,
        ),
        (
            "dave@example.org",
            "Dave Dogwood",
            "Example SSO",
            "Students",
            true,
        ),
    ];
    let row = |(n, (address, name, method, template, on)): (i64, _)| Row {
        address,
        name,
        method,
        template,
        state: if on {
            Tag::new(Standing::Ok, "On")
        } else {
            Tag::new(Standing::Error, "Switched off")
        },
        quota: Quota::new("Mailbox", (n + 1) << 30, 5 << 30).brief(),
        seen: When::ago(NOW.minus(Duration::from_secs(4_000)), NOW),
    };
    let all = |name: &str| {
        vec![
            Opt::new("", name, true),
            Opt::new("x", "example.org", false),
        ]
    };
    Page(List {
        shell: admin(&specimen, frame, token, AdminEntry::Mailboxes),
        filter: [
            Field::search("q", "Find", "").attribute("placeholder", "address or name"),
            Field::select("domain", "Domain", all("All domains")),
            Field::select("state", "State", all("Any state")),
        ],
        rows: (0..).zip(people).map(row).collect(),
        pager: Pager {
            summary: "50 of 4,212 mailboxes".to_owned(),
            previous: Some("?before=1".to_owned()),
            next: Some("?after=50".to_owned()),
        },
    })
}

#[derive(Template)]
#[template(path = "specimen/form.html")]
struct Form {
    shell: AdminShell,
    problems: Problems,
    fields: Vec<Field>,
}

async fn form(State(specimen): State<Specimen>, frame: Frame, token: FormToken) -> Page<Form> {
    let mut problems = Problems::new();
    problems.add("issuer", "The issuer must begin with https://");
    problems.add(
        "unmatched",
        "Choose what happens to everyone no rule matches",
    );
    Page(Form {
        shell: admin(&specimen, frame, token, AdminEntry::Providers),
        fields: vec![
            Field::text("name", "Name on the button", "Example SSO")
                .required()
                .at_most(64),
            Field::url("issuer", "Issuer", "http://auth.example.org")
                .required()
                .help("As your provider writes it, with or without the slash at the end.")
                .problem(problems.of("issuer")),
            Field::secret("secret", "Client secret", "off")
                .help("Set on 22 Nov 2026, ends k3. Leave empty to keep it."),
            Field::area("ca", "CA certificate", "", 3).optional(),
            Field::number("quota", "Quota", "5").unit("GiB"),
            Field::date("ends", "Ends on", "2026-12-01").optional(),
            Field::select(
                "auth",
                "How to send the secret",
                vec![
                    Opt::new("auto", "Automatic", true),
                    Opt::new("post", "In the form", false),
                ],
            ),
            Field::checks(
                "domains",
                "Domains whose people it may sign in",
                vec![
                    Opt::new(1, "example.org", true),
                    Opt::new(2, "example.net", false),
                ],
            ),
            Field::radios(
                "unmatched",
                "Everyone no rule matches",
                vec![
                    Opt::new("refuse", "is refused", false),
                    Opt::new("1", "gets the template Default", false)
                        .help("5 GiB, IMAP, SMTP, Sieve; no POP3"),
                ],
            )
            .required()
            .problem(problems.of("unmatched")),
            Field::switch("create", "Create mailboxes at first sign-in", true)
                .help("Off: an administrator makes each mailbox."),
        ],
        problems,
    })
}

#[derive(Template)]
#[template(path = "specimen/question.html")]
struct Ask {
    shell: AdminShell,
    question: Question,
}

async fn question(State(specimen): State<Specimen>, frame: Frame, token: FormToken) -> Page<Ask> {
    Page(Ask {
        question: Question {
            title: "Revoke “Alice's phone”?".to_owned(),
            lines: vec!["Mail programs that use this password stop working at once.".to_owned()],
            action: "/specimen/question".to_owned(),
            act: "Revoke",
            danger: true,
            back: "/specimen".to_owned(),
            hidden: vec![],
            token: token.clone(),
        },
        shell: admin(&specimen, frame, token, AdminEntry::Mailboxes),
    })
}

#[derive(Template)]
#[template(path = "specimen/check.html")]
struct CheckPage {
    shell: AdminShell,
    checks: Checks,
}

async fn check(
    State(specimen): State<Specimen>,
    frame: Frame,
    token: FormToken,
) -> Page<CheckPage> {
    let line = |n| Check::new(n, Standing::Pending, format!("Step {n}"));
    Page(CheckPage {
        shell: admin(&specimen, frame, token, AdminEntry::Providers),
        checks: Checks::new("Connection check", (1..=3).map(line).collect())
            .following("/specimen/check/lines", "/specimen/check"),
    })
}

async fn check_lines() -> Response {
    let (sender, lines) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for n in 1..=3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let line = Check::new(n, Standing::Ok, format!("Step {n}")).seen("a <b>\r\nc");
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    live::checks(lines, "/specimen".to_owned())
}

#[derive(Template)]
#[template(path = "specimen/sign_in.html")]
struct SignIn {
    shell: PublicShell,
    fields: [Field; 2],
}

async fn sign_in(frame: Frame) -> Page<SignIn> {
    Page(SignIn {
        shell: PublicShell::new(frame),
        fields: [
            Field::text("address", "Address", ""),
            Field::secret("password", "Password", "current-password"),
        ],
    })
}

#[derive(Template)]
#[template(path = "specimen/person.html")]
struct Person {
    shell: PersonShell,
    quota: Quota,
    rows: [Copied; 3],
}

async fn person(State(specimen): State<Specimen>, frame: Frame, token: FormToken) -> Page<Person> {
    Page(Person {
        shell: PersonShell {
            frame,
            token,
            address: "alice@example.org".to_owned(),
            administers: true,
            here: PersonEntry::Home,
            notice: Some(Notice::done("Your mailbox alice@example.org was created.")),
            entries: specimen.entries,
        },
        quota: Quota::new("Your mailbox", 1_288_490_188, 5 << 30),
        rows: [
            Copied::new("imap", "Incoming (IMAP)", "mail.example.org"),
            Copied::new("port", "Port", 993),
            Copied::new(
                "password",
                "Password",
                "gp7k-4qm2-xdab-cdef-ghjk-mnpq-rstu-vwxy",
            )
            .large(),
        ],
    })
}
