use std::time::{Duration, Instant};

use super::{Arguments, Stage, api::Api, probe, spread::spread};
use crate::{
    Failure,
    load::{Connection, Requests},
    say,
};

/// The bound of every server here.
const MAX_STALENESS: Duration = Duration::from_secs(1);

/// Revokes while one server stands still (SIGSTOP), and asks that one as soon as it goes on. Says whether it refused.
pub(super) async fn run(stage: &Stage, api: &mut Api, arguments: &Arguments) -> Result<bool, Failure> {
    let [_, .., last] = stage.servers.as_slice() else { return Ok(true) };
    say(&format!("{} revocations while one of {} servers stands still", arguments.stops, stage.servers.len()));
    let (mut took, mut granted) = (Vec::new(), 0);
    for _ in 0..arguments.stops {
        let victim = api.create().await?;
        let request = Requests::exchanges(vec![victim.token.clone()]).bytes(0);
        let mut connection = Connection::open(last.address).await?;
        // Twice: the first reads the database.
        for _ in 0..2 {
            let status = probe::exchange(&mut connection, &request).await?.status;
            if status != 200 {
                return Err(format!("a new credential is refused: {status}").into());
            }
        }
        last.freeze()?;
        let revoked = api.revoke(&victim.id).await;
        last.thaw()?;
        took.push(revoked?.after);
        let asked = Instant::now();
        while asked.elapsed() < MAX_STALENESS {
            granted += usize::from(probe::exchange(&mut connection, &request).await?.status == 200);
        }
    }
    say(&format!(
        "  answered after {}; {granted} exchanges granted by the server that woke (the bound is {} ms)",
        spread(&took),
        MAX_STALENESS.as_millis(),
    ));
    Ok(granted == 0)
}
