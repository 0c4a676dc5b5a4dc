//! Clients of several servers during a fault: they create tokens and revoke them, exchange live and revoked ones, and read
//! the feed.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    asked::{Meanwhile, pass},
    ensure,
    follower::{Follower, Known},
    http::{Answer, Caller},
    ledger::{Ledger, Lost, Revocation, Token},
    moving::Whereabouts,
};
use crate::Failure;

/// Between two requests of one client: the cores are needed by the servers.
const PAUSE: Duration = Duration::from_millis(3);

/// How many tokens a client leaves alive before it revokes the oldest, so that every server has them in memory.
const ALIVE: usize = 6;

/// How many of the latest tokens are exchanged again and again.
const LATEST: usize = 12;

/// Within this time each reader of the feed has heard of each revocation that was answered.
const HEARD: Duration = Duration::from_secs(10);

/// How long a server is waited for that does not serve again.
const RESUMED: Duration = Duration::from_secs(20);

pub(super) struct Traffic {
    meanwhile: Meanwhile,
    servers: Vec<SocketAddr>,
    session: String,
    owners: String,
    ledger: Arc<Mutex<Ledger>>,
    threads: Vec<JoinHandle<()>>,
    readers: Vec<Follower>,
}

/// What came of the traffic.
pub(super) struct Outcome {
    created: usize,
    revoked: usize,
    pub(super) lost: Lost,
    late: usize,
    missing: usize,
    odd: BTreeMap<String, usize>,
    /// Whom the feed did not tell of a revocation.
    deaf: Vec<String>,
    /// Numbers that stood for two different entries.
    repeated: Vec<i64>,
}

impl Traffic {
    /// Three clients of each server, one reader of each one's feed, and one of all in turn.
    pub(super) fn start(servers: &[SocketAddr], session: &str, owners: &str) -> Self {
        let mut traffic = Self {
            meanwhile: Meanwhile::default(),
            servers: servers.to_vec(),
            session: session.to_owned(),
            owners: owners.to_owned(),
            ledger: Arc::default(),
            threads: Vec::new(),
            readers: Vec::new(),
        };
        let places: Vec<_> = servers.iter().copied().map(Whereabouts::at).collect();
        traffic.readers.extend(places.iter().cloned().map(Follower::start));
        traffic.readers.push(Follower::balanced(places));
        for server in servers {
            let session = session.to_owned();
            let mut own = VecDeque::new();
            traffic.client(*server, move |caller, ledger, _| change(caller, ledger, &session, &mut own));
            traffic.client(*server, exchange_live);
            traffic.client(*server, exchange_revoked);
        }
        traffic
    }

    /// A client that does one thing again and again, with a new connection after an error.
    fn client(
        &mut self,
        server: SocketAddr,
        mut act: impl FnMut(&Caller, &Mutex<Ledger>, usize) -> Result<(), Failure> + Send + 'static,
    ) {
        let (is_over, ledger) = (self.meanwhile.is_over(), self.ledger.clone());
        self.threads.push(thread::spawn(move || {
            let mut caller = Caller::new(server);
            for turn in 0.. {
                if is_over() {
                    break;
                }
                if act(&caller, &ledger, turn).is_err() {
                    caller = Caller::new(server);
                }
                pass(PAUSE);
            }
        }));
    }

    /// How long after `since` every server grants an exchange and makes a token; `None` if one does not.
    pub(super) fn resumed(&self, since: Instant) -> Option<Duration> {
        for server in &self.servers {
            let mut caller = Caller::new(*server);
            let is_served = |caller: &Caller| {
                let status = |answer: Result<Answer, Failure>| answer.map_or(0, |answer| answer.status);
                status(caller.exchange(&self.owners)) == 200 && status(caller.create(&self.session)) == 201
            };
            while !is_served(&caller) {
                if since.elapsed() > RESUMED {
                    return None;
                }
                pass(PAUSE);
                caller = Caller::new(*server);
            }
        }
        Some(since.elapsed())
    }

    /// Ends it, and asks each server about each token.
    ///
    /// # Errors
    /// If a server does not answer, or a reader of the feed was told something impossible.
    pub(super) fn stop(self) -> Result<Outcome, Failure> {
        drop(self.meanwhile);
        for thread in self.threads {
            thread.join().map_err(|_| "a client panicked")?;
        }
        let ledger = locked(&self.ledger);
        let lost = ledger.lost(&self.servers)?;
        let revoked = ledger.revoked(&lost);
        let (mut deaf, mut heard) = (Vec::new(), Vec::new());
        for (place, reader) in self.readers.into_iter().enumerate() {
            if let Err(error) = reader.hears(revoked.iter(), HEARD) {
                deaf.push(format!("reader {place}: {error}"));
            }
            heard.push(reader.stop()?);
        }
        // What was lost with the database is told apart from what a server did not know.
        let kept = |places: &[usize]| places.iter().filter(|place| !lost.contains(**place)).count();
        Ok(Outcome {
            created: ledger.tokens.len(),
            revoked: revoked.len(),
            late: kept(&ledger.late),
            missing: kept(&ledger.missing),
            odd: ledger.odd.clone(),
            deaf,
            repeated: repeated(&heard),
            lost,
        })
    }
}

impl Outcome {
    /// In words, if nothing but what a failover may lose is wrong.
    ///
    /// # Errors
    /// If something else is: all of it.
    pub(super) fn good(&self) -> Result<String, Failure> {
        let Self { created, revoked, lost, late, missing, odd, deaf, repeated } = self;
        let told = format!(
            "{created} tokens created, {revoked} revoked; {} lost creations, {} lost revocations, {late} late exchanges",
            lost.creations.len(),
            lost.revocations.len(),
        );
        let wrong = [
            (*late > 0, format!("{late} exchanges were granted after the revocation was answered")),
            (*missing > 0, format!("{missing} exchanges of live tokens were refused")),
            (!odd.is_empty(), format!("odd answers: {odd:?}")),
            (!deaf.is_empty(), format!("not told by the feed: {}", deaf.join("; "))),
            (!repeated.is_empty(), format!("numbers came again: {repeated:?}")),
            (*created == 0 || *revoked == 0, "nothing was tried".to_owned()),
        ];
        let wrong: Vec<_> = wrong.into_iter().filter_map(|(is_wrong, what)| is_wrong.then_some(what)).collect();
        ensure(wrong.is_empty(), || format!("{} ({told})", wrong.join("; ")))?;
        Ok(told)
    }

    /// The same if nothing at all was lost.
    ///
    /// # Errors
    /// If something was.
    pub(super) fn without_loss(&self) -> Result<String, Failure> {
        let told = self.good()?;
        ensure(self.lost.count() == 0, || format!("what was answered is lost ({told})"))?;
        Ok(told)
    }
}

/// Makes a token, and revokes each second one some time later.
fn change(
    caller: &Caller,
    ledger: &Mutex<Ledger>,
    session: &str,
    own: &mut VecDeque<(usize, String)>,
) -> Result<(), Failure> {
    if own.len() > ALIVE
        && let Some((place, id)) = own.pop_front()
    {
        locked(ledger).set(place, Revocation::Asked);
        let answer = caller.revoke(session, &id);
        let at = Instant::now();
        return match answer {
            Ok(answer) if answer.status == 204 => {
                locked(ledger).set(place, Revocation::Answered(at));
                Ok(())
            }
            // A failover has lost its creation.
            Ok(answer) if answer.status == 404 => {
                locked(ledger).set(place, Revocation::Unasked);
                Ok(())
            }
            other => {
                own.push_front((place, id));
                unanswered(other, "revocation", ledger)
            }
        };
    }
    match caller.create(session) {
        Ok(answer) if answer.status == 201 => {
            let token =
                Token { id: answer.member("id")?, text: answer.member("token")?, revocation: Revocation::Unasked };
            let id = token.id.clone();
            let mut ledger = locked(ledger);
            let place = ledger.tokens.len();
            ledger.tokens.push(token);
            if place.is_multiple_of(2) {
                own.push_back((place, id));
            }
            Ok(())
        }
        other => unanswered(other, "creation", ledger),
    }
}

/// A change that was not made, as far as its client knows: a 503 with `Retry-After`, or no answer.
fn unanswered(answer: Result<Answer, Failure>, what: &str, ledger: &Mutex<Ledger>) -> Result<(), Failure> {
    let answer = answer?;
    if answer.status != 503 || !answer.has_retry_after {
        locked(ledger).note(format!("{} for a {what}", answer.status));
    }
    Ok(())
}

/// Exchanges one of the latest tokens that nobody has asked to revoke.
fn exchange_live(caller: &Caller, ledger: &Mutex<Ledger>, turn: usize) -> Result<(), Failure> {
    let is_live = |token: &Token| token.revocation == Revocation::Unasked;
    let Some((place, token)) = latest(ledger, turn, is_live) else { return Ok(()) };
    let status = caller.exchange(&token.text)?.status;
    let mut ledger = locked(ledger);
    let is_still_live = ledger.tokens.get(place).is_some_and(is_live);
    match status {
        401 if is_still_live => ledger.missing.push(place),
        200 | 401 | 503 => {}
        _ => ledger.note(format!("{status} for an exchange")),
    }
    Ok(())
}

/// Exchanges one of the tokens whose revocation was answered: the latest ones, and each fourth time any.
fn exchange_revoked(caller: &Caller, ledger: &Mutex<Ledger>, turn: usize) -> Result<(), Failure> {
    let is_revoked = |token: &Token| matches!(token.revocation, Revocation::Answered(_));
    let any = || {
        let ledger = locked(ledger);
        let place = turn.checked_rem(ledger.tokens.len())?;
        Some((place, ledger.tokens.get(place).filter(|token| is_revoked(token))?.clone()))
    };
    let chosen = if turn.is_multiple_of(4) { any() } else { latest(ledger, turn, is_revoked) };
    let Some((place, token)) = chosen else { return Ok(()) };
    let status = caller.exchange(&token.text)?.status;
    match status {
        401 | 503 => {}
        200 => locked(ledger).late.push(place),
        _ => locked(ledger).note(format!("{status} for an exchange")),
    }
    Ok(())
}

/// One of the latest tokens that are meant, another one each turn.
fn latest(ledger: &Mutex<Ledger>, turn: usize, is_meant: impl Fn(&Token) -> bool) -> Option<(usize, Token)> {
    let ledger = locked(ledger);
    let meant = ledger.tokens.iter().enumerate().rev().filter(|(_, token)| is_meant(token));
    let meant: Vec<_> = meant.take(LATEST).collect();
    let (place, token) = meant.get(turn.checked_rem(meant.len())?)?;
    Some((*place, (*token).clone()))
}

/// The numbers under which readers were told of different entries.
fn repeated(heard: &[Known]) -> Vec<i64> {
    let (mut by_number, mut repeated) = (BTreeMap::new(), Vec::new());
    for entry in heard.iter().flat_map(|known| &known.entries) {
        let first = by_number.entry(entry.seq).or_insert(entry);
        if *first != entry {
            repeated.push(entry.seq);
        }
    }
    repeated
}

fn locked(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
