use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{task::JoinSet, time};

use super::{Arguments, Stage, api::Api, spread::spread};
use crate::{
    Failure,
    load::{Connection, request},
    say,
};

/// How long all clients have to be back at the feed before the next revocation.
const PAUSE: Duration = Duration::from_millis(300);

/// Who heard of a revocation, and when.
struct Heard {
    id: String,
    at: Instant,
}

/// Revokes with many clients waiting at the feed, first of one server and then of all, and says how long after the answer
/// each heard of it.
pub(super) async fn run(stage: &Stage, api: &mut Api, arguments: &Arguments) -> Result<(), Failure> {
    round(&[stage.first()], api, arguments).await?;
    if stage.servers.len() > 1 {
        round(&stage.addresses(), api, arguments).await?;
    }
    Ok(())
}

async fn round(addresses: &[SocketAddr], api: &mut Api, arguments: &Arguments) -> Result<(), Failure> {
    let (waiting, revocations) = (arguments.waiting, arguments.revocations);
    say(&format!("{revocations} revocations, {waiting} clients at the feed of {} server(s)", addresses.len()));
    let head = api.head().await?;
    let mut clients = JoinSet::new();
    for address in addresses.iter().cycle().take(waiting) {
        clients.spawn(listen(*address, head, revocations + 1));
    }
    let mut answers = HashMap::new();
    // One more: while it comes, clients may still be connecting.
    for _ in 0..=revocations {
        let victim = api.create().await?;
        time::sleep(PAUSE).await;
        let answered = api.revoke(&victim.id).await?;
        answers.insert(victim.id, answered.at);
    }
    let mut delays = Vec::new();
    while let Some(client) = clients.join_next().await {
        for Heard { id, at } in client??.into_iter().skip(1) {
            let answered = answers.get(&id).ok_or("the feed tells of another credential")?;
            delays.push(at.saturating_duration_since(*answered));
        }
    }
    let before = delays.iter().filter(|delay| **delay == Duration::ZERO).count();
    say(&format!("  heard after the answer: {}; {before} of {} before it", spread(&delays), delays.len()));
    Ok(())
}

/// Waits for so many revocations after `head`.
async fn listen(address: SocketAddr, mut head: i64, revocations: usize) -> Result<Vec<Heard>, Failure> {
    let mut connection = Connection::open(address).await?;
    let mut all = Vec::new();
    while all.len() < revocations {
        let request = request("GET", &format!("/revocations?after={head}&wait=30"), "", "");
        let answer = connection.send(&request).await?;
        let at = Instant::now();
        let feed: Value = serde_json::from_slice(answer.body)?;
        let told = feed["head"].as_i64().ok_or_else(|| format!("the feed answers {}", answer.status))?;
        if told < head {
            // A server that is behind has waited as long as it was asked to; what it says is no news.
            continue;
        }
        head = told;
        for entry in feed["entries"].as_array().into_iter().flatten() {
            let id = entry["credential"].as_str().ok_or("an entry without a credential")?.to_owned();
            all.push(Heard { id, at });
        }
    }
    Ok(all)
}
