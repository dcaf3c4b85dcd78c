//! Coming back from the provider: a callback that makes the mailbox, one of somebody who has one, and
//! a whole company that comes back at once from a provider that takes its time.
//!
//! A callback is a request to the site's router, answered in this process: cookies, flow, token and
//! userinfo calls, signature, rules, one durable transaction, session. The provider is another
//! process, whose CPU is not counted.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use app::devices::ServerSettings;
use app::domains::DomainForm;
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::step_up::Doer;
use app::templates::TemplateForm;
use app::{App, AppConfig, Parts};
use axum::Router;
use axum::body::Body;
use futures_util::StreamExt as _;
use http::header::{COOKIE, HOST, LOCATION};
use http::{Request, StatusCode};
use model::audit::Actor;
use model::domain::{DomainLimits, GIB};
use model::preset::Preset;
use model::provider::{Endpoints, ProviderSettings};
use model::random::{self, Random};
use model::rule::Rule;
use model::session::SessionLifetime;
use model::template::TemplateSettings;
use model::time::{Clock, DAY, SystemClock, SystemMonotonic};
use rustix::time::{ClockId, clock_gettime};
use secrecy::SecretString;
use store::{MasterKey, OsRandom, Store};
use testkit::browser::Browser;
use tower::ServiceExt as _;
use upstream::Upstream;
use web::site::Site;

use crate::company::{self, CLIENT, Company, MOST, PUBLIC, SECRET, SLUG};
use crate::finding::{Finding, Line};
use crate::measure::latency::Latencies;
use crate::{Options, Outcome};

/// People of a round whose CPU is measured, one after another.
const PEOPLE: usize = 200;
/// How many of them come back side by side in a busy hour.
const BESIDE: usize = 16;
/// People who come back at once.
const CROWD: usize = 300;
/// How long each answer of their provider takes.
const LATENCY: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<Outcome> {
    let (mut alone, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut p99 = Vec::new();
    for _ in 0..options.rounds {
        let office = Arc::new(Office::new(&options.dir, Duration::ZERO, PEOPLE + 1).await?);
        let browsers = browsers(PEOPLE)?;
        // Discovery, keys and connections are those of a provider that is in use.
        let warm = Browser::new()?;
        let back = office.leave(&warm, PEOPLE).await?;
        office.come_back(back).await?;
        first.push(office.each(&browsers, BESIDE).await?);
        again.push(office.each(&browsers, BESIDE).await?);
        alone.push(office.each(&browsers, 1).await?);
        ensure!(
            office.mailboxes().await? == PEOPLE + 1,
            "not one mailbox each"
        );
    }
    for _ in 0..options.rounds {
        let office = Office::new(&options.dir, LATENCY, CROWD).await?;
        let mut latencies = office.at_once(&browsers(CROWD)?).await?;
        ensure!(office.mailboxes().await? == CROWD, "not one mailbox each");
        // The domain is full to the last place, and stays so.
        let late = Browser::new()?;
        let back = office.leave(&late, CROWD).await?;
        let status = office.answer(back).await?.status();
        ensure!(status == StatusCode::FORBIDDEN, "one too many: {status}");
        ensure!(office.mailboxes().await? == CROWD, "the limit did not hold");
        let slowest = latencies.percentile(0.99).context("nobody came")?;
        p99.push(f64::from(slowest) / 1e3);
    }
    Ok(Outcome {
        findings: vec![
            Finding::new(
                format!("callback, returning person, {BESIDE} side by side: CPU"),
                &again,
                "µs",
            )
            .wanted(Line::AtMost(400.0)),
            Finding::new(
                format!("callback, mailbox made, {BESIDE} side by side: CPU"),
                &first,
                "µs",
            )
            .wanted(Line::AtMost(1_000.0)),
            Finding::new(
                "callback, returning person, nobody beside: CPU",
                &alone,
                "µs",
            )
            .wanted(Line::AtMost(400.0)),
            Finding::new(
                format!("{CROWD} first sign-ins at once, provider takes 100 ms: p99"),
                &p99,
                "ms",
            )
            .wanted(Line::AtMost(1_500.0)),
        ],
        ..Outcome::default()
    })
}

fn browsers(people: usize) -> anyhow::Result<Vec<Browser>> {
    ensure!(people <= MOST, "the company has fewer people");
    Ok((0..people)
        .map(|_| Browser::new())
        .collect::<Result<_, _>>()?)
}

/// An installation with one domain and one provider.
struct Office {
    app: App,
    router: Router,
    _company: Company,
    _directory: tempfile::TempDir,
}

/// Somebody on the way back: where to, and the cookie of their browser.
struct Back {
    target: String,
    cookie: String,
}

impl Office {
    async fn new(parent: &Path, latency: Duration, places: usize) -> anyhow::Result<Self> {
        let company = Company::start(latency)?;
        let directory = tempfile::Builder::new().prefix("gps").tempdir_in(parent)?;
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let app = app(directory.path(), &random)?;
        set_up(&app, &company.issuer, places).await?;
        let site = Arc::new(Site::new(PUBLIC, &[], &[])?);
        let router = web::router::router(app.clone(), &site, &random)?;
        Ok(Self {
            app,
            router,
            _company: company,
            _directory: directory,
        })
    }

    /// Leaves for the provider and signs in there.
    async fn leave(&self, browser: &Browser, number: usize) -> anyhow::Result<Back> {
        let cookie = format!("gatepost-browser={}", random::token(&OsRandom));
        let target = format!("/sso/{SLUG}/start");
        let away = Back { target, cookie };
        let answer = self.ask(&away).await?;
        let departure = answer.headers().get(LOCATION);
        let departure = departure.with_context(|| format!("no departure: {}", answer.status()))?;
        let target = company::come_back(browser, departure.to_str()?, number).await?;
        Ok(Back { target, ..away })
    }

    async fn ask(&self, back: &Back) -> anyhow::Result<http::Response<Body>> {
        let request = Request::get(&back.target)
            .header(HOST, PUBLIC.trim_start_matches("http://"))
            .header(COOKIE, &back.cookie)
            .body(Body::empty())?;
        Ok(self.router.clone().oneshot(request).await?)
    }

    async fn answer(&self, back: Back) -> anyhow::Result<http::Response<Body>> {
        self.ask(&back).await
    }

    /// Comes back, and is in.
    async fn come_back(&self, back: Back) -> anyhow::Result<()> {
        let answer = self.answer(back).await?;
        let place = answer.headers().get(LOCATION);
        let place = place.map(http::HeaderValue::as_bytes);
        ensure!(place == Some(b"/home"), "not in: {}", answer.status());
        Ok(())
    }

    /// The CPU of one callback, in microseconds, when so many people come back side by side.
    async fn each(self: &Arc<Self>, browsers: &[Browser], beside: usize) -> anyhow::Result<f64> {
        let mut way = Vec::new();
        for (number, browser) in browsers.iter().enumerate() {
            way.push(self.leave(browser, number).await?);
        }
        let (before, people) = (cpu(), way.len());
        // As tasks, like the requests of a server.
        let coming = futures_util::stream::iter(way).map(|back| {
            let office = Arc::clone(self);
            tokio::spawn(async move { office.come_back(back).await })
        });
        let mut coming = coming.buffer_unordered(beside);
        while let Some(back) = coming.next().await {
            back??;
        }
        let spent = cpu().saturating_sub(before).as_secs_f64() * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let people = people as f64;
        Ok(spent / people)
    }

    /// How long everybody waits when all of them come back at once.
    async fn at_once(&self, browsers: &[Browser]) -> anyhow::Result<Latencies> {
        let leaving = browsers.iter().enumerate();
        let leaving = leaving.map(|(number, browser)| self.leave(browser, number));
        let way = futures_util::future::try_join_all(leaving).await?;
        let coming = way.into_iter().map(async |back| {
            let since = Instant::now();
            self.come_back(back).await?;
            anyhow::Ok(since.elapsed())
        });
        let mut latencies = Latencies::default();
        for waited in futures_util::future::try_join_all(coming).await? {
            latencies.record(waited);
        }
        Ok(latencies)
    }

    async fn mailboxes(&self) -> anyhow::Result<usize> {
        let (_, used) = self.app.domain(&"example.org".parse()?).await?;
        Ok(usize::try_from(used.mailboxes)?)
    }
}

/// What this process has used.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime)
        .try_into()
        .unwrap_or_default()
}

async fn set_up(app: &App, issuer: &str, places: usize) -> anyhow::Result<()> {
    let actor = Actor::CommandLine;
    let domain = DomainForm {
        name: "example.org".parse()?,
        active: true,
        limits: DomainLimits {
            max_mailboxes: places.try_into()?,
            default_quota: GIB,
            max_quota: GIB,
            domain_quota: GIB * i64::try_from(MOST)?,
        },
        role_target: Some("root@example.net".parse()?),
        confirm_within: None,
    };
    let domain = app.create_domain(&actor, domain).await?;
    let staff = TemplateForm {
        name: "Staff".to_owned(),
        settings: TemplateSettings::default(),
    };
    let staff = app.create_template(&actor, staff).await?;
    let settings = ProviderSettings {
        name: "Company".to_owned(),
        active: true,
        endpoints: Endpoints::Issuer {
            issuer: issuer.to_owned(),
        },
        client_id: CLIENT.to_owned(),
        scopes: "openid profile email mailcow_template".to_owned(),
        domains: vec![domain.id],
        rules: vec![Rule::mailcow("staff", staff.id)],
        private_hosts: vec!["127.0.0.1".to_owned()],
        ..Preset::Issuer.settings()
    };
    let secret = SecretString::from(SECRET);
    let doer = Doer::from(&actor).untested(true);
    app.create_provider(doer, SLUG, settings, Some(secret))
        .await?;
    Ok(())
}

fn app(directory: &Path, random: &Arc<dyn Random>) -> anyhow::Result<App> {
    let (key, file) = (directory.join("key"), directory.join("store.db"));
    let master = MasterKey::create_with_new_store(&key, &file, &OsRandom)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let pool = HashPool::new(Arc::clone(random)).context("password hashing")?;
    let budgets = Arc::new(Budgets::new(Arc::new(SystemMonotonic::start())));
    Ok(App::new(Parts {
        store: Store::open(&file)?,
        keys: master.purpose_keys()?,
        upstream: Upstream::new(
            upstream::Config::default(),
            Arc::clone(&clock),
            Arc::clone(random),
        ),
        desk: Arc::new(LocalDesk::new(budgets, Arc::new(pool))),
        clock,
        random: Arc::clone(random),
        config: AppConfig {
            public_url: PUBLIC.to_owned(),
            helpdesk: None,
            sessions: SessionLifetime::default(),
            admin_sessions: SessionLifetime::default(),
            servers: ServerSettings {
                servers: Vec::new(),
            },
            keep_attempts: DAY,
            keep_mail_attempts: DAY,
            keep_audit: DAY,
            keep_deleted_mail: DAY,
        },
    }))
}
