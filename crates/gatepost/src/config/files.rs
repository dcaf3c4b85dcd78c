//! Looks at the files a configuration names.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Config, Problem, Problems};

pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    if let Some(cert) = &config.tls.cert {
        readable("tls.cert", cert, &mut problems);
    }
    if let Some(key) = &config.tls.key {
        secret("tls.key", key, &mut problems);
    }
    if let Some(file) = config
        .mail
        .relay
        .as_ref()
        .and_then(|relay| relay.password_file.as_ref())
    {
        secret("mail.relay.password_file", file, &mut problems);
    }
    problems.into_vec()
}

fn readable(key: &str, path: &Path, problems: &mut Problems) -> Option<std::fs::File> {
    let opened = std::fs::File::open(path);
    opened
        .inspect_err(|error| problems.add(key, format!("cannot read {}: {error}", path.display())))
        .ok()
}

fn secret(key: &str, path: &Path, problems: &mut Problems) {
    let Some(file) = readable(key, path, problems) else {
        return;
    };
    let Ok(metadata) = file.metadata() else {
        return;
    };
    if metadata.permissions().mode() & 0o007 != 0 {
        problems.add(
            key,
            format!(
                "everybody on this machine can read it; run: chmod o= {}",
                path.display()
            ),
        );
    }
}
