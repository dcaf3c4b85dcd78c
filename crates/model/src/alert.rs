//! Alerts: what several people met for one cause, told once to whoever administers. When one is
//! raised is decided in [`crate::rules::alerts`].

use crate::address::DomainName;
use crate::ids::{AlertId, ProviderId};
use crate::outcome::{Code, Refusal};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What an alert is about, as far as hits are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Topic {
    /// People are refused with a code; codes with one cause and one remedy share the first.
    Refusals(Code),
    /// A provider does not answer, or not in a way that can be used.
    ProviderUnreachable,
    /// More people than plausible are not confirmed by their provider any more.
    Unconfirmed,
    /// Sign-ins leave for a provider, and none comes back.
    NobodyReturns,
}

const UNREACHABLE: &str = "provider_unreachable";
const UNCONFIRMED: &str = "unconfirmed";
const NOBODY_RETURNS: &str = "nobody_returns";

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refusals(code) => code.fmt(f),
            Self::ProviderUnreachable => f.write_str(UNREACHABLE),
            Self::Unconfirmed => f.write_str(UNCONFIRMED),
            Self::NobodyReturns => f.write_str(NOBODY_RETURNS),
        }
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.to_string()
    }
}

/// Not the text form of a [`Topic`] or an [`About`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is nothing that alerts know")]
pub struct NotOfAlerts(String);

impl std::str::FromStr for Topic {
    type Err = NotOfAlerts;
    fn from_str(text: &str) -> Result<Self, NotOfAlerts> {
        match text {
            UNREACHABLE => Ok(Self::ProviderUnreachable),
            UNCONFIRMED => Ok(Self::Unconfirmed),
            NOBODY_RETURNS => Ok(Self::NobodyReturns),
            code => match code.parse() {
                Ok(code) => Ok(Self::Refusals(code)),
                Err(_) => Err(NotOfAlerts(text.chars().take(40).collect())),
            },
        }
    }
}

impl TryFrom<String> for Topic {
    type Error = NotOfAlerts;
    fn try_from(text: String) -> Result<Self, NotOfAlerts> {
        text.parse()
    }
}

/// The object that has to be mended; there is one open alert for each topic and object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum About {
    /// A provider.
    Provider(ProviderId),
    /// A mail domain.
    Domain(DomainName),
    /// The installation.
    Server,
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Provider(id) => write!(f, "provider {id}"),
            Self::Domain(name) => write!(f, "domain {name}"),
            Self::Server => f.write_str("server"),
        }
    }
}

impl From<About> for String {
    fn from(about: About) -> Self {
        about.to_string()
    }
}

impl std::str::FromStr for About {
    type Err = NotOfAlerts;
    fn from_str(text: &str) -> Result<Self, NotOfAlerts> {
        let read = match text.split_once(' ') {
            Some(("provider", id)) => id.parse().ok().map(Self::Provider),
            Some(("domain", name)) => DomainName::parse(name).ok().map(Self::Domain),
            None if text == "server" => Some(Self::Server),
            _ => None,
        };
        read.ok_or_else(|| NotOfAlerts(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for About {
    type Error = NotOfAlerts;
    fn try_from(text: String) -> Result<Self, NotOfAlerts> {
        text.parse()
    }
}

/// One cause that people met, from the first of them on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id; `AlertId(0)` before it is stored.
    pub id: AlertId,
    /// What it is about.
    pub topic: Topic,
    /// What has to be mended.
    pub about: About,
    /// When the first met it.
    pub first: Timestamp,
    /// When the last met it.
    pub last: Timestamp,
    /// How many times it was met.
    pub count: i64,
    /// Whom it met, and the words.
    pub details: Details,
    /// When it was raised; `None` while too few have met it.
    pub raised: Option<Timestamp>,
    /// When an administrator took note of it.
    pub acknowledged: Option<Timestamp>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// What belongs to an alert and is never searched for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Details {
    /// The addresses it met, each once, the first of them only: see
    /// [`MOST_PEOPLE`](crate::rules::alerts::MOST_PEOPLE).
    pub people: Vec<String>,
    /// More people met it than are named.
    #[serde(default)]
    pub more: bool,
    /// The last refusal, for its words and its remedy; of sign-ins that never came back, the one
    /// that most likely keeps them.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// What to say where nobody was refused.
    #[serde(default)]
    pub words: String,
    /// Who took note of it or closed it.
    #[serde(default)]
    pub by: String,
}

impl Alert {
    /// What happened, in a sentence without its remedy.
    #[must_use]
    pub fn sentence(&self) -> String {
        let people = self.details.people.len();
        let more = if self.details.more { "more than " } else { "" };
        let who = match people {
            0 => format!("{} {}", self.count, plural(self.count, "attempt")),
            1 if !self.details.more => "1 person".to_owned(),
            _ => format!("{more}{people} people"),
        };
        match (&self.details.refusal, self.details.words.as_str()) {
            (Some(refusal), "") => format!("{who} could not sign in. {}", refusal.admin()),
            // A guess is told as one: its refusal is there for the way to mend it.
            (_, words) => words.to_owned(),
        }
    }
}

fn plural(count: i64, word: &str) -> String {
    format!("{word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_objects_come_back_from_their_text() {
        for topic in [
            Topic::Refusals(Code::DomainFull),
            Topic::ProviderUnreachable,
            Topic::Unconfirmed,
            Topic::NobodyReturns,
        ] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for about in [
            About::Provider(ProviderId(7)),
            About::Domain("example.org".parse().unwrap()),
            About::Server,
        ] {
            assert_eq!(about.to_string().parse(), Ok(about));
        }
        for bad in ["", "provider", "provider x", "domain ..", "moon"] {
            assert!(bad.parse::<About>().is_err(), "{bad}");
            assert!(bad.parse::<Topic>().is_err(), "{bad}");
        }
    }
}
