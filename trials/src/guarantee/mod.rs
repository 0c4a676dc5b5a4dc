//! The guarantee, tried: once the call that changes something has answered, no exchange that starts afterwards goes by the
//! old state, on any server; and whoever waits at the feed hears of it.

#![expect(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]

mod api;
mod changes;
mod feed;
mod probe;
mod spread;
mod stopped;
mod unhinted;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use patmint::domain::credential::CredentialKind;
use tokio::runtime;

use self::{api::Api, unhinted::Unhinted};
use crate::{
    Failure,
    load::{Length, Load, Order, Pace, Requests},
    say,
    seed::Seeder,
    server::{Server, keys_dir, serve},
};

/// The load on a server comes in pieces of this length.
const PIECE: Duration = Duration::from_secs(1);

/// What is tried.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The program
    #[arg(long, value_name = "FILE", default_value = "target/release/patmint")]
    patmint: PathBuf,
    /// An empty PostgreSQL database (an SQLite file takes one server only)
    #[arg(long, value_name = "URL")]
    database_url: String,
    /// How many servers
    #[arg(long, default_value_t = 3)]
    servers: usize,
    /// How many changes
    #[arg(long, default_value_t = 1000)]
    changes: usize,
    /// How many changes while one server stands still
    #[arg(long, default_value_t = 20)]
    stops: usize,
    /// How many clients wait at the feed
    #[arg(long, default_value_t = 500)]
    waiting: usize,
    /// How many revocations they hear of
    #[arg(long, default_value_t = 50)]
    revocations: usize,
    /// Over how many connections each server is kept busy meanwhile; 0 = none
    #[arg(long, default_value_t = 8)]
    load: usize,
    /// Without the database's hints that something has changed, on which nothing may depend
    #[arg(long)]
    without_hints: bool,
}

/// Several servers on one database, and somebody who manages them.
struct Stage {
    servers: Vec<Server>,
    seeder: Seeder,
    /// Tokens that no change is about, for the load.
    others: Vec<String>,
}

/// Tries everything and says what came of it.
///
/// # Errors
/// If the guarantee did not hold, or something could not be tried.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let seeder = Seeder::new(&arguments.database_url, &keys_dir(folder.path()), 10).await?;
    let others = seeder.make(CredentialKind::Jwt, 1000).await?;
    let mut servers = Vec::new();
    for number in 0..arguments.servers.max(1) {
        let mut command = serve(&arguments.patmint, folder.path(), &arguments.database_url);
        // All clients have one address here.
        command.args(["--max-feed-waiters-per-address", &arguments.waiting.max(1).to_string()]);
        servers.push(Server::start(command, folder.path(), &format!("patmint-{number}.log")).await?);
    }
    let stage = Stage { servers, seeder, others };
    let mut api = Api::sign_in(stage.first(), &stage.seeder.owner).await?;
    api.lift_limits().await?;
    let unhinted = arguments.without_hints.then(|| Unhinted::start(&arguments.database_url)).transpose()?;
    let held = changes::run(&stage, &mut api, arguments).await?;
    let woke = stopped::run(&stage, &mut api, arguments).await?;
    feed::run(&stage, &mut api, arguments).await?;
    unhinted.map_or(Ok(()), Unhinted::end)?;
    if held && woke { Ok(()) } else { Err("the guarantee did not hold".into()) }
}

impl Stage {
    fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    fn first(&self) -> SocketAddr {
        self.servers.first().map_or(SocketAddr::from(([127, 0, 0, 1], 0)), |server| server.address)
    }

    /// Keeps every server busy over so many connections each, until told to stop.
    fn busy(&self, connections: usize) -> Busy {
        let requests = Arc::new(Requests::exchanges(self.others.clone()));
        let told = Arc::new(AtomicBool::new(false));
        let start = |address| {
            let (requests, told) = (requests.clone(), told.clone());
            let load = Load {
                address,
                requests,
                order: Order::Random(1),
                connections,
                pace: Pace::Closed,
                warm_up: Duration::ZERO,
                length: Length::For(PIECE),
            };
            thread::spawn(move || pieces(&load, &told))
        };
        let addresses = if connections == 0 { Vec::new() } else { self.addresses() };
        Busy { threads: addresses.into_iter().map(start).collect(), told }
    }
}

/// Load on every server.
struct Busy {
    threads: Vec<thread::JoinHandle<Result<Exchanged, Failure>>>,
    told: Arc<AtomicBool>,
}

/// What a server answered under load.
#[derive(Default)]
struct Exchanged {
    answers: u64,
    refused: u64,
    elapsed: Duration,
}

/// Puts a load on a server again and again.
fn pieces(load: &Load, told: &AtomicBool) -> Result<Exchanged, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut all, began) = (Exchanged::default(), Instant::now());
    while !told.load(SeqCst) {
        let report = runtime.block_on(load.run())?;
        all.answers += report.answers();
        all.refused += report.other_than(200);
    }
    all.elapsed = began.elapsed();
    Ok(all)
}

impl Busy {
    /// Ends it and says what it was.
    fn end(self) -> Result<(), Failure> {
        self.told.store(true, SeqCst);
        for thread in self.threads {
            let Exchanged { answers, refused, elapsed } = thread.join().map_err(|_| "a load panicked")??;
            let rate = u128::from(answers) * 1000 / elapsed.as_millis().max(1);
            say(&format!("  load on a server meanwhile: {rate} exchanges/s, {refused} of {answers} not granted"));
        }
        Ok(())
    }
}
