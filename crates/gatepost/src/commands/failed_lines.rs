//! The lines of a CSV file that failed, as a file of their own, to mend and import again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use app::import::REASON;

/// Makes the file before anything is imported: later this process may be another account. One that is
/// there already is refused; it may hold lines that nobody has mended yet.
pub(super) fn make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        // Lines may hold passwords.
        .mode(0o600)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Writes the header and the failed lines of `csv`, each with its reason. `reasons` has an entry for
/// each line after the header, in order; `None` for those that did not fail.
pub(super) fn write(mut file: &File, csv: &str, reasons: &[Option<String>]) -> io::Result<()> {
    let text = only_failed(csv, reasons).map_err(io::Error::other)?;
    file.write_all(&text)
}

fn only_failed(csv: &str, reasons: &[Option<String>]) -> Result<Vec<u8>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers()?.clone();
    let is_reason = |name: &str| name.trim().eq_ignore_ascii_case(REASON);
    // A file that was mended has the column already.
    let kept: Vec<usize> = (0..header.len())
        .filter(|at| header.get(*at).is_some_and(|name| !is_reason(name)))
        .collect();
    let cells = |record: &csv::StringRecord, last: &str| -> csv::StringRecord {
        let cells = kept.iter().map(|at| record.get(*at).unwrap_or_default());
        cells.chain([last]).collect()
    };
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&cells(&header, REASON))?;
    for (record, reason) in reader.records().zip(reasons) {
        let record = record?;
        if let Some(reason) = reason {
            out.write_record(&cells(&record, reason))?;
        }
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(csv: &str, reasons: &[Option<&str>]) -> String {
        let reasons: Vec<_> = reasons.iter().map(|one| one.map(str::to_owned)).collect();
        String::from_utf8(only_failed(csv, &reasons).unwrap()).unwrap()
    }

    #[test]
    fn failed_lines_keep_their_cells_and_say_why() {
        let csv =
            "\u{feff}address,name\r\na@x.org,A\r\n\r\n\"b@x.org\",\"B, \"\"the\nbee\"\"\"\r\nc\r\n";
        assert_eq!(
            failed(csv, &[None, Some("no, really"), Some("why")]),
            "address,name,reason\nb@x.org,\"B, \"\"the\nbee\"\"\",\"no, really\"\nc,,why\n"
        );
    }

    #[test]
    fn a_mended_file_gets_no_second_column() {
        let csv = "address,Reason,name\na@x.org,old,A\n";
        assert_eq!(
            failed(csv, &[Some("new")]),
            "address,name,reason\na@x.org,A,new\n"
        );
    }
}
