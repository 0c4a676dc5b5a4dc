//! The wall clock jumps, by minutes and days, both ways (libfaketime). On SQLite nobody may notice but the dates in the
//! tokens; with a database that has a clock of its own these stay right, and the server is not ready meanwhile.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{ensure, http::Caller, stage::Stage};
use crate::Failure;

const JUMPS: [(&str, i64); 7] =
    [("+10m", 600), ("-10m", -600), ("+0", 0), ("+3d", 259_200), ("-3d", -259_200), ("+40d", 3_456_000), ("+0", 0)];

/// How far from the right moment one may be that was written down here, in seconds.
const NEARLY: i64 = 60;

/// How soon a change must be answered: well before the bound has to be waited for.
const PROMPT: Duration = Duration::from_millis(900);

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let offset = stage.folder().join("offset");
    fs::write(&offset, "+0")?;
    let scene = stage.set(Some(&faked(&offset)))?;
    let caller = &scene.caller;
    let mut longest = Duration::ZERO;
    for (jump, seconds) in JUMPS {
        fs::write(&offset, jump)?;
        if stage.postgres().is_ok() {
            by_database(caller, &scene.owner.token, seconds).map_err(|error| format!("{jump}: {error}"))?;
        } else {
            let dated = issued_at(caller, &scene.owner.token)? - now()?;
            ensure((dated - seconds).abs() < NEARLY, || format!("{jump}: the clock is off by {dated} s"))?;
            caller.get("/readyz")?.good(200).map_err(|error| format!("{jump}: memory is not trusted: {error}"))?;
        }
        let session = caller.session(&scene.owner)?;
        let (id, token) = caller.created(&session)?;
        caller.exchange(&token)?.good(200)?;
        let revoked = caller.revoke(&session, &id)?.good(204)?;
        longest = longest.max(revoked.took);
        caller.exchange(&token)?.good(401)?;
        caller.exchange(&scene.owner.token)?.good(200)?;
        ensure(revoked.took < PROMPT, || format!("{jump}: a revocation took {:?}", revoked.took))?;
    }
    scene.server.stop()?;
    Ok(format!("{} jumps; a revocation took at most {longest:.0?}", JUMPS.len()))
}

/// The server says that its clock is off, and dates tokens by the database's.
fn by_database(caller: &Caller, token: &str, seconds: i64) -> Result<(), Failure> {
    let expected = if seconds == 0 { 200 } else { 503 };
    caller.get("/readyz")?.good(expected)?;
    let dated = issued_at(caller, token)? - now()?;
    ensure(dated.abs() < NEARLY, || format!("a token is dated {dated} s off"))
}

/// The line of `sh` that lets a process see a clock that is off by what stands in a file, as libfaketime reads it.
pub(super) fn faked(offset: &Path) -> String {
    format!(
        "export LD_PRELOAD=$(find /usr/lib /usr/lib64 /usr/local/lib -name libfaketime.so.1 2>/dev/null | head -n 1) \
         FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE='{}'",
        offset.display(),
    )
}

/// What the server thinks what time it is.
fn issued_at(caller: &Caller, token: &str) -> Result<i64, Failure> {
    let access = caller.exchange(token)?.good(200)?.member("access")?;
    let claims = access.split('.').nth(1).ok_or("no JWT")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    Ok(claims.get("iat").and_then(Value::as_i64).ok_or("a JWT without iat")?)
}

#[expect(clippy::disallowed_methods, reason = "the real time, to compare with")]
fn now() -> Result<i64, Failure> {
    Ok(i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())?)
}
