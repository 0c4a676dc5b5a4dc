//! What the command line does with the signing keys.

use std::{cmp::Reverse, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::json;
use tokio::task;

use super::{
    KeyRingError,
    fresh::{FreshKey, Sealed, as_pem},
    opening::schedule,
    stored::Stored,
};
use crate::{
    domain::{clock::Timestamp, jws::SigningAlgorithm, list::Target, schedule::Stage},
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

/// What became of a key that was to be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It was withdrawn before; nothing has changed.
    Before,
    /// No token that it signed was alive.
    Unused,
    /// Another one signed already. All access tokens that were out have ended.
    Outgoing,
    /// It signed; now another one does. All access tokens that were out have ended.
    Signing {
        /// The `kid` of the new key.
        successor: String,
    },
}

impl Withdrawn {
    /// The new key, if one was made.
    #[must_use]
    pub fn successor(&self) -> Option<&str> {
        match self {
            Self::Signing { successor } => Some(successor),
            Self::Before | Self::Unused | Self::Outgoing => None,
        }
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
        let mut keys: Vec<_> = schedule.stages(now).map(|(key, stage)| (*key, stage)).collect();
        keys.extend(stored.signing().filter(|key| key.withdrawn_at.is_some()).map(|key| (key, Stage::Withdrawn)));
        keys.sort_by_key(|(key, _)| Reverse(key.created_seq));
        Ok(keys.into_iter().map(|(key, stage)| ShownKey::new(key, stage)).collect())
    }

    /// Makes a key that is published at once and signs when services know it (`key_lead`), or, `at_once`, before they do.
    /// It signs by `algorithm`, or by the one that the operator chose. Answers when every server publishes it.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn rotate(&self, algorithm: Option<SigningAlgorithm>, at_once: bool) -> Result<ShownKey, KeyRingError> {
        let (core, fresh) = (self.core.clone(), self.fresh(algorithm).await?);
        let lead = if at_once { 0 } else { self.core.settings.key_lead };
        let rotate = move |change: &mut Change<'_>| {
            let now = core.clock.of_database(time::now(change.connection)?);
            add(change, (Actor::COMMAND, "key.rotate"), core.keys.sealed(fresh)?, now, lead)
        };
        self.core.changes.run(rotate).await
    }

    /// Makes a key like [`rotate`](Self::rotate) if the newest one is older than it may be (`key_rotation`). Of several servers
    /// that find so at once, one does.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn rotate_if_due(&self) -> Result<Option<ShownKey>, KeyRingError> {
        let (clock, settings) = (self.core.clock.clone(), &self.core.settings);
        let (lead, period) = (settings.key_lead, settings.key_rotation);
        let is_due = move |stored: &Stored| {
            let newest = stored.signing().rfind(|key| key.withdrawn_at.is_none());
            let now = clock.of_database(stored.now);
            (period > 0 && newest.is_some_and(|key| key.is_older_than(period, now))).then_some(now)
        };
        // Before anything is made or locked: it is seldom so.
        if is_due(&self.core.db.read::<_, StoreError>(Stored::read).await?).is_none() {
            return Ok(None);
        }
        let (core, fresh) = (self.core.clone(), self.fresh(None).await?);
        let rotate = move |change: &mut Change<'_>| {
            let Some(now) = is_due(&Stored::read(change.connection)?) else { return Ok(None) };
            add(change, (Actor::SERVER, "key.rotate"), core.keys.sealed(fresh)?, now, lead).map(Some)
        };
        self.core.changes.run(rotate).await
    }

    /// Takes in a private key that was made elsewhere (`pem`: PKCS#8), for whichever algorithm it fits; otherwise like
    /// [`rotate`](Self::rotate).
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn import(&self, pem: &SecretString, at_once: bool) -> Result<ShownKey, KeyRingError> {
        let (core, key) = (self.core.clone(), FreshKey::imported(pem.expose_secret())?);
        let lead = if at_once { 0 } else { self.core.settings.key_lead };
        let import = move |change: &mut Change<'_>| {
            let stored = Stored::read(change.connection)?;
            if stored.rows.iter().any(|known| known.kid == key.kid) {
                return Err(KeyRingError::Known(key.kid));
            }
            let now = core.clock.of_database(stored.now);
            add(change, (Actor::COMMAND, "key.import"), core.keys.sealed(key)?, now, lead)
        };
        self.core.changes.run(import).await
    }

    /// Hands out the private key `kid`, or the one that signs now, as [`import`](Self::import) takes it in; that it was handed
    /// out is in the audit trail. `None` if there is no such key.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn export(&self, kid: Option<String>) -> Result<Option<SecretString>, KeyRingError> {
        let core = self.core.clone();
        let export = move |change: &mut Change<'_>| {
            let stored = Stored::read(change.connection)?;
            let signer = || Ok(schedule(&stored)?.signer(core.clock.of_database(stored.now)).kid.clone());
            let kid = kid.map_or_else(signer, Ok::<_, KeyRingError>)?;
            let Some(key) = stored.signing().find(|key| key.kid == kid) else { return Ok(None) };
            if key.withdrawn_at.is_some() {
                return Err(KeyRingError::Withdrawn(kid));
            }
            let private = core.keys.private(key)?;
            change.record(Actor::COMMAND, "key.export", None, Some(kid), None)?;
            Ok(Some(as_pem(private)))
        };
        self.core.changes.run(export).await
    }

    /// Withdraws the key `kid`: it is neither published nor signs any more, and all access tokens that are out end if it may
    /// have signed any. If it is the one that signs now, a new one does at once. `None` if there is no such key.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn withdraw(&self, kid: &str) -> Result<Option<Withdrawn>, KeyRingError> {
        let (core, fresh, kid) = (self.core.clone(), self.fresh(None).await?, kid.to_owned());
        let withdraw = move |change: &mut Change<'_>| {
            let stored = Stored::read(change.connection)?;
            let now = core.clock.of_database(stored.now);
            let Some(key) = stored.signing().find(|key| key.kid == kid) else { return Ok(None) };
            if key.withdrawn_at.is_some() {
                change.is_so_already();
                return Ok(Some(Withdrawn::Before));
            }
            let schedule = schedule(&stored)?;
            let stage = schedule.stages(now).find(|(key, _)| key.kid == kid).map_or(Stage::Retired, |(_, stage)| stage);
            let withdrawn = match stage {
                Stage::Pending | Stage::Retired | Stage::Withdrawn => Withdrawn::Unused,
                Stage::Outgoing => Withdrawn::Outgoing,
                Stage::Signing => Withdrawn::Signing { successor: fresh.kid.clone() },
            };
            if withdrawn != Withdrawn::Unused {
                // The change's first entry, by which servers know that it takes nothing out of their memory.
                change.append(Target::Unknown, true)?;
            }
            change.renew_keys()?;
            keys::withdraw(change.connection, &kid, now)?;
            if let Withdrawn::Signing { .. } = withdrawn {
                keys::insert(change.connection, core.keys.sealed(fresh)?.made(change.seq, now, now))?;
            }
            let detail = json!({ "stage": stage, "successor": withdrawn.successor() });
            change.record(Actor::COMMAND, "key.withdraw", None, Some(kid), Some(&detail))?;
            Ok(Some(withdrawn))
        };
        self.core.changes.run(withdraw).await
    }

    /// Seals all keys, the retired and withdrawn too, under the newest root key; says how many.
    ///
    /// # Errors
    /// See [`KeyRingError`]; then nothing has changed.
    pub async fn reseal(&self) -> Result<usize, KeyRingError> {
        let core = self.core.clone();
        let reseal = move |change: &mut Change<'_>| {
            let resealed = core.keys.resealed(&Stored::read(change.connection)?)?;
            for (kid, sealed) in &resealed {
                keys::reseal(change.connection, kid, sealed)?;
            }
            // A server that cannot open them now should say so, not at its next start.
            change.renew_keys()?;
            let detail = json!({ "keys": resealed.len() });
            change.record(Actor::COMMAND, "key.reseal", None, None, Some(&detail))?;
            Ok(resealed.len())
        };
        self.core.changes.run(reseal).await
    }

    async fn fresh(&self, algorithm: Option<SigningAlgorithm>) -> Result<FreshKey, KeyRingError> {
        let algorithm = algorithm.unwrap_or(self.core.settings.signing_algorithm);
        let fresh = task::spawn_blocking(move || FreshKey::for_signing(algorithm)).await;
        fresh.unwrap_or(Err(KeyRingError::NotMade))
    }
}

/// Adds a key that signs `lead` seconds after `now`.
fn add(
    change: &mut Change<'_>,
    (actor, action): (Actor, &str),
    fresh: Sealed,
    now: Timestamp,
    lead: i64,
) -> Result<ShownKey, KeyRingError> {
    let key = fresh.made(change.seq, now, now.plus_seconds(lead));
    let shown = ShownKey::new(&key, if lead > 0 { Stage::Pending } else { Stage::Signing });
    change.renew_keys()?;
    keys::insert(change.connection, key)?;
    let detail = json!({ "algorithm": shown.algorithm, "activates_at": shown.activates_at });
    change.record(actor, action, None, Some(shown.kid.clone()), Some(&detail))?;
    Ok(shown)
}
