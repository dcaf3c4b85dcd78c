//! A rendered file, not yet on disk.

use std::path::PathBuf;

/// One file of a configuration generation. Owned by whoever runs the keeper.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Below the generation's directory.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// The whole text.
    pub content: String,
}

/// Leaves the content out: it is pages long.
impl std::fmt::Debug for RenderedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderedFile")
            .field("path", &self.path)
            .field("mode", &format_args!("{:o}", self.mode))
            .field("bytes", &self.content.len())
            .finish()
    }
}
