use crate::{
    domain::clock::Timestamp,
    store::{
        DbConnection, StoreError,
        keys::{self, KeyPurpose, SealedKey},
        list, time,
    },
};

/// What the database says of the keys.
pub(super) struct Stored {
    /// The number of their last change.
    pub(super) seq: i64,
    /// The database's clock, if it has one.
    pub(super) now: Option<Timestamp>,
    /// All of them, in the order in which they were made.
    pub(super) rows: Vec<SealedKey>,
}

impl Stored {
    pub(super) fn read(connection: &mut DbConnection) -> Result<Self, StoreError> {
        // The number first: what is read after it is at least as new.
        let seq = list::head(connection)?.keys_seq;
        Ok(Self { seq, now: time::now(connection)?, rows: keys::all(connection)? })
    }

    /// Those that sign, or did, or will.
    pub(super) fn signing(&self) -> impl DoubleEndedIterator<Item = &SealedKey> {
        self.rows.iter().filter(|key| key.purpose == KeyPurpose::Sign)
    }
}
