//! What the other side of a provider is given: its instructions, and secrets made here.

use super::{SavedProvider, SecretChange};
use crate::step_up::Doer;
use crate::{App, Problem};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use model::ids::ProviderId;
use model::link::Namespace;
use model::preset::{Instructions, Preset, Setup, Shown, instructions};
use model::provider::Provider;
use model::random;
use model::rule::{Rule, Test};
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use std::num::NonZeroU32;

/// Rounds of the digest, as Authelia's own command makes them.
const ROUNDS: NonZeroU32 = NonZeroU32::new(310_000).unwrap();

/// Rules written ahead: one for each template, if there are few.
const MOST_RULES_AHEAD: usize = 5;

impl App {
    /// A new provider of a kind, as far as it is known: nothing of it is stored. Its short name is
    /// free.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn provider_draft(&self, preset: Preset) -> Result<Provider, Problem> {
        let facts = preset.facts();
        let mut settings = preset.settings();
        if preset.makes_client_here()
            && let Some(claim) = facts.template_claim
        {
            let templates = self
                .templates()
                .await?
                .into_iter()
                .map(|(template, _)| template);
            let ahead: Vec<_> = templates.take(MOST_RULES_AHEAD + 1).collect();
            if ahead.len() <= MOST_RULES_AHEAD {
                settings.rules = ahead
                    .into_iter()
                    .map(|template| Rule {
                        claim: claim.to_owned(),
                        test: Test::Is(template.name),
                        template: template.id,
                    })
                    .collect();
            }
        }
        let taken: Vec<_> = self
            .providers()
            .await?
            .into_iter()
            .map(|p| p.slug)
            .collect();
        let mut slug = facts.slug.to_owned();
        let mut number = 2;
        while !slug.is_empty() && taken.contains(&slug) {
            slug = format!("{}-{number}", facts.slug);
            number += 1;
        }
        let now = self.clock.now();
        Ok(Provider {
            id: ProviderId(0),
            slug,
            created: now,
            modified: now,
            secret: None,
            checks_stopped: None,
            namespace: Namespace(String::new()),
            settings,
        })
    }

    /// What to do at the provider's side. `secret` is the client secret while it is new; without
    /// one a placeholder stands in its place.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn provider_instructions(
        &self,
        provider: &Provider,
        secret: Option<&SecretString>,
    ) -> Result<Instructions, Problem> {
        let templates = self.templates().await?;
        let templates: Vec<_> = templates
            .into_iter()
            .map(|(template, _)| template.name)
            .collect();
        let digest = match secret {
            Some(secret) if provider.settings.preset == Preset::Authelia => {
                let (secret, salt) = (secret.clone(), random::bytes(self.random.as_ref()));
                tokio::task::spawn_blocking(move || authelia_digest(&secret, salt))
                    .await
                    .map_err(|error| Problem::Unavailable(error.to_string()))?
            }
            _ => String::new(),
        };
        Ok(instructions(&Setup {
            slug: &provider.slug,
            settings: &provider.settings,
            public_url: &self.config.public_url,
            redirect_url: &self.redirect_url(provider),
            templates: &templates,
            secret: secret.map(|plain| Shown {
                plain,
                authelia_digest: &digest,
            }),
        }))
    }

    /// Makes a new client secret in place of the one stored, and hands it out once. People sign in
    /// again when the other side knows it.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a provider that makes its own; [`Problem::Stale`].
    pub async fn renew_client_secret(
        &self,
        doer: impl Into<Doer>,
        slug: &str,
        seen: Option<Timestamp>,
    ) -> Result<SavedProvider, Problem> {
        let settings = self.provider(slug).await?.settings;
        if !settings.preset.makes_client_here() {
            let words = "this provider makes the client secret itself; enter that one";
            return Err(Problem::field("client_secret", words));
        }
        let secret = self.new_client_secret();
        let change = SecretChange::Set(secret.clone());
        let saved = self
            .edit_provider(doer, slug, settings, change, seen)
            .await?;
        Ok(SavedProvider {
            minted: Some(secret),
            ..saved
        })
    }

    /// 256 random bits, in characters that no form and no URL encodes.
    pub(super) fn new_client_secret(&self) -> SecretString {
        SecretString::from(random::token(self.random.as_ref()))
    }

    /// A client id that no other client of the provider has.
    pub(super) fn new_client_id(&self) -> String {
        let tail = hex::encode(random::bytes::<4>(self.random.as_ref()));
        format!("gatepost-{tail}")
    }
}

/// A secret as Authelia's configuration holds it: PBKDF2 with SHA-512, salt and digest in base64
/// with `.` for `+` and without padding, as passlib writes it.
fn authelia_digest(secret: &SecretString, salt: [u8; 16]) -> String {
    let mut digest = [0; 64];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA512,
        ROUNDS,
        &salt,
        secret.expose_secret().as_bytes(),
        &mut digest,
    );
    let base64 = passlib_base64();
    format!(
        "$pbkdf2-sha512${ROUNDS}${}${}",
        base64.encode(salt),
        base64.encode(digest)
    )
}

fn passlib_base64() -> GeneralPurpose {
    const ALPHABET: Alphabet =
        match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
            Ok(alphabet) => alphabet,
            Err(_) => base64::alphabet::STANDARD,
        };
    GeneralPurpose::new(&ALPHABET, NO_PAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Authelia's own guide for mailcow prints this digest of `insecure_secret`.
    const PUBLISHED: &str = "$pbkdf2-sha512$310000$c8p78n7pUMln0jzvd4aK4Q$JNRBzwAo0ek5qKn50cFzzvE9RXV88h1wJn5KGiHrD0YKtZaR/nCb2CJPOsKaPK0hjf.9yHxzQGZziziccp6Yng";

    #[test]
    fn the_digest_is_the_one_of_authelias_own_guide() {
        let salt = passlib_base64().decode("c8p78n7pUMln0jzvd4aK4Q").unwrap();
        let secret = SecretString::from("insecure_secret");
        let digest = authelia_digest(&secret, salt.try_into().unwrap());
        assert_eq!(digest, PUBLISHED);
    }

    #[test]
    fn another_program_reads_the_digest() {
        let secret = "Zm9vYmFy-_with every ü";
        let digest = authelia_digest(&SecretString::from(secret), [0xfb; 16]);
        let program = "import base64, hashlib, sys
_, kind, rounds, salt, digest = sys.argv[1].split('$')
decode = lambda text: base64.b64decode(text.replace('.', '+') + '==')
made = hashlib.pbkdf2_hmac('sha512', sys.argv[2].encode(), decode(salt), int(rounds))
sys.exit(kind != 'pbkdf2-sha512' or made != decode(digest))";
        let checks = |secret: &str| {
            let mut python = Command::new("python3");
            python.args(["-c", program, &digest, secret]);
            python.status().unwrap().success()
        };
        assert!(checks(secret));
        assert!(!checks("another secret"));
    }
}
