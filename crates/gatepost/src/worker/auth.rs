//! The auth worker: answers Dovecot and Postfix.

use std::sync::Arc;
use std::time::Duration;

use app::passwords::LocalDesk;
use mailauth::{
    Connected, ConnectionState, Desk, DeskState, Handover, Listener, QuotaField, Settings,
    UnknownState,
};
use store::OsRandom;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Context, HandedConnection, Inherited, Instruction, Instructions};
use crate::channel::control::{DOORS, QuotaStyle, SocketName};
use crate::wiring::{self, ChannelRecorder};

/// How long decisions in flight may take when the worker is told to end.
const DRAIN: Duration = Duration::from_secs(2);

pub(super) async fn run(
    mut context: Context,
    mut instructions: Instructions,
) -> anyhow::Result<()> {
    let quota = match context.quota {
        QuotaStyle::Rule => QuotaField::Rule,
        QuotaStyle::StorageSize => QuotaField::StorageSize,
    };
    let settings = Settings::new(context.keeper_pid, quota);
    let mut listeners = Vec::new();
    for door in DOORS {
        let (socket, allowed) = context.take_unix(SocketName::Mail(door))?;
        listeners.push(Listener {
            door,
            socket,
            allowed,
        });
    }
    let channel = context.take_unix(SocketName::Channel)?;
    let recorder = ChannelRecorder::new();
    let notes = recorder.notes();
    let mail = wiring::mail_app(&context.config, context.mail, Arc::new(recorder)).await?;
    context.keeper.ready().await?;
    let Some(inherited) = instructions.until_serve().await else {
        return Ok(());
    };
    take_over_budgets(&mail.desk, &inherited.budgets);
    let inherited = handover_from(inherited);
    let passwords = mail.desk.clone();
    let (stop, aside) = (CancellationToken::new(), TaskTracker::new());
    aside.spawn(wiring::hand_on_learned(mail.coalescer, stop.clone()));
    aside.spawn(wiring::serve_desk(mail.desk, channel, notes, stop.clone()));
    let desk = Desk::open(mail.app, Arc::new(OsRandom), settings, listeners, inherited)?;
    let last = loop {
        match instructions.next().await {
            Instruction::ReloadCertificates => {}
            last => break last,
        }
    };
    // What is being decided is still answered; then the connections close, or go on elsewhere.
    let handover = desk.drain(DRAIN).await;
    if last == Instruction::Drain {
        let inherited = inherited_from(handover, &passwords)?;
        context.keeper.hand_over(inherited).await?;
    }
    // What was learned leaves before the process does.
    stop.cancel();
    aside.close();
    aside.wait().await;
    Ok(())
}

/// What the predecessor handed over, as far as this version can read it.
fn handover_from(inherited: Inherited) -> Option<Handover> {
    let desk = (!inherited.desk.is_empty()).then(|| DeskState::decode(&inherited.desk))?;
    let desk = desk
        .inspect_err(|error| tracing::warn!(%error, "the predecessor's state is not taken over"))
        .ok()?;
    let read = |connection: HandedConnection| match ConnectionState::decode(&connection.state) {
        Ok(state) => Some(Connected {
            socket: connection.socket,
            state,
        }),
        Err(error) => {
            tracing::warn!(%error, "a connection of the predecessor is not taken over");
            None
        }
    };
    Some(Handover {
        desk,
        connections: inherited.connections.into_iter().filter_map(read).collect(),
    })
}

/// Without them the budgets start empty, as after a crash.
fn take_over_budgets(passwords: &LocalDesk, handed: &[u8]) {
    if handed.is_empty() {
        return;
    }
    if let Err(error) = passwords.budgets().take_over(handed) {
        tracing::warn!(%error, "the predecessor's budgets are not taken over");
    }
}

fn inherited_from(handover: Handover, passwords: &LocalDesk) -> anyhow::Result<Inherited> {
    let connections = handover
        .connections
        .into_iter()
        .map(|connected| {
            Ok(HandedConnection {
                state: connected.state.encode()?,
                socket: connected.socket,
            })
        })
        .collect::<Result<_, UnknownState>>()?;
    Ok(Inherited {
        connections,
        desk: handover.desk.encode()?.into(),
        budgets: passwords.budgets().hand_over()?.into(),
    })
}
