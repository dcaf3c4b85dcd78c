//! The life after the start: signals, verbs, certificates, and the end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use engines::Engines;
use model::time::SystemClock;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::bench::{Bench, Edition};
use super::certificates::Certificates;
use super::engines::Plan;
use super::program::Program;
use super::start::Started;
use super::supervisor::{Directive, Supervisor, VerbRequest};
use super::worker::Worker;
use super::{Options, collect, sockets};
use crate::channel::control::{Role, Verb};
use crate::config::Config;

/// Between two looks at the certificate's files.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);

/// A worker's supervisor, from outside.
#[derive(Clone)]
struct Supervised {
    directives: mpsc::Sender<Directive>,
}

/// How much of a planned restart was left undone, and why.
enum Undone {
    /// Nothing was done.
    All(String),
    /// From the auth worker on.
    Auth(String),
    /// The engines alone.
    Engines(String),
}

/// What the running server works with. Clones share it.
#[derive(Clone)]
struct Server {
    options: Options,
    bench: Arc<Bench>,
    web: Supervised,
    auth: Supervised,
    mail: Option<Arc<(Plan, Engines)>>,
    certificates: Arc<tokio::sync::Mutex<Certificates>>,
    /// The engines have not taken over the newest certificate yet.
    untold: Arc<AtomicBool>,
    /// One planned restart at a time.
    replacing: Arc<tokio::sync::Mutex<()>>,
    /// One collect process at a time.
    collecting: Arc<tokio::sync::Mutex<()>>,
}

pub(super) async fn run(
    options: Options,
    started: Started,
    mut hangup: Signal,
    mut stop: impl Future<Output = ()> + Unpin,
) {
    let Started {
        bench,
        certificates,
        web,
        auth,
        mail,
        _instance,
    } = started;
    let (verbs_sender, mut verbs) = mpsc::channel(4);
    let (web, web_task) = supervise(Role::Web, &bench, &verbs_sender, web);
    let (auth, auth_task) = supervise(Role::Auth, &bench, &verbs_sender, auth);
    let server = Server {
        options,
        bench: Arc::clone(&bench),
        web: web.clone(),
        auth: auth.clone(),
        mail: mail.map(Arc::new),
        certificates: Arc::new(tokio::sync::Mutex::new(certificates)),
        untold: Arc::default(),
        replacing: Arc::default(),
        collecting: Arc::default(),
    };
    let mut tasks = tokio::task::JoinSet::new();
    let mut look = tokio::time::interval(CERTIFICATE_LOOK);
    loop {
        let server = server.clone();
        tokio::select! {
            () = &mut stop => break,
            _ = hangup.recv() => {
                tasks.spawn(async move { server.renew().await });
            }
            Some(request) = verbs.recv() => {
                tasks.spawn(async move { server.obey(request).await });
            }
            _ = look.tick() => {
                tasks.spawn(async move { server.look_at_certificates().await });
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    tracing::info!("stopping");
    tasks.shutdown().await;
    // The engines first: they would ask workers that are gone.
    if let Some(mail) = &server.mail {
        mail.1.stop().await;
    }
    for supervised in [&web, &auth] {
        // A supervisor that ended has stopped its worker.
        let _ = supervised.directives.send(Directive::Stop).await;
    }
    for task in [web_task, auth_task] {
        let _ = task.await;
    }
    sockets::remove(&bench.sockets);
    tracing::info!("stopped");
}

fn supervise(
    role: Role,
    bench: &Arc<Bench>,
    verbs: &mpsc::Sender<VerbRequest>,
    first: Worker,
) -> (Supervised, JoinHandle<()>) {
    let (sender, directives) = mpsc::channel(8);
    let supervisor = Supervisor {
        role,
        bench: Arc::clone(bench),
        directives,
        verbs: verbs.clone(),
    };
    (
        Supervised { directives: sender },
        tokio::spawn(supervisor.run(first)),
    )
}

impl Supervised {
    async fn replace(&self, edition: Option<Arc<Edition>>) -> Result<(), String> {
        let (reply, outcome) = oneshot::channel();
        let gone = || "the server is stopping".to_owned();
        let sent = self
            .directives
            .send(Directive::Replace(edition, reply))
            .await;
        sent.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

impl Server {
    async fn obey(&self, (verb, reply): VerbRequest) {
        let outcome = match verb {
            Verb::ReloadEngines => self.reload_engines().await,
            Verb::RestartAuth => {
                let _one = self.replacing.lock().await;
                self.auth.replace(None).await
            }
            Verb::Collect => {
                let _one = self.collecting.lock().await;
                let collected = collect::run(&self.bench).await;
                collected.map_err(|error| error.to_string())
            }
        };
        if let Err(error) = &outcome {
            tracing::error!(?verb, error, "an order of the web worker failed");
        }
        // The worker that asked may be gone.
        let _ = reply.send(outcome);
    }

    /// SIGHUP: the configuration and the program as they are now, in both workers and the engines.
    /// What cannot be taken over leaves the server as it is.
    async fn renew(&self) {
        let _one = self.replacing.lock().await;
        match self.try_renew().await {
            Ok(()) => {}
            Err(Undone::All(error)) => {
                tracing::error!(error, "the planned restart failed, what ran before goes on");
            }
            Err(Undone::Auth(error)) => tracing::error!(
                error,
                "the planned restart is half done: the web worker is new, the auth worker and the \
                 engines go on as before"
            ),
            Err(Undone::Engines(error)) => tracing::error!(
                error,
                "the planned restart is half done: both workers are new, the engines go on with \
                 their old configuration"
            ),
        }
    }

    async fn try_renew(&self) -> Result<(), Undone> {
        let edition = Arc::new(self.newest_edition().map_err(Undone::All)?);
        let opened = Certificates::open(&edition.config, &self.bench.accounts, &SystemClock);
        let (certificates, new_certificate) =
            opened.map_err(|error| Undone::All(error.to_string()))?;
        if let Some((plan, engines)) = self.mail.as_deref() {
            let checked = plan.check(engines, &edition.config, certificates.files());
            let checked = checked.await;
            checked.map_err(|error| Undone::All(error.to_string()))?;
        }
        *self.certificates.lock().await = certificates;
        let web = self.web.replace(Some(Arc::clone(&edition))).await;
        web.map_err(Undone::All)?;
        self.auth.replace(None).await.map_err(Undone::Auth)?;
        let engines = self.apply(&edition.config).await;
        let engines = engines.map_err(Undone::Engines)?;
        if new_certificate {
            self.tell_certificate().await;
        }
        tracing::info!(engines.changed = engines, "the planned restart is done");
        Ok(())
    }

    fn newest_edition(&self) -> Result<Edition, String> {
        let config = Config::load(&self.options.config_file, crate::environment())
            .map_err(|error| error.to_string())?;
        let current = self.bench.edition();
        let bound = current.config.sections_bound_at_start(&config);
        if !bound.is_empty() {
            let sections = bound.join(", ");
            return Err(format!(
                "changes of {sections} need a restart of the whole server"
            ));
        }
        let program = Program::open(&self.options.program).map_err(|error| error.to_string())?;
        Ok(Edition { program, config })
    }

    /// Has the engines take over `config`; `false` if they have it already, or there are none.
    async fn apply(&self, config: &Config) -> Result<bool, String> {
        let Some(mail) = &self.mail else {
            return Ok(false);
        };
        let (plan, engines) = mail.as_ref();
        let certificate = self.certificates.lock().await.files().cloned();
        let applied = plan.apply(engines, config, certificate.as_ref()).await;
        applied.map_err(|error| error.to_string())
    }

    async fn reload_engines(&self) -> Result<(), String> {
        let changed = self.apply(&self.bench.edition().config).await?;
        match &self.mail {
            Some(mail) if !changed => mail.1.reload().await.map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }

    async fn look_at_certificates(&self) {
        match self.certificates.lock().await.refresh() {
            Ok(true) => tracing::info!("the certificate is new"),
            Ok(false) if !self.untold.load(Relaxed) => return,
            Ok(false) => return self.tell_engines().await,
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used, the old one stays");
                return;
            }
        }
        self.tell_certificate().await;
    }

    async fn tell_certificate(&self) {
        // A worker that is just starting reads the new one anyhow.
        let _ = self
            .web
            .directives
            .send(Directive::ReloadCertificates)
            .await;
        self.tell_engines().await;
    }

    /// Has the engines take over the newest certificate. What fails is tried again at the next look:
    /// they would go on with the old one until it ends.
    async fn tell_engines(&self) {
        let Some(mail) = &self.mail else {
            return;
        };
        let told = mail.1.certificates_changed().await;
        self.untold.store(told.is_err(), Relaxed);
        match told {
            Ok(()) => tracing::info!("the engines show the new certificate"),
            Err(error) => tracing::error!(
                %error,
                "the engines did not take over the new certificate, it is tried again"
            ),
        }
    }
}
