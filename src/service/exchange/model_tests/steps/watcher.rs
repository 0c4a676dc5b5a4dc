//! Another server's watcher, which removes the first server's row when that stands still (`watcher.rs`).

use super::super::{
    rule::Rule,
    scenario::World,
    search::Next,
    state::{BEAT_LASTS, Row, State, Watcher, Watching},
};

const WHO: &str = "watcher";

pub(super) fn steps(world: &World, state: &State, next: &mut Next) {
    if !world.scenario.rows_come_and_go || !state.replicas[0].row.is_there {
        return;
    }
    let mut after = *state;
    let does = match state.watcher.doing {
        Watching::Resting if !world.keeps(Rule::WatcherTimesAfterReading) => {
            after.watcher.doing = Watching::Timed(0);
            "reads its clock"
        }
        Watching::Resting => read(&mut after, 0),
        Watching::Timed(age) => read(&mut after, age),
        Watching::Read { is_known, age } => {
            judge(&mut after, is_known, if world.keeps(Rule::WatcherTimesAfterReading) { 0 } else { age })
        }
        Watching::Removing => remove(world, &mut after),
    };
    next.add(WHO, None, does, after);
}

fn read(state: &mut State, age: u8) -> &'static str {
    let watcher = &mut state.watcher;
    watcher.doing = Watching::Read { is_known: watcher.known_for.is_some() && watcher.is_still, age };
    watcher.is_still = true;
    "reads the row"
}

fn judge(state: &mut State, is_known: bool, age: u8) -> &'static str {
    let watcher = &mut state.watcher;
    let known_for = watcher.known_for.filter(|_| is_known).unwrap_or(age);
    watcher.known_for = Some(known_for);
    if known_for.saturating_sub(age) < BEAT_LASTS {
        watcher.doing = Watching::Resting;
        "finds it alive"
    } else {
        watcher.doing = Watching::Removing;
        "finds that it stands still"
    }
}

fn remove(world: &World, state: &mut State) -> &'static str {
    if state.watcher.is_still || !world.keeps(Rule::OnlyStillRowsAreRemoved) {
        state.replicas[0].row = Row::default();
        state.watcher = Watcher::default();
        "removes it"
    } else {
        state.watcher.doing = Watching::Resting;
        "leaves it, since it has beaten"
    }
}
