//! A list from its credentials, which are read in pieces: a full list takes longer than one query may, and whoever else
//! reads has a turn between two pieces.

use std::{io::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::ZlibEncoder};
use serde_json::json;
use tokio::{sync::OwnedMutexGuard, task};

use super::{SIZE, StatusListError, TTL, uri};
use crate::{
    domain::{
        clock::Timestamp,
        verdict::{self, State},
    },
    service::{core::Core, exchange::Point},
    store::{
        DbConnection, StoreError,
        numbers::{self, Numbered},
        standings,
    },
};

/// Bits for each: VALID 0, INVALID 1, SUSPENDED 2.
const BITS: i64 = 2;

const INVALID: u8 = 1;
const SUSPENDED: u8 = 2;

/// How many credentials are read at once; a whole number of bytes, and of pieces in a list.
const PIECE: i64 = 4096;

/// The `typ` of a list.
const TYP: &str = "statuslist+jwt";

/// The turn to make a list. Each read has a share in it: one that goes on though nobody waits for it any more (a database
/// that hangs) keeps the next list from being begun, and so never more than one connection is taken.
type Turn = Arc<OwnedMutexGuard<()>>;

/// Whether all places of list `list` have been given out, and all who had one have been removed.
pub(super) async fn is_gone(core: &Arc<Core>, list: i64, turn: &Turn) -> Result<bool, StoreError> {
    let (share, first) = (turn.clone(), list.saturating_mul(SIZE));
    let look = move |connection: &mut DbConnection| {
        let _share = share;
        let is_full = numbers::last(connection, Numbered::Credential)? >= first + SIZE - 1;
        Ok(is_full && !standings::is_any_numbered(connection, first, first + SIZE)?)
    };
    core.db.read(look).await
}

/// Makes list `list`. It says of each credential how it stood at some moment after `iat`.
pub(super) async fn signed(core: &Arc<Core>, list: i64, turn: &Turn) -> Result<String, StatusListError> {
    // Before the first read: whatever is changed from now on may be missing.
    let now = core.clock.now();
    let first = list.saturating_mul(SIZE);
    let mut bytes = Vec::new();
    for from in (first..first + SIZE).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX)) {
        let (share, core_of_piece) = (turn.clone(), core.clone());
        let read = move |connection: &mut DbConnection| {
            let _share = share;
            core_of_piece.changes.pauses.at(Point::PieceBegun);
            piece(connection, &core_of_piece.settings.issuer, from, now)
        };
        bytes.extend(core.db.read(read).await?);
    }
    let core = core.clone();
    // It takes a millisecond, which is long for whoever else is served on this thread.
    let sign = task::spawn_blocking(move || sign(&core, list, &bytes, now));
    sign.await.unwrap_or_else(|panic| Err(StatusListError::Signing(panic.to_string())))
}

/// The states of the credentials from number `from` on, as the list has them.
fn piece(connection: &mut DbConnection, issuer: &str, from: i64, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0_u8; usize::try_from(PIECE * BITS / 8).unwrap_or_default()];
    for standing in standings::numbered(connection, from, from + PIECE)? {
        let status = match verdict::state(&standing, issuer, now) {
            State::Active | State::Expired => 0,
            State::Revoked => INVALID,
            State::Stale | State::Disallowed => SUSPENDED,
        };
        let bit = (standing.credential.number - from) * BITS;
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at)) {
            *byte |= status << (bit % 8);
        }
    }
    Ok(bytes)
}

fn sign(core: &Core, list: i64, bytes: &[u8], now: Timestamp) -> Result<String, StatusListError> {
    let issuer = &core.settings.issuer;
    let claims = json!({
        "sub": uri(issuer, list),
        "iss": issuer,
        "iat": now.unix_seconds(),
        "exp": now.unix_seconds() + 2 * TTL,
        "ttl": TTL,
        "status_list": { "bits": BITS, "lst": URL_SAFE_NO_PAD.encode(compressed(bytes)?) },
    });
    core.keys.signing(now).sign_as(TYP, &claims).map_err(|error| StatusListError::Signing(error.to_string()))
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, StatusListError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map_err(|error| StatusListError::Signing(error.to_string()))
}
