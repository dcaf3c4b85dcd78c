//! Keeps one engine running: start, watch, restart with back-off, stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::journal::{self, Journal};
use super::output::{Lines, Words};
use super::probe::Probe;
use super::{Pace, State};
use crate::command;
use crate::description::MailSystem;
use crate::layout::Layout;
use crate::prepare::prepare;
use crate::processes::{self, Engine};
use crate::programs::Programs;

/// What a runner can be told. Each is answered when it is done.
#[derive(Debug)]
pub(super) enum Order {
    /// The error is what the engine said.
    Reload(oneshot::Sender<Result<(), String>>),
    Restart(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// What a runner works with.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) engine: Engine,
    pub(super) programs: Programs,
    /// Shared with [`super::Engines`], which replaces it when a new description is applied.
    pub(super) system: Arc<RwLock<MailSystem>>,
    pub(super) pace: Pace,
    pub(super) words: Words,
    pub(super) state: watch::Sender<State>,
    pub(super) orders: mpsc::Receiver<Order>,
}

/// Why the engine is not running any more.
enum Ended {
    /// By itself, or because it hung.
    Failed(String),
    /// Told to restart.
    Restart(oneshot::Sender<()>),
    /// Told to stop, or nobody is left to tell it anything.
    Stop(Option<oneshot::Sender<()>>),
}

fn exited(exit: io::Result<std::process::ExitStatus>) -> Ended {
    Ended::Failed(match exit {
        Ok(status) => format!("ended ({status})"),
        Err(error) => format!("was lost ({error})"),
    })
}

impl Runner {
    /// Runs until told to stop.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            self.state.send_replace(State::Starting);
            let started = Instant::now();
            let ended = self.once().await;
            match ended {
                Ended::Stop(done) => {
                    self.state.send_replace(State::Stopped);
                    if let Some(done) = done {
                        let _ = done.send(());
                    }
                    return;
                }
                Ended::Restart(done) => {
                    failures = 0;
                    self.state.send_replace(State::Starting);
                    let _ = done.send(());
                }
                Ended::Failed(words) => {
                    if started.elapsed() >= self.pace.stable {
                        failures = 0;
                    }
                    failures += 1;
                    if let Some(done) = self.wait(failures, words).await {
                        self.state.send_replace(State::Stopped);
                        let _ = done.send(());
                        return;
                    }
                }
            }
        }
    }

    /// One life of the engine, from start to end. Nothing of it is left afterwards.
    async fn once(&mut self) -> Ended {
        self.words.clear();
        // Something of a former life would hold the ports, and Dovecot refuses to start beside it.
        self.sweep().await;
        let (mut child, journal) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(words) => return Ended::Failed(words),
        };
        let ended = self.live(&mut child).await;
        self.sweep().await;
        journal.finish().await;
        match ended {
            // Its last lines say why.
            Ended::Failed(how) => Ended::Failed(self.complain(&how)),
            ended => ended,
        }
    }

    async fn live(&mut self, child: &mut Child) -> Ended {
        let pid = child.id().unwrap_or_default();
        if let Some(ended) = self.until_ready(child).await {
            return ended;
        }
        self.state.send_replace(State::Running { pid });
        tracing::info!(
            engine.name = self.engine.name(),
            engine.pid = pid,
            "engine runs"
        );
        self.watch(child, pid).await
    }

    fn spawn(&self) -> Result<(Child, Journal), String> {
        let text = |error: io::Error| error.to_string();
        let system = self.system.read().clone();
        prepare(&system).map_err(|error| error.to_string())?;
        let layout = Layout::of(&system.directories);
        let mut command = match (self.engine, &self.programs.postfix) {
            (Engine::Dovecot, _) => {
                let mut command = command::bare(&self.programs.dovecot);
                command.arg("-F").arg("-c").arg(layout.dovecot_conf());
                command
            }
            (Engine::Postfix, Some(programs)) => {
                let mut command = command::bare(&programs.postfix);
                command
                    .arg("-c")
                    .arg(layout.postfix_directory())
                    .arg("start-fg");
                command
            }
            (Engine::Postfix, None) => return Err("Postfix was not looked for".to_owned()),
        };
        let lines = Lines::new(self.engine, self.words.clone());
        let journal = Journal::start(&layout.journal(self.engine), lines).map_err(text)?;
        let child = command
            // A group of its own: an interrupt typed at the terminal reaches the keeper only, which
            // then stops the engines in order.
            .process_group(0)
            .kill_on_drop(false)
            .stdout(journal.writer().map_err(text)?)
            .stderr(journal.writer().map_err(text)?)
            .spawn()
            .map_err(text)?;
        Ok((child, journal))
    }

    fn probe(&self) -> Probe {
        let layout = Layout::of(&self.system.read().directories);
        match self.engine {
            Engine::Dovecot => Probe::Lmtp(layout.lmtp_socket()),
            Engine::Postfix => Probe::Smtp(layout.internal_listener()),
        }
    }

    /// `None` once the engine greets.
    async fn until_ready(&mut self, child: &mut Child) -> Option<Ended> {
        let deadline = Instant::now() + self.pace.ready;
        let probe = self.probe();
        loop {
            tokio::select! {
                exit = child.wait() => return Some(exited(exit)),
                () = sleep_until(deadline) => {
                    return Some(Ended::Failed("did not get ready in time".to_owned()));
                }
                order = self.orders.recv() => match order {
                    // It reads the newest configuration once it is up; whoever asks waits.
                    Some(Order::Reload(done)) => {
                        let _ = done.send(Ok(()));
                        return Some(Ended::Restart(oneshot::channel().0));
                    }
                    Some(Order::Restart(done)) => return Some(Ended::Restart(done)),
                    Some(Order::Stop(done)) => return Some(Ended::Stop(Some(done))),
                    None => return Some(Ended::Stop(None)),
                },
                greeted = probe.greets(self.pace.probe_limit) => {
                    if greeted.is_ok() {
                        return None;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Until it ends or hangs, or an order ends it.
    async fn watch(&mut self, child: &mut Child, pid: u32) -> Ended {
        let mut silent = 0;
        let mut next_probe = Instant::now() + self.pace.probe_every;
        loop {
            tokio::select! {
                exit = child.wait() => return exited(exit),
                order = self.orders.recv() => match order {
                    Some(Order::Reload(done)) => {
                        let _ = done.send(self.reload(child).await);
                    }
                    Some(Order::Restart(done)) => return Ended::Restart(done),
                    Some(Order::Stop(done)) => return Ended::Stop(Some(done)),
                    None => return Ended::Stop(None),
                },
                () = sleep_until(next_probe) => {
                    silent = match self.probe().greets(self.pace.probe_limit).await {
                        Ok(()) => 0,
                        Err(_) => silent + 1,
                    };
                    if silent >= self.pace.probe_failures {
                        return Ended::Failed("does not answer any more".to_owned());
                    }
                    self.state.send_replace(if silent == 0 {
                        State::Running { pid }
                    } else {
                        State::Unresponsive { pid }
                    });
                    next_probe = Instant::now() + self.pace.probe_every;
                }
            }
        }
    }

    async fn reload(&self, child: &mut Child) -> Result<(), String> {
        self.words.clear();
        let layout = Layout::of(&self.system.read().directories);
        let (program, directory) = match (self.engine, &self.programs.postfix) {
            (Engine::Postfix, Some(programs)) => (&programs.postfix, layout.postfix_directory()),
            _ => (&self.programs.doveadm, layout.dovecot_conf()),
        };
        let arguments = ["-c".as_ref(), directory.as_os_str(), "reload".as_ref()];
        command::run(program, arguments, self.pace.ready)
            .await
            .map_err(|error| error.to_string())?;
        // Both commands only send a signal: whether the engine liked what it read shows afterwards.
        let settled = sleep(Duration::from_millis(300));
        tokio::select! {
            exit = child.wait() => {
                // What it said last is read a moment later.
                sleep(journal::LOOK * 2).await;
                let how = exit.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(self.complain(&format!("ended at the reload ({how})")))
            }
            () = async {
                settled.await;
                // Answered by the master, so only once it has finished reading.
                let _ = self.probe().greets(self.pace.probe_limit).await;
            } => match self.words.error_of("master") {
                Some(words) => Err(words),
                None => Ok(()),
            }
        }
    }

    fn complain(&self, how: &str) -> String {
        let words = self.words.get();
        let engine = self.engine.name();
        if words.is_empty() {
            format!("{engine} {how}")
        } else {
            format!("{engine} {how}: {words}")
        }
    }

    /// Waits before the next try. An order to stop cuts the wait short and is handed back.
    async fn wait(&mut self, failures: u32, words: String) -> Option<oneshot::Sender<()>> {
        let doublings = (failures - 1).min(16);
        let delay = (self.pace.first_delay * 2_u32.pow(doublings)).min(self.pace.longest_delay);
        tracing::error!(
            engine.name = self.engine.name(),
            engine.failures = failures,
            engine.words = words,
            delay.ms = delay.as_millis(),
            "engine failed and will be started again"
        );
        self.state.send_replace(State::Waiting {
            failures,
            delay,
            words,
        });
        let deadline = Instant::now() + delay;
        tokio::select! {
            () = sleep_until(deadline) => None,
            order = self.orders.recv() => match order {
                Some(Order::Reload(done)) => {
                    let _ = done.send(Ok(()));
                    None
                }
                Some(Order::Restart(done)) => {
                    let _ = done.send(());
                    None
                }
                Some(Order::Stop(done)) => Some(done),
                None => Some(oneshot::channel().0),
            },
        }
    }

    /// Ends whatever of this engine still runs in this instance.
    async fn sweep(&self) {
        let layout = Layout::of(&self.system.read().directories);
        match processes::end(self.engine, &layout, self.pace.patience).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(
                engine.name = self.engine.name(),
                engine.processes = count,
                "ended the engine's processes"
            ),
            Err(error) => tracing::error!(
                engine.name = self.engine.name(),
                error = %error,
                "could not end the engine's processes"
            ),
        }
    }
}
