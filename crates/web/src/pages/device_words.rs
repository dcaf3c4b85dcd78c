//! What devices and browsers are called.

use model::protocol::Protocol;

/// A name to start from for a new device, from the browser's own words.
pub(super) fn suggested_name(user_agent: &str) -> &'static str {
    let kinds = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android phone"),
        ("Macintosh", "Mac"),
        ("Windows", "Windows PC"),
        ("CrOS", "Chromebook"),
        ("Linux", "Linux PC"),
    ];
    let found = kinds.iter().find(|(sign, _)| user_agent.contains(sign));
    found.map_or("", |(_, name)| name)
}

/// A browser on a system, as people call them: "Firefox on Windows".
pub(super) fn browser(user_agent: &str) -> String {
    // Order matters: most browsers also claim to be Chrome and Safari.
    let browsers = [
        ("Firefox/", "Firefox"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("FxiOS/", "Firefox"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Macintosh", "Mac"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let of = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(sign, _)| user_agent.contains(sign));
        found.map(|(_, name)| *name)
    };
    match (of(&browsers), of(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "unknown program".to_owned(),
    }
}

/// What a protocol lets a mail program do.
pub(super) const fn purpose(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Imap => "Read mail (IMAP)",
        Protocol::Pop3 => "Fetch mail the old way (POP3)",
        Protocol::Smtp => "Send mail (SMTP)",
        Protocol::Sieve => "Edit filters (Sieve)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_as_people_name_them() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/7.88.1", "curl"),
            ("", "unknown program"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
