//! Answers the engines as Gatepost's auth worker does, from a fixed table: one password for all,
//! one alias, every sender its own owner. Notes what it was asked.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engines::description::{Ids, Sockets};
use model::address::Address;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

pub const PASSWORD: &str = "correct horse";
pub const DOMAIN: &str = "example.test";
/// Delivers to alice.
pub const ALIAS: &str = "team@example.test";
/// Of the server itself: its name is no mail domain. Delivers to alice.
pub const POSTMASTER: &str = "postmaster@mail.example.test";
/// Delivers to alice and bob.
pub const BOTH: &str = "both@example.test";

/// How many further people there are, `fresh0@…` and so on, for tests that open mailboxes at first
/// use.
pub const FRESH: usize = 24;

#[derive(Debug, Clone)]
pub struct User {
    pub home: PathBuf,
    /// Bytes.
    pub quota: u64,
}

#[derive(Debug)]
pub struct Table {
    pub users: HashMap<String, User>,
    pub ids: Ids,
    /// `AUTH` lines without the response, policy requests, `USER` requests.
    pub asked: Mutex<Vec<String>>,
    accepted: Mutex<HashSet<(String, String, String, String)>>,
}

impl Table {
    pub fn new(mail: &Path, ids: Ids, quota: u64) -> Arc<Self> {
        let user = |name: &str| {
            let home = mail.join("ab").join(name);
            (format!("{name}@{DOMAIN}"), User { home, quota })
        };
        let known = [user("alice"), user("bob"), user("o'neil")].into_iter();
        let fresh = (0..FRESH).map(|number| user(&format!("fresh{number}")));
        Arc::new(Self {
            users: known.chain(fresh).collect(),
            ids,
            asked: Mutex::default(),
            accepted: Mutex::default(),
        })
    }

    pub fn was_asked(&self, parts: &[&str]) -> bool {
        let asked = self.asked.lock();
        asked
            .iter()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    }

    fn attributes(&self, name: &str) -> Option<String> {
        let user = self.users.get(name)?;
        Some(format!(
            "{name}\tuid={}\tgid={}\thome={}\tquota_rule=*:bytes={}",
            self.ids.uid,
            self.ids.gid,
            user.home.display(),
            user.quota
        ))
    }
}

/// Binds all sockets and answers until the runtime ends.
pub fn serve(sockets: &Sockets, table: &Arc<Table>) {
    let bind = |path: &Path, mode: u32| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        listener
    };
    // As the keeper sets them: auth-master is root's alone.
    accept(bind(&sockets.dovecot_login, 0o666), table, client);
    accept(bind(&sockets.dovecot_master, 0o600), table, master);
    accept(bind(&sockets.dovecot_userdb, 0o600), table, master);
    accept(bind(&sockets.postfix_auth, 0o666), table, client);
    accept(bind(&sockets.socketmap, 0o666), table, socketmap);
    accept(bind(&sockets.policy, 0o666), table, policy);
}

fn accept<F>(
    listener: UnixListener,
    table: &Arc<Table>,
    talk: impl Fn(BufReader<UnixStream>, Arc<Table>) -> F + Send + 'static,
) where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let table = Arc::clone(table);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(BufReader::new(stream), Arc::clone(&table)));
        }
    });
}

/// Dovecot's auth-client protocol.
async fn client(mut stream: BufReader<UnixStream>, table: Arc<Table>) -> std::io::Result<()> {
    static COOKIES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let number = COOKIES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let cookie = format!("{number:032x}");
    let hello = format!(
        "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t{}\nCUID\t{number}\nCOOKIE\t{cookie}\nDONE\n",
        std::process::id()
    );
    stream.write_all(hello.as_bytes()).await?;
    let mut pid = String::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let answer = match fields.as_slice() {
            ["CPID", client] => {
                pid = (*client).to_owned();
                None
            }
            ["AUTH", id, mechanism, parameters @ ..] => {
                let public: Vec<&str> = parameters
                    .iter()
                    .copied()
                    .filter(|parameter| !parameter.starts_with("resp="))
                    .collect();
                let asked = format!("AUTH {mechanism} {}", public.join(" "));
                table.asked.lock().push(asked);
                match parameters.iter().find_map(|p| p.strip_prefix("resp=")) {
                    Some(response) => Some(verdict(&table, &pid, id, &cookie, response)),
                    None => Some(format!("CONT\t{id}\t\n")),
                }
            }
            ["CONT", id, response] => Some(verdict(&table, &pid, id, &cookie, response)),
            _ => None,
        };
        if let Some(answer) = answer {
            stream.write_all(answer.as_bytes()).await?;
        }
        line.clear();
    }
    Ok(())
}

fn verdict(table: &Table, pid: &str, id: &str, cookie: &str, response: &str) -> String {
    let decoded = STANDARD.decode(response).unwrap();
    let text = String::from_utf8(decoded).unwrap();
    let parts: Vec<&str> = text.split('\0').collect();
    let [_, name, password] = parts[..] else {
        return format!("FAIL\t{id}\n");
    };
    if password != PASSWORD || !table.users.contains_key(name) {
        return format!("FAIL\t{id}\tuser={name}\n");
    }
    let key = [pid, id, cookie, name].map(str::to_owned);
    table.accepted.lock().insert(key.into());
    format!("OK\t{id}\tuser={name}\n")
}

/// Dovecot's auth-master protocol.
async fn master(mut stream: BufReader<UnixStream>, table: Arc<Table>) -> std::io::Result<()> {
    let hello = format!("VERSION\t1\t1\nSPID\t{}\n", std::process::id());
    stream.write_all(hello.as_bytes()).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let answer = match fields.as_slice() {
            ["REQUEST", id, pid, auth_id, cookie, ..] => {
                let accepted = table.accepted.lock();
                let user = accepted
                    .iter()
                    .find(|(p, i, c, _)| p == pid && i == auth_id && c == cookie)
                    .and_then(|(_, _, _, name)| table.attributes(name));
                match user {
                    Some(user) => format!("USER\t{id}\t{user}\tauth_token=none\n"),
                    None => format!("FAIL\t{id}\n"),
                }
            }
            ["USER", id, name, rest @ ..] => {
                table
                    .asked
                    .lock()
                    .push(format!("USER {name} {}", rest.join(" ")));
                // The quota service is told the room of an alias's only target.
                let by_alias = *name == ALIAS && rest.contains(&"service=quota-status");
                let alice = format!("alice@{DOMAIN}");
                match table.attributes(if by_alias { &alice } else { name }) {
                    Some(user) => format!("USER\t{id}\t{user}\n"),
                    None => format!("NOTFOUND\t{id}\n"),
                }
            }
            ["PASS", id, ..] => format!("NOTFOUND\t{id}\n"),
            ["LIST", id, ..] => format!("DONE\t{id}\n"),
            _ => String::new(),
        };
        stream.write_all(answer.as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

/// Postfix's socketmap: netstrings of `map key`.
async fn socketmap(mut stream: BufReader<UnixStream>, table: Arc<Table>) -> std::io::Result<()> {
    loop {
        let mut length = Vec::new();
        if stream.read_until(b':', &mut length).await? == 0 {
            return Ok(());
        }
        length.pop();
        let length: usize = String::from_utf8(length).unwrap().parse().unwrap();
        let mut request = vec![0; length + 1];
        stream.read_exact(&mut request).await?;
        request.pop();
        let request = String::from_utf8(request).unwrap();
        let (map, key) = request.split_once(' ').unwrap();
        // Postfix asks a socketmap for whole addresses only: extensions are ours to take off.
        let plain = Address::parse(key).map(|address| address.without_extension());
        let plain = plain.as_ref().map_or("", Address::as_str);
        let answer = match map {
            "domains" if key == DOMAIN => format!("OK {DOMAIN}"),
            "mailboxes" | "senders" if table.users.contains_key(plain) => format!("OK {plain}"),
            "aliases" | "senders" if plain == ALIAS => format!("OK alice@{DOMAIN}"),
            "aliases" if plain == POSTMASTER => format!("OK alice@{DOMAIN}"),
            "aliases" if plain == BOTH => format!("OK alice@{DOMAIN},bob@{DOMAIN}"),
            _ => "NOTFOUND ".to_owned(),
        };
        stream
            .write_all(format!("{}:{answer},", answer.len()).as_bytes())
            .await?;
    }
}

/// Postfix's policy protocol; everything may pass.
async fn policy(mut stream: BufReader<UnixStream>, table: Arc<Table>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let attribute = line.trim_end();
        if attribute.is_empty() {
            let asked = format!("POLICY {}", request.join(" "));
            table.asked.lock().push(asked);
            request.clear();
            stream.write_all(b"action=DUNNO\n\n").await?;
        } else {
            request.push(attribute.to_owned());
        }
        line.clear();
    }
    Ok(())
}
