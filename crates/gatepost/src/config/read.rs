//! From the file and the environment to a checked [`Config`].

use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::keys::{self, KEYS, Key, Kind};
use super::problem::Origin;
use super::{Config, ConfigError, Problem, Problems};

/// An override found in the environment.
struct Override {
    key: &'static Key,
    variable: String,
    value: Value,
}

pub(super) fn load(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read {
        file: file.to_owned(),
        source,
    })?;
    from_text(&text, environment).map_err(|problems| ConfigError::Invalid {
        file: file.to_owned(),
        problems,
    })
}

fn from_text(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Vec<Problem>> {
    let spanned = DeTable::parse(text).map_err(|error| vec![syntax(text, &error)])?;
    let mut table: Table = toml::from_str(text).map_err(|error| vec![syntax(text, &error)])?;
    let overrides = overrides(environment)?;
    for entry in &overrides {
        set(&mut table, entry.key.path, entry.value.clone());
    }
    let locate = |mut problem: Problem| {
        problem.origin = overrides
            .iter()
            .find(|entry| entry.key.path == problem.key)
            .map_or_else(
                || Origin::File(line_of(text, spanned.get_ref(), &problem.key)),
                |entry| Origin::Environment(entry.variable.clone()),
            );
        problem
    };
    let config: Config = serde_path_to_error::deserialize(Value::Table(table))
        .map_err(|error| vec![locate(explain(&error))])?;
    let mut problems = Problems::default();
    config.check(&mut problems);
    let problems: Vec<Problem> = problems.into_vec().into_iter().map(locate).collect();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    Problem {
        key: String::new(),
        origin: Origin::File(error.span().map(|span| line_at(text, span.start))),
        message: error.message().to_owned(),
    }
}

/// Reads the variables of keys. A variable that looks like a mistyped key's is refused; others with
/// our prefix are left alone, since not everything in an environment was put there for us:
/// Kubernetes sets `GATEPOST_PORT` and more for a service of that name.
fn overrides(
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Override>, Vec<Problem>> {
    let names: Vec<String> = KEYS
        .iter()
        .map(|key| key.variable().split_off(keys::PREFIX.len()))
        .collect();
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (variable, text) in environment {
        let Some(name) = variable.strip_prefix(keys::PREFIX) else {
            continue;
        };
        let key = names
            .iter()
            .position(|known| known == name)
            .and_then(|at| KEYS.get(at));
        let wrong = |message: String| Problem {
            key: String::new(),
            origin: Origin::Environment(variable.clone()),
            message,
        };
        let Some(key) = key else {
            if let Some(meant) = keys::closest(name, names.iter().map(String::as_str)) {
                let prefix = keys::PREFIX;
                problems.push(wrong(format!(
                    "unknown variable; did you mean {prefix}{meant}?"
                )));
            }
            continue;
        };
        match value(key.kind, &text) {
            Some(value) => found.push(Override {
                key,
                variable,
                value,
            }),
            None => problems.push(wrong(format!("{text:?} is not a whole number"))),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

fn value(kind: Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Text => Value::String(text.to_owned()),
        Kind::Number => Value::Integer(text.trim().parse().ok()?),
        Kind::List => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| Value::String(item.to_owned()))
            .collect::<Vec<_>>()
            .into(),
    })
}

/// Puts `value` at `path`, making the sections on the way. A section that is something else in
/// the file is left alone: its own type error is the better message.
fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                set(section, rest, value);
            }
        }
    }
}

/// Turns a deserialisation error into a problem at the key it is about.
fn explain(error: &serde_path_to_error::Error<toml::de::Error>) -> Problem {
    let at = error.path().to_string();
    let message = error.inner().message();
    let below = |name: &str| match at.as_str() {
        "." => name.to_owned(),
        at if at == name || at.ends_with(&format!(".{name}")) => at.to_owned(),
        at => format!("{at}.{name}"),
    };
    let (key, message) = if let Some(name) = quoted_after(message, "unknown field ") {
        let expected: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let known = format!("known here: {}", expected.join(", "));
        let message = keys::closest(name, expected).map_or_else(
            || format!("unknown key; {known}"),
            |meant| format!("unknown key; did you mean {meant}?"),
        );
        (below(name), message)
    } else if let Some(name) = quoted_after(message, "missing field ") {
        (below(name), "missing".to_owned())
    } else {
        (at, message.to_owned())
    };
    Problem {
        key,
        origin: Origin::File(None),
        message,
    }
}

/// `x` of ``prefix`x` …``.
fn quoted_after<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message
        .strip_prefix(prefix)?
        .strip_prefix('`')?
        .split('`')
        .next()
}

fn line_of(text: &str, root: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut table = root;
    let mut line = None;
    for part in path.split('.') {
        // A list is written at its key: `hosts[2]` stands where `hosts` does.
        let part = part.split('[').next()?;
        let (key, value): (_, &Spanned<DeValue<'_>>) = table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == part)?;
        line = Some(line_at(text, key.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return line,
        }
    }
    line
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(text: &str, environment: &[(&str, &str)]) -> String {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let problems = from_text(text, environment).expect_err(text);
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    const URL: &str = "public_url = \"https://mail.example.org\"\n";

    #[test]
    fn names_the_key_the_line_and_the_way_out() {
        let long_run = format!("[run]\ndir = \"/{}\"", "x".repeat(80));
        let cases: [(&str, &str); 17] = [
            (
                "public_ur = \"https://a\"",
                "public_ur (line 2): unknown key; did you mean public_url?",
            ),
            (
                "[tls]\nmod = \"files\"",
                "tls.mod (line 3): unknown key; did you mean mode?",
            ),
            (
                "[lisen]\nweb = 443",
                "lisen (line 2): unknown key; did you mean listen?",
            ),
            (
                "[listen]\nwebmail = 443",
                "listen.webmail (line 3): unknown key; known here: web, imap, imaps, pop3, pop3s, sieve, submission, submissions, smtp",
            ),
            (
                "[mail.relay]\nhost = \"a\"\npassword = \"x\"",
                "mail.relay.password (line 4): unknown key; known here: host, port, user, password_file, tls",
            ),
            (
                "hosts = \"a.example.org\"",
                "hosts (line 2): invalid type: string \"a.example.org\", expected a sequence",
            ),
            (
                "trusted_proxies = [\"10.0.0.0/33\"]",
                "trusted_proxies[0] (line 2): \"10.0.0.0/33\": a network such as 10.0.0.0/8 or an address is needed",
            ),
            (
                "[listen]\nimap = \"993x\"",
                "listen.imap (line 3): \"993x\": a port (443), an address and port (127.0.0.1:8443, [::1]:8443) or \"off\" is needed",
            ),
            (
                "[listen]\nimap = 993",
                "listen.imaps: 993 is already taken by listen.imap (993)",
            ),
            (
                "[listen]\nimap = \"127.0.0.1:443\"",
                "listen.imap (line 3): 127.0.0.1:443 is already taken by listen.web (443)",
            ),
            (
                &long_run,
                "run.dir (line 3): 81 bytes are too long: a socket path holds 107 bytes, so the directory may have 64; /run/gatepost is a good one",
            ),
            (
                "[run]\ndir = \"run\"",
                "run.dir (line 3): must be an absolute path of a directory, without \"..\"",
            ),
            (
                "[tls]\nmode = \"files\"\ncert = \"/a\"",
                "tls.key: missing; tls.mode = \"files\" needs tls.cert and tls.key",
            ),
            (
                "[users]\nweb = 0",
                "users.web (line 3): \"0\": an account name, a number, or two numbers as \"UID:GID\" (not 0) are needed",
            ),
            (
                "[mail]\nmessage_size = \"50 MB\"",
                "mail.message_size (line 3): \"50 MB\": a size such as \"50 MiB\" or a number of bytes is needed",
            ),
            (
                "[sessions]\nidle = \"8d\"",
                "sessions.idle (line 3): 8d is longer than sessions.lifetime (7d)",
            ),
            (
                "[log]\nfilter = \"info,=x=\"",
                "log.filter (line 3): \"info,=x=\" is no filter: invalid filter directive",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(refuse(&format!("{URL}{text}"), &[]), expected, "{text}");
        }
    }

    #[test]
    fn public_url_is_https_or_loopback() {
        assert_eq!(refuse("", &[]), "public_url: missing");
        assert_eq!(
            refuse("public_url = \"http://mail.example.org\"", &[]),
            "public_url (line 1): must be https; plain http is only for 127.0.0.1, [::1] or \
             localhost"
        );
        let loopback = "public_url = \"http://127.0.0.1:8080\"\n[listen]\nweb = 8080";
        assert_eq!(
            refuse(loopback, &[("GATEPOST_MAIL_HOSTNAME", "mx.example.org")]),
            "listen.web (line 3): with a plain http public_url it must be a loopback address, \
             such as 127.0.0.1:8080"
        );
    }

    #[test]
    fn a_mail_server_needs_a_name() {
        assert_eq!(
            refuse("public_url = \"https://192.0.2.1\"", &[]),
            "mail.hostname: missing; the host of public_url is no name a mail server can greet \
             with"
        );
    }

    #[test]
    fn a_broken_line_is_named() {
        assert!(refuse("public_url = \"x", &[]).starts_with("line 1: "));
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let text = format!("{URL}[listen]\nweb = \"off\"\n[run]\ndir = \"x\"");
        assert_eq!(refuse(&text, &[]).lines().count(), 2);
    }

    #[test]
    fn the_environment_wins_and_is_named_when_wrong() {
        let environment = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<Vec<_>>()
        };
        let config = from_text(
            URL,
            environment(&[
                ("GATEPOST_LISTEN_WEB", "127.0.0.1:8443"),
                ("GATEPOST_HOSTS", "a.example.org, b.example.org"),
                ("GATEPOST_MAIL_RELAY_HOST", "relay.example.org"),
                ("GATEPOST_MAIL_RELAY_PORT", "2525"),
                ("GATEPOST_CONFIG", "ignored"),
                ("GATEPOST_PORT", "tcp://10.0.0.1:443"),
                ("PATH", "ignored"),
            ]),
        )
        .unwrap();
        assert_eq!(config.listen.web.to_string(), "127.0.0.1:8443");
        assert_eq!(config.hosts.len(), 2);
        assert_eq!(config.mail.relay.unwrap().port, 2525);
        let cases = [
            (
                "GATEPOST_LISTEN_WEB",
                "x",
                "listen.web (from GATEPOST_LISTEN_WEB): \"x\": a port",
            ),
            (
                "GATEPOST_MAIL_RELAY_PORT",
                "x",
                "GATEPOST_MAIL_RELAY_PORT: \"x\" is not a whole",
            ),
            (
                "GATEPOST_LISTN_WEB",
                "1",
                "GATEPOST_LISTN_WEB: unknown variable; did you mean GATEPOST_LISTEN_WEB?",
            ),
        ];
        for (variable, value, expected) in cases {
            let message = refuse(URL, &[(variable, value)]);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    /// Every key once, with a value other than its default where that is possible.
    const FULL: &str = r#"
        public_url = "https://mail.example.org"
        hosts = ["autoconfig.example.org"]
        trusted_proxies = ["10.0.0.0/8"]
        tls = { mode = "files", cert = "/c", key = "/k" }
        listen = { web = 1443, imap = 1143, imaps = 1993, pop3 = "off", pop3s = 1995, sieve = 1419, submission = 1587, submissions = 1465, smtp = 1025 }
        data = { dir = "/d" }
        run = { dir = "/r" }
        users = { web = 1, auth = 2, mail = "3:4" }
        log = { format = "json", filter = "debug" }
        retention = { attempts = "1d", mail_attempts = "2d", audit = "3d" }
        sessions = { idle = "1h", lifetime = "2h", admin_idle = "1m", admin_lifetime = "2m" }
        [mail]
        dir = "/m"
        hostname = "mx.example.org"
        client_host = "imap.example.org"
        processes = "hardened"
        message_size = 1048576
        milters = ["inet:127.0.0.1:11332"]
        milter_action = "accept"
        relay = { host = "relay.example.org", port = 25, user = "u", password_file = "/p", tls = "required" }
    "#;

    #[test]
    fn the_table_of_keys_is_the_structs() {
        fn leaves(prefix: &str, table: &Table, into: &mut Vec<String>) {
            for (name, value) in table {
                let path = format!("{prefix}{name}");
                match value {
                    Value::Table(inner) => leaves(&format!("{path}."), inner, into),
                    _ => into.push(path),
                }
            }
        }
        let config = from_text(FULL, []).unwrap();
        let shown: Table = toml::from_str(&config.to_toml().unwrap()).unwrap();
        let mut found = Vec::new();
        leaves("", &shown, &mut found);
        found.sort();
        let mut expected: Vec<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for text in [FULL, URL] {
            let config = from_text(text, []).unwrap();
            assert_eq!(from_text(&config.to_toml().unwrap(), []).unwrap(), config);
        }
    }

    #[test]
    fn defaults_are_those_the_table_names() {
        let config = from_text(URL, []).unwrap();
        let shown: Table = toml::from_str(&config.to_toml().unwrap()).unwrap();
        for key in KEYS {
            let found = key
                .path
                .split('.')
                .try_fold(&Value::Table(shown.clone()), |at, part| at.get(part))
                .cloned();
            match found {
                Some(Value::String(value)) if key.path != "public_url" => {
                    assert_eq!(value, key.default, "{}", key.path);
                }
                Some(Value::Array(items)) => assert!(items.is_empty() && key.default == "none"),
                _ => {}
            }
        }
    }
}
