//! A place with a configuration, and sessions at its command line.

use gatepost::config::Config;
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use testkit::tempdir::ShortDir;

/// A temporary instance that was never started.
pub struct Place {
    dir: ShortDir,
}

impl Place {
    /// With a store.
    pub fn new() -> Self {
        let place = Self::without_store();
        assert!(place.run("setup link", "").status.success());
        place
    }

    pub fn without_store() -> Self {
        // As root, commands become the store's owner, who must be able to walk there.
        let dir = ShortDir::traversable().unwrap();
        let text = format!(
            "public_url = \"https://mail.example.org\"\n\
             data.dir = \"{0}/d\"\nrun.dir = \"{0}/r\"\n\
             users = {{ web = 61184, auth = 61185, mail = 61186 }}\n",
            dir.path().display()
        );
        let place = Self { dir };
        std::fs::write(place.config_file(), text).unwrap();
        place
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn config_file(&self) -> PathBuf {
        self.join("gatepost.toml")
    }

    pub fn config(&self) -> Config {
        Config::load(&self.config_file(), []).unwrap()
    }

    /// The program, with nothing of this process's environment.
    pub fn gatepost(&self) -> Command {
        let mut command = gatepost();
        command.env("GATEPOST_CONFIG", self.config_file());
        command
    }

    pub fn session(&self) -> Session<'_> {
        Session {
            place: self,
            text: String::new(),
        }
    }

    /// Runs a command; words are separated by spaces, `'` keeps some together.
    pub fn run(&self, line: &str, input: &str) -> Output {
        let mut child = self
            .gatepost()
            .args(words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses early does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs commands that must succeed.
    pub fn done(&self, lines: &[&str]) {
        for line in lines {
            let output = self.run(line, "");
            assert!(output.status.success(), "{line}: {output:?}");
        }
    }

    /// Runs a command that must succeed; the document it prints.
    pub fn document(&self, line: &str) -> Value {
        let output = self.run(line, "");
        assert!(output.status.success(), "{line}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The program, with nothing of this process's environment.
pub fn gatepost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_clear().env("COLUMNS", "100");
    command
}

fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    quoted
        .flat_map(|(at, part)| {
            let parts: Vec<&str> = if at % 2 == 1 {
                vec![part]
            } else {
                part.split_whitespace().collect()
            };
            parts.into_iter().map(str::to_owned)
        })
        .collect()
}

/// What a terminal would show: `!` marks standard error.
pub struct Session<'p> {
    place: &'p Place,
    text: String,
}

impl Session<'_> {
    /// Runs a command without input and notes what it says.
    pub fn run(&mut self, line: &str) -> &mut Self {
        self.with(line, "")
    }

    /// As [`Session::run`], with standard input.
    pub fn with(&mut self, line: &str, input: &str) -> &mut Self {
        let output = self.place.run(line, input);
        self.text.push_str(&format!("$ gatepost {line}\n"));
        for line in std::str::from_utf8(&output.stderr).unwrap().lines() {
            self.text.push_str(&format!("! {line}\n"));
        }
        self.text
            .push_str(std::str::from_utf8(&output.stdout).unwrap());
        let code = output.status.code().unwrap();
        if code != 0 {
            self.text.push_str(&format!("[exit {code}]\n"));
        }
        self.text.push('\n');
        self
    }

    /// Everything so far, without what differs from run to run.
    pub fn transcript(&self) -> String {
        let dir = self.place.dir.path().display().to_string();
        let mut text = self.text.replace(&dir, "PLACE");
        for (pattern, name) in [
            ("switched off on 0000-00-00", "switched off on DAY"),
            ("urn:gatepost:provider:0:0000000000000000", "NAMESPACE"),
            ("0000-00-00 00:00 UTC", "WHEN"),
            ("0000-00-00T00:00:00Z", "WHEN"),
            ("gpxx-xxxx-xxxx-xxxx-xxxx-xxxx-xxxx-xxxx", "APP-PASSWORD"),
            (
                "setup#xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "setup#TOKEN",
            ),
        ] {
            text = masked(&text, pattern, name);
        }
        text
    }
}

/// Replaces what fits: `0` is any digit, `x` any character of a token, everything else is itself.
fn masked(text: &str, pattern: &str, name: &str) -> String {
    let fits = |at: &str| {
        let mut chars = at.chars();
        pattern.chars().all(|p| {
            chars.next().is_some_and(|c| match p {
                '0' => c.is_ascii_digit(),
                'x' => c.is_ascii_alphanumeric() || matches!(c, '_' | '-'),
                p => c == p,
            })
        })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if fits(rest) {
            out.push_str(name);
            rest = &rest[pattern.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}
