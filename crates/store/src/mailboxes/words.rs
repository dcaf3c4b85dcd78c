//! The words of people's names, by which mailboxes are searched.

use crate::{Conn, StoreError};
use model::ids::MailboxId;
use std::collections::BTreeSet;

statements! {
    ADD = "INSERT INTO mailbox_words (word, mailbox) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM mailbox_words WHERE word = $1 AND mailbox = $2";
}

/// Words of a name that are searched for at most, and characters of a word.
const WORDS: usize = 8;
const CHARS: usize = 40;

/// The words of a text: runs of letters and digits, in lower case.
pub(super) fn of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(|word| word.chars().take(CHARS).collect::<String>().to_lowercase())
        .collect()
}

pub(super) async fn add(sql: &mut Conn, id: MailboxId, name: &str) -> Result<(), StoreError> {
    for word in of(name) {
        sql.execute(ADD, &[word.into(), id.into()]).await?;
    }
    Ok(())
}

pub(super) async fn remove(sql: &mut Conn, id: MailboxId, name: &str) -> Result<(), StoreError> {
    for word in of(name) {
        sql.execute(REMOVE, &[word.into(), id.into()]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        let words: Vec<_> = super::of("  Ärzte-Team O'Neil (2nd) ")
            .into_iter()
            .collect();
        assert_eq!(words, ["2nd", "neil", "o", "team", "ärzte"]);
        assert!(super::of("…").is_empty());
        assert_eq!(super::of(&"x ".repeat(99)).len(), 1);
    }
}
