//! Runs the engines as children: start, watch, reload, change of configuration, stop.

mod error;
mod handle;
mod journal;
mod output;
mod probe;
mod runner;
mod state;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

pub use self::error::EnginesError;
use self::handle::Supervised;
use self::output::Words;
use self::runner::{Order, Runner};
pub use self::state::{Pace, State, Status};
use crate::description::MailSystem;
use crate::files::{Generation, Generations};
use crate::layout::Layout;
use crate::prepare::prepare;
pub use crate::processes::Engine;
use crate::programs::Programs;
use crate::render::{Releases, render};
use crate::validate::validate;
use crate::{accounts, addresses, certs, processes};

/// The running engines of one instance. Needs a tokio runtime with time and I/O.
///
/// Dropping it kills the engines on the spot; [`Engines::stop`] ends them in order.
#[derive(Debug)]
pub struct Engines {
    programs: Programs,
    releases: Releases,
    generations: Generations,
    system: Arc<RwLock<MailSystem>>,
    pace: Pace,
    supervised: Vec<Supervised>,
    refused: watch::Sender<Option<String>>,
    /// One change of configuration at a time.
    changing: Mutex<()>,
    stopped: AtomicBool,
}

impl Engines {
    /// Ends left-over engines of this instance, puts the description in force and starts both
    /// engines. Returns when both greet.
    ///
    /// If an engine refuses the new configuration, or does not run with it, and there is an older
    /// one, that one is started instead and [`Status::refused`] says why.
    ///
    /// # Errors
    /// See [`EnginesError`]; then nothing runs.
    pub async fn start(system: MailSystem, pace: Pace) -> Result<Self, EnginesError> {
        let programs = Programs::find(system.transport.is_some())?;
        let releases = programs.releases().await?;
        // Before anything is touched.
        let files = render(&system, releases)?;
        raise_open_files();
        let layout = Layout::of(&system.directories);
        end_left_over(&layout, pace.patience).await?;
        prepare(&system)?;
        let generations = Generations::open(&system.directories.config)?;
        let last_good = generations.current();
        let generation = generations.write(&files)?;
        let wanted = addresses::of(&system);
        let refused = match accept(&system, &wanted, &programs, generation.path()).await {
            Ok(()) => {
                generations.switch(&generation)?;
                None
            }
            Err(error) => {
                generations.discard(&generation);
                if last_good.is_none() {
                    return Err(error);
                }
                tracing::error!(error = %error, "configuration refused, the last good one is used");
                Some(error.to_string())
            }
        };
        let fall_back = last_good.filter(|_| refused.is_none());
        let with_transport = system.transport.is_some();
        let mut engines = Self {
            programs,
            releases,
            generations,
            system: Arc::new(RwLock::new(system)),
            pace,
            supervised: Vec::new(),
            refused: watch::Sender::new(refused),
            changing: Mutex::new(()),
            stopped: AtomicBool::new(false),
        };
        engines.supervise(Engine::Dovecot);
        if with_transport {
            engines.supervise(Engine::Postfix);
        }
        match engines.until_running().await {
            Ok(()) => Ok(engines),
            Err(error) => match fall_back {
                None => {
                    engines.stop().await;
                    Err(error)
                }
                Some(last_good) => engines.fall_back_at_start(&last_good, error).await,
            },
        }
    }

    async fn fall_back_at_start(
        self,
        last_good: &Generation,
        error: EnginesError,
    ) -> Result<Self, EnginesError> {
        if let Err(back) = self.back_to(last_good, &error).await {
            self.stop().await;
            return Err(back);
        }
        self.refused.send_replace(Some(error.to_string()));
        Ok(self)
    }

    fn supervise(&mut self, engine: Engine) {
        let (orders, received) = mpsc::channel(8);
        let (sender, state) = watch::channel(State::Starting);
        let words = Words::default();
        let runner = Runner {
            engine,
            programs: self.programs.clone(),
            system: Arc::clone(&self.system),
            pace: self.pace,
            words: words.clone(),
            state: sender,
            orders: received,
        };
        tokio::spawn(runner.run());
        self.supervised.push(Supervised {
            engine,
            orders,
            state,
            words,
        });
    }

    /// What both engines are doing now.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = |engine| {
            self.supervised
                .iter()
                .find(|supervised| supervised.engine == engine)
                .map(|supervised| supervised.state.borrow().clone())
        };
        Status {
            dovecot: state(Engine::Dovecot).unwrap_or(State::Stopped),
            postfix: state(Engine::Postfix),
            refused: self.refused.borrow().clone(),
        }
    }

    /// Follows one engine's state. `None` if it is not part of this instance.
    #[must_use]
    pub fn follow(&self, engine: Engine) -> Option<watch::Receiver<State>> {
        self.supervised
            .iter()
            .find(|supervised| supervised.engine == engine)
            .map(|supervised| supervised.state.clone())
    }

    /// Puts another description of the same instance in force. Sessions go on, unless a port moves
    /// to another address: then the engines restart.
    ///
    /// # Errors
    /// See [`EnginesError`]; then the configuration before is in force again.
    pub async fn apply(&self, system: MailSystem) -> Result<(), EnginesError> {
        let _one_at_a_time = self.changing.lock().await;
        let result = self.change(system).await;
        let refused = result.as_ref().err().map(ToString::to_string);
        self.refused.send_replace(refused);
        result
    }

    /// Whether the engines would accept a description, as far as that can be known without putting
    /// it in force. Nothing changes.
    ///
    /// # Errors
    /// See [`EnginesError`].
    pub async fn check(&self, system: &MailSystem) -> Result<(), EnginesError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = self.system.read().clone();
        let files = render(system, self.releases)?;
        let generation = self.generations.write(&files)?;
        let added = added_addresses(&before, system);
        let accepted = accept(system, &added, &self.programs, generation.path()).await;
        self.generations.discard(&generation);
        accepted
    }

    async fn change(&self, system: MailSystem) -> Result<(), EnginesError> {
        let before = self.system.read().clone();
        if before.directories != system.directories
            || before.transport.is_some() != system.transport.is_some()
        {
            return Err(EnginesError::OtherInstance);
        }
        let files = render(&system, self.releases)?;
        prepare(&system)?;
        let last_good = self.generations.current();
        let generation = self.generations.write(&files)?;
        let added = added_addresses(&before, &system);
        if let Err(error) = accept(&system, &added, &self.programs, generation.path()).await {
            self.generations.discard(&generation);
            prepare(&before)?;
            return Err(error);
        }
        self.generations.switch(&generation)?;
        let must_restart = moves_within_a_port(&before, &system);
        *self.system.write() = system;
        let changed = async {
            for supervised in &self.supervised {
                if must_restart {
                    supervised.restart().await?;
                } else {
                    supervised.reload().await?;
                }
            }
            self.until_running().await
        };
        let Err(error) = changed.await else {
            return Ok(());
        };
        prepare(&before)?;
        *self.system.write() = before;
        if let Some(last_good) = last_good {
            self.back_to(&last_good, &error).await?;
        }
        Err(error)
    }

    /// Puts an older generation in force again after `error`.
    async fn back_to(
        &self,
        generation: &Generation,
        error: &EnginesError,
    ) -> Result<(), EnginesError> {
        tracing::error!(error = %error, "configuration does not run, the last good one is used");
        self.generations.switch(generation)?;
        for supervised in &self.supervised {
            let running = matches!(*supervised.state.borrow(), State::Running { .. });
            if !running || supervised.reload().await.is_err() {
                supervised.restart().await?;
            }
        }
        self.until_running().await
    }

    /// Has both engines read their configuration and certificates again. Live sessions stay.
    ///
    /// # Errors
    /// [`EnginesError::Reload`] with what the engine's command said; one engine's failure keeps
    /// nothing from the other.
    pub async fn reload(&self) -> Result<(), EnginesError> {
        let mut failed = None;
        for supervised in &self.supervised {
            // The other engine has nothing to do with it.
            if let Err(error) = supervised.reload().await {
                failed = Some(match failed {
                    None => error,
                    Some(first) => EnginesError::Both(Box::new(first), Box::new(error)),
                });
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// To be called after certificate or key files were replaced: checks that they are a pair and
    /// reloads both engines.
    ///
    /// # Errors
    /// [`EnginesError::Certificate`]: nothing was reloaded, the engines go on with the old pair.
    /// Otherwise as [`Engines::reload`].
    pub async fn certificates_changed(&self) -> Result<(), EnginesError> {
        let _one_at_a_time = self.changing.lock().await;
        let files = self.system.read().tls.clone();
        certs::check(&files)?;
        self.reload().await
    }

    /// Ends one engine and starts it again. Its sessions end.
    ///
    /// # Errors
    /// [`EnginesError::NotRunning`] with what it said if it does not come back in time; it is
    /// tried further.
    pub async fn restart(&self, engine: Engine) -> Result<(), EnginesError> {
        let supervised = self
            .supervised
            .iter()
            .find(|supervised| supervised.engine == engine)
            .ok_or(EnginesError::NotSupervised(engine))?;
        supervised.restart().await?;
        self.until_running().await
    }

    /// Stops both engines and waits until all their processes have ended. Mail in the queue stays.
    /// Calling it again does nothing.
    pub async fn stop(&self) {
        let mut pending = Vec::new();
        for supervised in &self.supervised {
            let (done, waited) = oneshot::channel();
            if supervised.orders.send(Order::Stop(done)).await.is_ok() {
                pending.push(waited);
            }
        }
        for waited in pending {
            let _ = waited.await;
        }
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Until both engines run.
    async fn until_running(&self) -> Result<(), EnginesError> {
        for supervised in &self.supervised {
            supervised.until_running(self.pace.ready).await?;
        }
        Ok(())
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        if self.stopped.load(Ordering::Relaxed) {
            return;
        }
        let layout = Layout::of(&self.system.read().directories);
        for supervised in &self.supervised {
            processes::kill(supervised.engine, &layout);
        }
    }
}

/// Everything that can be known to be wrong before the configuration comes into force.
async fn accept(
    system: &MailSystem,
    added: &[SocketAddr],
    programs: &Programs,
    generation: &Path,
) -> Result<(), EnginesError> {
    accounts::check(&system.accounts, system.transport.is_some()).await?;
    certs::check(&system.tls)?;
    addresses::check(added)?;
    validate(programs, generation).await?;
    Ok(())
}

async fn end_left_over(layout: &Layout, patience: Duration) -> Result<(), EnginesError> {
    for engine in [Engine::Postfix, Engine::Dovecot] {
        let ended = processes::end(engine, layout, patience)
            .await
            .map_err(EnginesError::LeftOver)?;
        if ended > 0 {
            tracing::warn!(
                engine.name = engine.name(),
                engine.processes = ended,
                "ended left-over engine processes of this instance; their mail sessions are over"
            );
        }
    }
    Ok(())
}

/// Addresses of `after` on ports that `before` does not use at all.
fn added_addresses(before: &MailSystem, after: &MailSystem) -> Vec<SocketAddr> {
    let before = addresses::of(before);
    let mut added = addresses::of(after);
    added.retain(|address| before.iter().all(|old| old.port() != address.port()));
    added
}

/// Whether a port goes from one IP address to another, such as from loopback to all: the engine
/// would try to listen on the new one while it still holds the old, so it must be restarted.
fn moves_within_a_port(before: &MailSystem, after: &MailSystem) -> bool {
    let before = addresses::of(before);
    addresses::of(after).iter().any(|address| {
        !before.contains(address) && before.iter().any(|old| old.port() == address.port())
    })
}

/// Raises this process's limit of open files as far as the system lets it. Dovecot counts a
/// descriptor per session, and processes inherit the limit of the one that starts them.
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = %error, "could not raise the limit of open files");
    }
}
