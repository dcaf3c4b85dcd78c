//! The web worker: everything HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use tokio::sync::watch;
use web::client_addr::TrustedProxies;
use web::serve::{Limits, Listener, serve};
use web::tls::{Certificates, PemFiles};

use super::{Context, Instruction, Instructions};

/// How long a planned stop waits for running requests. Short, because whoever connects meanwhile
/// waits for the successor.
const DRAIN: Duration = Duration::from_secs(5);

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
    let proxies: Vec<String> = context
        .config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    let proxies = TrustedProxies::parse(&proxies).map_err(anyhow::Error::msg)?;
    let router = router();
    context.keeper.ready().await?;
    if instructions.until_serve().await.is_none() {
        return Ok(());
    }
    let (stop, stopped) = watch::channel(false);
    let limits = Limits {
        drain: DRAIN,
        ..Limits::default()
    };
    let serving = tokio::spawn(serve(vec![listener], router, proxies, limits, stopped));
    while let Instruction::ReloadCertificates = instructions.next().await {
        if let Some(certificates) = &certificates
            && let Err(error) = certificates.reload()
        {
            tracing::error!(%error, "the new certificate cannot be used");
        }
    }
    stop.send_replace(true);
    serving.await?.context("cannot serve the web listener")
}

/// What is answered so far: that the worker is alive.
fn router() -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" }))
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
