//! Typed ids: a mailbox's id is never mistaken for a domain's.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A mail domain. Small integers from 1, never reused.
    DomainId;
    /// A mailbox. Never reused, so that a later owner of an address is somebody else.
    MailboxId;
    /// An alias: an address that delivers to mailboxes.
    AliasId;
    /// A mailbox template.
    TemplateId;
    /// A company identity provider.
    ProviderId;
    /// A state of a provider's rules, as it was saved once.
    RuleVersionId;
    /// A link between a person at a provider and a mailbox.
    LinkId;
    /// A relink campaign.
    RelinkId;
    /// A block of a person at a provider.
    BlockId;
    /// An app: an OAuth client. Small integers from 1, never reused.
    OauthAppId;
    /// A secret of an app.
    AppSecretId;
    /// A sign-in of a person to an app.
    GrantId;
    /// A device that waits for a person.
    WaitingDeviceId;
    /// An app password.
    AppPasswordId;
    /// A local administrator.
    AdminId;
    /// A web session.
    SessionId;
    /// One recorded attempt to sign in.
    AttemptId;
    /// A pending side effect on the engines.
    OutboxId;
    /// An alert to whoever administers.
    AlertId;
}
