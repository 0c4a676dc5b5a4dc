//! What the command line does with the signing keys.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tokio::task;

use super::{KeyRingError, opening::schedule, stored::Stored};
use crate::{
    domain::{clock::Timestamp, jws::SigningAlgorithm, schedule::Stage},
    service::{
        change::{Actor, Change},
        core::Core,
    },
    store::{
        StoreError,
        keys::{self, SealedKey},
        time,
    },
};

/// What may be known of a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownKey {
    /// Its name: `kid` in tokens.
    pub kid: String,
    /// The JWS algorithm.
    pub algorithm: String,
    /// What it is there for now.
    pub stage: Stage,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// From when on it may sign.
    pub activates_at: Timestamp,
}

impl ShownKey {
    fn new(key: &SealedKey, stage: Stage) -> Self {
        let SealedKey { kid, algorithm, created_at, activates_at, .. } = key;
        let (kid, algorithm) = (kid.clone(), algorithm.clone());
        Self { kid, algorithm, stage, created_at: *created_at, activates_at: *activates_at }
    }
}

/// Shows and changes the signing keys. Moments are by the database's clock.
pub struct Keys {
    pub(crate) core: Arc<Core>,
}

impl Keys {
    /// All signing keys there ever were, newest first.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn list(&self) -> Result<Vec<ShownKey>, KeyRingError> {
        let stored = self.core.db.read::<_, StoreError>(Stored::read).await?;
        let now = self.core.clock.of_database(stored.now);
        let schedule = schedule(&stored)?;
        Ok(schedule.stages(now).into_iter().map(|(key, stage)| ShownKey::new(key, stage)).collect())
    }

    /// Makes a key that is published at once and signs when services know it (`key_lead`), or, `at_once`, before they do.
    /// It signs by `algorithm`, or by the one that the operator chose. Answers when every server publishes it.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn rotate(&self, algorithm: Option<SigningAlgorithm>, at_once: bool) -> Result<ShownKey, KeyRingError> {
        let (core, clock) = (self.core.clone(), self.core.clock.clone());
        let algorithm = algorithm.unwrap_or(core.settings.signing_algorithm);
        let fresh = task::spawn_blocking(move || core.keys.fresh(algorithm)).await;
        let fresh = fresh.unwrap_or(Err(KeyRingError::NotMade))?;
        let lead = if at_once { 0 } else { self.core.settings.key_lead };
        let rotate = move |change: &mut Change<'_>| {
            let now = clock.of_database(time::now(change.connection)?);
            let key = fresh.made(change.seq, now, now.plus_seconds(lead));
            let shown = ShownKey::new(&key, if lead > 0 { Stage::Pending } else { Stage::Signing });
            change.renew_keys()?;
            keys::insert(change.connection, key)?;
            let detail = json!({ "algorithm": shown.algorithm, "activates_at": shown.activates_at });
            change.record(Actor::default(), "key.rotate", None, Some(shown.kid.clone()), Some(&detail))?;
            Ok(shown)
        };
        self.core.changes.run(rotate).await
    }
}
