//! What the engines print: into the log, and the last remarkable lines kept for error messages.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::processes::Engine;

/// The engine's latest warnings and errors.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Arc<Mutex<VecDeque<String>>>);

const KEPT: usize = 20;
const LONGEST_LINE: usize = 8192;

impl Words {
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    /// The kept lines, oldest first.
    pub(super) fn get(&self) -> String {
        let lines = self.0.lock();
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The latest error of one of the engine's processes.
    pub(super) fn error_of(&self, process: &str) -> Option<String> {
        let lines = self.0.lock();
        let ours = |line: &&String| line.starts_with(process) && level(line) == Level::Error;
        lines.iter().rev().find(ours).cloned()
    }

    fn keep(&self, line: &str) {
        let mut lines = self.0.lock();
        // Dovecot says fatal errors on both standard error and its log.
        if lines.back().is_some_and(|last| last == line) {
            return;
        }
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
    Error,
}

/// Cuts what the engine writes into lines and deals with each.
#[derive(Debug)]
pub(super) struct Lines {
    engine: Engine,
    words: Words,
    /// The beginning of a line whose end has not been read yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(super) const fn new(engine: Engine, words: Words) -> Self {
        Self {
            engine,
            words,
            begun: Vec::new(),
        }
    }

    /// The next bytes. Lines that are too long are cut into several.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in piece.chunks(LONGEST_LINE) {
                if self.begun.len() + piece.len() > LONGEST_LINE {
                    self.end();
                }
                self.begun.extend_from_slice(piece);
                if piece.ends_with(b"\n") {
                    self.end();
                }
            }
        }
    }

    /// Deals with a last line that has no end.
    pub(super) fn end(&mut self) {
        let line = std::mem::take(&mut self.begun);
        log(self.engine, &String::from_utf8_lossy(&line), &self.words);
    }
}

fn log(engine: Engine, raw: &str, words: &Words) {
    let line = without_time(engine, raw.trim_end());
    if line.is_empty() {
        return;
    }
    let engine = engine.name();
    match level(line) {
        Level::Info => {
            tracing::info!(engine.name = engine, engine.line = line, "engine log");
        }
        Level::Warning => {
            words.keep(line);
            tracing::warn!(engine.name = engine, engine.line = line, "engine log");
        }
        Level::Error => {
            words.keep(line);
            tracing::error!(engine.name = engine, engine.line = line, "engine log");
        }
    }
}

/// Postfix stamps its lines `Nov 22 20:51:59 host postfix/…`; ours carry their own time.
fn without_time(engine: Engine, line: &str) -> &str {
    match engine {
        Engine::Dovecot => line,
        Engine::Postfix => line.find("postfix/").map_or(line, |at| &line[at..]),
    }
}

/// Both engines write the severity as a word behind their name; Dovecot starts it with a capital.
fn level(line: &str) -> Level {
    for part in line.split(": ").take(4) {
        match part {
            "Warning" | "warning" => return Level::Warning,
            "Error" | "error" | "Fatal" | "fatal" | "Panic" | "panic" => return Level::Error,
            _ => {}
        }
    }
    Level::Info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_and_time_are_read_from_the_line() {
        let postfix = "Nov 22 20:51:59 mail postfix/smtpd[18284]: warning: restriction ignored";
        let line = without_time(Engine::Postfix, postfix);
        assert_eq!(line, "postfix/smtpd[18284]: warning: restriction ignored");
        assert_eq!(level(line), Level::Warning);
        let fatal = "master: Fatal: service(doveadm) User doesn't exist: 54321";
        assert_eq!(level(without_time(Engine::Dovecot, fatal)), Level::Error);
        let info = "imap-login: Info: Login: user=<alice@example.org>";
        assert_eq!(level(info), Level::Info);
    }

    #[test]
    fn only_remarkable_lines_are_kept_and_long_ones_are_cut() {
        let words = Words::default();
        let long = format!("a: Error: {}\n", "x".repeat(20_000));
        let text = format!("master: Info: fine\nmaster: Error: one\nmaster: Error: one\n{long}");
        let mut lines = Lines::new(Engine::Dovecot, words.clone());
        for piece in text.as_bytes().chunks(7) {
            lines.feed(piece);
        }
        let kept = words.get();
        let lines: Vec<&str> = kept.lines().collect();
        assert_eq!(lines[0], "master: Error: one");
        assert_eq!(lines.len(), 2);
        assert!(
            lines[1].len() > 8000 && lines[1].len() <= 8192,
            "{}",
            lines[1].len()
        );
    }
}
