//! The machine: disk and clock.

use std::path::Path;
use std::time::Duration;

use model::rules::limits::size;
use model::time::{Clock as _, SystemClock, Timestamp};
use tokio::process::Command;
use tokio::time::timeout;

use super::Check;
use crate::config::Config;

/// Below this the store may soon not be written any more.
const TIGHT: u64 = 1 << 30;
/// Below this it is a matter of minutes.
const FULL: u64 = 100 << 20;

/// No clock was ever right before this program was written: 2026-01-01.
const EARLIEST: Timestamp = Timestamp::from_secs(1_767_225_600);

pub(super) async fn look(config: &Config) -> Vec<Check> {
    let layout = config.layout();
    let mut checks = vec![disk("data", layout.data())];
    if config.listen.any_mail() {
        checks.push(disk("mail", layout.mail()));
    }
    checks.push(clock(SystemClock.now(), kept_in_time().await));
    checks
}

fn disk(name: &str, directory: &Path) -> Check {
    let name = format!("disk of {name}");
    // A directory that is not made yet will be on the disk of what exists above it.
    let existing = directory.ancestors().find(|path| path.exists());
    let stat = match rustix::fs::statvfs(existing.unwrap_or(directory)) {
        Ok(stat) => stat,
        Err(error) => {
            let seen = format!("{}: {error}", directory.display());
            return Check::warn("machine", name, seen, "look at the directory");
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let whole = stat.f_blocks.saturating_mul(stat.f_frsize);
    let shown = |bytes| match bytes {
        0 => "nothing".to_owned(),
        bytes => size(i64::try_from(bytes).unwrap_or(i64::MAX)),
    };
    let seen = format!(
        "{} free of {} at {}",
        shown(free),
        shown(whole),
        directory.display()
    );
    let fix = "make room, or put the directory on a larger disk";
    if free < FULL {
        Check::failed("machine", name, seen, fix)
    } else if free < TIGHT || free < whole / 20 {
        Check::warn("machine", name, seen, fix)
    } else {
        Check::ok("machine", name, seen)
    }
}

fn clock(now: Timestamp, kept: Option<bool>) -> Check {
    let seen = now.rfc3339();
    let set = "timedatectl set-ntp true";
    if now < EARLIEST {
        let seen = format!("{seen} cannot be now: sign-ins fail with SSO-106");
        return Check::failed("machine", "clock", seen, set);
    }
    match kept {
        Some(true) => Check::ok("machine", "clock", format!("{seen}, kept in time")),
        Some(false) => {
            let seen = format!("{seen}, and nothing keeps it in time");
            Check::warn("machine", "clock", seen, set)
        }
        None => {
            let seen = format!("{seen}; whether it is kept in time cannot be told here");
            let fix = "gatepost provider check compares it with the provider's";
            Check::warn("machine", "clock", seen, fix)
        }
    }
}

/// What systemd says of the kernel's clock; `None` without systemd.
async fn kept_in_time() -> Option<bool> {
    let mut command = Command::new("/usr/bin/timedatectl");
    command
        .args(["show", "--property=NTPSynchronized", "--value"])
        .kill_on_drop(true);
    let said = timeout(Duration::from_secs(3), command.output()).await;
    match said.ok()?.ok()?.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_year_and_keeper() {
        let now = Timestamp::from_secs(1_800_000_000);
        assert_eq!(clock(now, Some(true)).state, State::Ok);
        assert_eq!(clock(now, Some(false)).state, State::Warn);
        assert_eq!(clock(now, None).state, State::Warn);
        assert_eq!(
            clock(Timestamp::from_secs(0), Some(true)).state,
            State::Failed
        );
    }

    #[test]
    fn the_disk_of_a_directory_that_is_not_made_yet_is_found() {
        let check = disk("data", Path::new("/nonexistent/below/nothing"));
        assert!(check.evidence.contains("free of"), "{}", check.evidence);
    }
}
