//! Token Status Lists: the present state of every credential, a few bits each, signed (draft-ietf-oauth-status-list).
//!
//! The standard's way to see a revocation, at the standard's speed: a list is made anew at most once per [`TTL`].

use std::{collections::HashMap, io::Write as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::ZlibEncoder};
use serde_json::json;
use thiserror::Error;
use tokio::sync::Mutex;

use super::core::Core;
use crate::{
    domain::{
        standing::Standing,
        verdict::{self, State},
    },
    store::{
        StoreError,
        numbers::{self, Numbered},
        standings,
    },
};

/// How many credentials one list has.
const SIZE: i64 = 1 << 16;

/// Bits for each: VALID 0, INVALID 1, SUSPENDED 2.
const BITS: i64 = 2;

const INVALID: u8 = 1;
const SUSPENDED: u8 = 2;

/// How long a list may be kept, in seconds.
pub const TTL: i64 = 60;

/// The `typ` of a list.
const TYP: &str = "statuslist+jwt";

/// In which list, and where in it, the credential with `number` stands.
pub(crate) fn place(number: i64) -> (i64, i64) {
    (number / SIZE, number % SIZE)
}

/// Where list `list` can be fetched.
pub(crate) fn uri(issuer: &str, list: i64) -> String {
    format!("{}/statuslists/{list}", issuer.trim_end_matches('/'))
}

/// Why there is no list.
#[derive(Debug, Error)]
pub enum StatusListError {
    /// No credential has a place in it yet.
    #[error("no such list")]
    Unknown,
    /// The database is needed and does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signature could not be made.
    #[error("cannot sign: {0}")]
    Signing(String),
}

/// Makes and keeps the lists.
pub struct StatusLists {
    core: Arc<Core>,
    /// One is made at a time, whoever asks: anybody may.
    made: Mutex<HashMap<i64, (Duration, Arc<str>)>>,
}

impl StatusLists {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, made: Mutex::default() }
    }

    /// List `list` as a signed JWT, at most [`TTL`] seconds old.
    ///
    /// # Errors
    /// See [`StatusListError`].
    pub async fn signed(&self, list: i64) -> Result<Arc<str>, StatusListError> {
        let mut made = self.made.lock().await;
        let asked_at = self.core.clock.since_boot();
        if let Some((made_at, jwt)) = made.get(&list)
            && asked_at < *made_at + Duration::from_secs(TTL.unsigned_abs())
        {
            return Ok(jwt.clone());
        }
        let core = self.core.clone();
        let jwt = self.core.db.read(move |connection| {
            let (from, to) = (list.saturating_mul(SIZE), list.saturating_add(1).saturating_mul(SIZE));
            if from > numbers::last(connection, Numbered::Credential)? {
                return Err(StatusListError::Unknown);
            }
            sign(&core, list, &standings::numbered(connection, from, to)?)
        });
        let jwt: Arc<str> = jwt.await?.into();
        made.insert(list, (asked_at, jwt.clone()));
        Ok(jwt)
    }
}

/// Makes and signs a list; on a blocking thread, for it takes its time.
fn sign(core: &Core, list: i64, standings: &[Standing]) -> Result<String, StatusListError> {
    let issuer = &core.settings.issuer;
    let now = core.clock.now();
    let size = usize::try_from(SIZE * BITS / 8).unwrap_or_default();
    let mut bytes = vec![0_u8; size];
    for standing in standings {
        let status = match verdict::state(standing, issuer, now) {
            State::Active | State::Expired => 0,
            State::Revoked => INVALID,
            State::Stale | State::Disallowed => SUSPENDED,
        };
        let bit = place(standing.credential.number).1 * BITS;
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at)) {
            *byte |= status << (bit % 8);
        }
    }
    let claims = json!({
        "sub": uri(issuer, list),
        "iss": issuer,
        "iat": now.unix_seconds(),
        "exp": now.unix_seconds() + 2 * TTL,
        "ttl": TTL,
        "status_list": { "bits": BITS, "lst": URL_SAFE_NO_PAD.encode(compressed(&bytes)?) },
    });
    core.keys.signing().sign_as(TYP, &claims).map_err(|error| StatusListError::Signing(error.to_string()))
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, StatusListError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map_err(|error| StatusListError::Signing(error.to_string()))
}
