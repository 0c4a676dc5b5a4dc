//! PostgreSQL goes away, or stands still, under load, and comes back.

use std::time::{Duration, Instant};

use super::{
    asked::{Asking, Seen, ms, pass, summary},
    ensure,
    http::Caller,
    postgres::Postgres,
    stage::{Scene, Stage},
};
use crate::Failure;

/// How long it is away.
const AWAY: Duration = Duration::from_secs(6);

/// How soon every answer must come, but for that of a change that was made.
const ANSWERED: Duration = Duration::from_millis(1500);

/// How soon a change that was made must be answered: only when every server goes by it, and 10 s are all that takes.
const CHANGED: Duration = Duration::from_secs(11);

/// How soon after its return everything must be as before.
const RESUMED: Duration = Duration::from_secs(2);

/// How long memory may be believed after PostgreSQL went: the bound.
const TRUSTED: Duration = Duration::from_secs(1);

pub(super) fn down(stage: &Stage) -> Result<String, Failure> {
    run(stage, Postgres::stop, AWAY, Postgres::start)
}

pub(super) fn restart(stage: &Stage) -> Result<String, Failure> {
    run(stage, Postgres::stop_fast, Duration::ZERO, Postgres::start)
}

pub(super) fn hangs(stage: &Stage) -> Result<String, Failure> {
    run(stage, Postgres::hang, AWAY, Postgres::go_on)
}

type Act = fn(&Postgres) -> Result<(), Failure>;

fn run(stage: &Stage, go: Act, away: Duration, come: Act) -> Result<String, Failure> {
    let scene = stage.set(None)?;
    let address = scene.server.address;
    let Scene { caller, session, .. } = &scene;
    let (dead_id, dead) = caller.created(session)?;
    caller.revoke(session, &dead_id)?.good(204)?;
    let (_, alive) = caller.created(session)?;
    caller.exchange(&alive)?.good(200)?;

    let exchange = |token: &str| {
        let token = token.to_owned();
        Asking::start(address, move |caller| caller.exchange(&token))
    };
    let live: Vec<_> = (0..4).map(|_| exchange(&alive)).collect();
    let of_dead = exchange(&dead);
    let maker = session.clone();
    let creations = Asking::start(address, move |caller| caller.create(&maker));
    let others =
        ["/livez", "/.well-known/jwks.json"].map(|path| Asking::start(address, move |caller| caller.get(path)));

    pass(Duration::from_secs(1));
    let began = Instant::now();
    let went = go(stage.postgres()?);
    let gone = Instant::now();
    pass(away);
    let coming = Instant::now();
    // Whatever came of it: it must not stay away.
    come(stage.postgres()?)?;
    went?;
    let back = Instant::now();
    let resumed = resumes(address, &alive, back)?;
    pass(Duration::from_secs(1));

    let mut exchanges = Vec::new();
    for asking in live {
        exchanges.extend(asking.stop()?);
    }
    let (revoked, creations) = (of_dead.stop()?, creations.stop()?);
    let mut open = Vec::new();
    for asking in others {
        open.extend(asking.stop()?);
    }
    let during = |seen: &[Seen]| -> Vec<Seen> {
        seen.iter().filter(|one| one.asked >= began && one.asked < coming).copied().collect()
    };
    for (what, seen) in [("exchanges", &exchanges), ("creations", &creations), ("of what was revoked", &revoked)] {
        crate::say(&format!("  {what}, meanwhile: {}; before and after: {}", summary(&during(seen)), summary(seen)));
    }
    crate::say(&format!("  livez and JWKS: {}", summary(&open)));
    ensure(open.iter().all(|one| one.status == 200), || "livez or JWKS did not answer".to_owned())?;
    ensure(revoked.iter().all(|one| matches!(one.status, 401 | 503)), || "what was revoked was granted".to_owned())?;
    ensure(exchanges.iter().all(is_200_or_503), || "an exchange was neither 200 nor 503 with Retry-After".to_owned())?;
    // What was answered after its return may have been read from it.
    let is_stale = |one: &Seen| one.status == 200 && one.asked > gone + TRUSTED && one.asked + one.took < coming;
    let late = exchanges.iter().any(is_stale);
    ensure(!late, || "granted when memory cannot be believed any more".to_owned())?;
    let (made, refused): (Vec<Seen>, Vec<Seen>) = creations.iter().partition(|one| one.status == 201);
    let is_503 = |one: &Seen| one.status == 503 && one.has_retry_after;
    ensure(refused.iter().all(is_503), || "a creation was neither 201 nor 503 with Retry-After".to_owned())?;
    let late = made.iter().filter(|one| one.took >= ANSWERED).count();
    let changed = longest(made.iter());
    ensure(changed < CHANGED, || format!("a creation took {changed:?}"))?;
    let answered = longest(exchanges.iter().chain(&refused).chain(&revoked).chain(&open));
    ensure(answered < ANSWERED, || format!("an answer took {answered:?}"))?;
    ensure(resumed < RESUMED, || format!("as before only {resumed:?} after its return"))?;
    scene.server.stop()?;
    let (away, longest, resumed) = (ms(coming - began), ms(answered), ms(resumed));
    Ok(format!(
        "{away} away; the longest answer took {longest}, {late} creations longer; as before {resumed} after its return"
    ))
}

fn is_200_or_503(one: &Seen) -> bool {
    one.status == 200 || (one.status == 503 && one.has_retry_after)
}

fn longest<'a>(seen: impl Iterator<Item = &'a Seen>) -> Duration {
    seen.map(|one| one.took).max().unwrap_or_default()
}

/// How long after `back` the first exchange is granted.
fn resumes(address: std::net::SocketAddr, token: &str, back: Instant) -> Result<Duration, Failure> {
    let caller = Caller::new(address);
    while back.elapsed() < Duration::from_secs(30) {
        if caller.exchange(token)?.status == 200 {
            return Ok(back.elapsed());
        }
    }
    Err("it does not go on".into())
}
