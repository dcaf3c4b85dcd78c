//! Faults in what comes back to the redirect URI.

use super::Misbehaviour as M;

pub(super) fn spoil(how: M, answer: &mut Vec<(String, String)>) {
    match how {
        M::DeniedWithMarkup => {
            answer.retain(|(name, _)| name == "state" || name == "iss");
            add(answer, "error", "access_denied");
            add(
                answer,
                "error_description",
                "<script>alert(1)</script><img src=x onerror=alert(2)>\r\nSet-Cookie: pwned=1",
            );
        }
        M::StateOther => replace(answer, "state", "another-state-of-a-decent-length"),
        M::StateMissing => remove(answer, "state"),
        M::AnswerIssuerOther => replace(answer, "iss", "https://issuer.example"),
        M::AnswerIssuerMissing => remove(answer, "iss"),
        M::CodeAndError => add(answer, "error", "server_error"),
        _ => {}
    }
}

fn add(answer: &mut Vec<(String, String)>, name: &str, value: &str) {
    answer.push((name.to_owned(), value.to_owned()));
}

fn remove(answer: &mut Vec<(String, String)>, name: &str) {
    answer.retain(|(known, _)| known != name);
}

fn replace(answer: &mut Vec<(String, String)>, name: &str, value: &str) {
    remove(answer, name);
    add(answer, name, value);
}
