//! A service that follows the feed of two servers behind a balancer, while the database may fail over and lose what was
//! committed last, and one server may go away. It knows the list up to a number and may be wrong in three ways: it accepts a
//! token that was revoked longer ago than it may (unless the revocation itself was lost), it is deaf for good, or it reads
//! the whole list again though nothing was lost.
//!
//! Times are ages in ticks, no greater than can matter.

use super::search::{Model, Next, search};

/// What the servers see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Each change takes a number that the clock had not come to before (`store/list.rs`).
    NumbersByTheClock,
    /// A follower with a new connection goes on above the clock (`follower.rs`).
    NewConnectionsRaise,
    /// An entry is stamped by the database's clock, not by one that may be hours behind (`database_clock.rs`).
    StampsByTheDatabase,
    /// A server that does not know the list as far as the service waits with its answer.
    BehindWaits,
}

const RULES: [Rule; 4] =
    [Rule::NumbersByTheClock, Rule::NewConnectionsRaise, Rule::StampsByTheDatabase, Rule::BehindWaits];

/// How old what the service knows may be when it accepts a token.
const MAX_AGE: u8 = 2;

/// How long after a look a server believes its memory.
const BOUND: u8 = 1;

/// Older than anything goes by.
const OLD: u8 = MAX_AGE + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Target {
    /// Revokes the token.
    Token,
    /// Revokes another one.
    Other,
    /// A server saw the counter go back.
    Nobody,
    /// The same, and revokes all.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Entry {
    number: u8,
    target: Target,
    /// Whether it is over by its stamp as soon as it is there.
    is_over: bool,
}

impl Entry {
    fn is_shown(self) -> bool {
        self.target != Target::Nobody && !self.is_over
    }
}

/// Entries in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct List([Option<Entry>; 6]);

impl List {
    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.0.iter().flatten().copied()
    }

    fn add(&mut self, entry: Entry) {
        if self.entries().any(|known| known == entry) {
            return;
        }
        *self.0.iter_mut().find(|place| place.is_none()).expect("room") = Some(entry);
        self.0.sort_by_key(|place| place.map_or(u8::MAX, |entry| entry.number));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Link {
    Connected,
    /// The database failed over; nothing was read since.
    Broken,
    /// The server is not there any more.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Server {
    link: Link,
    seen: u8,
    head: u8,
    log: List,
    /// How long ago it looked.
    age: u8,
}

const FRESH: Server = Server { link: Link::Connected, seen: 0, head: 0, log: List([None; 6]), age: 0 };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Question {
    server: usize,
    after: u8,
    /// How long ago it was sent, and has arrived.
    sent: u8,
    arrived: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Answer {
    after: u8,
    head: u8,
    revokes: bool,
    /// How old what it says is: from the sending on, less what it was held, plus the age of the look.
    age: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "what has happened, one for each thing")]
struct State {
    counter: u8,
    list: List,
    /// The highest number that there ever was: where the clock is.
    top: u8,
    /// How long ago the token was revoked.
    revoked: Option<u8>,
    other_is_revoked: bool,
    has_failed_over: bool,
    servers: [Server; 2],
    /// What the service knows: up to which number, whether the token is revoked, and how old that is.
    known: u8,
    knows: bool,
    age: u8,
    question: Option<Question>,
    answer: Option<Answer>,
    reads_all_again: bool,
}

/// With all rules, or without one of them.
struct World {
    without: Option<Rule>,
}

fn older(age: u8, most: u8) -> u8 {
    most.min(age + 1)
}

impl World {
    fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    fn changes(&self, state: &State, next: &mut Next<State>) {
        let number = if self.keeps(Rule::NumbersByTheClock) { state.top } else { state.counter } + 1;
        for at in 0..2 {
            let Server { link, seen, .. } = state.servers[at];
            // No server makes a change under a number that it has seen.
            if link == Link::Gone || number <= seen {
                continue;
            }
            let changed = |target, is_over| {
                let mut after = *state;
                after.list.add(Entry { number, target, is_over });
                (after.counter, after.top) = (number, after.top.max(number));
                after
            };
            if !state.other_is_revoked {
                let after = State { other_is_revoked: true, ..changed(Target::Other, false) };
                next.add("server", Some(at), "revokes another token", after);
            }
            if state.revoked.is_none() {
                let after = State { revoked: Some(0), ..changed(Target::Token, false) };
                next.add("server", Some(at), "revokes the token", after);
            }
            if state.revoked.is_none() && !self.keeps(Rule::StampsByTheDatabase) {
                let after = State { revoked: Some(0), ..changed(Target::Token, true) };
                next.add("server", Some(at), "revokes the token, with a clock hours behind", after);
            }
        }
    }

    /// A look of the follower (`follower.rs`).
    fn look(&self, state: &State, at: usize) -> State {
        let mut after = *state;
        let server = &mut after.servers[at];
        let is_lost = |entry: Entry| !after.list.entries().any(|kept| kept == entry);
        let has_lost = after.counter < server.seen || server.log.entries().last().is_some_and(is_lost);
        let is_new = server.link == Link::Broken;
        if is_new && !has_lost && self.keeps(Rule::NewConnectionsRaise) {
            after.counter = after.counter.max(after.top) + 1;
        }
        server.link = Link::Connected;
        let shown: Vec<_> = after.list.entries().filter(|entry| entry.is_shown()).collect();
        if after.counter < server.seen || (is_new && has_lost) {
            let is_lacking = |entry: &Entry| !server.log.entries().any(|own| own == *entry);
            let lacks = shown.iter().filter(|entry| entry.number <= server.seen).any(is_lacking);
            let clock = if self.keeps(Rule::NumbersByTheClock) { after.top } else { 0 };
            let number = server.seen.max(after.counter).max(clock) + 1;
            let target = if lacks { Target::All } else { Target::Nobody };
            let all = Entry { number, target, is_over: false };
            after.list.add(all);
            after.counter = number;
            shown.into_iter().chain(Some(all).filter(|entry| entry.is_shown())).for_each(|entry| server.log.add(entry));
        } else {
            let is_new = |entry: &Entry| server.head < entry.number && entry.number <= after.counter;
            shown.into_iter().filter(is_new).for_each(|entry| server.log.add(entry));
        }
        (server.seen, server.head, server.age) = (server.seen.max(after.counter), after.counter, 0);
        after.top = after.top.max(after.counter);
        after
    }

    fn servers(&self, state: &State, next: &mut Next<State>) {
        for at in 0..2 {
            if state.servers[at].link == Link::Gone {
                continue;
            }
            let looked = self.look(state, at);
            if looked != *state {
                next.add("follower", Some(at), "looks", looked);
            }
            if state.has_failed_over && state.servers[1 - at].link != Link::Gone {
                let mut after = *state;
                after.servers[at] = Server { link: Link::Gone, age: BOUND + 1, ..FRESH };
                next.add("server", Some(at), "is gone", after);
            }
        }
    }

    fn fail_over(state: &State, next: &mut Next<State>) {
        let entries: Vec<_> = state.list.entries().collect();
        for kept in 0..entries.len() {
            // A revocation that is lost itself is not asked for.
            if state.has_failed_over || entries[kept..].iter().any(|entry| entry.target == Target::Token) {
                continue;
            }
            let mut after = State { has_failed_over: true, list: List::default(), ..*state };
            entries[..kept].iter().for_each(|entry| after.list.add(*entry));
            after.counter = entries[..kept].last().map_or(0, |entry| entry.number);
            for server in &mut after.servers {
                (server.link, server.age) = (Link::Broken, BOUND + 1);
            }
            next.add("database", None, "fails over and loses the last changes", after);
        }
    }

    fn service(&self, state: &State, next: &mut Next<State>) {
        if let Some(answer) = state.answer {
            let mut after = State { answer: None, ..*state };
            if answer.head < answer.after {
                after.reads_all_again = !state.has_failed_over;
                next.add("service", None, "takes an answer from before what it knows", after);
            } else {
                after.known = answer.head;
                (after.knows, after.age) = (state.knows || answer.revokes, state.age.min(answer.age));
                next.add("service", None, "takes the answer", after);
            }
        } else if let Some(question) = state.question {
            self.question(state, question, next);
        } else {
            for server in 0..2 {
                let question = Question { server, after: state.known, sent: 0, arrived: None };
                next.add("service", None, "asks", State { question: Some(question), ..*state });
            }
        }
    }

    fn question(&self, state: &State, question: Question, next: &mut Next<State>) {
        next.add("network", None, "loses the question", State { question: None, ..*state });
        let Question { server: at, after, sent, arrived } = question;
        let Some(arrived) = arrived else {
            let question = Some(Question { arrived: Some(0), ..question });
            next.add("network", None, "delivers the question", State { question, ..*state });
            return;
        };
        let Server { link, head, log, age, .. } = state.servers[at];
        if link == Link::Gone || age > BOUND || (head < after && self.keeps(Rule::BehindWaits)) {
            return;
        }
        let is_about_it = |entry: &Entry| matches!(entry.target, Target::Token | Target::All);
        let revokes = log.entries().any(|entry| entry.number > after && is_about_it(&entry));
        let answer = Answer { after, head, revokes, age: OLD.min(sent - arrived + age) };
        next.add("server", Some(at), "answers", State { question: None, answer: Some(answer), ..*state });
    }
}

fn passed(state: &State) -> State {
    let mut after = *state;
    after.revoked = state.revoked.map(|age| older(age, OLD));
    after.age = older(state.age, OLD);
    for server in &mut after.servers {
        server.age = older(server.age, BOUND + 1);
    }
    after.question = state.question.filter(|question| question.sent <= MAX_AGE).map(|question| Question {
        sent: older(question.sent, OLD),
        arrived: question.arrived.map(|arrived| older(arrived, OLD)),
        ..question
    });
    after.answer = state.answer.map(|answer| Answer { age: older(answer.age, OLD), ..answer });
    after
}

impl Model for World {
    type State = State;

    fn beginnings(&self) -> impl Iterator<Item = State> {
        std::iter::once(State {
            counter: 0,
            list: List::default(),
            top: 0,
            revoked: None,
            other_is_revoked: false,
            has_failed_over: false,
            servers: [FRESH; 2],
            known: 0,
            knows: false,
            age: OLD,
            question: None,
            answer: None,
            reads_all_again: false,
        })
    }

    fn broken(&self, state: &State) -> Option<String> {
        let State { known, knows, age, counter, servers, .. } = *state;
        let is_late = state.revoked.is_some_and(|since| since > MAX_AGE);
        let has_nothing_to_say =
            |server: &Server| server.link == Link::Gone || (server.link == Link::Connected && server.head == counter);
        if is_late && !knows && age <= MAX_AGE {
            Some("the service accepts the token".to_owned())
        } else if state.has_failed_over && known > counter && servers.iter().all(has_nothing_to_say) {
            Some("the service is deaf until somebody changes something".to_owned())
        } else {
            state.reads_all_again.then(|| "the service reads the whole list again".to_owned())
        }
    }

    fn steps(&self, state: &State, next: &mut Next<State>) {
        next.add("time", None, "passes", passed(state));
        self.changes(state, next);
        self.servers(state, next);
        Self::fail_over(state, next);
        self.service(state, next);
    }
}

#[test]
fn a_service_that_follows_the_feed_accepts_nothing_too_late_and_is_never_deaf() {
    let found = search(&World { without: None });
    println!("the feed: {} states", found.states);
    assert!(found.trace.is_none(), "{}", found.trace.expect("a trace"));
    assert!(found.states >= 10_000, "only {} states", found.states);
}

#[test]
fn each_rule_of_the_feed_is_needed() {
    for rule in RULES {
        let found = search(&World { without: Some(rule) });
        let trace = found.trace.unwrap_or_else(|| panic!("{rule:?} can be left out"));
        println!("without {rule:?} ({} states):\n{trace}\n", found.states);
    }
}
