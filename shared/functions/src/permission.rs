//! IAM permission sets.

/// An IAM permission set of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Gets items of the table by their keys.
    Read,
    /// Queries items of the table.
    List,
    /// Writes transactions to the table.
    Write,
    /// Updates counters of the table in place.
    Count,
    /// Queries the due list.
    Due,
    /// Assumes customers' roles.
    AssumeRole,
    /// Encrypts and decrypts with the platform's key.
    Seal,
    /// Derives secrets of access keys with the platform's MAC key.
    Mac,
    /// Gets the public half of the platform's signing key.
    PublicKey,
    /// Generates key pairs whose private keys are encrypted with the platform's key.
    KeyPair,
    /// Puts events on the bus.
    PutEvents,
    /// Describes the table, the keys, the bus, the archive and the queues.
    Inspect,
    /// Lists the archive of seals.
    ReadArchive,
    /// Adds seals to the archive.
    WriteArchive,
    /// Sends records that cannot be processed to the dead-letter queue.
    DeadLetters,
}
