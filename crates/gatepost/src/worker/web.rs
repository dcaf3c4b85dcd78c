//! The web worker: everything HTTP, the only writer of the store, and the outbox.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use app::App;
use model::random::Random;
use store::OsRandom;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use web::serve::{Limits, Listener, serve};
use web::site::Site;
use web::tls::{Certificates, PemFiles};

use super::{Context, Instruction, Instructions};
use crate::channel::control::SocketName;
use crate::wiring::{self, EngineEffects, RemoteDesk};
use crate::{administration, first_run};

/// How long a planned stop waits for running requests. Short, because whoever connects meanwhile
/// waits for the successor.
const DRAIN: Duration = Duration::from_secs(5);

/// How often what has ended is swept away.
const SWEEP: Duration = Duration::from_secs(60);

pub(super) async fn run(
    mut context: Context,
    mut instructions: Instructions,
) -> anyhow::Result<()> {
    let certificates = certificates(&context)?;
    let tls = certificates
        .as_ref()
        .map(Certificates::server_config)
        .transpose()?;
    let listener = Listener {
        socket: context.take_tcp()?,
        tls,
    };
    let admin = context.take_unix(SocketName::Admin)?;
    let site = Arc::new(site(&context)?);
    let (desk, learning) = RemoteDesk::connect(context.config.layout().channel_socket());
    let app = wiring::web_app(&context.config, &context.internal, Arc::new(desk))?;
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let router = web::router::router(app.clone(), &site, &random)?;
    context.keeper.ready().await?;
    if instructions.until_serve().await.is_none() {
        return Ok(());
    }
    learning.begin(app.clone());
    let (stop, aside) = (CancellationToken::new(), TaskTracker::new());
    let effects = Arc::new(EngineEffects::new(
        &context.config,
        &context.secret,
        context.keeper.clone(),
    ));
    let (outbox, engines, ended) = (app.clone(), effects.clone(), stop.clone());
    aside.spawn(async move {
        outbox.run_outbox(engines, ended.cancelled_owned()).await;
    });
    let (removals, ended) = (app.clone(), stop.clone());
    aside.spawn(async move {
        removals
            .run_removals(effects, ended.cancelled_owned())
            .await;
    });
    aside.spawn(sweep(app.clone(), stop.clone()));
    let (checks, ended) = (app.clone(), stop.clone());
    aside.spawn(async move {
        checks.run_background_checks(ended.cancelled_owned()).await;
    });
    let (telling, ended) = (app.clone(), stop.clone());
    aside.spawn(async move {
        telling.run_app_logouts(ended.cancelled_owned()).await;
    });
    aside.spawn(administration::serve(app.clone(), admin, stop.clone()));
    let (asked, config, ended) = (app.clone(), context.config.clone(), stop.clone());
    aside.spawn(async move {
        let attended = first_run::attend(&asked, &config);
        ended.run_until_cancelled(attended).await;
    });

    let (stop_serving, stopped) = watch::channel(false);
    let limits = Limits {
        drain: DRAIN,
        ..Limits::default()
    };
    let proxies = site.proxies().clone();
    let serving = tokio::spawn(serve(vec![listener], router, proxies, limits, stopped));
    while let Instruction::ReloadCertificates = instructions.next().await {
        if let Some(certificates) = &certificates
            && let Err(error) = certificates.reload()
        {
            tracing::error!(%error, "the new certificate cannot be used");
        }
    }
    stop_serving.send_replace(true);
    let served = serving.await?;
    stop.cancel();
    aside.close();
    aside.wait().await;
    served.context("cannot serve the web listener")
}

fn site(context: &Context) -> anyhow::Result<Site> {
    let config = &context.config;
    let hosts: Vec<String> = config.hosts.iter().map(ToString::to_string).collect();
    let proxies: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    let site = Site::new(config.public_url.as_str(), &hosts, &proxies)?;
    Ok(site.set_up_through(first_run::tunnel(config)))
}

async fn sweep(app: App, stop: CancellationToken) {
    let mut pace = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = pace.tick() => {}
        }
        if let Err(error) = app.sweep().await {
            tracing::warn!(%error, "what has ended could not be swept away");
        }
    }
}

fn certificates(context: &Context) -> anyhow::Result<Option<Arc<Certificates>>> {
    if !context.config.web_speaks_tls() {
        return Ok(None);
    }
    let layout = context.config.layout();
    let files = PemFiles {
        certificate: layout.certificate(),
        key: layout.certificate_key(),
    };
    Ok(Some(Certificates::load(vec![files])?))
}
