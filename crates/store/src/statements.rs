//! Named SQL, one list per noun.

/// Declares a noun's statements and, for tests, the list of them. The text is for both databases:
/// `$1`, `$2` … in order of first appearance, no OFFSET, no count over a table.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

#[cfg(test)]
mod tests {
    use crate::{MasterKey, OsRandom, mailboxes, sqlite};

    /// Every noun with statements. One that is forgotten here has an unused constant, which is an
    /// error of the lint run.
    const NOUNS: &[(&str, &[(&str, &str)])] = &[
        ("admins", crate::admins::STATEMENTS),
        ("alerts", crate::alerts::STATEMENTS),
        ("aliases", crate::aliases::STATEMENTS),
        ("app_codes", crate::app_codes::STATEMENTS),
        ("app_connections", crate::app_connections::STATEMENTS),
        ("app_devices", crate::app_devices::STATEMENTS),
        ("app_grants", crate::app_grants::STATEMENTS),
        ("app_logouts", crate::app_logouts::STATEMENTS),
        ("app_passwords", crate::app_passwords::STATEMENTS),
        ("app_sessions", crate::app_sessions::STATEMENTS),
        ("app_tokens", crate::app_tokens::STATEMENTS),
        ("attempt_counts", crate::attempt_counts::STATEMENTS),
        ("attempts", crate::attempts::STATEMENTS),
        ("audit", crate::audit::STATEMENTS),
        ("blocks", crate::blocks::STATEMENTS),
        ("confirmation", crate::confirmation::STATEMENTS),
        ("departures", crate::departures::STATEMENTS),
        ("domains", crate::domains::STATEMENTS),
        ("ends", crate::ends::STATEMENTS),
        ("helpdesk", crate::helpdesk::STATEMENTS),
        ("link_claims", crate::link_claims::STATEMENTS),
        ("link_proofs", crate::link_proofs::STATEMENTS),
        ("links", crate::links::STATEMENTS),
        ("logout_tokens", crate::logout_tokens::STATEMENTS),
        ("mail_lookup", crate::mail_lookup::STATEMENTS),
        ("mailbox_tags", crate::mailbox_tags::STATEMENTS),
        ("mailboxes", crate::mailboxes::STATEMENTS),
        ("oauth_apps", crate::oauth_apps::STATEMENTS),
        ("outbox", crate::outbox::STATEMENTS),
        ("password_uses", crate::password_uses::STATEMENTS),
        ("providers", crate::providers::STATEMENTS),
        ("refresh_tokens", crate::refresh_tokens::STATEMENTS),
        ("relinks", crate::relinks::STATEMENTS),
        ("replaced_sessions", crate::replaced_sessions::STATEMENTS),
        ("rule_versions", crate::rule_versions::STATEMENTS),
        ("sessions", crate::sessions::STATEMENTS),
        ("settings", crate::settings::STATEMENTS),
        ("setup_links", crate::setup_links::STATEMENTS),
        ("sign_in_flows", crate::sign_in_flows::STATEMENTS),
        ("signing_keys", crate::signing_keys::STATEMENTS),
        ("templates", crate::templates::STATEMENTS),
        ("mailboxes::deleted", mailboxes::DELETED_STATEMENTS),
        ("mailboxes::list", mailboxes::LIST_STATEMENTS),
        ("mailboxes::words", mailboxes::WORD_STATEMENTS),
    ];

    fn database() -> (tempfile::TempDir, rusqlite::Connection) {
        let dir = tempfile::tempdir().unwrap();
        let (key, file) = (dir.path().join("key"), dir.path().join("store.db"));
        MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
        let connection = sqlite::open_writer(&file).unwrap();
        (dir, connection)
    }

    fn all() -> impl Iterator<Item = (String, &'static str)> {
        let named = |noun: &str, name: &str| format!("{noun}::{name}");
        NOUNS.iter().flat_map(move |(noun, statements)| {
            statements
                .iter()
                .map(move |(name, sql)| (named(noun, name), *sql))
        })
    }

    /// The numbers of the `$n` in a statement, in order of appearance.
    fn placeholders(sql: &str) -> Vec<usize> {
        sql.split('$')
            .skip(1)
            .map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_digit());
                rest[..end.unwrap_or(rest.len())].parse().unwrap()
            })
            .collect()
    }

    #[test]
    fn every_statement_can_be_prepared() {
        let (_dir, connection) = database();
        for (name, sql) in all() {
            let statement = connection.prepare(sql);
            let statement = statement.unwrap_or_else(|e| panic!("{name}: {e}"));
            let most = placeholders(sql).into_iter().max().unwrap_or(0);
            assert_eq!(statement.parameter_count(), most, "{name}");
        }
    }

    /// SQLite numbers `$n` by first appearance, PostgreSQL by the number: they must agree.
    #[test]
    fn placeholders_appear_in_ascending_order() {
        for (name, sql) in all() {
            let mut most = 0;
            for number in placeholders(sql) {
                assert!(number <= most + 1, "{name}: ${number} before ${}", most + 1);
                most = most.max(number);
            }
        }
    }

    #[test]
    fn no_statement_skips_or_counts_its_way_through_a_table() {
        for (name, sql) in all() {
            assert!(!sql.contains("OFFSET"), "{name}");
            assert!(!sql.contains(" LIKE "), "{name}");
        }
    }

    /// Statements that walk or sort a whole small table, each with the reason why it stays small.
    const MAY_SCAN: &[(&str, &str)] = &[
        ("admins::LIST", "a handful of administrators"),
        ("admins::COUNT", "a handful of administrators"),
        ("domains::NAMES", "asked for all of them"),
        ("providers::ALL", "a handful of providers"),
        ("providers::DELETE", "once in a provider's life"),
        ("providers::INSERT", "a handful of providers"),
        ("relinks::LIST", "a handful of campaigns, newest first"),
        ("setup_links::CLEAR", "one link"),
        ("setup_links::EXISTS", "one link"),
        ("signing_keys::ALL", "a handful of keys"),
        ("templates::ALL", "dozens of templates"),
    ];

    /// Statements that sort the rows of one mailbox or address, which are few and bounded.
    const MAY_SORT: &[(&str, &str)] = &[
        ("attempts::ADDRESSES", "1001 rows at most"),
        ("aliases::TARGETS", "targets of one alias"),
        ("aliases::TARGETS_BY_ADDRESS", "targets of one alias"),
        ("aliases::OF_MAILBOX", "aliases of one mailbox"),
        ("aliases::ONLY_TARGET", "aliases of one mailbox"),
        ("mail_lookup::SENDERS", "targets of one alias"),
        ("password_uses::RECENT", "programs of one mailbox"),
        ("providers::ALL", "a handful of providers"),
        ("sessions::LIST_PERSON", "sessions of one person"),
        ("sessions::LIST_ADMIN", "sessions of one administrator"),
        ("signing_keys::ALL", "a handful of keys"),
    ];

    /// What a statement costs does not grow with its table: every step is an index look-up or a
    /// bounded walk along an index.
    #[test]
    fn every_statement_is_served_by_an_index() {
        let (_dir, connection) = database();
        let mut found = Vec::new();
        for (name, sql) in all() {
            let mut plan = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail"))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let excused = |list: &[(&str, &str)]| list.iter().any(|(excused, _)| *excused == name);
            let bad = steps.iter().any(|step| {
                // `SCAN … USING INDEX` is a walk in order, which the statement bounds.
                let scans = step.starts_with("SCAN")
                    && !step.contains("CONSTANT ROW")
                    && step != "SCAN capped"
                    && !(step.contains("USING") && sql.contains("LIMIT"));
                let sorts = step.contains("TEMP B-TREE");
                scans && !excused(MAY_SCAN) || sorts && !excused(MAY_SORT)
            });
            if bad {
                found.push(format!("{name}: {steps:#?}"));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
