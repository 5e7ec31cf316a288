//! Why the store couldn't do it.

/// Why the store couldn't do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was faster: read again and decide anew.
    #[error("{0} was changed by somebody else in the meantime; look at it again and repeat what you want")]
    Conflict(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// What was asked can't be done in the state the thing is in.
    #[error("{0}")]
    NotNow(String),
    /// Another process has the store open.
    #[error(
        "the store {path} is open in another process{by}; only one budkavle can use it at a time. Stop that one, or talk to it with --socket"
    )]
    InUse {
        /// Where the store is.
        path: String,
        /// ` (process 123)` when known.
        by: String,
    },
    /// The store was found damaged while it was in use. Its next opening rebuilds it.
    #[error(
        "the store {path} is damaged: {what}. Restart budkavle: it then rebuilds the store from its last export"
    )]
    Damaged {
        /// Where the store is.
        path: String,
        /// What was noticed.
        what: String,
    },
    /// The disk is full.
    #[error("the disk of {path} is full; free some space, the store goes on by itself")]
    DiskFull {
        /// Where the store is.
        path: String,
    },
    /// Anything else that the disk or the engine said.
    #[error("the store {path} can't be {verb}: {cause}")]
    Io {
        /// Where the store is.
        path: String,
        /// What was tried (`read`, `written`, `opened`).
        verb: &'static str,
        /// What was said.
        cause: String,
    },
    /// A record that is whole, but that this version can't read: it was written by a newer one.
    #[error(
        "the store {path} was written by a newer budkavle ({what}); use that version, or restore a backup made by this one"
    )]
    TooNew {
        /// Where the store is.
        path: String,
        /// Which record, which version.
        what: String,
    },
    /// A file that is no backup, or a damaged one, or one of a newer version.
    #[error("{path} can't be restored: {what}")]
    BadBackup {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A backup that can't be written.
    #[error("the backup {path} can't be written: {cause}")]
    Backup {
        /// The file.
        path: String,
        /// What was said.
        cause: String,
    },
    /// A restore would replace what is there.
    #[error(
        "the store {path} isn't empty; say --replace to put it aside and restore the backup in its place"
    )]
    NotEmpty {
        /// Where the store is.
        path: String,
    },
    /// The database can't be reached, or takes nothing just now. What was asked has not happened.
    #[error("the database {place} is away: {cause}. Budkavle goes on by itself as soon as it is back")]
    Away {
        /// Which database.
        place: String,
        /// What was said.
        cause: String,
    },
    /// The connection was lost while the database committed, and it hasn't said since whether it did.
    #[error(
        "the database {place} was lost in the middle of a commit, and whether what was asked has happened isn't known; look at it before you repeat it"
    )]
    Unknown {
        /// Which database.
        place: String,
    },
    /// The database refuses, and will until somebody does something about it.
    #[error("the database {place} can't be used: {what}")]
    Database {
        /// Which database.
        place: String,
        /// What is wrong, and how it is mended.
        what: String,
    },
    /// Only the node that has the lease may do this, and it isn't this one, or no longer.
    #[error(
        "only one node syncs at a time, and that is {holder}; ask that one, or wait until this node takes over"
    )]
    NotLeading {
        /// The node that has the lease, in words.
        holder: String,
    },
}

impl StoreError {
    /// Whether it is only the database that is away.
    pub fn is_away(&self) -> bool {
        matches!(self, StoreError::Away { .. })
    }
}
