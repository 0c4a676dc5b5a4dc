//! The keys in use: one for tags, those that sign and are published. Read again whenever somebody changes them.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
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
    service::Environment,
    store::{
        Database, DbConnection, StoreError,
        keys::{self, SealedKey},
        list, time,
    },
};

/// The keys in use. Replicas on one database have the same.
pub struct KeyRing {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    tag: TagKey,
    /// Swapped as one. Every exchange looks at it: a lock, or a count of who does, would go from core to core.
    signing: ArcSwap<Signing>,
    /// From the read of the keys to the swap: who read earlier must not swap later.
    renewing: Mutex<()>,
    /// How far the database's clock is ahead of this machine's, in milliseconds.
    ahead: AtomicI64,
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
        let mut stored = db.read(Stored::read).await?;
        let roots = RootKeys::load(folder, stored.rows.is_empty(), &**random)?;
        root::warn_of_others(folder);
        if stored.rows.is_empty() {
            let fresh = [FreshKey::for_tags(&**random), FreshKey::for_signing(algorithm)?];
            let seal = |key: FreshKey| key.sealed(&roots, folder, &**random);
            let sealed = fresh.into_iter().map(seal).collect::<Result<Vec<_>, _>>()?;
            let clock = clock.clone();
            stored = db.change(move |connection, seq| first_keys(connection, seq, &*clock, sealed)).await?;
        }
        let now = clock.of_database(stored.now);
        let ring = Self {
            folder: folder.to_owned(),
            tag: opening::tag(&stored, &roots, folder)?,
            signing: ArcSwap::from_pointee(opening::signing(&stored, &roots, folder, now)?),
            ahead: AtomicI64::new(0),
            renewing: Mutex::default(),
            turn: Turn::default(),
            clock: clock.clone(),
            random: random.clone(),
        };
        ring.set_clock(stored.now);
        Ok(ring)
    }

    /// The key of the tags.
    #[must_use]
    pub fn tag(&self) -> &TagKey {
        &self.tag
    }

    /// The key that signs at `now`, by this machine's clock.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> impl Deref<Target = KeptKey> + use<> {
        Signer { keys: self.signing.load(), now: self.by_database(now) }
    }

    /// What is published at `now`, by this machine's clock: every key under which a live token may be signed, or will be
    /// soon.
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Vec<Arc<KeptKey>> {
        self.signing.load().schedule.published(self.by_database(now)).cloned().collect()
    }

    /// The key `kid`, if it is published at `now` by this machine's clock.
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
        self.set_clock(stored.now);
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

    /// Compares the database's clock with this machine's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn compare_clocks(&self, db: &Database) -> Result<(), StoreError> {
        let said = db.read(time::now).await?;
        self.set_clock(said);
        Ok(())
    }

    /// How far the database's clock is ahead of this machine's, in milliseconds.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Relaxed)
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

    /// The moment `now` of this machine's clock, by the database's.
    pub(crate) fn by_database(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.ahead())
    }

    fn set_clock(&self, said: Option<Timestamp>) {
        let ahead = self.clock.of_database(said).unix_millis() - self.clock.now().unix_millis();
        self.ahead.store(ahead, Relaxed);
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
    seq: i64,
    clock: &dyn Clock,
    fresh: Vec<Sealed>,
) -> Result<Stored, StoreError> {
    let stored = Stored::read(connection)?;
    if !stored.rows.is_empty() {
        return Ok(stored);
    }
    let now = clock.of_database(stored.now);
    for key in fresh {
        keys::insert(connection, key.made(seq, now, now))?;
    }
    list::note_change_of_keys(connection, seq)?;
    Stored::read(connection)
}
