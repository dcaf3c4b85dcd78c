//! The worker processes, seen from inside.
//!
//! Each role has a `run(Context)`: it opens what it needs, says [`ready`], waits for
//! [`until_serve`], serves, and obeys its [`Instructions`] until one of them ends it.
//!
//! [`ready`]: Keeper::ready
//! [`until_serve`]: Instructions::until_serve

mod auth;
mod collect;
mod context;
mod inherited;
mod keeper;
mod migrate;
mod web;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::channel::control::Role;
use crate::channel::descriptors::DescriptorSocket;
use crate::{exit, logging};

pub use context::Context;
pub use inherited::{HandedConnection, Inherited};
pub use keeper::{Instruction, Instructions, Keeper, VerbError};

/// Runs a worker whose standard input is the keeper's control socket.
///
/// # Errors
/// When there is no keeper on the other side. Everything later is reported to the keeper.
pub fn run(role: Role) -> anyhow::Result<ExitCode> {
    let socket = take_stdin().context("workers are started by \"gatepost serve\"")?;
    name_process(role);
    let mut runtime = match role {
        Role::Migrate | Role::Collect => tokio::runtime::Builder::new_current_thread(),
        Role::Web | Role::Auth => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build()?;
    let ended = runtime.block_on(async {
        let control = DescriptorSocket::new(socket)?;
        let (context, instructions) = Context::receive(control, role)
            .await
            .context("workers are started by \"gatepost serve\"")?;
        logging::start(&context.config.log, role.name());
        let keeper = context.keeper.clone();
        let outcome = match role {
            Role::Web => web::run(context, instructions).await,
            Role::Auth => auth::run(context, instructions).await,
            Role::Migrate => migrate::run(&context).await,
            Role::Collect => collect::run(&context).await,
        };
        if let Err(error) = &outcome {
            keeper.failed(format!("{error:#}")).await;
        }
        anyhow::Ok(outcome.is_ok())
    });
    // Nothing is left to wait for: whatever still runs on a blocking thread is cut off.
    runtime.shutdown_background();
    Ok(if ended? {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    })
}

/// Takes the control socket and leaves nothing to read on standard input.
fn take_stdin() -> std::io::Result<std::os::fd::OwnedFd> {
    let stdin = std::io::stdin();
    // Fails for anything that is no socket: a worker started by hand.
    rustix::net::sockopt::socket_type(&stdin)?;
    let socket = rustix::io::fcntl_dupfd_cloexec(&stdin, 3)?;
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    Ok(socket)
}

/// Shown by `ps` and `top`; the file name the kernel takes otherwise is a descriptor's number.
fn name_process(role: Role) {
    let name = match role {
        Role::Web => c"gatepost-web",
        Role::Auth => c"gatepost-auth",
        Role::Migrate => c"gatepost-migr",
        Role::Collect => c"gatepost-coll",
    };
    // Only a name: nothing depends on it.
    let _ = rustix::thread::set_name(name);
}
