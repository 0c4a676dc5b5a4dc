//! Time passes, and old entries with it.

use super::super::{
    rule::Rule,
    scenario::World,
    search::Next,
    state::{BEAT_LASTS, FOREVER, Presence, Replica, State, TOKEN_LIVES, Watcher, Watching},
};

const WHO: &str = "time";

pub(super) fn steps(world: &World, state: &State, next: &mut Next) {
    let passed = passed(world, state);
    next.add(WHO, None, "passes", passed);
    if !world.keeps(Rule::ClocksAreNotSlower) {
        let mut stood = passed;
        stood.replicas[0] = state.replicas[0];
        next.add(WHO, None, "passes, and the first server's clock stands", stood);
    }
    let database = state.database;
    if !world.keeps(Rule::ThePrimaryIsRead) && database.standby < database.head {
        let mut caught_up = *state;
        caught_up.database.standby = database.head;
        next.add("standby", None, "catches up", caught_up);
    }
    if world.scenario.entries_end && database.revoked != 0 && !database.is_pruned && database.age >= kept(world) {
        let mut pruned = *state;
        pruned.database.is_pruned = true;
        next.add("database", None, "loses the old entry", pruned);
    }
}

/// For how long an entry is kept.
pub(super) fn kept(world: &World) -> u8 {
    let bound = if world.keeps(Rule::EntriesOutliveTokens) { world.largest_bound() } else { 0 };
    TOKEN_LIVES + bound
}

/// One tick later.
fn passed(world: &World, state: &State) -> State {
    let mut state = *state;
    if world.scenario.entries_end && state.database.revoked != 0 {
        state.database.age = older(state.database.age, kept(world));
    }
    if state.revocation.done > 0 && !state.revocation.is_answered {
        state.revocation.waited = older(state.revocation.waited, world.largest_bound());
    }
    for (replica, bound) in state.replicas.iter_mut().zip(world.scenario.bounds) {
        pass_for(replica, *bound);
    }
    pass_for_watcher(&mut state.watcher);
    state
}

fn older(age: u8, most: u8) -> u8 {
    most.min(age + 1)
}

fn pass_for(replica: &mut Replica, bound: u8) {
    let Replica { memory, follower, presence, .. } = replica;
    memory.look_lasts = memory.look_lasts.saturating_sub(1);
    if memory.beat_lasts != FOREVER {
        memory.beat_lasts = memory.beat_lasts.saturating_sub(1);
    }
    if follower.done > 0 {
        follower.age = older(follower.age, bound);
    }
    match presence {
        Presence::Registering { age, .. }
        | Presence::Registered { age }
        | Presence::Noting { age, .. }
        | Presence::Noted { age } => *age = older(*age, BEAT_LASTS),
        Presence::Unregistered | Presence::Resting | Presence::RowGone | Presence::Leaving | Presence::Left => {}
    }
}

fn pass_for_watcher(watcher: &mut Watcher) {
    watcher.known_for = watcher.known_for.map(|age| older(age, BEAT_LASTS));
    match &mut watcher.doing {
        Watching::Timed(age) | Watching::Read { age, .. } => *age = older(*age, BEAT_LASTS),
        Watching::Resting | Watching::Removing => {}
    }
}
