//! Signing in: by a provider, by a local password, and by proving a local password once to link it.
//!
//! A sign-in by a provider is two visits: [`crate::App::begin_sign_in`] leaves a flow in the store
//! and sends the browser away; [`crate::App::finish_sign_in`] asks the provider, uses the flow up and
//! carries the verdict of `model::rules::provision` out, both in one transaction. An administrator's
//! test sign-in takes the same way, except that its flow is kept in memory and nothing is carried
//! out ([`crate::test_sign_in`]).

mod begin;
mod carry_out;
mod finish;
mod initiate;
mod local;
mod posted;
mod proof;
mod record;
mod refusals;
mod returning;
mod testing;
mod verdict;

pub(crate) use begin::{Asked, FlowSecrets};
pub(crate) use initiate::Initiated;
pub use initiate::{Begun, Initiation};
pub(crate) use posted::Posted;
pub(crate) use record::{Record, locked, throttled};
pub(crate) use refusals::Refusals;
pub(crate) use returning::Returning;
pub(crate) use verdict::{Known, Vouched};

use crate::provider_calls::Fresh;
use crate::sessions::Who;
use crate::test_sign_in::TestId;
use model::attempt::Reference;
use model::outcome::Refusal;
use model::time::Timestamp;
use secrecy::SecretString;
use std::time::Duration;

/// How long a sign-in may stay at the provider.
pub const FLOW_LIFETIME: Duration = Duration::from_secs(600);

/// Where a person goes after signing in: routes of ours, never a URL.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnTo {
    /// The person's home.
    #[default]
    Home,
    /// Devices and mail programs.
    Devices,
    /// The authorization endpoint with this query, which is judged from zero there.
    Authorize(String),
    /// The page for the codes of devices.
    Connect {
        /// Its query, with the code if one was typed.
        query: String,
        /// The person asked to be somebody else than the provider may think.
        anew: bool,
    },
}

impl ReturnTo {
    /// How fresh a proof of the person is demanded of the provider.
    pub(crate) fn fresh(&self) -> Fresh {
        match self {
            Self::Authorize(query) => crate::oauth::authorize::fresh(query),
            Self::Connect { anew, .. } => Fresh {
                anew: *anew,
                max_age: None,
            },
            Self::Home | Self::Devices => Fresh::default(),
        }
    }
}

/// At which of our addresses the provider's answer arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// `/sso/{slug}/callback`.
    OwnPath(String),
    /// `/`, for the one provider registered with the bare origin.
    BareOrigin,
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum Ended {
    /// In.
    SignedIn(Box<SignedIn>),
    /// The person must prove the mailbox's local password; `proof` goes into a hidden field.
    ProveLocal {
        /// One-time token, bound to this browser, good for ten minutes and five tries.
        proof: SecretString,
        /// The mailbox's address.
        address: String,
        /// The provider's name.
        provider: String,
        /// Wrong tries so far; more than zero after a wrong password.
        wrong: u32,
        /// Where to go afterwards.
        return_to: ReturnTo,
    },
    /// Refused.
    Refused(Box<Refused>),
    /// A test sign-in has ended, well or not: see [`crate::App::test_sign_in`].
    Tested {
        /// The provider's slug.
        provider: String,
        /// The result's id.
        test: TestId,
    },
}

/// A fresh session.
#[derive(Debug)]
pub struct SignedIn {
    /// The session token for the cookie.
    pub token: SecretString,
    /// Whose session.
    pub who: Who,
    /// Where to go.
    pub return_to: ReturnTo,
    /// Whether the mailbox was created by this sign-in.
    pub created: bool,
    /// Something to notice (SSO-412).
    pub notice: Option<Refusal>,
}

/// A refusal as the person's page shows it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Code and words.
    pub refusal: Refusal,
    /// What to tell the helpdesk.
    pub reference: Reference,
    /// When.
    pub at: Timestamp,
    /// Where the person wanted to go.
    pub return_to: ReturnTo,
}
