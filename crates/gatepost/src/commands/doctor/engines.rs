//! Dovecot and Postfix, as far as they are wanted.

use std::path::Path;
use std::time::Duration;

use engines::programs::Programs;
use tokio::process::Command;
use tokio::time::timeout;

use super::Check;
use crate::config::Config;

const GROUP: &str = "engines";

pub(super) async fn look(config: &Config) -> Vec<Check> {
    if !config.listen.any_mail() {
        return vec![Check::ok(GROUP, "mail", "every mail port is off")];
    }
    let found = Programs::find(config.listen.any_postfix());
    let programs = match found {
        Ok(programs) => programs,
        Err(error) => {
            let fix = "install what the line names";
            return vec![Check::failed(GROUP, "programs", error.to_string(), fix)];
        }
    };
    if let Err(error) = programs.releases().await {
        let fix = "install a release that the line names";
        return vec![Check::failed(GROUP, "programs", error.to_string(), fix)];
    }
    let mut checks = vec![version("Dovecot", &programs.dovecot, &["--version"]).await];
    if let Some(postfix) = &programs.postfix {
        let arguments = ["-d", "-h", "mail_version"];
        checks.push(version("Postfix", &postfix.postconf, &arguments).await);
    }
    checks
}

async fn version(name: &'static str, program: &Path, arguments: &[&str]) -> Check {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let said = timeout(Duration::from_secs(10), command.output()).await;
    let said = said.ok().and_then(Result::ok);
    let version = said
        .as_ref()
        .and_then(|said| std::str::from_utf8(&said.stdout).ok())
        .and_then(|text| text.split_whitespace().next());
    match version {
        Some(version) => Check::ok(GROUP, name, format!("{version} at {}", program.display())),
        None => {
            let seen = format!("{} does not say its version", program.display());
            Check::failed(GROUP, name, seen, "install it again")
        }
    }
}
