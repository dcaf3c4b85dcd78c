//! Bringing everything up, in order.

use std::sync::Arc;

use model::time::SystemClock;
use secrecy::ExposeSecret as _;
use store::OsRandom;
use zeroize::Zeroizing;

use super::accounts::{self, Accounts};
use super::bench::{Bench, Edition};
use super::certificates::Certificates;
use super::engines::{MailError, Plan};
use super::lock::Lock;
use super::program::Program;
use super::supervisor::{READY, STOP};
use super::worker::{StartError, Worker};
use super::{KeeperError, Options, directories, leftovers, migrate, sockets};
use crate::channel::control::{Order, Role};
use crate::config::Config;

/// A server that is up.
pub(super) struct Started {
    pub(super) bench: Arc<Bench>,
    pub(super) certificates: Certificates,
    pub(super) web: Worker,
    pub(super) auth: Worker,
    pub(super) mail: Option<(Plan, ::engines::Engines)>,
    /// Ends with the keeper.
    pub(super) _instance: Lock,
}

pub(super) async fn start(options: &Options, config: Config) -> Result<Started, KeeperError> {
    // Before anything is started that inherits it.
    ::engines::supervise::raise_open_files();
    // Nothing of ours is for other accounts unless we say so.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
    let accounts = accounts::resolve(&config)?;
    let layout = config.layout();
    directories::make_run(&layout, &accounts)?;
    let instance = Lock::take(&layout.instance_lock()).map_err(KeeperError::Locked)?;
    leftovers::stop(layout.run(), &accounts)
        .await
        .map_err(|source| KeeperError::System {
            what: "left-over workers",
            source,
        })?;
    directories::make(&layout, &accounts)?;
    // After the left-overs: one of them may have held it.
    let data_lock = Lock::take(&layout.data_lock()).map_err(KeeperError::Locked)?;
    let (certificates, _) = Certificates::open(&config, &accounts, &SystemClock)?;
    let bound = sockets::bind(&config, &accounts)?;
    let plan = Plan::new(&config, &accounts, &OsRandom).await?;
    let program = Program::open(&options.program).map_err(|source| KeeperError::System {
        what: "cannot open the installed program",
        source,
    })?;
    let mut bench = Bench::new(accounts, bound, data_lock, Edition { program, config });
    if let Some(plan) = &plan {
        bench.quota = plan.quota();
        bench.internal = vec![plan.sieve_submission()];
        bench.kick_key = Zeroizing::new(plan.kick_key().expose_secret().as_bytes().to_vec());
    }
    let bench = Arc::new(bench);
    let edition = bench.edition();
    migrate::run(&bench, &edition)
        .await
        .map_err(KeeperError::Migrate)?;
    let (web, auth) = workers(&bench, &edition).await?;
    let mail = match plan {
        None => None,
        Some(plan) => match plan.start(&edition.config, certificates.files()).await {
            Ok(engines) => Some((plan, engines)),
            Err(error) => {
                tokio::join!(web.stop(STOP), auth.stop(STOP));
                return Err(why_no_mail(error, &edition.config));
            }
        },
    };
    announce(&edition.config, &accounts);
    Ok(Started {
        bench,
        certificates,
        web,
        auth,
        mail,
        _instance: instance,
    })
}

async fn workers(bench: &Bench, edition: &Edition) -> Result<(Worker, Worker), KeeperError> {
    let up = async |role: Role| {
        let failed = |source| KeeperError::Worker {
            role: role.name(),
            source,
        };
        let mut worker = Worker::start(bench, edition, role).await.map_err(failed)?;
        worker.ready(READY).await.map_err(failed)?;
        let serve = worker.tell(&Order::Serve).await;
        serve.map_err(|error| failed(StartError::Control(error)))?;
        Ok::<_, KeeperError>(worker)
    };
    // The auth worker reads a store that the web worker has opened.
    let web = up(Role::Web).await?;
    let auth = up(Role::Auth).await?;
    Ok((web, auth))
}

/// A taken port says more than the engine's own words about it. By now nothing of ours holds one.
fn why_no_mail(error: MailError, config: &Config) -> KeeperError {
    match sockets::probe_mail_ports(config) {
        Err(taken) => KeeperError::Sockets(taken),
        Ok(()) => KeeperError::Mail(error),
    }
}

fn announce(config: &Config, accounts: &Accounts) {
    let listeners: Vec<String> = config
        .listen
        .entries()
        .into_iter()
        .filter(|(_, endpoint)| endpoint.is_on())
        .map(|(name, endpoint)| format!("{name}={endpoint}"))
        .collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        public_url = config.public_url.as_str(),
        data.dir = %config.data.dir.display(),
        run.dir = %config.run.dir.display(),
        listen = listeners.join(" "),
        accounts.separate = accounts.separate,
        "gatepost is up"
    );
}
