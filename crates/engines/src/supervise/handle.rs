//! One supervised engine, seen from outside its runner.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::error::EnginesError;
use super::output::Words;
use super::runner::Order;
use super::state::State;
use crate::processes::Engine;

#[derive(Debug)]
pub(super) struct Supervised {
    pub(super) engine: Engine,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) state: watch::Receiver<State>,
    pub(super) words: Words,
}

impl Supervised {
    pub(super) async fn reload(&self) -> Result<(), EnginesError> {
        let (done, waited) = oneshot::channel();
        self.order(Order::Reload(done)).await?;
        match waited.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(words)) => Err(EnginesError::Reload {
                engine: self.engine,
                words,
            }),
            Err(_) => Err(EnginesError::NotSupervised(self.engine)),
        }
    }

    pub(super) async fn restart(&self) -> Result<(), EnginesError> {
        let (done, waited) = oneshot::channel();
        self.order(Order::Restart(done)).await?;
        waited
            .await
            .map_err(|_| EnginesError::NotSupervised(self.engine))
    }

    pub(super) async fn order(&self, order: Order) -> Result<(), EnginesError> {
        self.orders
            .send(order)
            .await
            .map_err(|_| EnginesError::NotSupervised(self.engine))
    }

    /// Until it runs; a failure ends the wait at once.
    pub(super) async fn until_running(&self, limit: Duration) -> Result<(), EnginesError> {
        let not_running = |words: String| EnginesError::NotRunning {
            engine: self.engine,
            words,
        };
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Starting));
        match tokio::time::timeout(limit, settled).await {
            Err(_) => Err(not_running(self.words.get())),
            Ok(Err(_)) => Err(EnginesError::NotSupervised(self.engine)),
            Ok(Ok(state)) => match &*state {
                State::Waiting { words, .. } => Err(not_running(words.clone())),
                State::Stopped => Err(EnginesError::NotSupervised(self.engine)),
                State::Starting | State::Running { .. } | State::Unresponsive { .. } => Ok(()),
            },
        }
    }
}
