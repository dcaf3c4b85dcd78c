//! Values as people type them.

use std::time::Duration;

use app::import::{parse_protocols, parse_size};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::address::{Address, AddressError, DomainName};
use model::protocol::Protocols;
use model::tag::{Tag, TagError, Tags};
use model::template::TemplateField;
use model::time::{Clock as _, DAY, SystemClock, Timestamp};
use time::format_description::well_known::Iso8601;
use time::{Date, Time};

/// `a@example.org`
pub(super) fn address(text: &str) -> Result<Address, AddressError> {
    Address::parse(text.trim())
}

/// `example.org`
pub(super) fn domain(text: &str) -> Result<DomainName, AddressError> {
    DomainName::parse(text.trim())
}

/// `5G`, `300M`, `unlimited`; in bytes.
pub(super) fn size(text: &str) -> Result<i64, String> {
    parse_size(text).ok_or_else(|| "write a size such as 5G or 300M, or unlimited".to_owned())
}

/// `imap,smtp`, `all`, `none`
pub(super) fn protocols(text: &str) -> Result<Protocols, String> {
    parse_protocols(text).map_err(|problem| problem.to_string())
}

/// `staff`
pub(super) fn tag(text: &str) -> Result<Tag, TagError> {
    Tag::parse(text)
}

/// `staff,vip`
pub(super) fn tags(text: &str) -> Result<Tags, TagError> {
    Tags::parse(text)
}

/// `yes` or `no`
pub(super) fn yes_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|typed| typed == "yes")
}

/// A field of a template.
pub(super) fn template_field(text: &str) -> Result<TemplateField, String> {
    let name = |field: &TemplateField| match field {
        TemplateField::Quota => "quota",
        TemplateField::Imap => "imap",
        TemplateField::Pop3 => "pop3",
        TemplateField::Smtp => "smtp",
        TemplateField::Sieve => "sieve",
        TemplateField::Active => "active",
        TemplateField::Tags => "tags",
    };
    let mut all = TemplateField::ALL.into_iter();
    all.find(|field| name(field) == text)
        .ok_or_else(|| "the fields are quota, imap, pop3, smtp, sieve, active and tags".to_owned())
}

/// `2026-12-31` (to the end of that day, UTC), `14d` or `12h` from now.
pub(super) fn end(text: &str) -> Result<Timestamp, String> {
    end_from(text, SystemClock.now())
}

/// As [`end`], or `no`.
pub(super) fn end_or_no(text: &str) -> Result<End, String> {
    if text == "no" {
        Ok(End(None))
    } else {
        end(text).map(|at| End(Some(at)))
    }
}

/// An end, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct End(pub(super) Option<Timestamp>);

fn end_from(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let span = |unit: char, of: Duration| {
        let number = text.strip_suffix(unit)?.parse::<u32>().ok()?;
        Some(now.plus(of.checked_mul(number)?))
    };
    let day = || {
        let day = Date::parse(text, &Iso8601::DATE).ok()?;
        let start = day.with_time(Time::MIDNIGHT).assume_utc();
        Some(Timestamp::from_secs(start.unix_timestamp()).plus(DAY))
    };
    span('d', DAY)
        .or_else(|| span('h', Duration::from_secs(3600)))
        .or_else(day)
        .ok_or_else(|| "write a day such as 2026-12-31, or 14d or 12h from now".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_or_a_span() {
        let now = Timestamp::from_secs(1_000_000);
        let end = |text| end_from(text, now).map(Timestamp::rfc3339);
        assert_eq!(end("2026-12-31").unwrap(), "2027-01-01T00:00:00Z");
        assert_eq!(end("14d").unwrap(), now.plus(DAY * 14).rfc3339());
        assert_eq!(
            end("2h").unwrap(),
            now.plus(Duration::from_secs(7200)).rfc3339()
        );
        for bad in ["", "d", "2026-13-01", "tomorrow", "-1d", "31.12.2026"] {
            assert!(end(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn fields_have_the_names_of_documents() {
        assert_eq!(template_field("quota"), Ok(TemplateField::Quota));
        assert!(template_field("Quota").is_err());
    }
}
