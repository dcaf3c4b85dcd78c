//! Faults in the userinfo answer.

use super::{Misbehaviour as M, signature};
use crate::keys::{KeyFault, SigningKey};
use crate::token::Draft;
use serde_json::{Map, Value, json};

/// Deep enough to overflow the stack of a parser that recurses without a limit.
const DEPTH: usize = 100_000;

pub(super) fn spoil(how: M, claims: &mut Map<String, Value>) {
    match how {
        M::UserinfoSubjectOther => set_subject(claims, "somebody-else"),
        M::UserinfoSubjectMissing => {
            claims.remove("sub");
        }
        M::SubjectEmpty => set_subject(claims, ""),
        M::SubjectLong => set_subject(claims, &"s".repeat(256)),
        _ => {}
    }
}

/// Whether it concerns the signed form.
pub(super) const fn is_signed(how: M) -> bool {
    matches!(
        how,
        M::UserinfoSigned
            | M::UserinfoIssuerOther
            | M::UserinfoIssuerMissing
            | M::UserinfoAudienceOther
            | M::UserinfoAudienceMissing
            | M::UserinfoSignedSubjectOther
            | M::UserinfoSignatureBad
            | M::UserinfoSignatureNone
            | M::UserinfoEncrypted
    )
}

pub(super) fn spoil_token(how: M, draft: &mut Draft) {
    let mut set = |claim: &str, value: &str| draft.claims.insert(claim.to_owned(), json!(value));
    match how {
        M::UserinfoIssuerOther => drop(set("iss", "https://issuer.example")),
        M::UserinfoAudienceOther => drop(set("aud", "another-client")),
        M::UserinfoSignedSubjectOther => drop(set("sub", "somebody-else")),
        M::UserinfoIssuerMissing => drop(draft.claims.remove("iss")),
        M::UserinfoAudienceMissing => drop(draft.claims.remove("aud")),
        _ => {}
    }
}

pub(super) fn sign(how: M, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
    match how {
        M::UserinfoSignatureBad => signature::sign(M::SignatureBad, draft, key),
        M::UserinfoSignatureNone => signature::sign(M::SignatureNone, draft, key),
        M::UserinfoEncrypted => {
            // Header, encrypted key, initialization vector, ciphertext, tag (RFC 7516).
            let token = draft.signed_by(key)?;
            let mut parts = token.split('.').collect::<Vec<_>>();
            parts.extend(["AAAA", "AAAA"]);
            Ok(parts.join("."))
        }
        _ => draft.signed_by(key),
    }
}

/// What no JSON library would write by itself.
pub(super) fn rewritten(how: M, text: String) -> String {
    match how {
        M::UserinfoDeep => format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        M::UserinfoTwice => {
            let second = r#""sub":"somebody-else","email":"other@elsewhere.example"}"#;
            format!("{},{second}", text.trim_end_matches('}'))
        }
        _ => text,
    }
}

fn set_subject(claims: &mut Map<String, Value>, subject: &str) {
    claims.insert("sub".to_owned(), json!(subject));
}
