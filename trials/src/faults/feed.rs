//! Whoever follows the feed goes on where it was, whatever becomes of the server and its database.

use std::time::Duration;

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

/// How often each befalls it, if there is time.
const ROUNDS: usize = 5;

/// Many: a server that was killed is waited for, a second each time, until it is known to be dead.
const REVOKERS: usize = 10;

/// For each fault, more than they revoke.
const VICTIMS: usize = 40;

/// How many revocations are answered before each fault.
const BETWEEN: usize = 10;

/// How long the database is away: longer than memory may be believed.
const AWAY: Duration = Duration::from_millis(1500);

/// Within it what was answered is heard.
const PATIENCE: Duration = Duration::from_secs(20);

/// What befalls the server.
#[derive(Clone, Copy)]
enum Fate {
    Killed,
    Stopped,
    WithoutDatabase,
}

pub(super) fn run(stage: &Stage) -> Result<String, Failure> {
    let Scene { url, mut server, caller, session, .. } = stage.set(None)?;
    let fates: &[Fate] = match stage.postgres() {
        Ok(_) => &[Fate::Killed, Fate::WithoutDatabase, Fate::Stopped],
        Err(_) => &[Fate::Killed, Fate::Stopped],
    };
    let place = Whereabouts::at(server.address);
    let follower = Follower::start(place.clone());
    let faults = stage.rounds(ROUNDS) * fates.len();
    let mut victims = Vec::new();
    while victims.len() < VICTIMS * (faults + 1) {
        victims.push(caller.created(&session)?.0);
    }
    let revokers = Revokers::start(REVOKERS, &place, &session, victims);
    for fate in fates.iter().cycle().take(faults) {
        revokers.answered(BETWEEN)?;
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
    revokers.answered(BETWEEN)?;
    let told = revokers.stop()?;
    follower.hears(told.answered.keys(), PATIENCE)?;
    let known = follower.stop()?;
    server.stop()?;
    let server = stage.serve(&url)?;
    let listed = Known::all(&Caller::new(server.address))?;
    server.stop()?;
    ensure(known.repeated == 0, || format!("{} credentials were heard of once more", known.repeated))?;
    ensure(known.entries == listed.entries, || "what was heard is not what a new server lists".to_owned())?;
    let latest = compare(&told, &known)?;
    Ok(format!(
        "{faults} faults; {} revocations answered ({} times asked again), each heard once, in order, under its number, \
         at most {} after the answer; the follower had {} times no answer, {} times 503, {} times one of a server that was behind",
        told.answered.len(),
        told.again,
        ms(latest),
        known.unanswered,
        known.refused,
        known.behind,
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

/// All that was answered was heard, and nothing else; says how long after its answer at most.
fn compare(told: &Told, known: &Known) -> Result<Duration, Failure> {
    let mut latest = Duration::ZERO;
    for (id, answered) in &told.answered {
        let heard = known.heard_at.get(id).ok_or_else(|| format!("{id}: answered and not heard of"))?;
        latest = latest.max(heard.saturating_duration_since(*answered));
    }
    let is_answered = |id: &String| told.answered.contains_key(id);
    let stranger = known.entries.iter().find(|entry| !entry.credential.as_ref().is_some_and(is_answered));
    ensure(stranger.is_none(), || format!("{stranger:?} was never revoked"))?;
    Ok(latest)
}
