//! Whoever follows the feed goes on where it was, whatever becomes of the server and its database.

use std::time::{Duration, Instant};

use super::{
    asked::{ms, pass},
    ensure,
    follower::{Follower, Known},
    http::Caller,
    moving::Whereabouts,
    revoker::{Revokers, Told},
    stage::{Scene, Stage},
};
use crate::Failure;

const ROUNDS: usize = 9;

const REVOKERS: usize = 3;

/// How many revocations are answered before each fault.
const BETWEEN: usize = 10;

/// How long the database is away: longer than memory may be believed.
const AWAY: Duration = Duration::from_millis(1500);

/// Within it a server that is there has answered, and what was answered is heard.
const PATIENCE: Duration = Duration::from_secs(20);

/// What befalls the server.
#[derive(Clone, Copy)]
enum Fate {
    Killed,
    Stopped,
    WithoutDatabase,
}

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let Scene { url, mut server, session, .. } = stage.set(None)?;
    let fates: &[Fate] = match stage.postgres() {
        Ok(_) => &[Fate::Killed, Fate::WithoutDatabase, Fate::Stopped],
        Err(_) => &[Fate::Killed, Fate::Stopped],
    };
    let place = Whereabouts::at(server.address);
    let follower = Follower::start(place.clone());
    let revokers = Revokers::start(REVOKERS, &place, &session);
    for fate in fates.iter().cycle().take(ROUNDS) {
        revokers.answered(BETWEEN, PATIENCE)?;
        match fate {
            Fate::Killed => drop(server),
            Fate::Stopped => server.stop()?,
            Fate::WithoutDatabase => {
                without_database(stage)?;
                continue;
            }
        }
        server = stage.serve(&url)?;
        place.moved(server.address);
    }
    revokers.answered(BETWEEN, PATIENCE)?;
    let mut told = revokers.stop()?;
    // Nothing is heard after it that was answered before.
    let (last, _) = place.caller().created(&session)?;
    place.caller().revoke(&session, &last)?.good(204)?;
    told.asked.insert(last.clone());
    told.answered.insert(last.clone(), Instant::now());
    follower.hears(&last, PATIENCE)?;
    let known = follower.stop()?;
    server.stop()?;
    let server = stage.serve(&url)?;
    let listed = Known::all(&Caller::new(server.address))?;
    server.stop()?;
    ensure(known.entries == listed.entries, || "what was heard is not what a new server lists".to_owned())?;
    let latest = compare(&told, &known)?;
    Ok(format!(
        "{ROUNDS} faults; {} revocations answered, all heard, in order, under their numbers, at most {} after the \
         answer; {} more heard that were asked for; {} times no answer, {} times 503",
        told.answered.len(),
        ms(latest),
        known.entries.len() - told.answered.len(),
        known.unanswered,
        known.refused,
    ))
}

fn without_database(stage: &Stage) -> Result<(), Failure> {
    let postgres = stage.postgres()?;
    let stopped = postgres.stop();
    pass(AWAY);
    // Whatever came of it: it must not stay away.
    postgres.start()?;
    stopped
}

/// All that was answered was heard, and nothing that was not asked for; says how long after its answer at most.
fn compare(told: &Told, known: &Known) -> Result<Duration, Failure> {
    let mut latest = Duration::ZERO;
    for (id, answered) in &told.answered {
        let heard = known.heard_at.get(id).ok_or_else(|| format!("{id}: answered and not heard of"))?;
        latest = latest.max(heard.saturating_duration_since(*answered));
    }
    for entry in &known.entries {
        ensure(told.asked.contains(&entry.credential), || format!("{entry:?} was never asked for"))?;
    }
    Ok(latest)
}
