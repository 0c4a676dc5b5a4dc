//! The keys in use: one for tags, those that sign and are published. Read again whenever somebody changes them.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex as Turn;

use super::{
    KeyRingError,
    fresh::{FreshKey, Sealed},
    opening::{self, Signing, WithdrawnKey},
    root::{self, RootKeys},
    stored::Stored,
};
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        credential::TagKey,
        jws::{KeptKey, SigningAlgorithm},
        random::Randomness,
    },
    service::{Environment, database_clock::DatabaseClock},
    store::{
        Database, DbConnection, StoreError,
        keys::{self, SealedKey},
        list::{self, Stamp},
    },
};

/// The keys in use. Replicas on one database have the same.
pub struct KeyRing {
    folder: PathBuf,
    clock: Arc<DatabaseClock>,
    random: Arc<dyn Randomness>,
    tag: TagKey,
    /// Swapped as one. Every exchange looks at it: a lock, or a count of who does, would go from core to core.
    signing: ArcSwap<Signing>,
    /// From the read of the keys to the swap: who read earlier must not swap later.
    renewing: Mutex<()>,
    /// They are read once for all who find that they must be.
    turn: Turn<()>,
}

impl KeyRing {
    /// Opens the keys in the database, or makes the first ones, to sign by `algorithm`. `folder` holds the root key.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn open(outside: &Environment, folder: &Path, algorithm: SigningAlgorithm) -> Result<Self, KeyRingError> {
        let Environment { clock, random, db } = outside;
        let clock = Arc::new(DatabaseClock::new(clock.clone()));
        clock.compare(db).await?;
        let mut stored = db.read(Stored::read).await?;
        let roots = RootKeys::load(folder, stored.rows.is_empty(), &**random)?;
        root::warn_of_others(folder);
        if stored.rows.is_empty() {
            let fresh = [FreshKey::for_tags(&**random), FreshKey::for_signing(algorithm)?];
            let seal = |key: FreshKey| key.sealed(&roots, folder, &**random);
            let sealed = fresh.into_iter().map(seal).collect::<Result<Vec<_>, _>>()?;
            stored = db.change(clock.clone(), move |connection, stamp| first_keys(connection, stamp, sealed)).await?;
        }
        let now = clock.of_database(stored.now);
        Ok(Self {
            folder: folder.to_owned(),
            tag: opening::tag(&stored, &roots, folder)?,
            signing: ArcSwap::from_pointee(opening::signing(&stored, &roots, folder, now)?),
            renewing: Mutex::default(),
            turn: Turn::default(),
            clock,
            random: random.clone(),
        })
    }

    /// The clock by which keys and everything else go.
    pub(crate) fn clock(&self) -> &Arc<DatabaseClock> {
        &self.clock
    }

    /// The key of the tags.
    #[must_use]
    pub fn tag(&self) -> &TagKey {
        &self.tag
    }

    /// The key that signs at `now`.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> impl Deref<Target = KeptKey> + use<> {
        Signer { keys: self.signing.load(), now }
    }

    /// What is published at `now`: every key under which a live token may be signed, or will be
    /// soon.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Vec<Arc<KeptKey>> {
        self.signing.load().schedule.published(now).cloned().collect()
    }

    /// The key `kid`, if it is published at `now`.
    #[must_use]
    pub fn find(&self, kid: &str, now: Timestamp) -> Option<Arc<KeptKey>> {
        self.published(now).into_iter().find(|key| key.kid() == kid)
    }

    /// The keys that were withdrawn of late, and the number of the change of the keys as of which they are all.
    pub(crate) fn withdrawn(&self) -> (i64, Arc<[WithdrawnKey]>) {
        let signing = self.signing.load();
        (signing.seq, signing.withdrawn.clone())
    }

    /// The number of the last change of the keys that is known here.
    pub(crate) fn seq(&self) -> i64 {
        self.signing.load().seq
    }

    /// Reads the keys anew.
    ///
    /// # Errors
    /// See [`KeyRingError`]; then the keys are as they were.
    pub(crate) fn renew(&self, connection: &mut DbConnection) -> Result<(), KeyRingError> {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = Stored::read(connection)?;
        // Read again too: the key that opens them may be new there.
        let roots = RootKeys::read(&self.folder)?;
        let now = self.clock.of_database(stored.now);
        let signing = Arc::new(opening::signing(&stored, &roots, &self.folder, now)?);
        self.signing.store(signing);
        Ok(())
    }

    /// Sees to it that the keys are those of their last change `seq`.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub(crate) async fn ensure(self: &Arc<Self>, seq: i64, db: &Database) -> Result<(), KeyRingError> {
        if self.seq() == seq {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if self.seq() == seq {
            return Ok(());
        }
        let ring = self.clone();
        db.read(move |connection| ring.renew(connection)).await
    }

    /// This key, sealed. To be called under the lock of the change that stores it: otherwise another one that reseals all
    /// keys may come between, and this key would need a root key that nobody keeps.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub(super) fn sealed(&self, key: FreshKey) -> Result<Sealed, KeyRingError> {
        key.sealed(&RootKeys::read(&self.folder)?, &self.folder, &*self.random)
    }

    /// The private key of `key` (PKCS#8, DER).
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub(super) fn private(&self, key: &SealedKey) -> Result<Vec<u8>, KeyRingError> {
        opening::opened(key, &RootKeys::read(&self.folder)?, &self.folder)
    }

    /// All keys, each with what it is under the newest root key.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub(super) fn resealed(&self, stored: &Stored) -> Result<Vec<(String, Vec<u8>)>, KeyRingError> {
        let roots = RootKeys::read(&self.folder)?;
        let reseal = |key| opening::resealed(key, &roots, &self.folder, &*self.random);
        stored.rows.iter().map(|key| Ok((key.kid.clone(), reseal(key)?))).collect()
    }
}

/// The key of a moment.
struct Signer {
    keys: Guard<Arc<Signing>>,
    now: Timestamp,
}

impl Deref for Signer {
    type Target = KeptKey;

    fn deref(&self) -> &KeptKey {
        self.keys.schedule.signer(self.now)
    }
}

/// Stores the first keys, unless another server was faster; then its keys count.
fn first_keys(
    connection: &mut DbConnection,
    Stamp { seq, now }: Stamp,
    fresh: Vec<Sealed>,
) -> Result<Stored, StoreError> {
    let stored = Stored::read(connection)?;
    if !stored.rows.is_empty() {
        return Ok(stored);
    }
    for key in fresh {
        keys::insert(connection, key.made(seq, now, now))?;
    }
    list::note_change_of_keys(connection, seq)?;
    Stored::read(connection)
}
