//! An upgrade: the program of an earlier commit and this one serve the same database, beside each other on PostgreSQL and
//! one after the other on SQLite, and then the earlier one alone again. No caller may notice.

mod stage;
mod work;

use std::{path::PathBuf, time::Duration};

use self::{
    stage::{Stage, Version},
    work::{Crew, Session},
};
use crate::{Failure, faults::asked::pass, say, server::Server};

/// What is tried.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// The program of the earlier commit
    #[arg(long, value_name = "FILE")]
    base: PathBuf,
    /// The program [default: the patmint beside this program]
    #[arg(long, value_name = "FILE")]
    patmint: Option<PathBuf>,
    /// An empty PostgreSQL database, on which both run beside each other [default: only SQLite, one after the other]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// For how long both run beside each other, in seconds; the rest takes a third each
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Tries the upgrade and the way back.
///
/// # Errors
/// If any caller got another answer than without an upgrade, or something could not be tried.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let long = Duration::from_secs(arguments.seconds.max(3));
    one_after_the_other(arguments, long / 3)?;
    if let Some(url) = &arguments.database_url {
        beside_each_other(arguments, url, long)?;
    }
    Ok(())
}

/// On SQLite: the earlier one, this one, the earlier one.
fn one_after_the_other(arguments: &Arguments, long: Duration) -> Result<(), Failure> {
    let stage = Stage::new(arguments, None)?;
    let owner = stage.bootstrap()?;
    let mut session = None;
    for version in [Version::Base, Version::New, Version::Base] {
        let server = stage.start(version)?;
        // One session for all of it.
        let session = &*match &mut session {
            Some(session) => session,
            empty @ None => empty.insert(Session::begin(server.address, &owner)?),
        };
        let done = during(&[&server], session, long)?;
        say(&format!("SQLite, {version}: {done}"));
        server.stop()?;
    }
    Ok(())
}

/// On PostgreSQL: two of the earlier ones; one of them and this one; two of the earlier ones again.
fn beside_each_other(arguments: &Arguments, url: &str, long: Duration) -> Result<(), Failure> {
    let stage = Stage::new(arguments, Some(url))?;
    let owner = stage.bootstrap()?;
    let stays = stage.start(Version::Base)?;
    let leaves = stage.start(Version::Base)?;
    let session = Session::begin(stays.address, &owner)?;
    let done = during(&[&stays, &leaves], &session, long / 3)?;
    say(&format!("PostgreSQL, {base} and {base}: {done}", base = Version::Base));

    // The migration comes while both of them work.
    let crew = Crew::start(&[stays.address, leaves.address], &session);
    let new = stage.start(Version::New)?;
    pass(Duration::from_secs(2));
    say(&format!(
        "PostgreSQL, {} and {}, while {} migrates: {}",
        Version::Base,
        Version::Base,
        Version::New,
        crew.end()?
    ));
    leaves.stop()?;
    let done = during(&[&stays, &new], &session, long)?;
    say(&format!("PostgreSQL, {} and {} beside each other: {done}", Version::Base, Version::New));

    new.stop()?;
    let back = stage.start(Version::Base)?;
    let done = during(&[&stays, &back], &session, long / 3)?;
    say(&format!("PostgreSQL, back to {base} and {base}: {done}", base = Version::Base));
    stays.stop()?;
    back.stop()
}

/// Keeps the servers at work for so long; what was done.
fn during(servers: &[&Server], session: &Session, long: Duration) -> Result<String, Failure> {
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let crew = Crew::start(&addresses, session);
    pass(long);
    crew.end()
}
