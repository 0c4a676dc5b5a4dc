//! Which part of the whole is looked at: all of it at once has too many states.

use super::{
    rule::Rule,
    search::{Model, Next},
    state::{BEAT_LASTS, FOREVER, Known, Presence, State},
    steps,
};

/// How the memory of the servers is at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The servers have looked, and have the credential.
    Warm,
    /// They have looked, and have nothing.
    Cold,
    /// They have not registered.
    Unregistered,
}

/// What the first server does beside exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Nothing: a command revokes.
    Exchanges,
    /// It revokes.
    Revokes,
    /// A command revokes, and it changes something else.
    ChangesSomethingElse,
}

/// What is done in one step that otherwise is several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Nothing,
    Exchange,
    /// What the follower reads, and that it applies it.
    Look,
    ExchangeAndLook,
}

impl Whole {
    pub(super) fn is_exchange(self) -> bool {
        matches!(self, Self::Exchange | Self::ExchangeAndLook)
    }

    pub(super) fn is_look(self) -> bool {
        matches!(self, Self::Look | Self::ExchangeAndLook)
    }
}

/// A part of the whole. Exchanges come again and again, so many at once at most.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) starts: &'static [Start],
    /// The bound (`max_staleness`) of each server.
    pub(super) bounds: &'static [u8],
    pub(super) exchanges: usize,
    /// What the first server does beside exchanges.
    pub(super) first: First,
    /// Whether servers come, go and are taken for dead; otherwise their rows are there and beat.
    pub(super) rows_come_and_go: bool,
    /// Whether entries are removed and access tokens die.
    pub(super) entries_end: bool,
    /// What is one step.
    pub(super) whole: Whole,
    /// The least number of states: with fewer the search would have left something out.
    pub(super) at_least: usize,
}

/// The order of one server's steps among those of its exchanges.
pub(super) static ONE_SERVER: Scenario = Scenario {
    name: "one server, one exchange at a time",
    starts: &[Start::Warm, Start::Cold],
    bounds: &[1],
    exchanges: 1,
    first: First::Exchanges,
    rows_come_and_go: false,
    entries_end: false,
    whole: Whole::Nothing,
    at_least: 10_000,
};

/// For how long access tokens and entries last.
pub(super) static DATES: Scenario = Scenario {
    name: "one server, entries and tokens that end",
    bounds: &[2],
    entries_end: true,
    whole: Whole::Look,
    at_least: 60_000,
    ..ONE_SERVER
};

/// Exchanges that share a load.
pub(super) static LOADS: Scenario = Scenario {
    name: "one server, two exchanges at a time",
    starts: &[Start::Warm, Start::Cold],
    exchanges: 2,
    at_least: 180_000,
    ..ONE_SERVER
};

/// A change of something else by the same server.
pub(super) static TWO_CHANGES: Scenario = Scenario {
    name: "two changes",
    first: First::ChangesSomethingElse,
    whole: Whole::Exchange,
    at_least: 5_000,
    ..ONE_SERVER
};

/// A server that comes late, is taken for dead, comes again and leaves.
pub(super) static ROWS: Scenario = Scenario {
    name: "a server whose row comes and goes",
    starts: &[Start::Warm, Start::Unregistered],
    rows_come_and_go: true,
    whole: Whole::ExchangeAndLook,
    at_least: 220_000,
    ..ONE_SERVER
};

/// A server that changes something, and another with a larger bound.
pub(super) static TWO_SERVERS: Scenario = Scenario {
    name: "two servers",
    bounds: &[1, 2],
    first: First::Revokes,
    whole: Whole::ExchangeAndLook,
    at_least: 60_000,
    ..ONE_SERVER
};

/// A command beside two servers of which one has a larger bound.
pub(super) static COMMAND: Scenario =
    Scenario { name: "two servers and a command", first: First::Exchanges, ..TWO_SERVERS };

/// A scenario, without one of the rules or with all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) scenario: &'static Scenario,
    pub(super) without: Option<Rule>,
}

impl World {
    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    pub(super) fn largest_bound(&self) -> u8 {
        *self.scenario.bounds.iter().max().expect("a server")
    }

    fn beginning(&self, start: Start) -> State {
        let mut state = State::default();
        state.database.head = 1;
        if !self.keeps(Rule::ThePrimaryIsRead) {
            state.database.standby = 1;
        }
        for (replica, bound) in state.replicas.iter_mut().zip(self.scenario.bounds) {
            let memory = &mut replica.memory;
            if start == Start::Warm {
                memory.standing = Known::Alive;
            }
            if start == Start::Unregistered {
                continue;
            }
            (memory.seen, memory.applied, memory.look_lasts) = (1, 1, *bound);
            memory.beat_lasts = if self.scenario.rows_come_and_go { BEAT_LASTS } else { FOREVER };
            (replica.row.is_there, replica.row.applied) = (true, 1);
            replica.presence = Presence::Resting;
        }
        state
    }
}

impl Model for World {
    type State = State;

    fn beginnings(&self) -> impl Iterator<Item = State> {
        self.scenario.starts.iter().map(|start| self.beginning(*start))
    }

    fn broken(&self, state: &State) -> Option<String> {
        state.broken.map(|broken| format!("{broken:?}"))
    }

    fn steps(&self, state: &State, next: &mut Next) {
        steps::all(self, state, next);
    }
}
