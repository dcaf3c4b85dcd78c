//! The master key and the purpose keys derived from it (design decision 12).
//!
//! One file of 32 random bytes, made together with a new store and never again. The store knows
//! the key's id, so a store without its key, or beside another one, is noticed at the start and
//! not at the first sign-in. Each purpose has its own key by HKDF-SHA-256; a process is handed only
//! the purposes that it serves.

use crate::error::{StoreError, Unavailable};
use crate::key_file::{self, KeyFile};
use crate::migrate::{self, MigrateError};
use crate::seal::SealKey;
use crate::tag::PurposeKey;
use crate::{Conn, settings, sqlite};
use aws_lc_rs::hkdf;
use model::random::{self, Random};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// The row of `meta` that names the key of the store.
const KEY_ID_SETTING: &str = "master_key";

/// Tells one master key from another: the first bytes of a value derived from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; Self::LENGTH]);

impl KeyId {
    /// Bytes in an id.
    pub const LENGTH: usize = 4;

    #[cfg(test)]
    pub(crate) const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::from_slice(&hex::decode(text).ok()?)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The name of the master key in its file.
const MASTER: &str = "master";
/// The names of the purposes, in key files and in the derivation; part of the stored form.
const SEAL: &str = "seal";
const TAG: &str = "tag";
const APP_PASSWORD: &str = "app-password";
const FORM: &str = "form";

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store is there, its key is not.
    #[error(
        "the master key {key} is missing, and the store {store} cannot be used without it: put \
         the file back from your backup. {}",
        LOSS
    )]
    Lost {
        /// Where the key should be.
        key: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The key has had a store, and that store is not there.
    #[error(
        "the store {store} is missing or empty, but the master key {key} has been used with one: \
         put the store back from your backup. Without it, all mailboxes, domains, providers and \
         passwords are lost; mail on the disk stays. To begin anew all the same, move {key} and \
         {marker} away"
    )]
    StoreLost {
        /// The key file.
        key: PathBuf,
        /// Where the store should be.
        store: PathBuf,
        /// Says that the key has had a store.
        marker: PathBuf,
    },
    /// The key is of another store.
    #[error(
        "{key} holds master key {found}, but the store {store} was made with {expected}: put the \
         right file back from your backup. {}",
        LOSS
    )]
    Other {
        /// The key file.
        key: PathBuf,
        /// The store.
        store: PathBuf,
        /// The id of the key in the file.
        found: KeyId,
        /// The id of the key of the store.
        expected: String,
    },
    /// Others than the owner may read the key.
    #[error("{path} has mode {mode:03o}; only its owner may read it: chmod 600 {path}")]
    Permissions {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a key file, or was damaged.
    #[error("{0} is not a key file of Gatepost, or is damaged")]
    Form(PathBuf),
    /// The key file was handed to a process for other purposes.
    #[error("{path} holds no key for the purpose {purpose}")]
    NoPurpose {
        /// The key file.
        path: PathBuf,
        /// What is missing.
        purpose: &'static str,
    },
    /// A new store was asked for where one exists.
    #[error("there is a store at {0} already")]
    StoreExists(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new store could not be made.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The store could not be asked for its key id.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The crypto library refused; never seen.
    #[error("the crypto library refused a key")]
    Crypto,
}

const LOSS: &str = "If it is gone for good, these are lost with it: the secrets of providers and \
     relay credentials, which must be entered again, and every app password, which must be made \
     again. Mail and local passwords stay";

/// The key from which all others are derived.
pub struct MasterKey {
    secret: Secret,
    id: KeyId,
}

impl MasterKey {
    /// Makes a new store with its master key: the key file (0600) first, then the database with the
    /// key's id. A key file left by an interrupted creation is used again.
    ///
    /// # Errors
    /// [`KeyError::StoreExists`] if `store` holds a schema already; [`KeyError::StoreLost`] if the
    /// key has had a store, which a marker beside it says.
    pub fn create_with_new_store(
        key: &Path,
        store: &Path,
        random: &dyn Random,
    ) -> Result<Self, KeyError> {
        if key_file::exists(store)? && migrate::has_schema(store)? {
            return Err(KeyError::StoreExists(store.to_owned()));
        }
        let marker = key_file::marker(key);
        let master = if key_file::exists(key)? {
            if key_file::exists(&marker)? {
                return Err(KeyError::StoreLost {
                    key: key.to_owned(),
                    store: store.to_owned(),
                    marker,
                });
            }
            Self::read(key)?
        } else {
            let master = Self::derive(random::bytes::<32>(random).into())?;
            key_file::write(key, &master.file())?;
            master
        };
        key_file::create_database(store)?;
        migrate::create(store, &[(KEY_ID_SETTING, &master.id.to_string())])?;
        leave(&marker);
        Ok(master)
    }

    /// Loads the master key of an existing store, which may be of an older schema.
    ///
    /// # Errors
    /// [`KeyError::Lost`] or [`KeyError::Other`], which say what is lost; [`KeyError::Permissions`].
    pub fn load(key: &Path, store: &Path) -> Result<Self, KeyError> {
        let expected = key_id_of(store)?;
        if !key_file::exists(key)? {
            return Err(KeyError::Lost {
                key: key.to_owned(),
                store: store.to_owned(),
            });
        }
        let master = Self::read(key)?;
        if master.id.to_string() == expected {
            // Also for stores that were made before there were markers, or were killed before it.
            leave(&key_file::marker(key));
            Ok(master)
        } else {
            Err(KeyError::Other {
                key: key.to_owned(),
                store: store.to_owned(),
                found: master.id,
                expected,
            })
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The keys of the web worker.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] only.
    pub fn purpose_keys(&self) -> Result<PurposeKeys, KeyError> {
        PurposeKeys::of(&self.hand(&PurposeKeys::PURPOSES)?, Path::new(MASTER))
    }

    /// The keys of the auth worker.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] only.
    pub fn auth_keys(&self) -> Result<AuthKeys, KeyError> {
        AuthKeys::of(&self.hand(&AuthKeys::PURPOSES)?, Path::new(MASTER))
    }

    /// Writes the keys of the web worker to a file of their own (0600), in place of an older one.
    /// Whoever calls it gives the file to the worker's account.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn write_purpose_keys(&self, path: &Path) -> Result<(), KeyError> {
        key_file::replace(path, &self.hand(&PurposeKeys::PURPOSES)?)
    }

    /// Writes the keys of the auth worker, as [`MasterKey::write_purpose_keys`] does.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn write_auth_keys(&self, path: &Path) -> Result<(), KeyError> {
        key_file::replace(path, &self.hand(&AuthKeys::PURPOSES)?)
    }

    fn hand(&self, purposes: &[&'static str]) -> Result<KeyFile, KeyError> {
        let key =
            |purpose: &&'static str| Ok(((*purpose).to_owned(), expand(&self.secret, purpose)?));
        Ok(KeyFile {
            master: self.id,
            keys: purposes.iter().map(key).collect::<Result<_, KeyError>>()?,
        })
    }

    fn file(&self) -> KeyFile {
        KeyFile {
            master: self.id,
            keys: vec![(MASTER.to_owned(), self.secret.clone())],
        }
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let file = key_file::read(path)?;
        let master = match file.key(MASTER) {
            Some(secret) => Self::derive(secret.clone())?,
            None => return Err(KeyError::Form(path.to_owned())),
        };
        if master.id == file.master {
            Ok(master)
        } else {
            Err(KeyError::Form(path.to_owned()))
        }
    }

    fn derive(secret: Secret) -> Result<Self, KeyError> {
        let derived = expand(&secret, "id")?;
        let id = KeyId::from_slice(&derived[..KeyId::LENGTH]).ok_or(KeyError::Crypto)?;
        Ok(Self { secret, id })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// The keys of the web worker.
#[derive(Debug)]
pub struct PurposeKeys {
    /// Seals secrets at rest.
    pub seal: SealKey,
    /// Tags of session tokens, states, set-up links.
    pub tag: PurposeKey,
    /// Tags of app passwords.
    pub app_password: PurposeKey,
    /// Checksums of cookies and forms.
    pub form: PurposeKey,
}

impl PurposeKeys {
    const PURPOSES: [&str; 4] = [SEAL, TAG, APP_PASSWORD, FORM];

    /// Reads a file that [`MasterKey::write_purpose_keys`] wrote.
    ///
    /// # Errors
    /// [`KeyError::Permissions`], [`KeyError::Form`], [`KeyError::NoPurpose`], [`KeyError::Io`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        Self::of(&key_file::read(path)?, path)
    }

    fn of(file: &KeyFile, path: &Path) -> Result<Self, KeyError> {
        let seal = SealKey::new(file.master, secret(file, path, SEAL)?);
        Ok(Self {
            seal: seal.map_err(|_| KeyError::Crypto)?,
            tag: tag_key(file, path, TAG)?,
            app_password: tag_key(file, path, APP_PASSWORD)?,
            form: tag_key(file, path, FORM)?,
        })
    }
}

/// The keys of the auth worker.
#[derive(Debug)]
pub struct AuthKeys {
    /// Tags of app passwords.
    pub app_password: PurposeKey,
}

impl AuthKeys {
    const PURPOSES: [&str; 1] = [APP_PASSWORD];

    /// Reads a file that [`MasterKey::write_auth_keys`] wrote.
    ///
    /// # Errors
    /// As [`PurposeKeys::load`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        Self::of(&key_file::read(path)?, path)
    }

    fn of(file: &KeyFile, path: &Path) -> Result<Self, KeyError> {
        Ok(Self {
            app_password: tag_key(file, path, APP_PASSWORD)?,
        })
    }
}

/// The id of the master key that the store behind `sql` was made with. A worker compares it with
/// [`PurposeKey::id`] before it serves anybody.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn id_of_store(sql: &mut Conn) -> Result<Option<KeyId>, StoreError> {
    let id = settings::get(sql, KEY_ID_SETTING).await?;
    Ok(id.as_deref().and_then(KeyId::parse))
}

fn tag_key(file: &KeyFile, path: &Path, purpose: &'static str) -> Result<PurposeKey, KeyError> {
    Ok(PurposeKey::new(file.master, secret(file, path, purpose)?))
}

fn secret<'f>(
    file: &'f KeyFile,
    path: &Path,
    purpose: &'static str,
) -> Result<&'f Secret, KeyError> {
    file.key(purpose).ok_or_else(|| KeyError::NoPurpose {
        path: path.to_owned(),
        purpose,
    })
}

/// HKDF-SHA-256 (RFC 5869) with a fixed salt; `info` separates the purposes.
fn expand(secret: &Secret, info: &str) -> Result<Secret, KeyError> {
    let mut out = Secret::default();
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"gatepost")
        .extract(secret.as_slice())
        .expand(&[b"gatepost/1/", info.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .map_err(|_| KeyError::Crypto)?;
    Ok(out)
}

/// The id of the key with which a store was made.
/// Leaves the marker of a key that has a store. The key may stand where nothing can be written,
/// such as a systemd credential: then there is none.
fn leave(marker: &Path) {
    if let Err(error) = key_file::mark(marker) {
        tracing::debug!(%error, "no marker can be left beside the master key");
    }
}

fn key_id_of(store: &Path) -> Result<String, KeyError> {
    let connection = sqlite::open_reader(store)?;
    let id = connection.query_row(
        "SELECT value FROM meta WHERE name = ?1",
        [KEY_ID_SETTING],
        |row| row.get(0),
    );
    id.map_err(|e| {
        KeyError::Store(
            Unavailable::Open {
                path: store.display().to_string(),
                reason: format!("it names no master key ({e})"),
            }
            .into(),
        )
    })
}
