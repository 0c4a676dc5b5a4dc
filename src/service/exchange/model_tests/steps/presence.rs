//! The noter: a server's row comes, says what is applied, beats and goes (`presence.rs`, `trust.rs`).

use super::super::{
    rule::Rule,
    scenario::World,
    search::Next,
    state::{BEAT_LASTS, Presence, Row, State, Watcher},
};

const WHO: &str = "noter";

pub(super) fn steps(world: &World, state: &State, at: usize, next: &mut Next) {
    if !world.scenario.rows_come_and_go {
        return note_only(world, state, at, next);
    }
    let mut after = *state;
    let mut leaving = *state;
    let applied = noted(world, state, at);
    let (doing, does) = match state.replicas[at].presence {
        Presence::Unregistered => (Presence::Registering { age: 0, applied }, "begins to register"),
        Presence::Registering { age, applied } => {
            write(&mut after, at, Row { is_there: true, applied });
            // Under a new name: the watcher does not know it.
            after.watcher = Watcher::default();
            (Presence::Registered { age }, "writes a new row")
        }
        Presence::Registered { age } => {
            registered(world, &mut after, at, lasts(world, age));
            (Presence::Resting, "gives trust a beginning")
        }
        Presence::Resting => {
            leave(world, &mut leaving, at);
            next.add(WHO, Some(at), "begins to leave", leaving);
            (Presence::Noting { age: 0, applied }, "begins to note")
        }
        Presence::Noting { age, applied } if state.replicas[at].row.is_there => {
            write(&mut after, at, Row { is_there: true, applied });
            after.watcher.is_still = false;
            (Presence::Noted { age }, "writes what is applied")
        }
        Presence::Noting { .. } => (Presence::RowGone, "finds its row gone"),
        Presence::Noted { age } => {
            let lasts = lasts(world, age);
            let memory = &mut after.replicas[at].memory;
            memory.beat_lasts = memory.beat_lasts.max(lasts);
            (Presence::Resting, "lets the beat count")
        }
        Presence::RowGone => {
            registered(world, &mut after, at, 0);
            (Presence::Unregistered, "ends trust")
        }
        Presence::Leaving => {
            leave(world, &mut after, at);
            (Presence::Left, "leaves")
        }
        Presence::Left => return,
    };
    after.replicas[at].presence = doing;
    next.add(WHO, Some(at), does, after);
}

fn note_only(world: &World, state: &State, at: usize, next: &mut Next) {
    let applied = noted(world, state, at);
    if state.replicas[at].row.applied != applied {
        let mut after = *state;
        after.replicas[at].row.applied = applied;
        next.add(WHO, Some(at), "writes what is applied", after);
    }
}

fn noted(world: &World, state: &State, at: usize) -> u8 {
    let memory = state.replicas[at].memory;
    if world.keeps(Rule::AppliedIsNoted) { memory.applied } else { memory.seen }
}

fn write(state: &mut State, at: usize, row: Row) {
    state.replicas[at].row = row;
}

/// How much longer a beat is good that was begun so long ago.
fn lasts(world: &World, age: u8) -> u8 {
    if world.keeps(Rule::BeatCountsFromBeforeTheWrite) { BEAT_LASTS - age } else { BEAT_LASTS }
}

/// What was looked at before does not count any more.
fn registered(world: &World, state: &mut State, at: usize, lasts: u8) {
    let replica = &mut state.replicas[at];
    replica.memory.beat_lasts = lasts;
    if world.keeps(Rule::RegisteringEndsFormerTrust) {
        replica.memory.look_lasts = 0;
    }
    replica.follower.counts = false;
}

/// One half of the leaving, and then the other.
fn leave(world: &World, state: &mut State, at: usize) {
    let is_first = state.replicas[at].presence == Presence::Resting;
    if is_first == world.keeps(Rule::TrustEndsBeforeLeaving) {
        registered(world, state, at, 0);
    } else {
        write(state, at, Row::default());
        state.watcher = Watcher::default();
    }
    state.replicas[at].presence = Presence::Leaving;
}
