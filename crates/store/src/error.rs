//! What can go wrong in the store, kept apart as the design asks: a refusal by what is stored
//! already, and a database that cannot answer now.

/// Why a store function gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot answer now. Never a statement about what is stored.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Something that must be unique exists already.
    #[error("{0} exists already")]
    Taken(Taken),
    /// The object, or one that it refers to, does not exist (any more).
    #[error("the object, or one it refers to, does not exist")]
    Missing,
    /// A domain that still has mailboxes or aliases is not deleted.
    #[error("the domain still has mailboxes or aliases")]
    NotEmpty,
    /// A provider that still has links is not deleted.
    #[error("people are still linked through the provider")]
    InUse,
    /// The last local administrator is not deleted.
    #[error("the last administrator cannot be deleted")]
    LastAdmin,
    /// A page cursor that this store did not make.
    #[error("the page cursor is not valid")]
    Cursor,
    /// A value against a constraint of the schema: a mistake in the calling code.
    #[error("the value is against the schema: {0}")]
    Constraint(String),
    /// A stored value that this version cannot read: written by another version or by hand.
    #[error("column {column} holds something other than {expected}")]
    Unreadable {
        /// The column.
        column: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl StoreError {
    /// Whether this says "not now" rather than "no": the edges answer *unavailable* and count it
    /// against nobody.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Unreadable { .. } | Self::Constraint(_)
        )
    }
}

/// What exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The address is a mailbox or an alias.
    #[error("the address")]
    Address,
    /// The mail domain.
    #[error("the domain")]
    Domain,
    /// A template of that name.
    #[error("a template of that name")]
    TemplateName,
    /// A provider of that name in paths.
    #[error("a provider of that short name")]
    ProviderSlug,
    /// Another provider uses that redirect URL.
    #[error("a provider with that redirect URL")]
    Redirect,
    /// The person is linked to another mailbox.
    #[error("a link of that person")]
    Subject,
    /// The mailbox is linked to another person of that provider.
    #[error("a link of that mailbox at that provider")]
    MailboxAtProvider,
    /// An administrator of that name.
    #[error("an administrator of that name")]
    AdminName,
    /// A random value met itself; try again with a fresh one.
    #[error("the random value")]
    Token,
}

/// Why the database cannot answer now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Another process held the database for longer than we wait.
    #[error("another process holds the database")]
    Busy,
    /// No space, or a quota reached.
    #[error("the disk is full")]
    DiskFull,
    /// The file is missing or cannot be opened.
    #[error("the database {path} cannot be opened: {reason}")]
    Open {
        /// The database file.
        path: String,
        /// The system's or SQLite's words.
        reason: String,
    },
    /// The file is of an older or a newer version of Gatepost.
    #[error("the database has schema {found}, this version of Gatepost needs {needed}")]
    Schema {
        /// The file's schema version; 0 when it is still empty.
        found: i64,
        /// Ours.
        needed: i64,
    },
    /// This process has opened the store for reading only.
    #[error("this process may not write to the store")]
    ReadOnly,
    /// More writes wait than are allowed to.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The writer has ended, or did not start.
    #[error("the writer is not running")]
    WriterStopped,
    /// A write job panicked or awaited something other than the store; it was rolled back.
    #[error("a write did not finish: {0}")]
    Job(&'static str),
    /// Anything else SQLite reports: damage, failing disk, exhausted memory.
    #[error("database error: {0}")]
    Database(String),
}
