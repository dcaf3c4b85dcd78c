//! Keeps one worker running.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::bench::{Bench, Edition};
use super::migrate;
use super::restart;
use super::worker::{Event, StartError, Worker};
use crate::channel::control::{Order, Report, Role, Verb};

/// From start to *ready*. Both workers open the store, which has been brought up to date before.
pub(super) const READY: Duration = Duration::from_secs(30);

/// From being told to stop to being killed: more than the web worker gives running requests.
pub(super) const STOP: Duration = Duration::from_secs(8);

/// What a supervisor can be told.
#[derive(Debug)]
pub(super) enum Directive {
    /// Planned restart, with a new edition if there is one. Answers when the successor serves, or
    /// why the old worker stayed.
    Replace(Option<Arc<Edition>>, oneshot::Sender<Result<(), String>>),
    /// Pass on that the certificate is new.
    ReloadCertificates,
    /// Stop the worker and end.
    Stop,
}

/// A verb of the web worker, and where its outcome goes.
pub(super) type VerbRequest = (Verb, oneshot::Sender<Result<(), String>>);

/// One worker's supervisor.
pub(super) struct Supervisor {
    pub(super) role: Role,
    pub(super) bench: Arc<Bench>,
    pub(super) directives: mpsc::Receiver<Directive>,
    pub(super) verbs: mpsc::Sender<VerbRequest>,
}

/// How the care for a worker ended.
enum After {
    /// It died; it had been started then.
    Died(Instant),
    /// It was stopped to make room for a successor that did not come up.
    Gone,
    /// It was stopped for good.
    Stopped,
}

impl Supervisor {
    /// Runs until told to stop. `first` is the worker started together with the keeper.
    pub(super) async fn run(mut self, first: Worker) {
        let mut backoff = Backoff::default();
        let mut next = Ok(first);
        loop {
            let after = match next {
                Ok(worker) => self.attend(worker).await,
                Err(error) => {
                    tracing::error!(worker.role = %self.role, %error, "a worker did not start");
                    After::Died(Instant::now())
                }
            };
            match after {
                After::Stopped => return,
                After::Gone => {}
                After::Died(started) => {
                    if self.pause(backoff.after(started)).await.is_break() {
                        return;
                    }
                }
            }
            next = self.bring_up().await;
        }
    }

    async fn bring_up(&self) -> Result<Worker, StartError> {
        let mut worker = Worker::start(&self.bench, &self.bench.edition(), self.role).await?;
        worker.ready(READY).await?;
        worker.tell(&Order::Serve).await?;
        tracing::info!(worker.role = %self.role, worker.pid = worker.pid(), "worker serves");
        Ok(worker)
    }

    /// Waits; told to stop meanwhile, breaks. Told to replace, there is no need to wait longer.
    async fn pause(&mut self, pause: Duration) -> std::ops::ControlFlow<()> {
        let directive = tokio::select! {
            () = sleep(pause) => return std::ops::ControlFlow::Continue(()),
            directive = self.directives.recv() => directive,
        };
        match directive {
            Some(Directive::Stop) | None => std::ops::ControlFlow::Break(()),
            Some(Directive::ReloadCertificates) => std::ops::ControlFlow::Continue(()),
            Some(Directive::Replace(edition, reply)) => {
                let outcome = self.prepare(edition).await;
                // Nobody waits for it any more: then nobody is told.
                let _ = reply.send(outcome);
                std::ops::ControlFlow::Continue(())
            }
        }
    }

    async fn attend(&mut self, mut worker: Worker) -> After {
        loop {
            tokio::select! {
                event = worker.next() => match event {
                    Event::Report(packet) => self.heard(&worker, packet.header),
                    Event::Ended(how) => {
                        tracing::error!(
                            worker.role = %self.role, how, "a worker ended unexpectedly"
                        );
                        let started = worker.started;
                        // It may have closed its socket without ending.
                        worker.wait(Duration::ZERO).await;
                        return After::Died(started);
                    }
                },
                directive = self.directives.recv() => match directive {
                    None | Some(Directive::Stop) => {
                        worker.stop(STOP).await;
                        return After::Stopped;
                    }
                    Some(Directive::ReloadCertificates) => {
                        // A worker that is gone reads them anyhow when it starts again.
                        let _ = worker.tell(&Order::ReloadCertificates).await;
                    }
                    Some(Directive::Replace(edition, reply)) => {
                        let (next, outcome) = self.replace(worker, edition).await;
                        let _ = reply.send(outcome);
                        match next {
                            Some(next) => worker = next,
                            None => return After::Gone,
                        }
                    }
                },
            }
        }
    }

    /// A planned restart. Returns the worker that runs now (the old one if its successor did not
    /// come up and it can go on), and what became of the restart.
    async fn replace(
        &self,
        old: Worker,
        edition: Option<Arc<Edition>>,
    ) -> (Option<Worker>, Result<(), String>) {
        if self.role == Role::Auth {
            return match restart::hand_over(&self.bench, old).await {
                Ok(successor) => (Some(successor), Ok(())),
                Err((old, error)) => (Some(old), Err(error.to_string())),
            };
        }
        // Only one process may write the store, so the old worker goes first. Its listening
        // sockets stay with us: whoever connects meanwhile waits.
        old.stop(STOP).await;
        let outcome = self.prepare(edition).await;
        match self.bring_up().await {
            Ok(successor) => (Some(successor), outcome),
            Err(error) => (None, outcome.and(Err(error.to_string()))),
        }
    }

    /// Brings the store up to date for a new edition, and puts it in force. On failure the edition
    /// before stays.
    async fn prepare(&self, edition: Option<Arc<Edition>>) -> Result<(), String> {
        let Some(edition) = edition.filter(|_| self.role == Role::Web) else {
            return Ok(());
        };
        migrate::run(&self.bench, &edition)
            .await
            .map_err(|error| error.to_string())?;
        self.bench.put_edition(edition);
        Ok(())
    }

    fn heard(&self, worker: &Worker, report: Report) {
        let Report::Verb(verb) = report else {
            tracing::warn!(worker.role = %self.role, ?report, "a worker spoke out of turn");
            return;
        };
        if self.role != Role::Web {
            tracing::warn!(worker.role = %self.role, ?verb, "this worker may give no orders");
            return;
        }
        let control = worker.control();
        let verbs = self.verbs.clone();
        tokio::spawn(async move {
            let (reply, outcome) = oneshot::channel();
            let error = match verbs.try_send((verb, reply)) {
                Err(_) => Some("too many at once".to_owned()),
                Ok(()) => match outcome.await {
                    Ok(outcome) => outcome.err(),
                    Err(_) => Some("the server is stopping".to_owned()),
                },
            };
            // The worker that asked may be gone.
            let _ = control.send(&Order::Done { verb, error }, &[], &[]).await;
        });
    }
}
