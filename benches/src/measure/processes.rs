//! CPU time and memory of a process and everything below it, from `/proc` (proc(5)).

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What `/proc/PID/stat` says of one process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Clock ticks in user and kernel mode, with those of children that ended and were waited for.
    ticks: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the program's name in brackets and may hold spaces and brackets.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        // Field 4 of proc(5) is the parent; 14 to 17 are utime, stime, cutime and cstime.
        let ticks: Vec<u64> = fields
            .get(11..15)?
            .iter()
            .map(|field| field.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ticks: ticks.iter().sum(),
        })
    }
}

/// CPU time that `roots` and all their descendants have used so far, children that ended included.
/// The kernel counts in ticks of 10 ms, so measure seconds and not moments.
pub(crate) fn cpu(roots: &[u32]) -> anyhow::Result<Duration> {
    let all = snapshot()?;
    let ticks: u64 = below(roots, &all)
        .iter()
        .filter_map(|pid| all.get(pid))
        .map(|s| s.ticks)
        .sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks * 1000 / per_second.max(1)))
}

/// Proportional set size of `roots` and all their descendants in KiB: a page that several of them
/// share counts once. Reading another account's processes needs root.
pub(crate) fn pss_kib(roots: &[u32]) -> anyhow::Result<u64> {
    let all = snapshot()?;
    let mut sum = 0;
    for pid in below(roots, &all) {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = text.lines().find(|line| line.starts_with("Pss:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        sum += kib.with_context(|| format!("{path}: no Pss"))?;
    }
    Ok(sum)
}

fn snapshot() -> anyhow::Result<HashMap<u32, Stat>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").context("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        if let Some(stat) = Stat::parse(&text) {
            all.insert(pid, stat);
        }
    }
    Ok(all)
}

/// `roots` and every process whose chain of parents leads to one of them.
fn below(roots: &[u32], all: &HashMap<u32, Stat>) -> Vec<u32> {
    all.keys()
        .copied()
        .filter(|pid| {
            let mut at = *pid;
            loop {
                if roots.contains(&at) {
                    return true;
                }
                match all.get(&at) {
                    Some(stat) if stat.parent != 0 => at = stat.parent,
                    _ => return false,
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn reads_names_with_brackets() {
        let text = "7 (a) b (c)) S 3 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 9";
        assert_eq!(
            Stat::parse(text),
            Some(Stat {
                parent: 3,
                ticks: 50
            })
        );
        assert_eq!(Stat::parse("7 (short) S 3"), None);
    }

    #[test]
    fn counts_children_while_they_live_and_after() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let me = [std::process::id()];
        let before = cpu(&me).unwrap();
        assert!(
            Command::new("sh")
                .args(["-c", busy])
                .status()
                .unwrap()
                .success()
        );
        assert!(cpu(&me).unwrap() > before);
        assert!(pss_kib(&me).unwrap() > 100);
    }
}
