//! One look after another (`follower.rs`).

use super::super::{
    rule::Rule,
    scenario::World,
    search::Next,
    state::{Follower, Known, State},
};
use super::nth;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    NoteTime,
    ReadCounter,
    ReadEntries,
    RaiseSeen,
    Forget,
    Publish,
    RenewTrust,
}

fn order(world: &World) -> [Action; 7] {
    use Action::{Forget, NoteTime, Publish, RaiseSeen, ReadCounter, ReadEntries, RenewTrust};
    let mut order = [NoteTime, ReadCounter, ReadEntries, RaiseSeen, Forget, Publish, RenewTrust];
    match world.without {
        Some(Rule::TimeBeforeCounter) => order.swap(0, 1),
        Some(Rule::CounterBeforeEntries) => order.swap(1, 2),
        Some(Rule::SeenBeforeForget) => order.swap(3, 4),
        Some(Rule::ForgetBeforeApplied) => order.swap(4, 5),
        Some(Rule::AppliedBeforeTrust) => order.swap(5, 6),
        _ => {}
    }
    order
}

pub(super) fn steps(world: &World, state: &State, at: usize, next: &mut Next) {
    let State { database, replicas, .. } = state;
    step(world, state, (at, database.head), next);
    // A counter that is below what was seen is noticed.
    let is_taken = replicas[at].memory.seen <= database.standby && database.standby < database.head;
    if !world.keeps(Rule::ThePrimaryIsRead) && is_taken {
        step(world, state, (at, database.standby), next);
    }
}

/// The next action of the follower `at`, for which the counter is `counter`.
fn step(world: &World, state: &State, (at, counter): (usize, u8), next: &mut Next) {
    let order = order(world);
    let Some(action) = nth(&order, state.replicas[at].follower.done) else { return };
    let mut after = *state;
    let does = act(world, state, action, (at, counter), &mut after);
    let replica = &mut after.replicas[at];
    replica.follower.done += 1;
    if world.scenario.whole.is_look() && action == Action::ReadCounter {
        let rest = order.iter().skip_while(|action| **action != Action::ReadEntries);
        for action in rest.take_while(|action| **action != Action::RenewTrust) {
            act(world, state, *action, (at, counter), &mut after);
            after.replicas[at].follower.done += 1;
        }
    }
    let replica = &mut after.replicas[at];
    // Where the counter has not moved there is nothing to bring to memory.
    let is_behind = replica.follower.head != replica.memory.applied;
    while !is_behind
        && matches!(nth(&order, replica.follower.done), Some(Action::RaiseSeen | Action::Forget | Action::Publish))
    {
        replica.follower.done += 1;
    }
    if nth(&order, replica.follower.done).is_none() {
        replica.follower = Follower::default();
    }
    next.add("follower", Some(at), does, after);
}

fn act(world: &World, state: &State, action: Action, (at, counter): (usize, u8), after: &mut State) -> &'static str {
    let replica = &mut after.replicas[at];
    let (memory, follower) = (&mut replica.memory, &mut replica.follower);
    match action {
        Action::NoteTime => {
            (follower.age, follower.counts) = (0, true);
            "notes the time"
        }
        Action::ReadCounter => {
            follower.head = counter;
            if counter < state.database.head { "reads the counter of a standby" } else { "reads the counter" }
        }
        Action::ReadEntries => {
            let up_to = if follower.head == 0 { state.database.head } else { follower.head };
            follower.is_told = is_told(world, state, memory.applied, up_to);
            "reads the entries"
        }
        Action::RaiseSeen => {
            memory.seen = memory.seen.max(follower.head);
            "raises seen"
        }
        Action::Forget => {
            if follower.is_told {
                memory.standing = Known::Nothing;
            }
            "forgets"
        }
        Action::Publish => {
            memory.applied = follower.head;
            "publishes applied"
        }
        Action::RenewTrust => {
            if follower.counts || !world.keeps(Rule::LooksBelongToARegistration) {
                memory.look_lasts = memory.look_lasts.max(world.scenario.bounds[at] - follower.age);
            }
            "renews trust"
        }
    }
}

/// Whether the entries after `applied` and up to `head`, or their absence, make memory forget the credential.
fn is_told(world: &World, state: &State, applied: u8, head: u8) -> bool {
    let database = state.database;
    let is_new = applied < database.revoked && database.revoked <= head;
    if database.is_pruned { applied < database.revoked && world.keeps(Rule::ForgetBehindPruned) } else { is_new }
}
