//! The keys that sign ID tokens: made at first need, rotated, published.
//!
//! A key is announced a day before it signs and stays published long after, so that an app that
//! fetches our keys once a day never meets a token it cannot check.

use crate::{App, Problem};
use aws_lc_rs::digest;
use model::oauth_app::IdTokenAlg;
use model::time::{DAY, Timestamp};
use oidc::jwk::KeySet;
use oidc::op::keys::{self, KeyError, SigningKey};
use oidc::op::metadata::Metadata;
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use store::signing_keys::SealedKey;
use store::{Conn, StoreError};

/// How long a key signs.
const SIGNS_FOR: Duration = DAY.saturating_mul(90);
/// How long it is published before that.
const ANNOUNCED_FOR: Duration = DAY;
/// How long it is published after: longer than anything it signed is good, because people sign out
/// with ID tokens that ended long ago.
const BELIEVED_FOR: Duration = DAY.saturating_mul(30);

/// Our keys in memory, and what is made of them.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    ring: RwLock<Option<Arc<Ring>>>,
    /// Held while keys are made: an RSA key takes a good part of a second.
    making: tokio::sync::Mutex<()>,
}

/// All keys, the newest last, with the documents that name them.
#[derive(Debug)]
pub struct Ring {
    keys: Vec<Held>,
    /// Our public keys (RFC 7517).
    pub jwks: Document,
    /// What we say about ourselves.
    pub metadata: Document,
}

/// A document that everybody may read, prepared once.
#[derive(Debug)]
pub struct Document {
    /// JSON.
    pub text: Arc<str>,
    /// Another one for each text, in the quotes of an `ETag`.
    pub etag: String,
}

#[derive(Debug)]
struct Held {
    alg: IdTokenAlg,
    public: Value,
    /// `None` if it could not be opened: it signs nothing, and what it signed is still believed.
    private: Option<Arc<SigningKey>>,
    signs: Timestamp,
    retired: Option<Timestamp>,
}

impl App {
    /// Our keys and metadata. The first caller waits while keys are made.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn signing(&self) -> Result<Arc<Ring>, Problem> {
        if let Some(ring) = self.signing.ring.read().clone() {
            return Ok(ring);
        }
        let _making = self.signing.making.lock().await;
        if let Some(ring) = self.signing.ring.read().clone() {
            return Ok(ring);
        }
        let now = self.clock.now();
        let there = store::signing_keys::all(&mut *self.store.read()?).await?;
        for alg in IdTokenAlg::ALL {
            if newest(&there, alg).is_none() {
                self.add_signing_key(alg, now).await?;
            }
        }
        let ring = self.load_ring().await?;
        let silent = |alg: &IdTokenAlg| ring.signer(*alg, now).is_none();
        let silent: Vec<_> = IdTokenAlg::ALL.into_iter().filter(silent).collect();
        if silent.is_empty() {
            return Ok(ring);
        }
        for alg in silent {
            self.add_signing_key(alg, now).await?;
        }
        self.load_ring().await
    }

    /// Makes the next keys when it is time, and lets old ones go. Does nothing while no app has
    /// needed any key yet.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub(crate) async fn rotate_signing_keys(&self) -> Result<(), Problem> {
        let now = self.clock.now();
        let _making = self.signing.making.lock().await;
        let there = store::signing_keys::all(&mut *self.store.read()?).await?;
        let mut changed = false;
        for alg in IdTokenAlg::ALL {
            let Some(last) = newest(&there, alg) else {
                continue;
            };
            if now.plus(ANNOUNCED_FOR) >= last.signs.plus(SIGNS_FOR) {
                self.add_signing_key(alg, now.plus(ANNOUNCED_FOR)).await?;
                changed = true;
            }
        }
        let over = Over::among(&there, now);
        if !over.is_empty() {
            changed = true;
            self.store
                .write(async move |tx: &mut Conn| over.clone().carry_out(tx, now).await)
                .await?;
        }
        if changed {
            self.load_ring().await?;
        }
        Ok(())
    }

    /// Signs `claims` with the key of the day.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub(crate) async fn sign_token(
        &self,
        alg: IdTokenAlg,
        typ: &'static str,
        claims: Map<String, Value>,
    ) -> Result<String, Problem> {
        let ring = self.signing().await?;
        let key = ring.signer(alg, self.clock.now()).ok_or_else(|| {
            Problem::Unavailable(format!("there is no key that signs {}", alg.name()))
        })?;
        match alg {
            IdTokenAlg::Es256 => key.sign(typ, &claims).map_err(broken),
            // Most of a millisecond, in which others would wait.
            IdTokenAlg::Rs256 => aside(move || key.sign(typ, &claims)).await,
        }
    }

    async fn add_signing_key(&self, alg: IdTokenAlg, signs: Timestamp) -> Result<(), Problem> {
        let key = aside(move || SigningKey::generate(alg)).await?;
        let sealed = self
            .keys
            .seal
            .seal(&row(key.kid()), &key.to_pkcs8(), self.random.as_ref())?;
        let stored = SealedKey {
            kid: key.kid().to_owned(),
            alg,
            jwk: key.public_jwk().to_string(),
            sealed,
            created: self.clock.now(),
            signs,
            retired: None,
        };
        tracing::info!(key.id = %stored.kid, key.alg = alg.name(), "a key for ID tokens was made");
        self.store
            .write(async move |tx: &mut Conn| store::signing_keys::insert(tx, &stored).await)
            .await?;
        Ok(())
    }

    async fn load_ring(&self) -> Result<Arc<Ring>, Problem> {
        let there = store::signing_keys::all(&mut *self.store.read()?).await?;
        let mut keys = Vec::with_capacity(there.len());
        for stored in there {
            let private = self.open_key(&stored);
            if let Err(problem) = &private {
                tracing::error!(key.id = %stored.kid, %problem, "a key for ID tokens cannot be opened");
            }
            keys.push(Held {
                alg: stored.alg,
                public: serde_json::from_str(&stored.jwk)
                    .map_err(|error| Problem::Unavailable(error.to_string()))?,
                private: private.ok().map(Arc::new),
                signs: stored.signs,
                retired: stored.retired,
            });
        }
        let ring = Arc::new(Ring::new(keys, self.public_url()));
        *self.signing.ring.write() = Some(Arc::clone(&ring));
        Ok(ring)
    }

    fn open_key(&self, stored: &SealedKey) -> Result<SigningKey, Problem> {
        let private = self.keys.seal.open(&row(&stored.kid), &stored.sealed)?;
        SigningKey::from_pkcs8(stored.alg, &stored.kid, &private).map_err(broken)
    }
}

impl Ring {
    fn new(keys: Vec<Held>, public_url: &str) -> Self {
        let public: Vec<Value> = keys.iter().map(|held| held.public.clone()).collect();
        let algs = IdTokenAlg::ALL.into_iter();
        let algs: Vec<_> = algs
            .filter(|alg| keys.iter().any(|held| held.alg == *alg))
            .collect();
        Self {
            jwks: Document::new(keys::jwks(&public)),
            metadata: Document::new(Metadata::document(public_url, &algs)),
            keys,
        }
    }

    /// The keys for checking what we signed ourselves.
    ///
    /// # Errors
    /// [`Problem::Unavailable`]; never seen, because we wrote them.
    pub fn key_set(&self) -> Result<KeySet, Problem> {
        KeySet::parse(self.jwks.text.as_bytes())
            .map_err(|error| Problem::Unavailable(error.to_string()))
    }

    /// The newest key whose time has come. If a clock that went back leaves none, the oldest: a code
    /// has been used up by the time somebody signs.
    fn signer(&self, alg: IdTokenAlg, now: Timestamp) -> Option<Arc<SigningKey>> {
        let own =
            |held: &&Held| held.alg == alg && held.retired.is_none() && held.private.is_some();
        let mut due = self.keys.iter().filter(own).filter(|key| key.signs <= now);
        let key = due.next_back().or_else(|| self.keys.iter().find(own));
        key.and_then(|held| held.private.clone())
    }
}

impl Document {
    fn new(text: String) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        Self {
            etag: format!("\"{}\"", hex::encode(&digest.as_ref()[..12])),
            text: text.into(),
        }
    }
}

/// Keys whose time is over.
#[derive(Debug, Clone, Default)]
struct Over {
    /// Another one signs in their place.
    replaced: Vec<String>,
    /// Nothing that they signed is shown any more.
    forgotten: Vec<String>,
}

impl Over {
    fn among(keys: &[SealedKey], now: Timestamp) -> Self {
        let mut over = Self::default();
        for (at, key) in keys.iter().enumerate() {
            let replaced = || {
                let mut later = keys[at + 1..].iter();
                later.any(|next| next.alg == key.alg && next.signs <= now)
            };
            match key.retired {
                None if replaced() => over.replaced.push(key.kid.clone()),
                Some(at) if at.plus(BELIEVED_FOR) <= now => over.forgotten.push(key.kid.clone()),
                None | Some(_) => {}
            }
        }
        over
    }

    const fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.forgotten.is_empty()
    }

    async fn carry_out(self, tx: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
        for kid in &self.replaced {
            store::signing_keys::retire(tx, kid, now).await?;
        }
        for kid in &self.forgotten {
            store::signing_keys::delete(tx, kid).await?;
        }
        Ok(())
    }
}

fn newest(keys: &[SealedKey], alg: IdTokenAlg) -> Option<&SealedKey> {
    let mut usable = keys.iter().rev();
    usable.find(|key| key.alg == alg && key.retired.is_none())
}

/// What a private key is sealed for.
fn row(kid: &str) -> Vec<u8> {
    format!("signing-key/{kid}").into_bytes()
}

/// Runs what takes long on a thread that may be busy.
async fn aside<T, F>(work: F) -> Result<T, Problem>
where
    F: FnOnce() -> Result<T, KeyError> + Send + 'static,
    T: Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::Unavailable(error.to_string()))?
        .map_err(broken)
}

fn broken(error: KeyError) -> Problem {
    Problem::Unavailable(error.to_string())
}
