//! Client secrets that some providers do not understand as they are sent.

use model::provider::{ClientAuth, ProviderSettings};
use oidc::token::basic_encodes;
use secrecy::SecretString;

const RESERVED: &str = "The client id or secret has characters that Basic authentication must encode \
    (RFC 6749, section 2.3.1), and some providers do not decode them. If it is refused (SSO-201), \
    make a secret of letters and digits at the provider, or send it in the body \
    (client_secret_post).";

/// What an administrator is told who saves such a secret, unless it is sent in the body alone: what
/// is encoded there every server decodes.
pub(super) fn note(settings: &ProviderSettings, secret: &SecretString) -> Option<String> {
    let encoded = basic_encodes(&settings.client_id, secret);
    (encoded && settings.client_auth != ClientAuth::Body).then(|| RESERVED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::preset::Preset;

    #[test]
    fn what_basic_must_encode_is_told() {
        let told = |id: &str, secret: &str, client_auth| {
            let settings = ProviderSettings {
                client_id: id.to_owned(),
                client_auth,
                ..Preset::Issuer.settings()
            };
            note(&settings, &SecretString::from(secret)).is_some()
        };
        for secret in ["with space", "a+b", "a/b", "a:b", "a%41", "a=", "ä", "~"] {
            assert!(told("mail", secret, ClientAuth::Auto), "{secret}");
            assert!(told("mail", secret, ClientAuth::Basic), "{secret}");
            assert!(!told("mail", secret, ClientAuth::Body), "{secret}");
        }
        assert!(!told("mail", "Letters-and_digits.09*", ClientAuth::Auto));
        assert!(told("https://mail", "letters", ClientAuth::Auto), "the id");
    }
}
