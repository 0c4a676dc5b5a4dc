//! A disk that is full: no file may grow beyond two megabytes.

use super::{ensure, http::Caller, stage::Stage};
use crate::Failure;

/// Blocks of 512 bytes. The signal is ignored, so that writing fails as it does on a full disk.
const LIMIT: &str = "trap '' XFSZ; ulimit -f 4096";

const MOST: usize = 3000;

/// How often it is tried once the disk is full.
const AFTERWARDS: usize = 20;

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let scene = stage.set(Some(LIMIT))?;
    let (mut made, mut refused) = (Vec::new(), 0);
    while made.len() < MOST && refused < AFTERWARDS {
        let answer = scene.caller.create(&scene.session)?;
        match answer.status {
            201 => made.push(answer.member("token")?),
            503 if answer.has_retry_after => refused += 1,
            status => return Err(format!("{status} {}", String::from_utf8_lossy(&answer.body)).into()),
        }
        scene.caller.exchange(&scene.owner.token)?.good(200)?;
    }
    ensure(refused > 0, || format!("{MOST} credentials, and the disk is not full"))?;
    scene.caller.get("/livez")?.good(200)?;
    // There is room again.
    drop(scene.server);
    let server = stage.serve(&scene.url)?;
    let caller = Caller::new(server.address);
    for token in &made {
        caller.exchange(token)?.good(200).map_err(|error| format!("an answered creation is lost: {error}"))?;
    }
    caller.created(&scene.session)?;
    server.stop()?;
    let made = made.len();
    Ok(format!("{made} created, {refused} then 503 while exchanges went on; with room again none was lost"))
}
