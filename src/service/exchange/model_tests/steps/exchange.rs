//! Exchanges: clock, trust, `rev`, look-up, load, offer, verdict (`mod.rs`, `loads.rs`, `memory.rs`).

use super::super::{
    rule::Rule,
    scenario::World,
    search::Next,
    state::{At, Broken, Exchange, Known, State, TOKEN_LIVES},
};
use super::{nth, time::kept};

const WHO: &str = "exchange";

#[derive(Clone, Copy)]
enum Action {
    ReadClock,
    CheckTrust,
    ReadRev,
    LookUp,
}

fn order(world: &World) -> [Action; 4] {
    use Action::{CheckTrust, LookUp, ReadClock, ReadRev};
    match world.without {
        Some(Rule::TrustBeforeLookUp) => [ReadClock, LookUp, CheckTrust, ReadRev],
        Some(Rule::RevBeforeLookUp) => [ReadClock, CheckTrust, LookUp, ReadRev],
        Some(Rule::ClockBeforeRev) => [CheckTrust, ReadRev, ReadClock, LookUp],
        _ => [ReadClock, CheckTrust, ReadRev, LookUp],
    }
}

/// The exchange at `which` in a state that is being made.
struct Making<'a> {
    world: &'a World,
    state: State,
    which: usize,
}

pub(super) fn steps(world: &World, state: &State, next: &mut Next) {
    for which in 0..world.scenario.exchanges {
        let exchange = state.exchanges[which];
        // Those who have not begun are alike.
        if exchange.at == At::NotBegun && state.exchanges[..which].contains(&exchange) {
            continue;
        }
        let servers = if exchange.at == At::NotBegun { world.scenario.bounds.len() } else { 1 };
        for server in 0..servers {
            let mut making = Making { world, state: *state, which };
            if exchange.at == At::NotBegun {
                *making.exchange() = Exchange {
                    at: At::Looking(0),
                    replica: u8::try_from(server).expect("two servers"),
                    is_late: state.revocation.is_answered,
                    ..exchange
                };
            }
            if let Some(does) = making.go_on() {
                next.add(WHO, Some(which), does, making.state);
            }
        }
    }
}

impl Making<'_> {
    fn exchange(&mut self) -> &mut Exchange {
        &mut self.state.exchanges[self.which]
    }

    fn go_on(&mut self) -> Option<&'static str> {
        let does = self.step()?;
        if !self.world.scenario.whole.is_exchange() {
            return Some(does);
        }
        while self.exchange().at != At::NotBegun {
            self.step()?;
        }
        Some("is made")
    }

    fn step(&mut self) -> Option<&'static str> {
        match self.exchange().at {
            At::NotBegun => None,
            At::Looking(done) => Some(self.look(done)),
            At::Missed => self.lead_or_join(),
            At::Loading(done) => Some(self.load(done)),
            At::Loaded => Some(self.offer()),
            At::Offering => Some(self.insert()),
            At::Fresh(done) => self.read_for_itself(done),
        }
    }

    fn look(&mut self, done: u8) -> &'static str {
        let order = order(self.world);
        let server = usize::from(self.exchange().replica);
        let memory = self.state.replicas[server].memory;
        let action = nth(&order, done).expect("an action is left");
        self.exchange().at = At::Looking(done + 1);
        let does = match action {
            Action::ReadClock => {
                self.exchange().is_dated_late = self.is_too_late();
                "reads the clock"
            }
            Action::CheckTrust => {
                let beat_is_good = memory.beat_lasts > 0 || !self.world.keeps(Rule::BeatsLimitTrust);
                if memory.look_lasts == 0 || !beat_is_good {
                    (self.exchange().at, self.exchange().found) = (At::Fresh(0), Known::Nothing);
                    return "finds that memory is not trusted";
                }
                "finds memory trusted"
            }
            Action::ReadRev => {
                self.exchange().rev = memory.applied;
                "reads rev"
            }
            Action::LookUp => {
                self.exchange().found = memory.standing;
                "looks up"
            }
        };
        if nth(&order, done + 1).is_none() {
            if self.exchange().found == Known::Nothing {
                self.exchange().at = At::Missed;
            } else {
                self.judge();
            }
        }
        does
    }

    /// Whether the entry will be gone before an access token that is dated now; it does not matter who began late.
    fn is_too_late(&mut self) -> bool {
        let dies = self.state.database.age + TOKEN_LIVES > kept(self.world);
        self.world.scenario.entries_end && dies && !self.exchange().is_late
    }

    /// The exchange that leads the load on this server.
    fn leader(&mut self) -> Option<Exchange> {
        let replica = self.exchange().replica;
        let leads =
            |exchange: &&Exchange| matches!(exchange.at, At::Loading(_) | At::Loaded) && exchange.replica == replica;
        self.state.exchanges.iter().find(leads).copied()
    }

    fn lead_or_join(&mut self) -> Option<&'static str> {
        let Some(leader) = self.leader() else {
            self.exchange().at = At::Loading(0);
            return Some("leads a load");
        };
        let rev = self.exchange().rev;
        if leader.at != At::Loaded || (leader.counter < rev && self.world.keeps(Rule::JoinOnlyWhatIsNewEnough)) {
            return None;
        }
        self.exchange().found = leader.found;
        self.judge();
        Some("takes what the other has loaded")
    }

    fn load(&mut self, done: u8) -> &'static str {
        let does = self.read_half(done);
        self.exchange().at = if done == 0 { At::Loading(1) } else { At::Loaded };
        does
    }

    /// The counter, then the row.
    fn read_half(&mut self, done: u8) -> &'static str {
        let database = self.state.database;
        if (done == 0) == self.world.keeps(Rule::CounterBeforeRow) {
            self.exchange().counter = database.head;
            "reads the counter"
        } else {
            self.exchange().found = if database.revoked == 0 { Known::Alive } else { Known::Revoked };
            "reads the row"
        }
    }

    fn offer(&mut self) -> &'static str {
        let Exchange { counter, replica, .. } = *self.exchange();
        let memory = self.state.replicas[usize::from(replica)].memory;
        let least = match self.world.without {
            Some(Rule::OffersAreChecked) => 0,
            Some(Rule::OffersAreCheckedWithSeen) => memory.applied,
            _ => memory.seen,
        };
        if counter < least {
            self.judge();
            return "offers what is too old";
        }
        if self.world.keeps(Rule::OffersAreCheckedUnderTheLock) {
            return self.insert();
        }
        self.exchange().at = At::Offering;
        "finds its row new enough"
    }

    fn insert(&mut self) -> &'static str {
        let Exchange { found, replica, .. } = *self.exchange();
        self.state.replicas[usize::from(replica)].memory.standing = found;
        self.judge();
        "puts its row into memory"
    }

    fn read_for_itself(&mut self, done: u8) -> Option<&'static str> {
        if done == 0
            && !self.world.keeps(Rule::JoinOnlyWhileTrusted)
            && let Some(leader) = self.leader()
        {
            if leader.at != At::Loaded {
                return None;
            }
            (self.exchange().rev, self.exchange().found) = (leader.counter, leader.found);
            self.judge();
            return Some("takes what the other has loaded, though untrusted");
        }
        let does = self.read_half(done);
        self.exchange().at = At::Fresh(done + 1);
        if done == 1 {
            self.exchange().rev = self.exchange().counter;
            self.judge();
        }
        Some(does)
    }

    /// The end of the exchange: another may begin in its place.
    fn judge(&mut self) {
        let Exchange { found, rev, is_late, is_dated_late, .. } = *self.exchange();
        *self.exchange() = Exchange::default();
        let revoked = self.state.database.revoked;
        if found != Known::Alive {
            return;
        }
        self.state.broken = if is_late {
            Some(Broken::GrantedAfterTheAnswer)
        } else if revoked != 0 && rev >= revoked {
            Some(Broken::NotCovered)
        } else if is_dated_late {
            Some(Broken::OutlivesItsEntry)
        } else {
            None
        };
    }
}
