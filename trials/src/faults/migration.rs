//! `kill -9` in the middle of a migration.

use std::{process::Stdio, time::Instant};

use super::{asked::pass, ensure, http::Caller, postgres::succeed, stage::Stage};
use crate::Failure;

const ROUNDS: u32 = 20;

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let url = stage.database("whole")?;
    let began = Instant::now();
    succeed(&mut stage.patmint(&url, None, &["migrate"]))?;
    let takes = began.elapsed();
    let mut killed = 0;
    for round in 0..ROUNDS {
        let url = stage.database(&format!("killed{round}"))?;
        let migrate = || stage.patmint(&url, None, &["migrate"]);
        let mut child = migrate().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        // Another moment each time, from its beginning to its end.
        pass(takes * round / ROUNDS);
        let _ = child.kill();
        killed += u32::from(!child.wait()?.success());
        succeed(&mut migrate()).map_err(|error| format!("round {round}: a second migration fails: {error}"))?;
        if round % 5 == 0 {
            let owner = stage.bootstrap(&url)?;
            let server = stage.serve(&url)?;
            let status = Caller::new(server.address).exchange(&owner.token)?.status;
            ensure(status == 200, || format!("round {round}: {status} after the second migration"))?;
            server.stop()?;
            std::fs::remove_dir_all(crate::server::keys_dir(stage.folder()))?;
        }
    }
    ensure(killed > 0, || "every migration was done before it was killed".to_owned())?;
    let which = format!("{ROUNDS} migrations (one takes {takes:.0?})");
    Ok(format!("{which}, {killed} killed before their end; each went through the second time"))
}
