//! Where log lines go: standard error, as text or JSON.
//!
//! A message is constant text; what varies stands in fields with dotted names. Secrets are never
//! logged: types that hold them do not print.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

/// Starts logging for the process that calls itself `process` (text lines begin with it). Further
/// calls do nothing.
pub fn start(log: &Log, process: &'static str) {
    // The configuration has been checked; an unusable filter can only mean "the usual".
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    // Fails when logging has been started before, which is as good.
    let _ = match log.format {
        LogFormat::Json => builder.json().with_writer(io::stderr).try_init(),
        LogFormat::Text => {
            let ansi = io::IsTerminal::is_terminal(&io::stderr())
                && std::env::var_os("NO_COLOR").is_none();
            builder
                .with_ansi(ansi)
                .with_writer(Named { process })
                .try_init()
        }
    };
}

/// Begins every line with the process's name, since all processes share one standard error.
struct Named {
    process: &'static str,
}

struct Line {
    process: &'static str,
}

impl MakeWriter<'_> for Named {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line {
            process: self.process,
        }
    }
}

impl io::Write for Line {
    /// One call is one event; one write keeps lines of several processes apart.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = [self.process.as_bytes(), b" ", event].concat();
        io::stderr().write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
