//! Two servers that start at once on an empty database.

use std::thread;

use super::{ensure, http::Caller, stage::Stage};
use crate::{Failure, server::Server};

const ROUNDS: usize = 3;

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    for round in 0..ROUNDS {
        let url = stage.database(&format!("together{round}"))?;
        let folder = stage.folder().to_owned();
        let start = |name: &'static str| {
            let (command, folder) = (stage.serving(&url, None, "127.0.0.1:0"), folder.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(Server::start(command, &folder, name))
            })
        };
        let [one, other] = ["one.log", "other.log"]
            .map(start)
            .map(|started| started.join().map_err(|_| Failure::from("a thread panicked")).and_then(|server| server));
        let (one, other) = (one?, other?);
        let owner = stage.bootstrap(&url)?;
        for server in [&one, &other] {
            let status = Caller::new(server.address).exchange(&owner.token)?.status;
            ensure(status == 200, || format!("round {round}: {status} for the first credential"))?;
        }
        one.stop()?;
        other.stop()?;
        // Of the next round, which has keys of its own.
        std::fs::remove_dir_all(crate::server::keys_dir(&folder))?;
    }
    Ok(format!("{ROUNDS} times both came up on one schema and one set of keys, and exchanged"))
}
