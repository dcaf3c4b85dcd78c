use askama::Template;

/// How full something is, in bytes.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/quota.html")]
pub struct Quota {
    name: String,
    used: i64,
    limit: i64,
    brief: bool,
}

impl Quota {
    /// `used` of `limit` bytes; a limit of 0 is none. `name` says of what.
    pub fn new(name: impl Into<String>, used: i64, limit: i64) -> Self {
        Self {
            name: name.into(),
            used: used.max(0),
            limit: limit.max(0),
            brief: false,
        }
    }

    /// In few words, for a cell of a table.
    #[must_use]
    pub const fn brief(mut self) -> Self {
        self.brief = true;
        self
    }

    fn permille(&self) -> i64 {
        let share = i128::from(self.used) * 1000 / i128::from(self.limit.max(1));
        i64::try_from(share.min(1000)).unwrap_or(1000)
    }

    fn percent(&self) -> String {
        let share = i128::from(self.used) * 100 / i128::from(self.limit.max(1));
        format!("{share} % full")
    }

    fn class(&self) -> &'static str {
        match self.permille() {
            _ if self.limit == 0 => "",
            950.. => "error",
            800.. => "warn",
            _ => "",
        }
    }

    fn words(&self) -> String {
        let used = bytes(self.used);
        match (self.limit, self.brief) {
            (0, true) => used,
            (0, false) => format!("{used} used, no limit"),
            (limit, true) => format!("{used} of {}", bytes(limit)),
            (limit, false) => format!("{used} of {} used", bytes(limit)),
        }
    }
}

/// A number of bytes for people: `0 MiB`, `512 MiB`, `1.5 GiB`. Small amounts round up, so that
/// something is never shown as nothing.
#[must_use]
pub fn bytes(count: i64) -> String {
    const MIB: i64 = 1 << 20;
    const GIB: i64 = 1 << 30;
    const TIB: i64 = 1 << 40;
    let count = count.max(0);
    if count < GIB {
        return format!("{} MiB", (count + MIB - 1) / MIB);
    }
    let (unit, name) = if count < TIB {
        (GIB, "GiB")
    } else {
        (TIB, "TiB")
    };
    let tenths = i128::from(count) * 10 / i128::from(unit);
    if tenths % 10 == 0 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_sizes_as_people_do() {
        for (count, text) in [
            (-1, "0 MiB"),
            (0, "0 MiB"),
            (1, "1 MiB"),
            (512 << 20, "512 MiB"),
            ((1 << 30) - 1, "1024 MiB"),
            (1 << 30, "1 GiB"),
            ((3 << 30) / 2, "1.5 GiB"),
            (5 << 30, "5 GiB"),
            (1 << 40, "1 TiB"),
            (i64::MAX, "8388607.9 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn an_overfull_mailbox_stays_within_the_bar() {
        let html = Quota::new("Mailbox", 6 << 30, 5 << 30).render().unwrap();
        assert!(html.contains("value=\"1000\""), "{html}");
        assert!(html.contains("120 % full"), "{html}");
        assert!(html.contains("quota error"), "{html}");
    }

    #[test]
    fn without_a_limit_there_is_no_bar() {
        let html = Quota::new("Mailbox", 6 << 30, 0).render().unwrap();
        assert!(!html.contains("<progress"), "{html}");
        assert!(html.contains("no limit"), "{html}");
    }
}
