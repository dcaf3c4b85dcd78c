//! How an app says which one it is, and proves it: at the token endpoint, at introspection and at
//! revocation (RFC 6749 section 2.3, OpenID Connect Core section 9).

use super::error::TokenErrorCode;
use super::params::{Params, ParamsError};
use super::token::TokenError;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// Some clients leave the padding off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parameters that are read here.
pub const KNOWN: [&str; 4] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
];

/// How an app proves that it is itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientAuthMethod {
    /// `client_secret_basic`: in the header.
    Basic,
    /// `client_secret_post`: in the body.
    Post,
    /// It does not: it only says which one it is.
    None,
}

impl ClientAuthMethod {
    /// The name in metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::None => "none",
        }
    }
}

/// Which app it says that it is, with its proof.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client id.
    pub id: String,
    /// The secret; an empty one is none.
    pub secret: Option<SecretString>,
    /// How they came.
    pub method: ClientAuthMethod,
}

/// Reads them from the `Authorization` header and the form. `None` when there are none at all.
///
/// # Errors
/// [`TokenError`]: `invalid_request` for two ways at once and for repeated parameters,
/// `invalid_client` for a header that cannot be read and for ways that we do not know.
pub fn client_credentials(
    authorization: Option<&str>,
    params: &Params,
) -> Result<Option<ClientCredentials>, TokenError> {
    params.refuse_repeated(&KNOWN)?;
    let id = params.get("client_id")?;
    let secret = params.get("client_secret")?;
    let assertion =
        params.get("client_assertion")?.is_some() || params.get("client_assertion_type")?.is_some();
    if usize::from(authorization.is_some()) + usize::from(secret.is_some()) + usize::from(assertion)
        > 1
    {
        return Err(TokenError::invalid(
            "the client authenticates in more than one way (RFC 6749 section 2.3)",
        ));
    }
    if assertion {
        return Err(invalid_client("client assertions are not supported"));
    }
    if let Some(header) = authorization {
        let credentials = basic(header)?;
        if id.is_some_and(|id| id != credentials.id) {
            let description = "client_id is not that of the Authorization header";
            return Err(TokenError::invalid(description));
        }
        return Ok(Some(credentials));
    }
    let method = if secret.is_some() {
        ClientAuthMethod::Post
    } else {
        ClientAuthMethod::None
    };
    match id {
        Some(id) => Ok(Some(ClientCredentials {
            id: id.to_owned(),
            secret: secret.map(SecretString::from),
            method,
        })),
        None if secret.is_some() => Err(invalid_client("client_secret without client_id")),
        None => Ok(None),
    }
}

impl From<ParamsError> for TokenError {
    fn from(error: ParamsError) -> Self {
        Self::invalid(error)
    }
}

fn invalid_client(description: &str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidClient, description)
}

fn basic(header: &str) -> Result<ClientCredentials, TokenError> {
    let unreadable = || invalid_client("the Authorization header is not HTTP Basic (RFC 7617)");
    let (scheme, encoded) = header.split_once(' ').ok_or_else(unreadable)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unreadable());
    }
    let bytes = BASE64
        .decode(encoded.trim_matches(' '))
        .map(Zeroizing::new)
        .map_err(|_| unreadable())?;
    let pair = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
    // An id holds no colon once it is encoded; a secret that nobody encoded may.
    let (id, secret) = pair.split_once(':').ok_or_else(unreadable)?;
    let (id, secret) = (decode(id), decode(secret));
    if id.is_empty() || id.chars().any(char::is_control) {
        return Err(unreadable());
    }
    Ok(ClientCredentials {
        id,
        secret: (!secret.is_empty()).then(|| secret.into()),
        method: ClientAuthMethod::Basic,
    })
}

/// Undoes the form-urlencoding that RFC 6749 section 2.3.1 demands. Many clients do not encode; what
/// could not have been encoded is taken as it is.
fn decode(text: &str) -> String {
    let encodes = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(encodes) {
        return text.to_owned();
    }
    let spaced = Zeroizing::new(text.replace('+', " "));
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose;
    use secrecy::ExposeSecret as _;

    fn header(pair: &str) -> String {
        format!("Basic {}", general_purpose::STANDARD.encode(pair))
    }

    type Read = Result<Option<(String, Option<String>, ClientAuthMethod)>, TokenErrorCode>;

    fn read(authorization: Option<&str>, form: &str) -> Read {
        let params = Params::parse(form).unwrap();
        client_credentials(authorization, &params)
            .map(|found| {
                found.map(|found| {
                    let secret = found.secret.map(|secret| secret.expose_secret().to_owned());
                    (found.id, secret, found.method)
                })
            })
            .map_err(|error| error.error)
    }

    fn found(id: &str, secret: &str, method: ClientAuthMethod) -> Read {
        let secret = (!secret.is_empty()).then(|| secret.to_owned());
        Ok(Some((id.to_owned(), secret, method)))
    }

    #[test]
    fn basic_is_read_as_strict_and_as_careless_clients_send_it() {
        use ClientAuthMethod::Basic;
        for (pair, id, secret) in [
            ("app:s3cret", "app", "s3cret"),
            ("a%20p%3Ap:s%25%2B%26", "a p:p", "s%+&"),
            ("app:a+b", "app", "a b"),
            ("app:100%", "app", "100%"),
            ("app:50%zz+x", "app", "50%zz+x"),
            ("app:%ff", "app", "%ff"),
            ("app:a:b:c", "app", "a:b:c"),
            ("app:gr%C3%B6%C3%9Fe", "app", "größe"),
            ("app:größe", "app", "größe"),
            ("app:", "app", ""),
        ] {
            assert_eq!(
                read(Some(&header(pair)), ""),
                found(id, secret, Basic),
                "{pair}"
            );
        }
        let unpadded = header("app:x1").trim_end_matches('=').to_owned();
        assert_eq!(read(Some(&unpadded), ""), found("app", "x1", Basic));
        let shouted = header("app:x").replace("Basic", "BASIC ");
        assert_eq!(
            read(Some(&shouted), "client_id=app"),
            found("app", "x", Basic)
        );
    }

    #[test]
    fn what_we_send_ourselves_is_read_back() {
        let secret = SecretString::from("p%ä: +&=");
        let sent = crate::token::basic("client:id %", &secret);
        let expected = found("client:id %", "p%ä: +&=", ClientAuthMethod::Basic);
        assert_eq!(read(Some(sent.expose_secret()), ""), expected);
    }

    #[test]
    fn the_body_may_say_it_too() {
        let both = read(None, "client_id=app&client_secret=a%2Bb");
        assert_eq!(both, found("app", "a+b", ClientAuthMethod::Post));
        for form in ["client_id=app", "client_id=app&client_secret="] {
            assert_eq!(read(None, form), found("app", "", ClientAuthMethod::None));
        }
        assert_eq!(read(None, "code=x"), Ok(None));
    }

    #[test]
    fn one_way_at_a_time() {
        let header = header("app:x");
        let invalid = Err(TokenErrorCode::InvalidRequest);
        for form in [
            "client_secret=x",
            "client_id=app&client_secret=x",
            "client_id=other",
            "client_assertion=x.y.z",
            "client_assertion_type=x",
            "client_id=app&client_id=app",
        ] {
            assert_eq!(read(Some(&header), form), invalid, "{form}");
        }
        for form in [
            "client_id=app&client_id=app",
            "client_id=app&client_secret=x&client_secret=y",
            "client_id=app&client_secret=x&client_secret=",
            "client_id=app&client_secret=x&client_assertion=y",
            "client_id=a%00b",
        ] {
            assert_eq!(read(None, form), invalid, "{form}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_client() {
        let invalid = Err(TokenErrorCode::InvalidClient);
        for authorization in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer abc",
            "Negotiate abc",
            &header("no colon"),
            &header(":secret"),
            &header("a%0ab:x"),
            &format!("Basic {}", general_purpose::STANDARD.encode(b"\xff\xfe:x")),
        ] {
            assert_eq!(read(Some(authorization), ""), invalid, "{authorization:?}");
        }
        assert_eq!(read(None, "client_secret=x"), invalid);
        assert_eq!(read(None, "client_id=a&client_assertion=x"), invalid);
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let params = Params::parse("client_id=app&client_secret=hush").unwrap();
        let found = client_credentials(None, &params).unwrap();
        assert!(!format!("{found:?}").contains("hush"));
    }
}
