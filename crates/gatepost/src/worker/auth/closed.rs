//! A desk that is closed: every question is answered as a temporary fault of ours.

use std::time::Duration;

use mailauth::{
    Decisions, Granted, LoginAttempt, MapKey, PolicyAnswer, PolicyRequest, Refusal, RefusalKind,
    TurnedAway, Unavailable, UserEntry, Verdict,
};
use model::address::{Address, DomainName};

/// Decides nothing and refuses nobody: mail programs and other mail servers try again later.
pub(super) struct Closed;

impl Decisions for Closed {
    async fn login(&self, _: LoginAttempt) -> Verdict<Granted> {
        Verdict::Unavailable
    }

    async fn turn_away(&self, _: TurnedAway) -> Refusal {
        Refusal {
            code: "",
            text: String::new(),
            kind: RefusalKind::WrongCredentials,
            delay: Duration::from_secs(2),
        }
    }

    async fn recheck(&self, _: &Granted) -> Verdict<()> {
        Verdict::Unavailable
    }

    async fn user(&self, _: &Address) -> Result<Option<UserEntry>, Unavailable> {
        Err(Unavailable)
    }

    async fn users(&self, _: Option<&Address>) -> Result<Vec<Address>, Unavailable> {
        Err(Unavailable)
    }

    async fn domain(&self, _: &DomainName) -> Result<bool, Unavailable> {
        Err(Unavailable)
    }

    async fn mailbox(&self, _: &Address) -> Result<bool, Unavailable> {
        Err(Unavailable)
    }

    async fn alias(&self, _: &MapKey) -> Result<Vec<Address>, Unavailable> {
        Err(Unavailable)
    }

    async fn senders(&self, _: &MapKey) -> Result<Vec<Address>, Unavailable> {
        Err(Unavailable)
    }

    async fn policy(&self, _: PolicyRequest) -> PolicyAnswer {
        PolicyAnswer::Unavailable
    }
}
