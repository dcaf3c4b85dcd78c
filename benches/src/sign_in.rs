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
use axum::Router;
use axum::body::Body;
use futures_util::StreamExt as _;
use http::header::{COOKIE, HOST, LOCATION};
use http::{Request, StatusCode};
use model::random::{self, Random};
use store::OsRandom;
use testkit::browser::Browser;
use tower::ServiceExt as _;
use web::site::Site;

use crate::company::{self, Company, MOST, PUBLIC, SLUG};
use crate::finding::{Finding, Line};
use crate::measure::latency::Latencies;
use crate::measure::own::cpu;
use crate::office::Office;
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
        let front = Arc::new(Front::new(&options.dir, Duration::ZERO, PEOPLE + 1).await?);
        let browsers = browsers(PEOPLE)?;
        // Discovery, keys and connections are those of a provider that is in use.
        let warm = Browser::new()?;
        let back = front.leave(&warm, PEOPLE).await?;
        front.come_back(back).await?;
        first.push(front.each(&browsers, BESIDE).await?);
        again.push(front.each(&browsers, BESIDE).await?);
        alone.push(front.each(&browsers, 1).await?);
        ensure!(
            front.mailboxes().await? == PEOPLE + 1,
            "not one mailbox each"
        );
    }
    for _ in 0..options.rounds {
        let front = Front::new(&options.dir, LATENCY, CROWD).await?;
        let mut latencies = front.at_once(&browsers(CROWD)?).await?;
        ensure!(front.mailboxes().await? == CROWD, "not one mailbox each");
        // The domain is full to the last place, and stays so.
        let late = Browser::new()?;
        let back = front.leave(&late, CROWD).await?;
        let status = front.answer(back).await?.status();
        ensure!(status == StatusCode::FORBIDDEN, "one too many: {status}");
        ensure!(front.mailboxes().await? == CROWD, "the limit did not hold");
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

/// An installation's site, and its provider.
struct Front {
    office: Office,
    router: Router,
    _company: Company,
}

/// Somebody on the way back: where to, and the cookie of their browser.
struct Back {
    target: String,
    cookie: String,
}

impl Front {
    async fn new(parent: &Path, latency: Duration, places: usize) -> anyhow::Result<Self> {
        let company = Company::start(latency)?;
        let office = Office::open(parent, &company.issuer, places).await?;
        let site = Arc::new(Site::new(PUBLIC, &[], &[])?);
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let router = web::router::router(office.app.clone(), &site, &random)?;
        Ok(Self {
            office,
            router,
            _company: company,
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
            let front = Arc::clone(self);
            tokio::spawn(async move { front.come_back(back).await })
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
        let (_, used) = self.office.app.domain(&"example.org".parse()?).await?;
        Ok(usize::try_from(used.mailboxes)?)
    }
}
