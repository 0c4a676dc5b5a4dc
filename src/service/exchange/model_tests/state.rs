//! Everything that is somewhere at one moment: in the database, in the servers, under way.
//!
//! Numbers of the list begin at 1; 0 says "not read" or "not there". Times are ages, or what is left, in ticks: so
//! time has no end and there are only so many states. A tick is as long as the smallest bound, as the time for which
//! a beat is good, and as the life of an access token. The code takes 0.8 of the bound, and half of the time that a row
//! may stand still; the model takes all of it, so that nothing holds only thanks to a margin.

/// How long memory is believed after a beat, and how long a row may stand still (`BEAT_LASTS`, `STILL_FOR`).
pub(super) const BEAT_LASTS: u8 = 1;

/// How long an access token lives.
pub(super) const TOKEN_LIVES: u8 = 1;

/// What does not become less.
pub(super) const FOREVER: u8 = u8::MAX;

/// What is known of the one credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Known {
    #[default]
    Nothing,
    Alive,
    Revoked,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Broken {
    /// An exchange that began after the revocation was answered was granted.
    GrantedAfterTheAnswer,
    /// An access token came out that the entry does not revoke: its `rev` is not below the entry's number.
    NotCovered,
    /// An access token came out that is good for longer than its entry is kept.
    OutlivesItsEntry,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) database: Database,
    pub(super) revocation: Revocation,
    pub(super) unrelated: Unrelated,
    pub(super) replicas: [Replica; 2],
    pub(super) watcher: Watcher,
    pub(super) exchanges: [Exchange; 2],
    pub(super) broken: Option<Broken>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Database {
    /// The counter.
    pub(super) head: u8,
    /// How far a standby has come, which somebody may take for the database (only without the rule).
    pub(super) standby: u8,
    /// The number of the entry that revokes the credential.
    pub(super) revoked: u8,
    /// How long ago; no more than an entry is kept.
    pub(super) age: u8,
    /// Whether that entry has been removed (`pruned_to` is its number).
    pub(super) is_pruned: bool,
}

/// The change that revokes the credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Revocation {
    /// How many of its actions are done.
    pub(super) done: u8,
    pub(super) is_answered: bool,
    /// For how long the bound has counted; no more than the largest.
    pub(super) waited: u8,
    /// The bound of those that were behind at the last look; 0 = nobody was.
    pub(super) bound: u8,
}

/// A change of something else, by the first server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Unrelated {
    #[default]
    NotMade,
    Committed(u8),
    Over,
}

/// A server: its row, its memory, its follower and its noter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Replica {
    pub(super) row: Row,
    pub(super) memory: Memory,
    pub(super) follower: Follower,
    pub(super) presence: Presence,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) is_there: bool,
    pub(super) applied: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    pub(super) standing: Known,
    pub(super) seen: u8,
    pub(super) applied: u8,
    /// How long the last look is still good, and the last beat.
    pub(super) look_lasts: u8,
    pub(super) beat_lasts: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Follower {
    /// How many actions of its look are done.
    pub(super) done: u8,
    /// How long ago it began; no more than the bound.
    pub(super) age: u8,
    /// Whether there was no registration since the look began.
    pub(super) counts: bool,
    /// The counter as it was read.
    pub(super) head: u8,
    /// Whether the entries that were read name the credential.
    pub(super) is_told: bool,
}

/// Where the noter is, and how long ago it began (no more than a beat is good).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Presence {
    #[default]
    Unregistered,
    Registering {
        age: u8,
        applied: u8,
    },
    Registered {
        age: u8,
    },
    Resting,
    Noting {
        age: u8,
        applied: u8,
    },
    Noted {
        age: u8,
    },
    RowGone,
    /// Half of the leaving is done.
    Leaving,
    Left,
}

/// The watcher of the first server's row, with the beat that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Watcher {
    pub(super) doing: Watching,
    /// For how long it knows the row's beat (no longer than it may stand still), if it knows the row.
    pub(super) known_for: Option<u8>,
    /// Whether the row has not beaten since it was read.
    pub(super) is_still: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Watching {
    #[default]
    Resting,
    /// It has read its clock, so long ago (only without the rule).
    Timed(u8),
    /// It has read the row; whether that had the beat it knew, and how long ago it has read its clock.
    Read {
        is_known: bool,
        age: u8,
    },
    Removing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Exchange {
    pub(super) at: At,
    pub(super) replica: u8,
    /// Whether it began after the revocation was answered.
    pub(super) is_late: bool,
    /// Whether the wall clock it read is so late that the entry is gone before the access token is.
    pub(super) is_dated_late: bool,
    pub(super) rev: u8,
    /// The counter that its load read.
    pub(super) counter: u8,
    pub(super) found: Known,
}

/// Where an exchange is; each number says how many actions of that part are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum At {
    #[default]
    NotBegun,
    Looking(u8),
    /// Memory does not have the credential.
    Missed,
    /// Leads a load.
    Loading(u8),
    Loaded,
    /// Its offer was found new enough (only without the lock).
    Offering,
    /// Reads the database for itself alone, for want of trust.
    Fresh(u8),
}
