//! Fresh unguessable strings for codes, tokens and sessions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits in 43 characters. Taken from the crypto library like the signing keys, and not
/// from a parameter: nothing in the product decides by these values.
///
/// # Errors
/// When the operating system gives no randomness.
pub(crate) fn token() -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
