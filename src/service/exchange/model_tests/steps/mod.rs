//! What each of those who act can do next. One step is what nobody else can come between: one access to something
//! shared.

mod change;
mod exchange;
mod follower;
mod presence;
mod time;
mod watcher;

use super::{scenario::World, search::Next, state::State};

/// Everything that can happen in `state`.
pub(super) fn all(world: &World, state: &State, next: &mut Next) {
    time::steps(world, state, next);
    change::steps(world, state, next);
    for at in 0..world.scenario.bounds.len() {
        follower::steps(world, state, at, next);
        presence::steps(world, state, at, next);
    }
    watcher::steps(world, state, next);
    exchange::steps(world, state, next);
}

/// What has been done out of `order`, and what is next.
fn nth<A: Copy>(order: &[A], done: u8) -> Option<A> {
    order.get(usize::from(done)).copied()
}
