//! Mailboxes from a CSV file.

use crate::mailboxes::{NewMailboxForm, NewSignIn};
use crate::passwords::StoredHash;
use crate::{App, Problem};
use csv::{ByteRecord, StringRecord};
use model::address::Address;
use model::audit::Actor;
use model::domain::{GIB, MIB};
use model::protocol::{Protocol, Protocols};
use model::tag::Tags;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const MOST_BYTES: usize = 16 << 20;
/// Why a line failed, in a file of failed lines; not read, so that a mended one can be imported.
pub const REASON: &str = "reason";

/// The columns that are understood.
const COLUMNS: [&str; 10] = [
    "address",
    "name",
    "quota",
    "protocols",
    "template",
    "tags",
    "provider",
    "password",
    "password_hash",
    REASON,
];

/// One line's fate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportLine {
    /// Line number in the file, from 1, the header being 1.
    pub line: u64,
    /// The address as it stood there.
    pub address: String,
    /// What happened, or would happen in a dry run.
    pub fate: ImportFate,
}

/// What happened to a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fate", content = "why")]
pub enum ImportFate {
    /// Created, or would be.
    Created,
    /// Exists already and was left alone.
    Exists,
    /// Not created.
    Failed(Problem),
}

/// The whole result.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// Every line but the blank ones.
    pub lines: Vec<ImportLine>,
    /// Created, or would be.
    pub created: u64,
    /// Existed already.
    pub existed: u64,
    /// Failed.
    pub failed: u64,
}

/// Counts the lines of a file as a text editor does. The reader's own count is one behind after
/// `\r\n`, and browsers send nothing else.
#[derive(Default)]
struct Lines {
    passed: usize,
    ended: u64,
}

impl Lines {
    /// The number of the line that the record found at `byte` begins on, the first being 1. Asked
    /// in the order of the file.
    fn number_at(&mut self, csv: &[u8], byte: u64) -> u64 {
        let from = usize::try_from(byte).map_or(csv.len(), |byte| byte.min(csv.len()));
        let breaks = csv[from..]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let begin = (from + breaks).max(self.passed);
        self.ended += csv[self.passed..begin]
            .iter()
            .map(|byte| u64::from(*byte == b'\n'))
            .sum::<u64>();
        self.passed = begin;
        self.ended + 1
    }
}

impl App {
    /// Imports mailboxes. Columns by header, in any order: `address` (required), `name`, `quota`
    /// (`5 GiB`, `300M`, bytes), `protocols` (`imap smtp`), `template`, `tags` (`staff, vip`), `provider`
    /// (slug), `password` (plain, hashed at once) or `password_hash` (`{BLF-CRYPT}…`, administrators only). At most
    /// 16 MiB. `progress` is called after each line.
    pub async fn import_mailboxes(
        &self,
        actor: &Actor,
        csv: &[u8],
        dry_run: bool,
        progress: &mut (dyn FnMut(&ImportLine) + Send),
    ) -> Result<ImportReport, Problem> {
        if csv.len() > MOST_BYTES {
            return Err(Problem::field(
                "file",
                "a CSV file has at most 16 MiB; split it",
            ));
        }
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::Headers)
            .flexible(true)
            .from_reader(csv);
        let columns = Columns::of(&reader.headers().map_err(unreadable)?.clone())?;
        let mut report = ImportReport::default();
        let mut lines = Lines::default();
        for record in reader.byte_records() {
            let record = record.map_err(unreadable)?;
            let line = record
                .position()
                .map_or(0, |position| lines.number_at(csv, position.byte()));
            let (address, fate) = match StringRecord::from_byte_record(record) {
                Ok(record) => {
                    let address = columns.cell(&record, "address").unwrap_or_default();
                    let fate = self.import_one(actor, &columns, &record, dry_run).await;
                    (address.to_owned(), fate)
                }
                Err(error) => {
                    let why = Problem::field("file", "this line is not UTF-8 text");
                    (
                        columns.address(error.into_byte_record()),
                        ImportFate::Failed(why),
                    )
                }
            };
            match &fate {
                ImportFate::Created => report.created += 1,
                ImportFate::Exists => report.existed += 1,
                ImportFate::Failed(_) => report.failed += 1,
            }
            let line = ImportLine {
                line,
                address,
                fate,
            };
            progress(&line);
            report.lines.push(line);
        }
        Ok(report)
    }

    async fn import_one(
        &self,
        actor: &Actor,
        columns: &Columns,
        record: &StringRecord,
        dry_run: bool,
    ) -> ImportFate {
        match self.import_line(actor, columns, record, dry_run).await {
            Ok(true) => ImportFate::Created,
            Ok(false) => ImportFate::Exists,
            Err(problem) => ImportFate::Failed(problem),
        }
    }

    async fn import_line(
        &self,
        actor: &Actor,
        columns: &Columns,
        record: &StringRecord,
        dry_run: bool,
    ) -> Result<bool, Problem> {
        let (form, hash) = columns.form(record)?;
        let exists = store::mailboxes::by_address(&mut *self.store.read()?, &form.address)
            .await?
            .is_some();
        if exists {
            return Ok(false);
        }
        if dry_run {
            self.try_create(&form).await?;
        } else if hash.is_some() {
            self.create_hashed(actor, form, hash).await?;
        } else {
            self.create_mailbox(actor, form).await?;
        }
        Ok(true)
    }
}

/// Where each known column stands.
struct Columns(HashMap<&'static str, usize>);

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, Problem> {
        let mut places = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').to_ascii_lowercase();
            let Some(known) = COLUMNS.into_iter().find(|known| *known == name) else {
                let words = format!("unknown column {name:?}; known are {}", COLUMNS.join(", "));
                return Err(Problem::field("file", words));
            };
            if places.insert(known, at).is_some() {
                return Err(Problem::field(
                    "file",
                    format!("the column {known} stands there twice"),
                ));
            }
        }
        if !places.contains_key("address") {
            return Err(Problem::field(
                "file",
                "the first line names the columns; address is missing",
            ));
        }
        Ok(Self(places))
    }

    /// The address of a line that is not UTF-8, as far as it can be read.
    fn address(&self, record: ByteRecord) -> String {
        let record = StringRecord::from_byte_record_lossy(record);
        self.cell(&record, "address").unwrap_or_default().to_owned()
    }

    /// The text of a cell; `None` when the column is missing or the cell empty. Spaces around a
    /// password belong to it.
    fn cell<'r>(&self, record: &'r StringRecord, column: &str) -> Option<&'r str> {
        self.0
            .get(column)
            .and_then(|at| record.get(*at))
            .map(|cell| match column {
                "password" => cell,
                _ => cell.trim(),
            })
            .filter(|cell| !cell.is_empty())
    }

    fn form(&self, record: &StringRecord) -> Result<(NewMailboxForm, Option<String>), Problem> {
        let address = Address::parse(self.cell(record, "address").unwrap_or_default())
            .map_err(|error| Problem::field("address", error))?;
        let quota = self
            .cell(record, "quota")
            .map(|text| {
                parse_size(text)
                    .ok_or_else(|| Problem::field("quota", "write 5 GiB, 300 MiB or bytes"))
            })
            .transpose()?;
        let protocols = self
            .cell(record, "protocols")
            .map(parse_protocols)
            .transpose()?;
        let tags = Tags::parse(self.cell(record, "tags").unwrap_or_default())
            .map_err(|error| Problem::field("tags", error))?;
        let hash = self
            .cell(record, "password_hash")
            .map(|text| StoredHash::parse(text).map(|_| text.to_owned()))
            .transpose()
            .map_err(|error| Problem::field("password_hash", error))?;
        let provider = self.cell(record, "provider");
        let password = self.cell(record, "password");
        if usize::from(hash.is_some())
            + usize::from(provider.is_some())
            + usize::from(password.is_some())
            > 1
        {
            return Err(Problem::field(
                "provider",
                "give one of provider, password and password_hash",
            ));
        }
        let sign_in = match (provider, password) {
            (Some(provider), _) => NewSignIn::Provider {
                provider: provider.to_owned(),
                expected_subject: None,
            },
            (None, Some(password)) => NewSignIn::Local(SecretString::from(password.to_owned())),
            (None, None) => NewSignIn::None,
        };
        let form = NewMailboxForm {
            address,
            name: self.cell(record, "name").unwrap_or_default().to_owned(),
            quota,
            protocols,
            template: self.cell(record, "template").map(str::to_owned),
            tags,
            sign_in,
        };
        Ok((form, hash))
    }
}

/// Reads a size: `5 GiB`, `5G`, `300 MiB`, `300M`, `1073741824`, `unlimited`. Powers of 1024.
#[must_use]
pub fn parse_size(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    if text == "unlimited" || text == "0" {
        return Some(0);
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => MIB,
        "g" | "gb" | "gib" => GIB,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Reads a list of protocols: `imap smtp`, `imap, smtp`, `all`, `none`.
///
/// # Errors
/// A problem of the field `protocols`.
pub fn parse_protocols(text: &str) -> Result<Protocols, Problem> {
    match text.trim().to_ascii_lowercase().as_str() {
        "all" => Ok(Protocols::ALL),
        "none" => Ok(Protocols::NONE),
        list => list
            .split([' ', ',', ';'])
            .filter(|word| !word.is_empty())
            .map(|word| {
                word.parse::<Protocol>()
                    .map_err(|error| Problem::field("protocols", error))
            })
            .collect(),
    }
}

fn unreadable(error: csv::Error) -> Problem {
    Problem::field("file", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("5 GiB", Some(5 * GIB)),
            ("5g", Some(5 * GIB)),
            ("300M", Some(300 * MIB)),
            ("1024", Some(1024)),
            ("unlimited", Some(0)),
            ("-1", None),
            ("1.5 GiB", None),
            ("9999999999 TiB", None),
            ("", None),
            ("5 apples", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text:?}");
        }
    }

    fn numbers(csv: &str) -> Vec<u64> {
        let mut lines = Lines::default();
        csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(csv.as_bytes())
            .records()
            .map(|record| {
                let record = record.unwrap();
                lines.number_at(csv.as_bytes(), record.position().unwrap().byte())
            })
            .collect()
    }

    #[test]
    fn lines_are_numbered_as_an_editor_shows_them() {
        assert_eq!(numbers("address\na\nb\n"), [2, 3]);
        assert_eq!(numbers("address\r\na\r\nb"), [2, 3]);
        assert_eq!(numbers("address\r\n\r\na\r\n\nb\n"), [3, 5]);
        assert_eq!(numbers("address,name\r\na,\"two\r\nlines\"\r\nb,c"), [2, 4]);
    }
}
