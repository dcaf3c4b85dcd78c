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
    use crate::{MasterKey, OsRandom, sqlite};

    /// Every noun with statements. One that is forgotten here has an unused constant, which is an
    /// error of the lint run.
    const NOUNS: &[(&str, &[(&str, &str)])] = &[("settings", crate::settings::STATEMENTS)];

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
}
