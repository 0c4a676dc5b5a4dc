//! A primary with a streaming standby: the standby is never taken for the database, and takes over without harm.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{
    asked::pass, ensure, follower::Follower, forwarder::Forwarder, http::Caller, moving::Whereabouts, nodes::Pair,
    scene::Scene, stage::Stage, traffic::Outcome,
};
use crate::{Failure, server::Server};

/// How long the standby is behind before something happens.
const BEHIND: Duration = Duration::from_secs(2);

/// How long the primary is away.
const AWAY: Duration = Duration::from_secs(3);

/// How many revocations are lost where they are counted.
const LOST: usize = 3;

/// How soon a reader has heard of what was revoked, and a server serves again.
const HEARD: Duration = Duration::from_secs(10);

const LISTEN: &str = "127.0.0.1:0";

/// How long the standby hears nothing before the primary is lost, where it is asynchronous: that much is lost.
const UNHEARD: Duration = Duration::from_millis(1500);

/// The URL of a database on several hosts.
fn url(hosts: &[SocketAddr], name: &str) -> String {
    let hosts: Vec<_> = hosts.iter().map(SocketAddr::to_string).collect();
    format!("postgres://postgres@{}/{name}", hosts.join(","))
}

fn pair(stage: &Stage, is_synchronous: bool) -> Result<Pair, Failure> {
    let pair = Pair::start(stage.postgres()?.bin(), is_synchronous, Ok)?;
    pair.primary.postgres.query("CREATE DATABASE patmint")?;
    Ok(pair)
}

/// The primary restarts while the standby is up and behind; the URL names both.
pub(super) fn lags(stage: &Stage) -> Result<String, Failure> {
    let pair = pair(stage, false)?;
    let both = url(&[pair.primary.address, pair.standby.address], "patmint");
    let scene = Scene::set(stage, &[both.clone(), both])?;
    pair.standby.postgres.query("SELECT pg_wal_replay_pause()")?;
    pass(BEHIND);
    pair.primary.postgres.stop_fast()?;
    pass(AWAY);
    pair.primary.postgres.start()?;
    let resumed = scene.resumed();
    scene.end(resumed, Outcome::without_loss)
}

/// One name, which leads to the standby for a while: DNS and balancers do that. Another server knows the primary.
pub(super) fn behind_name(stage: &Stage) -> Result<String, Failure> {
    let pair = pair(stage, false)?;
    let name = Forwarder::to(pair.primary.address)?;
    let scene = Scene::set(stage, &[url(&[pair.primary.address], "patmint"), url(&[name.address], "patmint")])?;
    pair.standby.postgres.query("SELECT pg_wal_replay_pause()")?;
    pass(BEHIND);
    name.lead(pair.standby.address);
    pass(AWAY);
    name.lead(pair.primary.address);
    let resumed = scene.resumed();
    scene.end(resumed, Outcome::without_loss)
}

/// The primary is lost and the synchronous standby takes over: nothing that was answered is lost.
pub(super) fn synchronous(stage: &Stage) -> Result<String, Failure> {
    let pair = pair(stage, true)?;
    let both = url(&[pair.primary.address, pair.standby.address], "patmint");
    let scene = Scene::set(stage, &[both.clone(), both.clone(), both])?;
    fails_over(&pair)?;
    let resumed = scene.resumed();
    scene.end(resumed, Outcome::without_loss)
}

/// The primary is lost and an asynchronous standby takes over, which had not heard of the last changes. Those are lost;
/// but no number comes again, and what is answered after the failover holds for every server and every reader of the feed.
pub(super) fn asynchronous(stage: &Stage) -> Result<String, Failure> {
    let mut between = None;
    let through = |primary| Ok(between.insert(Forwarder::to(primary)?).address);
    let pair = Pair::start(stage.postgres()?.bin(), false, through)?;
    let between = between.ok_or("the standby has a way to the primary")?;
    pair.primary.postgres.query("CREATE DATABASE patmint")?;
    let both = url(&[pair.primary.address, pair.standby.address], "patmint");
    let scene = Scene::set(stage, &[both.clone(), both.clone(), both])?;
    between.hold();
    pass(UNHEARD);
    fails_over(&pair)?;
    let resumed = scene.resumed();
    scene.end(resumed, |outcome| {
        let told = outcome.good()?;
        ensure(outcome.lost.count() > 0, || format!("nothing was lost, so nothing was tried ({told})"))?;
        Ok(told)
    })
}

/// The numbers that an asynchronous standby lost do not come again for something else. One server has seen them; another one
/// has not, and makes changes on the new primary until the counter is above them, before the first one is there again.
pub(super) fn numbers(stage: &Stage) -> Result<String, Failure> {
    let mut between = None;
    let through = |primary| Ok(between.insert(Forwarder::to(primary)?).address);
    let pair = Pair::start(stage.postgres()?.bin(), false, through)?;
    let between = between.ok_or("the standby has a way to the primary")?;
    pair.primary.postgres.query("CREATE DATABASE patmint")?;
    let names = [Forwarder::to(pair.primary.address)?, Forwarder::to(pair.primary.address)?];
    let [knows, does_not] = names.each_ref().map(|name| url(&[name.address], "patmint"));
    let owner = stage.bootstrap(&knows)?;
    let servers = [stage.start(stage.serving(&knows, None, LISTEN), "knows.log")?, stage.serve(&does_not)?];
    let [knows, does_not] = servers.each_ref().map(|server| Caller::new(server.address));
    let session = knows.session(&owner)?;
    let created = || (0..LOST).map(|_| knows.created(&session)).collect::<Result<Vec<_>, _>>();
    let [lost, victims, further] = [created()?, created()?, created()?];
    for (_, token) in lost.iter().chain(&victims) {
        knows.exchange(token)?.good(200)?;
    }
    let reader = Follower::start(Whereabouts::at(knows.address()));
    pass(BEHIND);
    names.iter().skip(1).chain([&between]).for_each(Forwarder::hold);
    revoke(&knows, &session, &lost)?;
    reader.hears(lost.iter().map(|(id, _)| id), HEARD)?;
    fails_over(&pair)?;
    for (name, caller, revoked) in [(&names[1], &does_not, [&victims, &further].as_slice()), (&names[0], &knows, &[])] {
        name.release();
        name.lead(pair.standby.address);
        let began = Instant::now();
        while caller.exchange(&owner.token)?.status != 200 {
            ensure(began.elapsed() < HEARD, || format!("a server does not serve again in {HEARD:?}"))?;
        }
        revoked.iter().try_for_each(|tokens| revoke(caller, &session, tokens))?;
    }
    let mut late = 0;
    for (_, token) in &victims {
        late += usize::from(knows.exchange(token)?.status == 200);
    }
    let heard = reader.hears(victims.iter().map(|(id, _)| id), HEARD);
    reader.stop()?;
    ensure(late == 0, || format!("{late} of {LOST} revoked tokens are granted by the server that knew their numbers"))?;
    heard?;
    servers.into_iter().try_for_each(Server::stop)?;
    Ok(format!(
        "{LOST} revocations lost; as many made then held on the server that knew the lost ones, and its feed told of them"
    ))
}

/// Revokes these, with patience for a server that is waited for.
fn revoke(caller: &Caller, session: &str, tokens: &[(String, String)]) -> Result<(), Failure> {
    tokens.iter().try_for_each(|(id, _)| caller.revoke(session, id)?.good(204).map(|_| ()))
}

/// The primary fails and never comes back; the standby takes over.
fn fails_over(pair: &Pair) -> Result<(), Failure> {
    pair.primary.postgres.kill()?;
    pair.promote()
}
