//! Form bodies with files (RFC 7578).

/// A file to upload.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

/// A boundary that no test data holds.
const BOUNDARY: &str = "----testkit-7d1c5a90e2f84b36";

/// Content type and body.
pub(super) fn encoded(fields: &[(String, String)], files: &[(String, File)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    let mut part = |disposition: String, kind: Option<&str>, bytes: &[u8]| {
        let kind = kind.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        part(format!("name=\"{}\"", quoted(name)), None, value.as_bytes());
    }
    for (name, file) in files {
        let disposition = format!(
            "name=\"{}\"; filename=\"{}\"",
            quoted(name),
            quoted(&file.name)
        );
        part(disposition, Some(&file.kind), &file.bytes);
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// A name as browsers escape it (HTML, multipart form data).
fn quoted(name: &str) -> String {
    name.replace('\n', "%0A")
        .replace('\r', "%0D")
        .replace('"', "%22")
}
