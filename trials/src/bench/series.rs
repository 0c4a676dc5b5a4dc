//! What is measured, one function a series.

use std::{sync::Arc, time::Duration};

use tokio::time;

use super::{
    numbers::median,
    result::{BenchResult, Crowd, Start, Steady},
    sample::Sample,
    stage::Stage,
};
use crate::{
    Failure,
    load::{Connection, Length, Load, Order, Pace, Precedence, Requests},
    process::{self, Memory},
    say,
    server::Server,
};

/// So few fit into memory that nearly each exchange is a miss.
const TINY: &str = "64";

/// How many starts are timed.
const STARTS: usize = 5;

/// How many first exchanges of a credential are timed.
const COLD: u64 = 200;

/// Sign-ins a second beside steady exchanges, and their connections.
const SIGN_INS: (f64, usize) = (20.0, 8);

/// Exchanges a second beside a crowd, and how many it has.
const CROWD: (f64, usize) = (2000.0, 200);

/// Exchanges that memory answers; start and memory.
pub(super) async fn in_memory(stage: &Stage, result: &mut BenchResult, with_jwt: bool) -> Result<(), Failure> {
    let limit = stage.limit().await?;
    let (patmint, ready_ms) = started(stage).await?;
    let idle = idle(&patmint).await?;
    let cold = each_once(&patmint, &stage.opaque, 1, COLD).await?;
    let count = stage.opaque.len();
    each_once(&patmint, &stage.opaque, 32, u64::try_from(count)?).await?;
    let mut start =
        Start { credentials: count, ready_ms, cold_ms: cold, idle, touched: patmint.memory()?, loaded: idle };
    result.answer_bytes = Some([answer_bytes(&patmint, stage).await?, answer_bytes(&limit, stage).await?]);
    let both = [&patmint, &limit];
    for connections in &stage.arguments.connections {
        result.rows.push(stage.row("opaque", both, &stage.opaque, *connections).await?);
    }
    start.loaded = patmint.memory()?;
    if with_jwt {
        let connections = stage.arguments.connections.first().copied().unwrap_or(1);
        each_once(&patmint, &stage.jwt, 32, u64::try_from(stage.jwt.len())?).await?;
        result.rows.push(stage.row("jwt", both, &stage.jwt, connections).await?);
    }
    result.starts.push(start);
    stopped(limit, result);
    stopped(patmint, result);
    Ok(())
}

/// A server, and how long a start takes: the median of some.
async fn started(stage: &Stage) -> Result<(Server, f64), Failure> {
    let mut took = Vec::new();
    loop {
        let patmint = stage.patmint(&[]).await?;
        took.push(patmint.ready_after.as_secs_f64() * 1000.0);
        if took.len() == STARTS {
            return Ok((patmint, median(took)));
        }
        patmint.stop()?;
    }
}

/// The memory of a server that is done with its start: it hashes a password then, which takes 19 MiB for a moment.
async fn idle(server: &Server) -> Result<Memory, Failure> {
    for _ in 0..25 {
        let before = server.processor_time()?;
        time::sleep(Duration::from_millis(200)).await;
        if server.processor_time()? == before {
            break;
        }
    }
    Ok(server.memory()?)
}

/// Exchanges that read the database.
pub(super) async fn from_database(stage: &Stage, result: &mut BenchResult) -> Result<(), Failure> {
    let limit = stage.limit().await?;
    let connections = stage.arguments.connections.first().copied().unwrap_or(1);
    for (what, flag, value) in
        [("opaque, not in memory", "--cache-capacity", TINY), ("opaque, `max_staleness = 0`", "--max-staleness", "0")]
    {
        let patmint = stage.patmint(&[flag, value]).await?;
        result.rows.push(stage.row(what, [&patmint, &limit], &stage.opaque, connections).await?);
        stopped(patmint, result);
    }
    stopped(limit, result);
    Ok(())
}

/// Exchanges at fixed moments, with and without people who sign in beside.
pub(super) async fn steady(stage: &Stage, result: &mut BenchResult) -> Result<(), Failure> {
    let patmint = stage.patmint(&[]).await?;
    let count = u64::try_from(stage.opaque.len())?;
    each_once(&patmint, &stage.opaque, 32, count).await?;
    let rate = stage.arguments.rate;
    let none = |sign_ins| Steady { rate, sign_ins, samples: Vec::new(), sign_in_p50_ms: Vec::new(), sign_in_other: 0 };
    let (mut alone, mut beside) = (none(0.0), none(SIGN_INS.0));
    let first = goes_first(result);
    for round in 0..stage.arguments.rounds {
        say(&format!("measuring: {rate} exchanges a second, round {}", round + 1));
        let connections = stage.arguments.connections.first().copied().unwrap_or(1);
        let exchanges =
            Load { pace: Pace::Open(rate), ..stage.turn(&patmint, &stage.opaque, connections, round << 40) };
        let people = stage.turn(&patmint, &stage.sign_in, SIGN_INS.1, 0);
        let people = Load { pace: Pace::Open(SIGN_INS.0), ..people };
        alone.samples.push(Sample::take(&patmint, exchanges.clone()).await?);
        let (sample, signed_in) = tokio::join!(Sample::take(&patmint, exchanges), people.run());
        beside.samples.push(sample?);
        let signed_in = signed_in?;
        beside.sign_in_p50_ms.push(signed_in.quantile_ms(0.5));
        beside.sign_in_other += signed_in.other_than(201);
    }
    drop(first);
    result.steady.extend([alone, beside]);
    stopped(patmint, result);
    Ok(())
}

/// Exchanges at fixed moments, with a crowd that signs in at one moment amid them.
pub(super) async fn crowd(stage: &Stage, result: &mut BenchResult) -> Result<(), Failure> {
    let (rate, many) = CROWD;
    for round in 0..stage.arguments.rounds {
        say(&format!("measuring: {many} sign-ins at once, round {}", round + 1));
        // A new one each time: the most memory it ever had is that of this crowd.
        let patmint = stage.patmint(&[]).await?;
        each_once(&patmint, &stage.opaque, 32, u64::try_from(stage.opaque.len())?.min(10_000)).await?;
        let connections = stage.arguments.connections.first().copied().unwrap_or(1);
        let exchanges =
            Load { pace: Pace::Open(rate), ..stage.turn(&patmint, &stage.opaque, connections, round << 40) };
        let people = stage.turn(&patmint, &stage.sign_in, many, 0);
        let length = Length::Requests(u64::try_from(many)?);
        let people = Load { warm_up: Duration::ZERO, length, ..people };
        let people = async {
            time::sleep(exchanges.warm_up).await;
            people.run().await
        };
        let first = goes_first(result);
        let (exchanges, people) = tokio::join!(Sample::take(&patmint, exchanges.clone()), people);
        drop(first);
        let people = people?;
        result.crowds.push(Crowd {
            rate,
            exchanges: exchanges?,
            longest_ms: people.quantile_ms(1.0),
            sign_ins: people.statuses,
            peak: process::peak(patmint.pid())?,
        });
        stopped(patmint, result);
    }
    Ok(())
}

/// Lets the load generator go first: requests are late then because of the server, and not because of what the generator
/// itself waits for on cores that it shares.
fn goes_first(result: &mut BenchResult) -> Option<Precedence> {
    let precedence = Precedence::take();
    let remark = "The load generator may not go first on this machine (that is for root): latencies at fixed moments have \
                  its own waits in them.";
    if precedence.is_none() && !result.remarks.iter().any(|known| known == remark) {
        result.remarks.push(remark.to_owned());
    }
    precedence
}

/// Stops a server. One that ends badly has been measured all the same.
fn stopped(server: Server, result: &mut BenchResult) {
    if let Err(error) = server.stop() {
        say(&error.to_string());
        result.remarks.push(error.to_string());
    }
}

/// Exchanges the first `count` credentials once each; the median latency in milliseconds.
async fn each_once(server: &Server, requests: &Arc<Requests>, connections: usize, count: u64) -> Result<f64, Failure> {
    let report = Load {
        address: server.address,
        requests: requests.clone(),
        order: Order::Rotation,
        connections,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        length: Length::Requests(count),
    };
    let report = report.run().await?;
    match report.other_than(200) {
        0 => Ok(report.quantile_ms(0.5)),
        other => Err(format!("{other} of {count} exchanges failed: {:?}", report.statuses).into()),
    }
}

/// How long the body of an answer is.
async fn answer_bytes(server: &Server, stage: &Stage) -> Result<usize, Failure> {
    let mut connection = Connection::open(server.address).await?;
    Ok(connection.send(&stage.opaque.bytes(0)).await?.body.len())
}
