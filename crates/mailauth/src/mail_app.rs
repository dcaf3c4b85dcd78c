//! The decisions of the `auth` worker: [`app::mail::MailApp`] in the words of the mail edge.

use crate::decisions::{
    Credential, Decisions, Granted, LoginAttempt, MapKey, Misfit, PolicyAnswer, Refusal,
    RefusalKind, TurnedAway, Unavailable, UserEntry, Verdict,
};
use crate::wire::policy::PolicyRequest;
use app::mail::{self, Grant, Login, LoginAnswer, MailApp, Turned};
use model::address::{Address, DomainName};
use model::outcome::Code;
use std::time::Duration;

impl Decisions for MailApp {
    async fn login(&self, attempt: LoginAttempt) -> Verdict<Granted> {
        let login = Login {
            protocol: attempt.protocol,
            name: &attempt.name,
            secret: &attempt.secret,
            ip: attempt.origin.remote,
            secured: attempt.origin.secured,
        };
        match Self::login(self, login).await {
            LoginAnswer::Ok(grant) => Verdict::Ok(granted(grant)),
            LoginAnswer::Refused(turned) => Verdict::Refused(refusal(turned)),
            LoginAnswer::Unavailable => Verdict::Unavailable,
        }
    }

    async fn turn_away(&self, request: TurnedAway) -> Refusal {
        let TurnedAway {
            why,
            protocol,
            name,
            origin,
        } = request;
        tracing::debug!(?why, auth.service = %origin.service, "a login request was turned away");
        match why {
            // Nothing was guessed; the engine or the program is at fault, and nobody pays for it.
            Misfit::Service | Misfit::Mechanism | Misfit::NoExchange => Refusal {
                code: Code::MailWrong.id(),
                text: "Sign-in of this kind is not offered here".to_owned(),
                kind: RefusalKind::NotAllowed,
                delay: Duration::ZERO,
            },
            Misfit::Response | Misfit::TooLong | Misfit::EmptyPassword | Misfit::Authzid => {
                refusal(Self::turn_away(
                    self,
                    protocol,
                    name.as_deref(),
                    origin.remote,
                ))
            }
        }
    }

    async fn recheck(&self, granted: &Granted) -> Verdict<()> {
        let grant = Grant {
            address: granted.address.clone(),
            mailbox: granted.mailbox,
            protocol: granted.protocol,
            credential: match granted.credential {
                Credential::AppPassword(id) => mail::Credential::AppPassword(id),
                Credential::Password { generation } => mail::Credential::Password { generation },
            },
        };
        match Self::recheck(self, &grant).await {
            Ok(()) => Verdict::Ok(()),
            Err(LoginAnswer::Refused(turned)) => Verdict::Refused(refusal(turned)),
            Err(LoginAnswer::Ok(_) | LoginAnswer::Unavailable) => Verdict::Unavailable,
        }
    }

    async fn user(&self, address: &Address) -> Result<Option<UserEntry>, Unavailable> {
        let user = Self::user(self, address).await.map_err(|_| Unavailable)?;
        Ok(user.map(|user| UserEntry {
            address: address.clone(),
            uid: user.uid,
            gid: user.gid,
            home: user.home,
            mail: None,
            quota: user.quota,
            // Nobody is at home to want it: mail is kept, and no script forwards or answers it.
            settings: if user.active {
                Vec::new()
            } else {
                vec![("sieve_enabled", "no".to_owned())]
            },
        }))
    }

    async fn users(&self, after: Option<&Address>) -> Result<Vec<Address>, Unavailable> {
        Self::users(self, after).await.map_err(|_| Unavailable)
    }

    async fn domain(&self, domain: &DomainName) -> Result<bool, Unavailable> {
        self.serves(domain).await.map_err(|_| Unavailable)
    }

    async fn mailbox(&self, address: &Address) -> Result<bool, Unavailable> {
        self.receives(address).await.map_err(|_| Unavailable)
    }

    async fn alias(&self, key: &MapKey) -> Result<Vec<Address>, Unavailable> {
        match key {
            MapKey::Address(address) => Self::alias(self, address).await.map_err(|_| Unavailable),
            // There are no catch-alls.
            MapKey::Domain(_) => Ok(Vec::new()),
        }
    }

    async fn senders(&self, key: &MapKey) -> Result<Vec<Address>, Unavailable> {
        match key {
            MapKey::Address(address) => Self::senders(self, address).await.map_err(|_| Unavailable),
            MapKey::Domain(_) => Ok(Vec::new()),
        }
    }

    async fn policy(&self, request: PolicyRequest, session: Option<Granted>) -> PolicyAnswer {
        if request.sasl_username.is_none() {
            return PolicyAnswer::Dunno;
        }
        let Some(granted) = session else {
            // It signed in at a worker that died with what it knew: whether the credential still
            // stands cannot be told, so the program signs in again.
            return PolicyAnswer::Close {
                status: "4.7.0",
                text: "Please connect and sign in again".to_owned(),
            };
        };
        match Decisions::recheck(self, &granted).await {
            Verdict::Ok(()) => PolicyAnswer::Dunno,
            Verdict::Refused(refusal) => PolicyAnswer::Refuse {
                status: "5.7.1",
                text: refusal.text,
            },
            Verdict::Unavailable => PolicyAnswer::Unavailable,
        }
    }
}

fn granted(grant: Grant) -> Granted {
    Granted {
        address: grant.address,
        mailbox: grant.mailbox,
        protocol: grant.protocol,
        credential: match grant.credential {
            mail::Credential::AppPassword(id) => Credential::AppPassword(id),
            mail::Credential::Password { generation } => Credential::Password { generation },
        },
    }
}

fn refusal(turned: Turned) -> Refusal {
    let code = turned.refusal.code;
    Refusal {
        code: code.id(),
        text: turned.refusal.person(),
        kind: match code {
            Code::MailEnded => RefusalKind::Expired,
            Code::MailProtocol => RefusalKind::NotAllowed,
            Code::MailInactive => RefusalKind::Disabled,
            Code::MailEncryption => RefusalKind::NeedsTls,
            _ => RefusalKind::WrongCredentials,
        },
        delay: turned.delay,
    }
}
