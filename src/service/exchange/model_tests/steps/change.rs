//! The change that revokes the credential, until it is answered (`service/change.rs`), and one of something else.

use super::super::{
    rule::Rule,
    scenario::{First, World},
    search::Next,
    state::{Replica, State, Unrelated},
};
use super::nth;

const WHO: &str = "revocation";

#[derive(Clone, Copy)]
enum Action {
    Commit,
    NoteTime,
    AwaitOwnMemory,
    ReadRows,
}

fn order(world: &World) -> [Action; 4] {
    use Action::{AwaitOwnMemory, Commit, NoteTime, ReadRows};
    match world.without {
        Some(Rule::RowsAfterCommit) => [ReadRows, Commit, NoteTime, AwaitOwnMemory],
        Some(Rule::BoundFromCommit) => [NoteTime, Commit, AwaitOwnMemory, ReadRows],
        _ => [Commit, NoteTime, AwaitOwnMemory, ReadRows],
    }
}

pub(super) fn steps(world: &World, state: &State, next: &mut Next) {
    if !state.revocation.is_answered {
        match nth(&order(world), state.revocation.done) {
            Some(action) => act(world, state, action, next),
            None => settle(world, state, next),
        }
    }
    if world.scenario.first == First::ChangesSomethingElse {
        change_something_else(world, state, next);
    }
}

fn act(world: &World, state: &State, action: Action, next: &mut Next) {
    let mut after = *state;
    after.revocation.done += 1;
    let does = match action {
        Action::Commit => {
            after.database.head += 1;
            after.database.revoked = after.database.head;
            "commits"
        }
        Action::NoteTime => {
            after.revocation.waited = 0;
            "notes the time"
        }
        Action::AwaitOwnMemory => {
            if !own_memory_is_awaited(world, state) {
                return;
            }
            "need not wait for its own server"
        }
        Action::ReadRows => {
            after.revocation.bound = bound_behind(world, state);
            "reads the rows"
        }
    };
    next.add(WHO, None, does, after);
}

fn own_memory_is_awaited(world: &World, state: &State) -> bool {
    world.scenario.first != First::Revokes
        || !world.keeps(Rule::OwnMemoryIsAwaited)
        || state.replicas[0].memory.applied >= state.database.revoked
        || state.revocation.waited >= world.scenario.bounds[0]
}

/// The largest bound of the other servers that have not noted the change; 0 = all have.
fn bound_behind(world: &World, state: &State) -> u8 {
    let skipped = usize::from(world.scenario.first == First::Revokes);
    // Before the commit it has no number yet, and everybody is behind it.
    let number = if state.database.revoked == 0 { u8::MAX } else { state.database.revoked };
    let is_behind = |replica: &Replica| replica.row.is_there && replica.row.applied < number;
    let others = || state.replicas.iter().zip(world.scenario.bounds).skip(skipped);
    let behind = others().filter(|(replica, _)| is_behind(replica)).map(|(_, bound)| *bound);
    if !world.keeps(Rule::EachServerIsAwaited) && others().any(|(replica, _)| !is_behind(replica)) {
        return 0;
    }
    let bound = if world.keeps(Rule::LargestBoundIsAwaited) { behind.max() } else { behind.min() };
    bound.unwrap_or(0)
}

/// Answers, or looks at the rows again.
fn settle(world: &World, state: &State, next: &mut Next) {
    let bound = state.revocation.bound;
    if bound == 0 || state.revocation.waited >= bound {
        let mut after = *state;
        after.revocation.is_answered = true;
        (after.revocation.waited, after.revocation.bound) = (0, 0);
        next.add(WHO, None, "is answered", after);
    } else {
        let mut after = *state;
        after.revocation.bound = bound_behind(world, state);
        next.add(WHO, None, "reads the rows again", after);
    }
}

fn change_something_else(world: &World, state: &State, next: &mut Next) {
    let mut after = *state;
    match state.unrelated {
        Unrelated::NotMade => {
            after.database.head += 1;
            after.unrelated = Unrelated::Committed(after.database.head);
            next.add("first server", None, "changes something else", after);
        }
        Unrelated::Committed(number) if !world.keeps(Rule::OnlyFollowerMovesApplied) => {
            let memory = &mut after.replicas[0].memory;
            (memory.seen, memory.applied) = (memory.seen.max(number), memory.applied.max(number));
            after.unrelated = Unrelated::Over;
            next.add("first server", None, "takes its own change for applied", after);
        }
        Unrelated::Committed(_) | Unrelated::Over => {}
    }
}
