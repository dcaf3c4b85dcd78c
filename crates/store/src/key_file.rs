//! Key files: one line a key, readable by its owner only.

use crate::keys::{KeyError, KeyId, Secret};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FORM: &str = "gatepost-key-1";
const NOTE: &str = "# A key of Gatepost. Back it up apart from the store; whoever has both has \
     everything.\n# FORM PURPOSE MASTER-KEY-ID KEY\n";
/// A key file has a few lines; anything longer is something else.
const LONGEST: u64 = 4096;

/// What a key file holds.
pub(crate) struct KeyFile {
    pub(crate) master: KeyId,
    pub(crate) keys: Vec<(String, Secret)>,
}

impl KeyFile {
    /// The key of that name.
    pub(crate) fn key(&self, name: &str) -> Option<&Secret> {
        let of_name = |(of, _): &&(String, Secret)| of == name;
        self.keys.iter().find(of_name).map(|(_, secret)| secret)
    }
}

/// Reads a key file, if only its owner may. 0440 is the mode in which systemd hands out
/// credentials (an access list shows as group permission).
pub(crate) fn read(path: &Path) -> Result<KeyFile, KeyError> {
    let file = File::open(path).map_err(|e| io(path, e))?;
    let mode = file
        .metadata()
        .map_err(|e| io(path, e))?
        .permissions()
        .mode()
        & 0o777;
    if !matches!(mode, 0o400 | 0o440 | 0o600) {
        return Err(KeyError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|e| io(path, e))?;
    parse(&text).ok_or_else(|| KeyError::Form(path.to_owned()))
}

fn parse(text: &str) -> Option<KeyFile> {
    let mut master = None;
    let mut keys = Vec::new();
    for line in text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        let words: Vec<&str> = line.split(' ').collect();
        let [FORM, name, id, secret] = words.as_slice() else {
            return None;
        };
        let id = KeyId::parse(id)?;
        if *master.get_or_insert(id) != id {
            return None;
        }
        let mut bytes = Secret::default();
        hex::decode_to_slice(secret, bytes.as_mut_slice()).ok()?;
        keys.push(((*name).to_owned(), bytes));
    }
    Some(KeyFile {
        master: master?,
        keys,
    })
}

fn render(file: &KeyFile) -> Zeroizing<String> {
    // Room for everything at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(NOTE.len() + file.keys.len() * 128));
    text.push_str(NOTE);
    for (name, secret) in &file.keys {
        let secret = Zeroizing::new(hex::encode(secret.as_slice()));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{FORM} {name} {} {}", file.master, secret.as_str());
    }
    text
}

/// Writes a new key file, whole or not at all. Never replaces one.
pub(crate) fn write(path: &Path, file: &KeyFile) -> Result<(), KeyError> {
    let new = aside(path, file)?;
    fs::hard_link(&new, path)
        .and_then(|()| fs::remove_file(&new))
        .and_then(|()| sync_directory(path))
        .map_err(|e| io(path, e))
}

/// Writes a key file in place of an older one.
pub(crate) fn replace(path: &Path, file: &KeyFile) -> Result<(), KeyError> {
    let new = aside(path, file)?;
    fs::rename(&new, path)
        .and_then(|()| sync_directory(path))
        .map_err(|e| io(path, e))
}

/// Writes the keys to a file beside `path`, to be moved there once it is complete.
fn aside(path: &Path, content: &KeyFile) -> Result<PathBuf, KeyError> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    // Left by an interrupted call.
    if new.exists() {
        fs::remove_file(&new).map_err(|e| io(&new, e))?;
    }
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(render(content).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| io(&new, e))?;
    Ok(new)
}

/// Makes an empty database file. SQLite gives its log files the same permissions: the group may
/// read, for the auth worker.
pub(crate) fn create_database(path: &Path) -> Result<(), KeyError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
        .and_then(|_| sync_directory(path));
    match made {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(io(path, e)),
        _ => Ok(()),
    }
}

/// Whether the file is there; a directory that may not be looked into is an error, not a "no".
pub(crate) fn exists(path: &Path) -> Result<bool, KeyError> {
    path.try_exists().map_err(|e| io(path, e))
}

/// The file that says that a key has had a store: an empty one beside it.
pub(crate) fn marker(key: &Path) -> PathBuf {
    let mut marker = key.to_owned().into_os_string();
    marker.push(".in-use");
    PathBuf::from(marker)
}

/// Leaves the marker.
pub(crate) fn mark(marker: &Path) -> Result<(), KeyError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(marker)
        .and_then(|file| file.sync_all())
        .and_then(|()| sync_directory(marker));
    match made {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(io(marker, e)),
        _ => Ok(()),
    }
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn io(path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Io {
        path: path.to_owned(),
        source,
    }
}
