//! The way back to an app for somebody who does not get in: nobody is left standing in our pages.

use super::Answer;
use super::asked::Query;
use super::request::{Read, Unreadable};
use crate::App;
use model::outcome::Code;
use oidc::op::authorize::AuthorizeErrorCode;

/// The way back to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// The app's name.
    pub app: String,
    /// What the app is told.
    pub answer: Answer,
}

impl App {
    /// The way back to the app of a request, known to be right; with why the person does not get in, or
    /// without where they merely turn back. `None` where no app and redirect are known to be right, or
    /// the store does not answer.
    pub async fn way_back(&self, query: &str, why: Option<Code>) -> Option<WayBack> {
        let read = self.read_request(&Query::of(query)).await;
        match read.inspect_err(|error| tracing::warn!(%error, "no way back to an app is known")) {
            Ok(Ok(read)) => Some(back_of(&read, why)),
            Ok(Err(Unreadable::Goes { app, answer, .. })) => Some(WayBack {
                app: app.settings.name,
                answer,
            }),
            Ok(Err(Unreadable::Stays { .. })) | Err(_) => None,
        }
    }
}

pub(super) fn back_of(read: &Read, why: Option<Code>) -> WayBack {
    WayBack {
        app: read.app.settings.name.clone(),
        answer: read.back.error(error_of(why), ""),
    }
}

/// What an app is told of a sign-in that failed: whether it may try again at once, later, or not.
const fn error_of(why: Option<Code>) -> AuthorizeErrorCode {
    let Some(code) = why else {
        return AuthorizeErrorCode::AccessDenied;
    };
    match (code, code.entry().status) {
        // Nobody said no: the sign-in merely was not finished.
        (Code::ForeignState | Code::AppNotAnew | Code::WrongPassword, _) => {
            AuthorizeErrorCode::LoginRequired
        }
        (_, 429 | 503) => AuthorizeErrorCode::TemporarilyUnavailable,
        (_, 500..) => AuthorizeErrorCode::ServerError,
        _ => AuthorizeErrorCode::AccessDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_learns_whether_to_try_again() {
        use AuthorizeErrorCode as E;
        for (why, error) in [
            (None, E::AccessDenied),
            (Some(Code::ProviderSaidNo), E::AccessDenied),
            (Some(Code::NoMapping), E::AccessDenied),
            (Some(Code::MailboxInactive), E::AccessDenied),
            (Some(Code::AppNotForYou), E::AccessDenied),
            (Some(Code::ForeignState), E::LoginRequired),
            (Some(Code::AppNotAnew), E::LoginRequired),
            (Some(Code::TooManyTries), E::TemporarilyUnavailable),
            (Some(Code::ProviderUnreachable), E::TemporarilyUnavailable),
            (Some(Code::OwnFault), E::TemporarilyUnavailable),
            (Some(Code::ClientRejected), E::ServerError),
            (Some(Code::ProvisioningFailed), E::ServerError),
        ] {
            assert_eq!(error_of(why), error, "{why:?}");
        }
    }
}
