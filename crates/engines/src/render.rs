//! From the description to the files of one configuration generation.

use crate::check::{self, DescriptionError};
use crate::description::MailSystem;
use crate::rendered::RenderedFile;
use crate::version::{DovecotRelease, PostfixRelease};
use crate::{dovecot, postfix};

/// The release lines to render for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Releases {
    /// Of Dovecot.
    pub dovecot: DovecotRelease,
    /// Of Postfix. Not looked for when the description has no transport.
    pub postfix: Option<PostfixRelease>,
}

/// Renders `dovecot.conf` and, with a transport, Postfix's directory. Nothing is written.
///
/// # Errors
/// [`DescriptionError`] if the description holds something that cannot be rendered safely.
pub fn render(
    system: &MailSystem,
    releases: Releases,
) -> Result<Vec<RenderedFile>, DescriptionError> {
    check::check(system)?;
    let mut files = vec![match releases.dovecot {
        DovecotRelease::V2_3 => dovecot::v2_3::render(system),
    }];
    if let (Some(transport), Some(release)) = (&system.transport, releases.postfix) {
        files.extend(match release {
            PostfixRelease::V3_7 => postfix::v3_7::render(system, transport),
        });
    }
    Ok(files)
}
