//! 200 connections against 128 descriptors.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{ensure, http::Caller, stage::Stage};
use crate::Failure;

const CONNECTIONS: usize = 200;

/// How long an answer is waited for where perhaps none comes.
const PATIENCE: Duration = Duration::from_millis(10);

/// How soon everything must be as before.
const RECOVERY: Duration = Duration::from_secs(2);

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let scene = stage.set(Some("ulimit -n 128"))?;
    let mut open = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        // Some do not even come into the queue of those who are not accepted yet.
        let Ok(mut stream) = TcpStream::connect_timeout(&scene.server.address, PATIENCE) else { continue };
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: patmint\r\n\r\n")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        open.push(stream);
    }
    let mut answered = 0;
    for stream in &mut open {
        let mut start = [0; 12];
        if stream.read_exact(&mut start).is_ok() {
            ensure(start == *b"HTTP/1.1 200", || format!("{:?}", String::from_utf8_lossy(&start)))?;
            answered += 1;
        }
    }
    // One that was there before is served all the while.
    scene
        .caller
        .get("/livez")
        .and_then(|answer| answer.good(200))
        .map_err(|error| format!("one who was there: {error}"))?;
    drop(open);
    let began = Instant::now();
    let fresh = Caller::new(scene.server.address);
    fresh.exchange(&scene.owner.token)?.good(200)?;
    let (id, token) = fresh.created(&scene.session)?;
    fresh.revoke(&scene.session, &id)?.good(204)?;
    fresh.exchange(&token)?.good(401)?;
    let recovered = began.elapsed();
    ensure(recovered < RECOVERY, || format!("as before only after {recovered:?}"))?;
    ensure(answered > 0, || "nobody was answered".to_owned())?;
    scene.server.stop()?;
    Ok(format!("{answered} of {CONNECTIONS} had a descriptor and an answer; all as before {recovered:.0?} after"))
}
